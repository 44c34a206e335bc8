"""boto3 for a bucket, without a connection of its own: the guarded client carries its requests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ports.federation.peers import PeerMisbehaves, PeerUnreachable
from ports.outbound import WebWrites
from ports.resources.cdn import CdnObjectExists, CdnObjectNotFound, CdnRefuses, CdnUnreachable

ATTEMPTS = 3
_NOBODY = (None, None, None, None)  # a variable that neither the environment nor a file sets
_UNSENT = frozenset({"user-agent", "expect", "content-length", "host"})
_WORDS = {
    "InvalidAccessKeyId": "the store of the CDN does not know the access key",
    "SignatureDoesNotMatch": "the secret of the CDN's access key is wrong",
    "AccessDenied": "the CDN's access key may not do this",
    "NoSuchBucket": "the bucket of the CDN does not exist",
    "RequestTimeTooSkewed": "the clocks of this node and of the CDN differ by too much",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """A pair of access keys."""

    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, and the folder in it that is the CDN's; ``prefix`` is empty or ends in a slash."""

    endpoint: str
    bucket: str
    region: str
    prefix: str = ""

    @property
    def root(self) -> str:
        """The address that keys are appended to."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/{self.bucket}/"


def place(*, endpoint: str, bucket: str, region: str, prefix: str) -> Place:
    """Return a place as the settings name it; an empty endpoint is Amazon's."""
    folder = "/".join(part for part in prefix.split("/") if part)
    return Place(
        endpoint=endpoint or f"https://s3.{region}.amazonaws.com",
        bucket=bucket,
        region=region,
        prefix=f"{folder}/" if folder else "",
    )


def make_client(where: Place, keys: Keys, writes: WebWrites) -> Any:
    """Return boto3's client; it takes nothing from the environment or from files of the machine."""
    from boto3 import Session as Boto3Session  # noqa: PLC0415 - only nodes with buckets pay for it
    from botocore.config import Config  # noqa: PLC0415 - as above
    from botocore.session import Session  # noqa: PLC0415 - as above

    session = Session(
        session_vars={
            "profile": _NOBODY,
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    client = Boto3Session(botocore_session=session).client(
        "s3",
        region_name=where.region,
        endpoint_url=where.endpoint,
        aws_access_key_id=keys.key_id,
        aws_secret_access_key=keys.secret,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            use_fips_endpoint=False,
            use_dualstack_endpoint=False,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )

    def send(request: Any, **_context: Any) -> Any:
        return _send(writes, request)

    client.meta.events.register("before-send.s3", send)
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of boto3 and of the guarded client into the port's."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    try:
        yield
    except PeerUnreachable as exc:
        raise CdnUnreachable(f"the CDN cannot be used: {exc}") from exc
    except PeerMisbehaves as exc:
        raise CdnRefuses(f"the CDN answers nonsense: {exc}") from exc
    except ClientError as exc:
        code = str(exc.response.get("Error", {}).get("Code", ""))
        status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "PreconditionFailed" or status == 412:
            raise CdnObjectExists from exc
        if code in {"NoSuchKey", "NotFound"}:
            raise CdnObjectNotFound from exc
        if status >= 500 or status == 429:
            raise CdnUnreachable(f"the CDN answers with status {status}") from exc
        raise CdnRefuses(_WORDS.get(code, f"the CDN refuses with status {status}")) from exc
    except (BotoCoreError, ResponseParserError, LookupError, AttributeError, TypeError) as exc:
        raise CdnRefuses("the CDN's answer is not one of S3") from exc


def _send(writes: WebWrites, request: Any) -> Any:
    """Carry a request that boto3 has signed; boto3 calls this instead of sending."""
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - as above

    headers = {
        name: value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
        if name.lower() not in _UNSENT
    }
    answer = writes.send(
        request.method, request.url, headers=headers, content=_content(request.body)
    )
    if 300 <= answer.status < 400 and answer.status != 304:
        raise CdnRefuses("the CDN sends this node elsewhere: endpoint or region do not fit")
    if b"<!DOCTYPE" in answer.content:
        raise CdnRefuses("the CDN's answer is not one of S3")
    return AWSResponse(request.url, answer.status, answer.headers, _Whole(answer.content))


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        return bytes(body.read())
    return body.encode() if isinstance(body, str) else bytes(body)


class _Whole:
    """The bytes of an answer, as boto3 reads them."""

    def __init__(self, content: bytes | bytearray) -> None:
        self._content = bytes(content)

    def stream(self) -> Iterator[bytes]:
        yield self._content
