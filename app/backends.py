"""The adapters behind the ports, chosen by the settings: the lower half of the composition root."""

from functools import partial
from typing import Any

from dependency_injector import containers, providers

from adapters.cdn.local import LocalCdn
from adapters.cdn.s3 import S3Cdn
from adapters.cdn.s3_client import Keys, place
from adapters.crypto.checkpoints import FileCheckpoints
from adapters.crypto.exchange import DerivedExchangeKeys
from adapters.crypto.identity import Ed25519Identity
from adapters.crypto.key_wrap import X25519KeyWrap
from adapters.crypto.passwords import Argon2Hasher
from adapters.crypto.secret_box import AesGcmSecretBox
from adapters.crypto.secrets import NodeSecrets
from adapters.crypto.tokens import EdDsaTokens
from adapters.crypto.vlr1_cryptography import CryptographyCiphers
from adapters.crypto.vlr1_stream import Vlr1Sealer
from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.http.peers import HttpPeers
from adapters.http.pool import Pool
from adapters.http.writes import Writes
from adapters.jobs.huey_queue import open_job_queue
from adapters.media.assets import FileAssetStore
from adapters.media.names import GuessitNames
from adapters.media.nfo import XmlNfo
from adapters.media.probe import PyavMedia
from adapters.server.supervisor import NodeServer
from adapters.sql.queries.audit import SqlAuditReader, SqlAuditTrail
from adapters.sql.queries.catalogue import SqlCatalogue
from adapters.sql.queries.credentials import SqlCredentials
from adapters.sql.unit_of_work import SqlReadOnly, SqlUnitOfWork
from adapters.sql.upgrade import is_current
from adapters.storage.jellyfin.options import jellyfin_kind
from adapters.storage.registry import Kind, StorageRegistry, local_kind
from adapters.storage.s3 import s3_kind
from adapters.storage.velour import VelourStorage
from adapters.storage.watching import WatchdogWatcher
from adapters.storage.web.options import web_kind
from adapters.storage.web.reach import Client
from adapters.system.clock import SystemClock
from adapters.system.counters import RedisCounters, SqliteCounters
from adapters.system.ids import new_uuid7
from adapters.system.processes import ProcessNames
from app.limits import LimitFigures, Limits
from app.settings import Settings
from app.usecases.federation.access import ReadAccess
from app.usecases.library.locations import LocationSecrets
from domain.library.storage_location import StorageLocation, StorageType


def _counters(settings: Settings) -> RedisCounters | SqliteCounters:
    if settings.redis.url:
        return RedisCounters.from_url(settings.redis.url)
    return SqliteCounters(settings.data_dir / "counters.db")


def _figures(settings: Settings) -> LimitFigures:
    return LimitFigures(
        requests_per_hour=settings.federation.rate_limit_per_hour,
        streams_per_hour=settings.federation.stream_limit_per_hour,
        key_failures_per_minute=settings.limits.key_failures_per_minute,
        sign_in_failures=settings.limits.sign_in_failures,
        sign_in_window_s=settings.limits.sign_in_window_s,
        enabled=settings.limits.enabled,
    )


def _s3_cdn(settings: Settings, outbound: Outbound) -> S3Cdn:
    given = settings.resources
    return S3Cdn(
        place(
            endpoint=given.s3_endpoint_url,
            bucket=given.s3_bucket,
            region=given.s3_region,
            prefix=given.s3_prefix,
        ),
        reader=Keys(given.s3_reader_key_id, given.s3_reader_secret.get_secret_value()),
        writer=Keys(given.s3_writer_key_id, given.s3_writer_secret.get_secret_value()),
        origins=outbound,
        writes=Writes(outbound, timeout_s=settings.storage.page_timeout_s),
    )


def _velour_kind(read_access: ReadAccess, outbound: Outbound) -> Kind:
    def make(location: StorageLocation, _secrets: object) -> VelourStorage:
        connection_id = location.connection_id
        assert connection_id is not None  # noqa: S101 - a location of this type has one
        return VelourStorage(lambda: read_access(connection_id), outbound)

    return Kind(make)


