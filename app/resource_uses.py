"""The composition root's part for resources; ``app/container.py`` goes on from it."""

from datetime import timedelta
from typing import ClassVar

from dependency_injector import providers

from app.backends import Backends
from app.settings import Settings
from app.usecases.jobs import Enqueue
from app.usecases.people.users import SignIn
from app.usecases.resources.accounts import Identify, LogIn, SetResourceRole
from app.usecases.resources.collecting import CollectOrphans, RequestCollection, ResealKeys
from app.usecases.resources.devices import CheckDevice, ResetDevice
from app.usecases.resources.folders import CreateFolder, GrantFolder, WithdrawFolder
from app.usecases.resources.planning import PlanVersion
from app.usecases.resources.publishing import PublishVersion
from app.usecases.resources.reading import (
    AddressForReading,
    DeliverResource,
    ListFolder,
    ListFolders,
)


def _addresses_life(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.resources.url_minutes)


class ResourceUses(Backends):
    """Providers of what the resource API, its pages and its commands are given."""

    given = Backends.settings.provided
    _writes: ClassVar = {"unit_of_work": Backends.unit_of_work.provider, "clock": Backends.clock}
    _makes: ClassVar = {**_writes, "new_id": Backends.new_id}
    _both: ClassVar = {**_writes, "read_only": Backends.read_only.provider}
    _keys: ClassVar = {
        "secret_box": Backends.secret_box,
        "exchange": Backends.exchange,
        "key_wrap": Backends.key_wrap,
    }
    _addresses_life = providers.Callable(_addresses_life, Backends.settings)

    enqueue = providers.Factory(Enqueue, **_makes, queue=Backends.queue)
    sign_in = providers.Factory(SignIn, **_both, hasher=Backends.hasher)

    log_in = providers.Factory(
        LogIn,
        **_makes,
        sign_in=sign_in,
        tokens=Backends.access_tokens,
        life=providers.Callable(
            lambda s: timedelta(hours=s.resources.token_hours), Backends.settings
        ),
    )
    identify = providers.Factory(
        Identify,
        read_only=Backends.read_only.provider,
        tokens=Backends.access_tokens,
        clock=Backends.clock,
    )
    set_resource_role = providers.Factory(SetResourceRole, **_writes)
    create_folder = providers.Factory(CreateFolder, **_makes)
    grant_folder = providers.Factory(GrantFolder, **_writes)
    withdraw_folder = providers.Factory(WithdrawFolder, **_writes)
    check_device = providers.Factory(
        CheckDevice, **_both, new_id=Backends.new_id, exchange=Backends.exchange
    )
    reset_device = providers.Factory(ResetDevice, **_writes)
    list_folders = providers.Factory(ListFolders, Backends.read_only.provider)
    list_folder = providers.Factory(ListFolder, Backends.read_only.provider)
    deliver_resource = providers.Factory(
        DeliverResource,
        **_writes,
        **_keys,
        identity=Backends.identity,
        manifest_life=providers.Callable(
            lambda s: timedelta(days=s.resources.manifest_days), Backends.settings
        ),
    )
    address_for_reading = providers.Factory(
        AddressForReading, **_writes, cdn=Backends.cdn, life=_addresses_life
    )
    plan_version = providers.Factory(
        PlanVersion,
        read_only=Backends.read_only.provider,
        clock=Backends.clock,
        secrets=Backends.secrets,
        cdn=Backends.cdn,
        exchange=Backends.exchange,
        small_size_kb=given.resources.small_size_kb,
        max_size_bytes=given.resources.max_size_bytes,
        life=_addresses_life,
    )
    publish_version = providers.Factory(
        PublishVersion,
        **_both,
        **_keys,
        cdn=Backends.cdn,
        sealer=Backends.sealer,
        secrets=Backends.secrets,
        max_size_bytes=given.resources.max_size_bytes,
    )
    collect_orphans = providers.Factory(
        CollectOrphans, **_both, cdn=Backends.cdn, plans_life=_addresses_life
    )
    request_collection = providers.Factory(RequestCollection, enqueue)
    reseal_keys = providers.Factory(ResealKeys, **_both, secret_box=Backends.secret_box)
