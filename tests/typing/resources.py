"""What resources stand on fits its ports: read by mypy alone."""

from collections.abc import Iterator

from adapters.cdn.local import LocalCdn
from adapters.cdn.memory import MemoryCdn
from adapters.cdn.s3 import S3Cdn
from adapters.crypto.exchange import DerivedExchangeKeys
from adapters.crypto.key_wrap import X25519KeyWrap
from adapters.crypto.tokens import EdDsaTokens
from adapters.crypto.vlr1_stream import Vlr1Sealer
from adapters.http.writes import Writes
from ports.outbound import WebWrites
from ports.resources.cdn import Cdn, ServedCdn
from ports.resources.exchange import ExchangeKeys
from ports.resources.sealing import KeyWrap, Sealer
from ports.resources.tokens import AccessTokens


def cdns(local: LocalCdn, s3: S3Cdn, memory: MemoryCdn) -> Iterator[Cdn]:
    yield from (local, s3, memory)


def served(local: LocalCdn) -> ServedCdn:
    return local


def writes(client: Writes) -> WebWrites:
    return client


def exchange(derived: DerivedExchangeKeys) -> ExchangeKeys:
    return derived


def tokens(signed: EdDsaTokens) -> AccessTokens:
    return signed


def sealing(sealer: Vlr1Sealer) -> Sealer:
    return sealer


def wrapping(wrap: X25519KeyWrap) -> KeyWrap:
    return wrap
