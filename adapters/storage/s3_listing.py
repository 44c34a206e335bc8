"""Asking a bucket what it holds: boto3 signs and reads, the guarded client carries.

boto3 opens no connection itself, so what holds for every other request of the node (addresses,
redirects, time, bytes) holds for these too.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.storage.http_objects import OriginClosed
from ports.federation.peers import (
    AddressForbidden,
    PeerMisbehaves,
    PeerSlow,
    PeerUnreachable,
)
from ports.library.storage import (
    ListingBroken,
    OriginSlow,
    OriginUnreachable,
    StorageUnreachable,
)
from ports.outbound import WebDocument, WebDocuments

PAGE = 1000  # objects, the most that Amazon sends
ATTEMPTS = 3  # for a page, with boto3's waits of at most a second and two between them
MAX_EMPTY_PAGES = 100
_NOBODY = (None, None, None, None)  # a variable that neither the environment nor a file sets
_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,60})</Code>")
_REGION = re.compile(rb"<Region>([a-z0-9-]{1,60})</Region>")
_REGION_NAME = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)
_SHOWN_CODE = re.compile(r"[A-Za-z0-9.]{1,60}", re.ASCII)
_ELSEWHERE = frozenset(
    {"PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed"}
    | {"IllegalLocationConstraintException", "AuthorizationQueryParametersError"}
)
_CLOSED = {
    "InvalidAccessKeyId": "the server does not know the access key",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "AccessDenied": "the access key may not list the bucket",
    "AllAccessDisabled": "access to the bucket is switched off",
    "AccountProblem": "the account is not in order",
    "ExpiredToken": "the session token has expired",
    "InvalidToken": "the session token is not valid",
    "TokenRefreshRequired": "the session token has expired",
    "RequestTimeTooSkewed": "the clocks of this node and of the server differ by too much",
    "RequestExpired": "the clocks of this node and of the server differ by too much",
}
_SLOW_DOWN = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is. ``prefix`` is empty or ends in a slash; ``endpoint`` has no slash there.

    ``path_style``: its name stands in the path, not in front of the host.
    """

    endpoint: str
    name: str
    prefix: str
    region: str
    path_style: bool

    def __str__(self) -> str:
        return f"{self.name}/{self.prefix}" if self.prefix else self.name


