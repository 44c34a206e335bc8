"""Buckets in a real store: names, side-cars, addresses, refusals."""

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from botocore.exceptions import ClientError

from adapters.storage.s3 import S3Options, S3Storage
from ports.library.storage import (
    FoundObject,
    ListingBroken,
    ObjectNotFound,
    OriginUnreachable,
    StorageEmpty,
    StorageUnreachable,
)
from tests.contracts.guarded import guarded_client

NAMES = [
    "a b.mp4", "ünïcode/é.mp4", "p%20c%2F.mp4", "x+y.mp4", "ctrl\x01.mp4", "nl\n.mp4", "a..b.mp4",
    "q?r#s.mp4", "amp&<>'\".mp4", "日本語.mp4", "\U0001f600.mp4", "e\u0301.mp4", "a=b;c:d,e@f$.mp4",
    "tilde~*(!)[].mp4",
]  # fmt: skip


@pytest.fixture
def bucket(s3_store):
    name = s3_store.new_bucket()
    yield name
    s3_store.remove_bucket(name)


@pytest.fixture
def put(s3_store, bucket):
    return lambda key, data=b"film": s3_store.client.put_object(Bucket=bucket, Key=key, Body=data)


@pytest.fixture
def storage(s3_store, bucket):
    """Makes the storage, with other options if wanted."""
    opened = []

    def make(*, max_objects=10_000, allowed=("127.0.0.0/8",), **options):
        origins, documents = guarded_client(allowed=allowed)
        opened.append(origins)
        chosen = S3Options(**{**s3_store.options(bucket), **options})
        return S3Storage(chosen, origins, documents, max_objects=max_objects)

    yield make
    for origins in opened:
        origins.close()


def found(storage):
    return {one.name: one for one in storage.walk() if isinstance(one, FoundObject)}


def whole(storage, locator):
    info = storage.stat(locator)
    body = storage.open(locator, start=0, length=info.size_bytes, etag=info.etag)
    try:
        return b"".join(body)
    finally:
        body.close()


def test_films_of_any_name_are_found_and_read(storage, put):
    for name in NAMES:
        put(name, name.encode())
    place = storage()
    assert sorted(found(place)) == sorted(NAMES)
    assert [whole(place, name) for name in NAMES] == [name.encode() for name in NAMES]


def test_only_the_prefix_is_seen_and_read(storage, put):
    for key in ("films/a.mp4", "films2/b.mp4", "c.mp4", "films/deep/d.mkv", "films/.x/e.mp4"):
        put(key)
    place = storage(prefix="/films/")
    assert set(found(place)) == {"a.mp4", "deep/d.mkv"}
    assert place.check().startswith("3 objects in ")
    for locator in ("c.mp4", "../c.mp4", "deep/../a.mp4", "deep/"):
        with pytest.raises(ObjectNotFound):
            place.stat(locator)


def test_a_prefix_without_anything_is_empty_and_not_unreachable(storage, put):
    with contextlib.suppress(ClientError):  # some stores know folders only by what is in them
        put("films/")
    put("other/a.mp4")
    with pytest.raises(StorageEmpty):
        list(storage(prefix="films").walk())


def test_side_cars_come_with_their_films(storage, put):
    put("a/film.mp4")
    put("a/film.nfo", b"<movie/>")
    put("a/poster.jpg")
    put("film.mp4")
    place = storage()
    film = found(place)["a/film.mp4"]
    assert [(one.locator, one.shared) for one in film.companions] == [
        ("a/film.nfo", False),
        ("a/poster.jpg", True),
    ]
    assert whole(place, film.companions[0].locator) == b"<movie/>"
    put("a/film.nfo", b"<movie><year/></movie>")
    after = found(place)["a/film.mp4"]
    assert after.signature == film.signature
    assert len({after.extras, film.extras, ""}) == 3


def test_a_listing_of_several_pages_is_read_to_its_end(storage, put):
    for number in range(1005):
        put(f"{number:04}.mp4", b"x")
    assert len(found(storage())) == 1005
    assert storage().check().startswith("at least 1000 objects in ")


def test_more_objects_than_allowed_are_an_error_and_not_a_shorter_list(storage, put):
    for number in range(4):
        put(f"{number}.mp4", b"x")
    assert len(found(storage(max_objects=4))) == 4
    with pytest.raises(ListingBroken, match=r"more than 3 objects \(storage.max_objects\)"):
        list(storage(max_objects=3).walk())


def test_nobody_is_sent_to_the_store_unless_the_location_allows_it(storage, put):
    put("a.mp4")
    assert storage().redirect_url("a.mp4", expires_s=60) is None


def test_a_redirect_works_for_that_film_and_for_reading_alone(storage, put):
    put("ä b.mkv", b"0123456789")
    put("c.mkv")
    url = storage(redirect="yes").redirect_url("ä b.mkv", expires_s=60)
    answer = requests.get(url, headers={"Range": "bytes=2-4"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["Content-Type"] == "video/x-matroska"
    assert answer.headers["Content-Disposition"] == "inline; filename*=UTF-8''%C3%A4%20b.mkv"
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["60"]
    assert requests.get(url.replace("%C3%A4%20b", "c"), timeout=10).status_code == 403
    assert requests.put(url, b"other", timeout=10).status_code == 403
    assert requests.delete(url, timeout=10).status_code == 403


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secret_access_key": "wrong"}, "the secret access key is wrong"),
        ({"access_key_id": "nobody"}, "the server does not know the access key"),
        ({"bucket": "there-is-none"}, "there is no bucket there-is-none"),
        ({"endpoint_url": "http://127.0.0.1:1999"}, "the connection was refused"),
        ({"endpoint_url": "http://127.0.0.1:22"}, "port 22 is not one"),
    ],
)
def test_what_is_wrong_is_said_in_words(storage, put, options, words):
    put("a.mp4")
    place = storage(**options)
    for act in (place.check, lambda: list(place.walk())):
        with pytest.raises(StorageUnreachable, match=words) as caught:
            act()
        assert "velour-tests-secret" not in str(caught.value)


def test_a_private_store_needs_the_setting_that_the_error_names(storage, put):
    put("a.mp4")
    place = storage(allowed=())
    for act in (place.check, lambda: list(place.walk()), lambda: place.stat("a.mp4")):
        with pytest.raises(StorageUnreachable, match=r"storage\.allowed_networks"):
            act()


def test_films_are_not_read_with_a_wrong_key(storage, put):
    put("a.mp4")
    with pytest.raises(StorageUnreachable, match="does not let this node in"):
        storage(secret_access_key="wrong").stat("a.mp4")


def test_a_store_that_is_down_costs_nobody_time(storage):
    place = storage(endpoint_url="http://127.0.0.1:1999")
    for _ in range(3):
        with pytest.raises(OriginUnreachable, match="refused"):
            place.stat("a.mp4")
    with pytest.raises(OriginUnreachable, match="tried again soon"):
        place.stat("a.mp4")
