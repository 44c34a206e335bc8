"""Stores that refuse, lie or break: every one ends in an error in words, and in no request more."""

import time

import pytest

from adapters.storage.s3 import S3Options, S3Storage
from domain.errors import BadUpstream
from ports.library.storage import (
    FoundObject,
    ListingBroken,
    ObjectChanged,
    OriginUnreachable,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
)
from tests.contracts.guarded import guarded_client
from tests.federation.servers import RawServer, respond, target

XML = "application/xml"
KEYS = {"access_key_id": "AKIA", "secret_access_key": "not-to-be-seen"}


def error(code, more=""):
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message>{more}</Error>"


def listing(*keys, token="", more=""):
    entries = "".join(
        key
        if key.startswith("<")
        else f"<Contents><Key>{key}</Key><Size>4</Size><ETag>&quot;e&quot;</ETag>"
        "<LastModified>never</LastModified></Contents>"
        for key in keys
    )
    onward = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return (
        "<?xml version='1.0'?><ListBucketResult><EncodingType>url</EncodingType>"
        f"<IsTruncated>{'true' if token or more else 'false'}</IsTruncated>"
        f"{onward}{entries}</ListBucketResult>"
    )


@pytest.fixture
def store():
    """Makes a storage whose store answers each request with ``answer(request, socket)``."""
    closing = []

    def make(answer, *, max_bytes=1 << 20, timeout_s=5.0, monotonic=time.monotonic, **options):
        server = RawServer(answer)
        origins, documents = guarded_client(max_bytes=max_bytes, timeout_s=timeout_s)
        closing.extend([server, origins])
        chosen = {"bucket": "films", "endpoint_url": server.url, **KEYS, **options}
        storage = S3Storage(
            S3Options(**chosen), origins, documents, max_objects=5000, monotonic=monotonic
        )
        storage.server = server
        return storage

    yield make
    for one in closing:
        one.close()


def always(text, status="200 OK", headers=(), kind=XML):
    body = text.encode() if isinstance(text, str) else text
    return lambda request, sock: respond(sock, body, status=status, headers=headers, kind=kind)


def refused(storage, words, error=StorageUnreachable):
    for act in (storage.check, lambda: list(storage.walk())):
        with pytest.raises(error, match=words) as caught:
            act()
        assert "not-to-be-seen" not in str(caught.value)
        assert "AKIA" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("403 Forbidden", "SignatureDoesNotMatch", "the secret access key is wrong"),
        ("403 Forbidden", "InvalidAccessKeyId", "does not know the access key"),
        ("403 Forbidden", "AccessDenied", "may not list the bucket"),
        ("400 Bad Request", "ExpiredToken", "the session token has expired"),
        ("403 Forbidden", "RequestTimeTooSkewed", "the clocks .* differ"),
        ("404 Not Found", "NoSuchBucket", "there is no bucket films"),
        ("400 Bad Request", "<script>", "refuses the listing with status 400$"),
        ("400 Bad Request", "InvalidBucketName", r"status 400 \(InvalidBucketName\)"),
    ],
)
def test_refusals_are_said_in_words_and_not_repeated(store, status, code, words):
    storage = store(always(error(code), status))
    refused(storage, words)
    assert len(storage.server.requests) == 2


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("503 Slow Down", "SlowDown", "asks this node to slow down"),
        ("503 Service Unavailable", "ServiceUnavailable", r"status 503 \(ServiceUnavailable\)"),
        ("500 Internal Server Error", "InternalError", "status 500"),
    ],
)
def test_a_store_under_load_is_asked_again_a_little(store, status, code, words):
    storage = store(always(error(code), status))
    with pytest.raises(OriginUnreachable, match=words):
        storage.check()
    assert len(storage.server.requests) == 3


def test_a_store_that_recovers_is_listed(store):
    answers = iter([("503 Slow Down", error("SlowDown")), ("200 OK", listing("a.mp4"))])

    def answer(request, sock):
        status, text = next(answers)
        return respond(sock, text.encode(), status=status, kind=XML)

    assert [one.name for one in store(answer).walk()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("status", "code", "headers", "more"),
    [
        ("301 Moved Permanently", "PermanentRedirect", ["x-amz-bucket-region: eu-west-9"], ""),
        ("307 Temporary Redirect", "TemporaryRedirect", ["x-amz-bucket-region: eu-west-9"], ""),
        ("400 Bad Request", "AuthorizationHeaderMalformed", [], "<Region>eu-west-9</Region>"),
    ],
)
def test_another_region_is_named_and_not_followed(store, status, code, headers, more):
    storage = store(always(error(code, more), status, headers))
    refused(storage, "in the region eu-west-9, not in us-east-1: set the option region")
    assert len(storage.server.requests) == 2