class Listing:
    """The objects of a bucket below its prefix.

    Args:
        bucket: what is listed.
        session: signs, see ``keys_session`` and ``environment_session``.
        keys: arguments of ``client`` that hold the credentials, if they are given.
        documents: the guarded client.
        max_objects: more are refused.
    """

    def __init__(
        self,
        bucket: Bucket,
        session: Any,
        keys: Mapping[str, str | None],
        documents: WebDocuments,
        *,
        max_objects: int,
    ) -> None:
        from boto3 import Session  # noqa: PLC0415 - only nodes with buckets pay for it
        from botocore.config import Config  # noqa: PLC0415 - as above

        self._bucket, self._documents, self._max_objects = bucket, documents, max_objects
        self._client = Session(botocore_session=session).client(
            "s3",
            region_name=bucket.region,
            endpoint_url=bucket.endpoint,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if bucket.path_style else "virtual"},
                use_fips_endpoint=False,
                use_dualstack_endpoint=False,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            **keys,
        )
        self._client.meta.events.register("before-send.s3", self._send)

    def first_page(self) -> tuple[int, bool]:
        """Return how many objects the first page has, and whether there are more.

        Raises:
            StorageUnreachable: with the reason in plain words.
        """
        page = self._page(None)
        count = sum(one.get("Key") != self._bucket.prefix for one in page.get("Contents", ()))
        return count, bool(page.get("IsTruncated"))

    def objects(self) -> Iterator[Mapping[str, Any]]:
        """Yield what there is in order, as boto3 has it: by key, or folder by folder.

        Raises:
            StorageUnreachable, ListingBroken
        """
        token: str | None = None
        order, count, empty_pages = _Order(), 0, 0
        while True:
            page = self._page(token)
            contents = page.get("Contents", ())
            for one in contents:
                key = one.get("Key")
                if not isinstance(key, str) or not key.startswith(self._bucket.prefix):
                    raise ListingBroken("it lists objects that were not asked for")
                order.follow(key)
                count += 1
                if count > self._max_objects:
                    raise ListingBroken(
                        f"it holds more than {self._max_objects} objects (storage.max_objects)"
                    )
                yield one
            if not page.get("IsTruncated"):
                return
            empty_pages = 0 if contents else empty_pages + 1
            before, token = token, page.get("NextContinuationToken")
            if not token or token == before or empty_pages > MAX_EMPTY_PAGES:
                raise ListingBroken("its listing does not come to an end")

    def _page(self, token: str | None) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above
        from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

        asked: dict[str, Any] = {
            "Bucket": self._bucket.name,
            "Prefix": self._bucket.prefix,
            "MaxKeys": PAGE,
        }
        if token is not None:
            asked["ContinuationToken"] = token
        try:
            page: Mapping[str, Any] = self._client.list_objects_v2(**asked)
        except AddressForbidden as exc:
            raise OriginClosed(str(exc)) from exc
        except PeerSlow as exc:
            raise OriginSlow(str(exc)) from exc
        except PeerUnreachable as exc:
            raise OriginUnreachable(str(exc)) from exc
        except PeerMisbehaves as exc:
            raise ListingBroken(str(exc)) from exc
        except ClientError as exc:
            raise self._refusal(exc.response) from exc
        except (
            BotoCoreError,
            ResponseParserError,
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
        ) as exc:
            # boto3 takes the elements of an answer for what they should be.
            raise ListingBroken("its answer is not one of S3") from exc
        return page

    def _send(self, request: Any, **_context: Any) -> Any:
        """Carry a request that boto3 has signed; boto3 calls this instead of sending."""
        from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - as above

        headers = {
            name: value.decode("latin-1") if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
            if name.lower() != "user-agent"
        }
        if request.method != "GET":
            raise ListingBroken("its answer is not one of S3")
        answer = self._documents.get(request.url, headers=headers)
        if answer.status < 500 and answer.status != 429:  # boto3 asks again after those
            self._refuse_other_region(answer)
            _refuse_other_answer(answer)
        return AWSResponse(request.url, answer.status, answer.headers, _Whole(answer.content))

    def _refuse_other_region(self, answer: WebDocument) -> None:
        """Refuse to follow the bucket elsewhere, as boto3 would: streams could not."""
        content = bytes(answer.content[:8192])
        code = _CODE.search(content)
        if not 300 <= answer.status < 400 and (
            code is None or code[1].decode() not in _ELSEWHERE or answer.status == 200
        ):
            return
        found = _REGION.search(content)
        region = answer.headers.get("x-amz-bucket-region", "") or (
            found[1].decode() if found else ""
        )
        if _REGION_NAME.fullmatch(region) and region != self._bucket.region:
            raise OriginClosed(
                f"the bucket is in the region {region}, not in {self._bucket.region}: "
                f"set the option region"
            )
        raise OriginClosed(
            f"the server sends this node elsewhere (status {answer.status}): "
            f"the options endpoint_url, region or addressing do not fit"
        )

    def _refusal(self, response: Mapping[str, Any]) -> StorageUnreachable:
        code = str(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _CLOSED:
            return OriginClosed(_CLOSED[code])
        if code == "NoSuchBucket" or (status == 404 and not _SHOWN_CODE.fullmatch(code)):
            return StorageUnreachable(f"there is no bucket {self._bucket.name}")
        if code in _SLOW_DOWN or status == 429:
            return OriginUnreachable("the server asks this node to slow down")
        shown = f" ({code})" if _SHOWN_CODE.fullmatch(code) and not code.isdecimal() else ""
        if status >= 500:
            return OriginUnreachable(f"the server answers with status {status}{shown}")
        return OriginClosed(f"the server refuses the listing with status {status}{shown}")


class _Order:
    """Sees that a listing goes on: one that is in order cannot come back to where it was.

    Amazon sorts keys as text. Stores that keep folders sort by each folder's names, so that what is
    in ``film/`` comes before ``film.mp4``.
    """

    def __init__(self) -> None:
        self._key, self._folders = "", [""]
        self._by_key = self._by_folder = True

    def follow(self, key: str) -> None:
        """Take in the next key; raises ListingBroken."""
        folders = key.split("/")
        self._by_key = self._by_key and key > self._key
        self._by_folder = self._by_folder and folders > self._folders
        if not self._by_key and not self._by_folder:
            raise ListingBroken("its listing repeats itself or is not in order")
        self._key, self._folders = key, folders


class _Whole:
    """The bytes of an answer, as boto3 reads them."""

    def __init__(self, content: bytes | bytearray) -> None:
        self._content = bytes(content)

    def stream(self) -> Iterator[bytes]:
        yield self._content


def _refuse_other_answer(answer: WebDocument) -> None:
    """Refuse pages for people, and XML that defines things of its own."""
    beginning = bytes(answer.content[:1024]).lstrip(b"\xef\xbb\xbf \t\r\n")
    is_xml = beginning.startswith((b"<?xml", b"<ListBucketResult", b"<Error"))
    if b"<!DOCTYPE" in answer.content or (answer.status == 200 and not is_xml):
        raise ListingBroken("its answer is not one of S3; is endpoint_url the address of its API?")


def keys_session() -> Any:
    """Return a session that takes nothing from the environment or from files of this machine."""
    return _session(
        {
            "profile": _NOBODY,
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )


def environment_session() -> Any:
    """Return a session that finds credentials as boto3 does: environment, files, instance role."""
    return _session({})


def _session(variables: Mapping[str, Any]) -> Any:
    from botocore.session import Session  # noqa: PLC0415 - as above

    session = Session(session_vars=dict(variables))
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=str)  # nobody needs a million of dates
    return session