def _local_kind(settings: Settings) -> Kind:
    return local_kind(
        growing_seconds=settings.library.growing_seconds, data_dir=settings.node.data_dir
    )


class Backends(containers.DeclarativeContainer):
    """Providers of what the use cases are given."""

    settings: providers.Dependency[Any] = providers.Dependency()
    engine: providers.Dependency[Any] = providers.Dependency()
    key_files: providers.Dependency[Any] = providers.Dependency()
    given = settings.provided

    # -- system
    clock = providers.ThreadSafeSingleton(SystemClock)
    new_id = providers.Object(new_uuid7)
    counters = providers.ThreadSafeSingleton(_counters, settings)
    limits = providers.ThreadSafeSingleton(Limits, counters, providers.Callable(_figures, settings))
    process_names = providers.ThreadSafeSingleton(ProcessNames)

    # -- crypto
    hasher = providers.ThreadSafeSingleton(Argon2Hasher)
    secrets = providers.ThreadSafeSingleton(
        NodeSecrets, pepper=key_files.provided.pepper, signing_key=key_files.provided.sign
    )
    secret_box = providers.ThreadSafeSingleton(AesGcmSecretBox, key_files.provided.boxes)
    identity = providers.ThreadSafeSingleton(
        Ed25519Identity,
        key_files.provided.identity_pem,
        instance_id=key_files.provided.instance_id,
    )
    checkpoints = providers.ThreadSafeSingleton(
        FileCheckpoints,
        providers.Callable(lambda s: s.data_dir / "audit.checkpoint", settings),
        identity,
    )

    # -- sql
    unit_of_work = providers.Factory(SqlUnitOfWork, engine, new_id=new_id, checkpoints=checkpoints)
    read_only = providers.Factory(SqlReadOnly, engine)
    catalogue = providers.ThreadSafeSingleton(SqlCatalogue, engine)
    credentials = providers.ThreadSafeSingleton(SqlCredentials, engine)
    audit_trail = providers.ThreadSafeSingleton(SqlAuditTrail, engine, checkpoints=checkpoints)
    audit_reader = providers.ThreadSafeSingleton(SqlAuditReader, engine)
    is_ready = providers.Factory(partial, is_current, engine)

    # -- other nodes
    read_access = providers.ThreadSafeSingleton(
        ReadAccess, credentials, secret_box, given.federation.enabled
    )
    outbound = providers.ThreadSafeSingleton(
        Outbound,
        providers.ThreadSafeSingleton(
            Dialer,
            providers.Callable(AddressRules, given.federation.allowed_networks),
            connect_timeout_s=given.federation.connect_timeout_s,
            require_https=given.federation.require_https,
        ),
        providers.ThreadSafeSingleton(Pool),
        first_byte_timeout_s=given.federation.first_byte_timeout_s,
    )
    peers = providers.ThreadSafeSingleton(
        HttpPeers,
        providers.ThreadSafeSingleton(
            Documents,
            outbound,
            timeout_s=given.federation.page_timeout_s,
            max_bytes=given.federation.max_page_bytes,
        ),
        clock,
        max_record_bytes=given.federation.max_record_bytes,
    )

    # -- jobs
    queue = providers.ThreadSafeSingleton(
        open_job_queue,
        providers.Callable(lambda s: s.data_dir / "jobs.db", settings),
        redis_url=given.redis.url,
        node=identity.provided.instance_id,
    )

    # -- library
    # Servers of an admin's choice, with rules of their own: a LAN is where most of them are.
    storage_outbound = providers.ThreadSafeSingleton(
        Outbound,
        providers.ThreadSafeSingleton(
            Dialer,
            providers.Callable(AddressRules, given.storage.allowed_networks),
            connect_timeout_s=given.storage.connect_timeout_s,
            require_https=given.storage.require_https,
            networks_setting="storage.allowed_networks",
            https_setting="storage.require_https",
        ),
        providers.ThreadSafeSingleton(Pool),
        first_byte_timeout_s=given.storage.first_byte_timeout_s,
    )
    storage_documents = providers.ThreadSafeSingleton(
        Documents,
        storage_outbound,
        timeout_s=given.storage.page_timeout_s,
        max_bytes=given.storage.max_page_bytes,
    )
    # Where a feed on the public web leads, no setting lets it into a private network.
    public_outbound = providers.ThreadSafeSingleton(
        Outbound,
        providers.ThreadSafeSingleton(
            Dialer,
            providers.ThreadSafeSingleton(AddressRules),
            connect_timeout_s=given.storage.connect_timeout_s,
            require_https=given.storage.require_https,
            networks_setting="storage.allowed_networks",
            https_setting="storage.require_https",
        ),
        providers.ThreadSafeSingleton(Pool),
        first_byte_timeout_s=given.storage.first_byte_timeout_s,
    )
    public_documents = providers.ThreadSafeSingleton(
        Documents,
        public_outbound,
        timeout_s=given.storage.page_timeout_s,
        max_bytes=given.storage.max_page_bytes,
    )
    storages = providers.ThreadSafeSingleton(
        StorageRegistry,
        providers.Dict(
            {
                StorageType.LOCAL: providers.Callable(_local_kind, settings),
                StorageType.S3: providers.Callable(
                    s3_kind,
                    storage_outbound,
                    storage_documents,
                    max_objects=given.storage.max_objects,
                ),
                StorageType.VELOUR: providers.Callable(_velour_kind, read_access, outbound),
                StorageType.JELLYFIN: providers.Callable(
                    jellyfin_kind,
                    documents=storage_documents,
                    origins=storage_outbound,
                    max_objects=given.storage.max_objects,
                ),
                StorageType.WEB: providers.Callable(
                    web_kind,
                    providers.Factory(Client, storage_outbound, storage_documents),
                    providers.Factory(Client, public_outbound, public_documents),
                    max_objects=given.storage.max_objects,
                ),
            }
        ),
        secrets_of=providers.Factory(LocationSecrets, read_only.provider, secret_box),
    )
    media = providers.ThreadSafeSingleton(
        PyavMedia,
        processes=given.media.probe_processes,
        timeout_s=given.media.probe_timeout_s,
        memory_mib=given.media.probe_memory_mib,
    )
    artist = subtitle_reader = media
    assets = providers.ThreadSafeSingleton(
        FileAssetStore, providers.Callable(lambda s: s.data_dir / "assets", settings)
    )
    names = providers.ThreadSafeSingleton(GuessitNames)
    folder_watcher = providers.Factory(WatchdogWatcher)
    nfo = providers.ThreadSafeSingleton(XmlNfo)

    # -- resources
    key_wrap = providers.ThreadSafeSingleton(X25519KeyWrap)
    exchange = providers.ThreadSafeSingleton(
        DerivedExchangeKeys, key_files.provided.boxes, key_wrap
    )
    sealer = providers.ThreadSafeSingleton(
        Vlr1Sealer, providers.ThreadSafeSingleton(CryptographyCiphers)
    )
    access_tokens = providers.ThreadSafeSingleton(
        EdDsaTokens,
        key_files.provided.identity_pem,
        kid=providers.Callable(lambda node: node.public_jwk()["kid"], identity),
        issuer=identity.provided.instance_id,
    )
    local_cdn = providers.ThreadSafeSingleton(
        LocalCdn, providers.Callable(lambda s: s.data_dir / "cdn", settings), secrets, clock
    )
    cdn = providers.Selector(
        given.resources.cdn,
        local=local_cdn,
        s3=providers.ThreadSafeSingleton(_s3_cdn, settings, storage_outbound),
    )

    # -- server
    node_server = providers.Factory(
        NodeServer,
        max_streams=given.server.max_streams,
        stall_timeout_s=given.server.stall_timeout_s,
        graceful_timeout_s=given.server.graceful_timeout_s,
        send_buffer_bytes=given.server.send_buffer_bytes,
        trusted_proxies=given.server.trusted_proxies,
    )