def test_a_redirect_somewhere_else_is_not_followed(store):
    storage = store(always("", "302 Found", ["Location: http://127.0.0.1:1/"]))
    refused(storage, "sends this node elsewhere")
    assert len(storage.server.requests) == 2


def test_a_listing_that_goes_in_circles_ends(store):
    storage = store(always(listing("a.mp4", "b.mp4", token="again")))
    with pytest.raises(ListingBroken, match="repeats itself or is not in order"):
        list(storage.walk())
    assert len(storage.server.requests) == 2


def test_a_listing_without_anything_new_ends(store):
    numbers = iter(range(10_000))
    storage = store(
        lambda request, sock: respond(sock, listing(token=f"t{next(numbers)}").encode(), kind=XML)
    )
    with pytest.raises(ListingBroken, match="does not come to an end"):
        list(storage.walk())
    assert len(storage.server.requests) < 150


@pytest.mark.parametrize("token", ["", "same"])
def test_a_listing_that_cannot_go_on_ends(store, token):
    storage = store(always(listing(token=token, more="more")))
    with pytest.raises(ListingBroken, match="does not come to an end"):
        list(storage.walk())


def test_a_listing_with_ever_new_names_ends_at_the_cap(store):
    numbers = iter(range(1_000_000))

    def answer(request, sock):
        keys = [f"{next(numbers):07}.mp4" for _ in range(1000)]
        return respond(sock, listing(*keys, token=keys[-1]).encode(), kind=XML)

    with pytest.raises(ListingBroken, match="more than 5000 objects"):
        list(store(answer).walk())


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html>A login page</html>",
        "<html></html>",
        "",
        "{}",
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'cc'>]><ListBucketResult>&b;</ListBucketResult>",
        "<?xml version='1.0'?><ListBucketResult><Contents>",
        "<?xml version='1.0'?><ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    ],
)
def test_answers_that_are_no_listing_are_never_an_empty_one(store, text):
    storage = store(always(text))
    with pytest.raises(StorageUnreachable) as caught:
        list(storage.walk())
    assert not isinstance(caught.value, StorageEmpty)


def test_a_page_for_people_is_explained(store):
    storage = store(always("<!DOCTYPE html><html></html>", kind="text/html"))
    refused(storage, "is endpoint_url the address of its API", ListingBroken)


def test_an_answer_that_is_too_large_is_not_taken_in(store):
    storage = store(always(listing(*(f"{n:09}.mp4" for n in range(20_000)))), max_bytes=100_000)
    refused(storage, "more than 100000 bytes", ListingBroken)


def test_a_store_that_says_nothing_is_given_up(store):
    storage = store(lambda request, sock: sock.recv(1), timeout_s=0.3)
    refused(storage, "it took longer than|in time", OriginUnreachable)


@pytest.mark.parametrize(
    "entry",
    [
        "<Contents><Size>4</Size></Contents>",
        "<Contents><Key>a.mp4</Key><Size>many</Size></Contents>",
        "<Contents><Key></Key><Size>4</Size></Contents>",
    ],
)
def test_entries_that_mean_nothing_break_the_listing(store, entry):
    with pytest.raises(ListingBroken):
        list(store(always(listing(entry))).walk())


def test_objects_outside_the_prefix_are_refused(store):
    with pytest.raises(ListingBroken, match="not asked for"):
        list(store(always(listing("films/a.mp4", "other/b.mp4")), prefix="films").walk())


def test_one_object_that_cannot_be_read_does_not_hide_the_others(store):
    archived = (
        "<Contents><Key>b.mp4</Key><Size>4</Size><StorageClass>GLACIER</StorageClass></Contents>"
        "<Contents><Key>b.nfo</Key><Size>4</Size><StorageClass>GLACIER</StorageClass></Contents>"
    )
    unsized = "<Contents><Key>c.mp4</Key></Contents>"
    odd = [f"d/../{'x'}.mp4", "e%00.mp4", "f.mp4", f"{'g' * 1025}.mp4"]
    items = list(store(always(listing("a.mp4", archived, unsized, *odd))).walk())
    names = [one.name for one in items if isinstance(one, FoundObject)]
    reasons = {one.locator: one.reason for one in items if isinstance(one, UnreadableObject)}
    assert names == ["a.mp4", "f.mp4"]
    assert reasons == {
        "b.mp4": "it is archived (GLACIER): restore it first",
        "c.mp4": "the listing does not say how long it is",
        "d/../x.mp4": "its key holds a folder named . or ..",
        "e\0.mp4": "its key holds a zero byte",
        f"{'g' * 1025}.mp4": "its key is too long",
    }
    assert all(one.name.isprintable() for one in items if isinstance(one, UnreadableObject))


