"""The real thing: nginx with films, in each of its listing formats."""

import os

import pytest

from adapters.storage.redirects import MAX_URL
from adapters.storage.registry import StorageRegistry
from adapters.storage.web.options import web_kind
from domain.library.storage_location import StorageLocation, StorageType
from ports.library.storage import Companion, CompanionKind, ObjectNotFound, OptionsInvalid
from tests.films import age
from tests.nginx import Nginx, films_of
from tests.storage_web.conftest import films, problems

FORMATS = {
    "html": "",
    "rounded": "autoindex_exact_size off;",
    "json": "autoindex_format json;",
    "xml": "autoindex_format xml;",
}
SECRET = "film:{PLAIN}swordfish\n"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "films"
    for name, data in {
        "Big Film (1999).mkv": b"x" * 50_000,
        "Big Film (1999).en.srt": b"subtitle",
        'a&b "q" #1 100%+;=.mp4': b"y" * 20_000,
        "Season 1/été ✓.webm": b"z" * 300,
        ".hidden.mp4": b"h",
        "empty.mp4": b"",
        "growing.part.mp4": b"p",
        "readme.txt": b"r",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        age(path)
    os.symlink("..", root / "Season 1" / "back")
    return root


@pytest.fixture
def site(root, tmp_path):
    (tmp_path / "passwords").write_text(SECRET)
    lock = f'auth_basic "films"; auth_basic_user_file {tmp_path}/passwords;'
    inside = "".join(films_of(root, options=text, at=f"/{name}/") for name, text in FORMATS.items())
    # The real thing also without a slash: the server sends it on.
    inside += (
        f"location = /html {{ return 301 /html/; }} {films_of(root, options=lock, at='/locked/')}"
    )
    server = Nginx(tmp_path / "nginx", inside)
    yield server
    server.close()


def place_url(site, name):
    return f"{site.url}/{name}/"


@pytest.mark.parametrize("name", FORMATS)
def test_films_are_found_by_every_format_and_read_whole(site, root, make_web, name):
    web = make_web(place_url(site, name))
    items = list(web.walk())
    found = films(items)
    assert {key: one.size_bytes for key, one in found.items()} == {
        "Big Film (1999).mkv": 50_000,
        'a&b "q" #1 100%+;=.mp4': 20_000,
        "Season 1/été ✓.webm": 300,
    }
    assert set(problems(items)) == {"empty.mp4", "Season 1/back"}
    for key, one in found.items():
        info = web.stat(one.locator)
        body = web.open(one.locator, start=10, length=info.size_bytes - 10, etag=info.etag)
        assert b"".join(body) == (root / key).read_bytes()[10:]
        body.close()
    (subtitle,) = found["Big Film (1999).mkv"].companions
    assert (
        subtitle[:3]
        == Companion(
            CompanionKind.SUBTITLE, "Big Film (1999).en.srt", "Big Film (1999).en.srt", 0, ""
        )[:3]
    )
    assert web.stat(subtitle.locator).size_bytes == 8
    assert "a listing by nginx with" in web.check()


@pytest.mark.parametrize("name", FORMATS)
def test_an_unchanged_rescan_asks_for_listings_alone(site, make_web, name):
    web = make_web(place_url(site, name))
    first = films(web.walk())
    before = len(site.requests())
    assert films(web.walk()) == first
    again = site.requests()[before:]
    assert again
    assert all(line.startswith("GET") and line.endswith("/") for line in again)


@pytest.mark.parametrize("name", set(FORMATS) - {"rounded"})
def test_exact_listings_cost_no_request_a_film(site, make_web, name):
    films(make_web(place_url(site, name)).walk())
    assert not any("HEAD" in line for line in site.requests())


@pytest.mark.parametrize("name", FORMATS)
def test_a_change_is_seen_also_of_a_film_of_the_same_size(site, root, make_web, name):
    web = make_web(place_url(site, name))
    before = films(web.walk())
    path = root / "Big Film (1999).mkv"
    path.write_bytes(b"w" * 50_000)
    age(path, seconds=7200)
    after = films(web.walk())
    changed = {key for key in before if before[key].signature != after[key].signature}
    assert changed == {"Big Film (1999).mkv"}


def test_an_address_without_its_slash_is_sent_on(site, make_web):
    web = make_web(f"{site.url}/html")
    assert "Big Film (1999).mkv" in films(web.walk())
    assert web.stat("Big Film (1999).mkv").size_bytes == 50_000


@pytest.mark.parametrize("locator", ["gone.mp4", "", "/", "../nginx/nginx.conf", "Season 1/../x", "a//b", "%2e%2e/x", "file:///etc/passwd", "http://", "a\0b", "x" * (MAX_URL + 1)])  # fmt: skip
def test_other_locators_are_not_found(site, make_web, locator):
    web = make_web(place_url(site, "html"))
    with pytest.raises(ObjectNotFound):
        web.stat(locator)


def registry(make_client, secrets):
    kind = web_kind(make_client(), make_client(allowed=()), max_objects=100)
    return StorageRegistry({StorageType.WEB: kind}, secrets_of=lambda _id: secrets)


def test_options_are_checked_and_the_password_is_kept_apart(make_client, site, new_id, clock):
    secrets = {}
    kinds = registry(make_client, secrets)
    given = {"url": f"{site.url}/locked/", "username": "film", "password": "swordfish"}
    plain, secret = kinds.check_options(StorageType.WEB, given)
    assert "swordfish" not in str(plain)
    assert secret == {"password": "swordfish"}
    secrets.update(secret)
    location = StorageLocation(
        id=new_id(),
        name="w",
        storage_type=StorageType.WEB,
        library_id=new_id(),
        created_at=clock.now(),
        options=plain,
    )
    assert "a listing by nginx" in kinds.readable(location).check()
    walkable = kinds.walkable(location)
    assert "Big Film (1999).mkv" in films(walkable.walk())
    secrets["password"] = "guess"
    kinds.forget(location.id)
    with pytest.raises(Exception, match="401"):
        kinds.readable(location).check()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "url"),
        ({"url": ""}, "url"),
        ({"url": "films.example.org"}, "url"),
        ({"url": "file:///etc"}, "url"),
        ({"url": "ftp://films.example.org/"}, "url"),
        ({"url": "http://me:swordfish@films.example.org/"}, "url"),
        ({"url": "http://a/", "kind": "page"}, "kind"),
        ({"url": "http://a/", "depth": "51"}, "depth"),
        ({"url": "http://a/", "depth": "x"}, "depth"),
        ({"url": "http://a/", "colour": "red"}, "colour"),
        ({"url": "http://a/", "password": "x"}, ""),
        ({"url": "http://a/", "username": "a:b", "password": "x"}, ""),
    ],
)
def test_a_wrong_option_is_named(make_client, options, field):
    with pytest.raises(OptionsInvalid) as caught:
        registry(make_client, {}).check_options(StorageType.WEB, options)
    assert caught.value.field == field
    assert "swordfish" not in str(caught.value)
