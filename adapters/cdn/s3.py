"""A CDN in a bucket of any store that speaks S3.

boto3 signs and reads answers, the guarded client carries. Reading and writing go by two pairs of
keys: what is handed to readers is signed by a key that cannot write.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import quote

from adapters.cdn.s3_client import Keys, Place, make_client, translated
from ports.byte_body import ByteBody, BytesBody
from ports.outbound import Origins, WebWrites
from ports.resources.cdn import (
    CdnObject,
    CdnObjectExists,
    CdnObjectNotFound,
    CdnRefuses,
    CdnUploadIncomplete,
    SignedRequest,
    UploadPlan,
    check_key,
)

PART = 16 * 1024 * 1024  # of what this node sends; what others send is cut as below
SIGNED_PART = 64 * 1024 * 1024
_MAX_PARTS = 10_000
_OWN_S = 300  # how long an address works that this node signs for itself


class S3Cdn:
    """Objects below the place's prefix.

    Args:
        place: endpoint, bucket, prefix.
        reader: keys that can get objects.
        writer: keys that can put, list and remove them.
        origins: the guarded client, for bytes.
        writes: the same, for everything else.
    """

    def __init__(
        self, place: Place, *, reader: Keys, writer: Keys, origins: Origins, writes: WebWrites
    ) -> None:
        self._place, self._reader, self._writer = place, reader, writer
        self._origins, self._writes = origins, writes

    def put(self, key: str, source: BinaryIO, *, length: int) -> CdnObject:
        """See Cdn."""
        self._require_free(key)
        if length <= PART:
            self._put_whole(key, _exactly(source, length, last=True))
        else:
            self._put_parts(key, source, length)
        found = self.head(key)
        if found is None or found.size_bytes != length:
            raise CdnRefuses("what was stored is not what was sent")
        return found

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> ByteBody:
        """See Cdn."""
        if length == 0:
            self._require(key)
            return BytesBody(b"")
        end = "" if length is None else str(start + length - 1)
        url = self._signed(self._reader, "GET", key, _OWN_S).url
        with translated():
            answer = self._origins.fetch("GET", url, headers={"Range": f"bytes={start}-{end}"})
        if answer.status == 206 and answer.body is not None:
            if answer.headers.get("content-range", "").startswith(f"bytes {start}-"):
                return answer.body
            answer.body.close()
            raise CdnRefuses("it sends another part than was asked for")
        if answer.body is not None:
            if start == 0 and (length is None or answer.body.length <= length):
                return answer.body
            answer.body.close()
            raise CdnRefuses("it does not send parts of objects")
        if answer.status == 416:
            self._require(key)
            return BytesBody(b"")
        if answer.status == 404:
            raise CdnObjectNotFound
        raise CdnRefuses(f"it answers a read with status {answer.status}")

    def head(self, key: str) -> CdnObject | None:
        """See Cdn."""
        url = self._signed(self._reader, "HEAD", key, _OWN_S).url
        with translated():
            answer = self._origins.fetch("HEAD", url, headers={})
        if answer.status == 404:
            return None
        size = answer.headers.get("content-length", "")
        if answer.status != 200 or not (size.isascii() and size.isdigit()):
            raise CdnRefuses(f"it answers a question with status {answer.status}")
        return CdnObject(
            key=key,
            size_bytes=int(size),
            etag=answer.headers.get("etag", "").strip('"'),
            stored_at=_moment(answer.headers.get("last-modified", "")),
        )

    def delete(self, key: str) -> None:
        """See Cdn."""
        with translated():
            self._client.delete_object(**self._at(key))

    def iter_objects(self, prefix: str = "") -> Iterator[CdnObject]:
        """See Cdn."""
        token: dict[str, str] = {}
        while True:
            with translated():
                page = self._client.list_objects_v2(
                    Bucket=self._place.bucket, Prefix=self._place.prefix + prefix, **token
                )
                found = [self._listed(one) for one in page.get("Contents", ())]
            yield from (one for one in found if one is not None)
            after = page.get("NextContinuationToken")
            if not page.get("IsTruncated"):
                return
            if not after or {"ContinuationToken": after} == token:
                raise CdnRefuses("its listing does not come to an end")
            token = {"ContinuationToken": after}

    def presign_get(self, key: str, *, expires_s: int) -> SignedRequest:
        """See Cdn."""
        return self._signed(self._reader, "GET", key, expires_s)

    def presign_put(self, key: str, *, length: int, expires_s: int) -> UploadPlan:
        """See Cdn: in one request up to 64 MiB, else in parts. Each is signed with its length."""
        self._require_free(key)
        if length <= SIGNED_PART:
            headers, sent = {"If-None-Match": "*"}, {"Content-Length": str(length)}
            return UploadPlan(
                whole=self._signed(self._writer, "PUT", key, expires_s, headers, signed=sent)
            )
        size = max(SIGNED_PART, -(-length // _MAX_PARTS))
        with translated():
            upload = self._client.create_multipart_upload(**self._at(key))["UploadId"]
        return UploadPlan(
            parts=tuple(
                self._signed(
                    self._writer,
                    "PUT",
                    key,
                    expires_s,
                    parameters={"partNumber": str(number), "uploadId": upload},
                    signed={"Content-Length": str(min(size, length - start))},
                )
                for number, start in enumerate(range(0, length, size), 1)
            ),
            part_bytes=size,
            complete=self._signed(
                self._writer,
                "POST",
                key,
                expires_s,
                {"If-None-Match": "*"},
                parameters={"uploadId": upload},
            ),
        )

    def discard_unfinished(self, *, before: datetime) -> int:
        """See Cdn."""
        count = 0
        with translated():
            page = self._client.list_multipart_uploads(
                Bucket=self._place.bucket, Prefix=self._place.prefix
            )
            for upload in page.get("Uploads", ()):
                if _moment(upload["Initiated"]) < before:
                    self._abort(upload["Key"], upload["UploadId"])
                    count += 1
        return count

    @cached_property
    def _client(self) -> Any:
        return make_client(self._place, self._writer, self._writes)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._place.bucket, "Key": self._place.prefix + check_key(key)}

    def _require(self, key: str) -> None:
        if self.head(key) is None:
            raise CdnObjectNotFound

    def _require_free(self, key: str) -> None:
        if self.head(key) is not None:
            raise CdnObjectExists

    def _put_whole(self, key: str, content: bytes) -> None:
        with translated():
            self._client.put_object(**self._at(key), Body=content, IfNoneMatch="*")

    def _put_parts(self, key: str, source: BinaryIO, length: int) -> None:
        at, size = self._at(key), max(PART, -(-length // _MAX_PARTS))
        with translated():
            upload = self._client.create_multipart_upload(**at)["UploadId"]
            try:
                parts = []
                for number, start in enumerate(range(0, length, size), 1):
                    is_last = start + size >= length
                    content = _exactly(source, min(size, length - start), last=is_last)
                    sent = self._client.upload_part(
                        **at, UploadId=upload, PartNumber=number, Body=content
                    )
                    parts.append({"PartNumber": number, "ETag": sent["ETag"]})
                self._require_free(key)
                self._client.complete_multipart_upload(
                    **at, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
            except BaseException:
                with suppress(Exception):  # the collector removes it later
                    self._abort(at["Key"], upload)
                raise

    def _abort(self, full_key: str, upload: str) -> None:
        self._client.abort_multipart_upload(
            Bucket=self._place.bucket, Key=full_key, UploadId=upload
        )

    def _listed(self, one: Mapping[str, Any]) -> CdnObject | None:
        """Describe an object of a listing; None where it was not put here by a node."""
        key = str(one["Key"]).removeprefix(self._place.prefix)
        try:
            check_key(key)
        except ValueError:
            return None
        etag = str(one.get("ETag", "")).strip('"')
        at = _moment(one["LastModified"])
        return CdnObject(key=key, size_bytes=int(one["Size"]), etag=etag, stored_at=at)

    def _signed(
        self,
        keys: Keys,
        method: str,
        key: str,
        expires_s: int,
        headers: Mapping[str, str] = {},
        *,
        parameters: Mapping[str, str] = {},
        signed: Mapping[str, str] = {},
    ) -> SignedRequest:
        """Sign a request; ``signed`` are fields that any client sends by itself."""
        from botocore.auth import S3SigV4QueryAuth  # noqa: PLC0415 - only nodes with buckets pay
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above
        from botocore.credentials import Credentials  # noqa: PLC0415 - as above

        url = self._place.root + quote(self._place.prefix + check_key(key), safe="/~")
        request = AWSRequest(
            method=method, url=url, params=dict(parameters), headers={**headers, **signed}
        )
        credentials = Credentials(keys.key_id, keys.secret)
        signer = S3SigV4QueryAuth(credentials, "s3", self._place.region, expires=expires_s)
        signer.add_auth(request)
        return SignedRequest(method, str(request.url), dict(headers))


def _exactly(source: BinaryIO, length: int, *, last: bool) -> bytes:
    pieces, left = [], length
    while left and (piece := source.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if left or (last and source.read(1)):
        raise CdnUploadIncomplete
    return b"".join(pieces)


def _moment(text: Any) -> datetime:
    """Read a time as HTTP or S3 writes it; one that cannot be read is now: young, so kept."""
    try:
        if isinstance(text, datetime):
            found = text
        elif "," in str(text):
            found = parsedate_to_datetime(str(text))
        else:
            found = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.now(UTC)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