def test_an_object_without_a_tag_is_known_by_its_date(store):
    dated = "<Contents><Key>a.mp4</Key><Size>4</Size><LastModified>{}</LastModified></Contents>"
    first, second = (
        next(store(always(listing(dated.format(day)))).walk()).signature
        for day in ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    )
    assert first != second


def test_an_object_that_changed_since_it_was_listed_is_not_sent(store):
    def answer(request, sock):
        if request.startswith("HEAD"):
            fields = ['ETag: "old"', "Content-Length: 4"]
            return respond(sock, headers=fields, length=False, kind="video/mp4")
        assert 'If-Range: "old"' in request
        return respond(sock, b"other", headers=['ETag: "new"'], kind="video/mp4")

    storage = store(answer)
    info = storage.stat("a.mp4")
    with pytest.raises(ObjectChanged):
        storage.open("a.mp4", start=0, length=4, etag=info.etag)


def test_other_bytes_than_were_asked_for_are_not_sent(store):
    def answer(request, sock):
        fields = ["Content-Range: bytes 5-8/9", 'ETag: "e"']
        return respond(sock, b"film", status="206 Partial Content", headers=fields)

    with pytest.raises(BadUpstream, match="other bytes"):
        store(answer).open("a.mp4", start=0, length=4, etag="e")


def test_head_and_get_are_signed_apart_and_the_range_is_not(store):
    asked = []

    def answer(request, sock):
        asked.append(request)
        fields = ['ETag: "e"', "Content-Range: bytes 0-3/4"]
        if request.startswith("HEAD"):
            return respond(sock, headers=[*fields, "Content-Length: 4"], length=False)
        return respond(sock, b"film", status="206 Partial Content", headers=fields)

    storage = store(answer, session_token="temporary")
    storage.stat("a b.mp4")
    storage.open("a b.mp4", start=0, length=4, etag="e").close()
    head, get = (target(request) for request in asked)
    assert head.partition("?")[0] == get.partition("?")[0] == "/films/a%20b.mp4"
    assert head.rpartition("=")[2] != get.rpartition("=")[2]  # the signatures
    for address in (head, get):
        assert "X-Amz-SignedHeaders=host&" in address
        assert "X-Amz-Expires=300&" in address
        assert "X-Amz-Security-Token=temporary&" in address
    assert "authorization" not in get.lower()


def test_an_address_is_signed_anew_long_before_it_ends(store):
    def answer(request, sock):
        fields = ['ETag: "e"', "Content-Range: bytes 0-3/4"]
        return respond(sock, b"film", status="206 Partial Content", headers=fields)

    now = 0.0
    storage = store(answer, monotonic=lambda: now)
    signed = []
    for now in (0.0, 30.0, 61.0):
        storage.open("a.mp4", start=0, length=4, etag="e").close()
        signed.append(storage.server.requests[-1].partition("X-Amz-Date=")[2][:16])
        time.sleep(1.1 if now == 30.0 else 0)  # signatures are dated to the second
    assert signed[0] == signed[1] < signed[2]


def test_nothing_of_this_machines_configuration_counts(store, monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("this is [no configuration")
    for name, value in {
        "AWS_PROFILE": "absent",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(config),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "ANOTHER",
        "AWS_SECRET_ACCESS_KEY": "another",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    storage = store(always(listing("a.mp4")))
    assert storage.check() == "1 object in films"
    assert "Credential=AKIA/" in storage.server.requests[0]
    assert "ANOTHER" not in storage.server.requests[0]


def test_keys_of_the_environment_count_where_an_option_says_so(store, monkeypatch):
    nothing = {"access_key_id": None, "secret_access_key": None}
    storage = store(always(listing("a.mp4")), credentials="environment", redirect=True, **nothing)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROMOUTSIDE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert storage.check() == "1 object in films"
    assert "Credential=FROMOUTSIDE/" in storage.server.requests[0]
    assert "FROMOUTSIDE" in storage.redirect_url("a.mp4", expires_s=60)
