"""Servers that are broken, lie or mean harm: a walk finds, reports or ends in words. Nothing else."""

import json
import time

import pytest
from flask import Response, request

from ports.library.storage import (
    FoundObject,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
)
from tests.federation.servers import RawServer, dripping, gzip_bomb, respond, target
from tests.jellyfin.conftest import make_client
from tests.jellyfin.described import VERSIONS, NotDescribed, described
from tests.jellyfin.test_nonsense import check

ITEMS = "GET /Items"


def refused(storage):
    with pytest.raises(StorageUnreachable) as caught:
        list(storage.walk())
    assert not isinstance(caught.value, StorageEmpty)
    return str(caught.value)


def stock(fake, count=3):
    return [fake.shelf.movie(f"Film {n}", path=f"/srv/{n}.mkv") for n in range(count)]


def send(items, total, start=0):
    body = {"Items": items, "TotalRecordCount": total, "StartIndex": start}
    return Response(json.dumps(body), content_type="application/json")


def bent(fake, bend):
    """Let ``bend`` change what the fake answers about items, unchecked by the document."""

    def answer():
        page = json.loads(fake._items(ITEMS).get_data())
        bend(page, "ids" in request.args)
        return Response(json.dumps(page), content_type="application/json")

    fake.instead[ITEMS] = answer


# -- answers as a whole


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "",
        "null",
        "[]",
        "{}",
        '"Items"',
        "[" * 5000,
        '{"Items": {}, "TotalRecordCount": 1}',
        '{"Items": [], "TotalRecordCount": -1}',
        '{"Items": [], "TotalRecordCount": "1"}',
        '{"Items": [], "TotalRecordCount": 1e999}',
        '{"Items": []}',
        "\xff\xfe",
    ],
)
@pytest.mark.parametrize(
    "operation", ["GET /System/Info/Public", "GET /Library/MediaFolders", ITEMS]
)
def test_what_is_no_answer_of_a_jellyfin_server_is_called_so(storage, fake, operation, body):
    stock(fake)
    fake.instead[operation] = lambda: Response(body.encode("latin-1"), content_type="text/html")
    if operation == "GET /Library/MediaFolders" and body.startswith('{"Items": []'):
        with pytest.raises(StorageEmpty):  # no library, which is a right answer
            list(storage.walk())
    else:
        assert "does not answer like a Jellyfin server" in refused(storage)


def test_no_library_at_all_is_an_empty_place(storage):
    with pytest.raises(StorageEmpty):
        list(storage.walk())


def test_a_list_of_nothing_that_announces_much_is_not_an_empty_place(storage, fake):
    stock(fake)
    bent(fake, lambda page, _: page.update(Items=[], TotalRecordCount=500))
    assert "announces 500 items and sends 0" in refused(storage)


def test_a_few_items_fewer_than_announced_do_no_harm(storage, fake):
    stock(fake)
    bent(fake, lambda page, _: page.update(TotalRecordCount=5))
    assert len(list(storage.walk())) == 3


def test_a_list_that_begins_again_at_each_page_ends_in_words(storage, fake):
    films = stock(fake)

    def answer():
        items = [fake._told(one, {"Etag"}, False) for one in films]
        return send(items, 1_000_000)

    fake.instead[ITEMS] = answer
    assert "sends the same items again" in refused(storage)
    assert len(fake.asked) < 10


def test_a_list_that_grows_for_ever_ends_at_the_cap(server, fake, make_storage):
    count = iter(range(10**9))

    def answer():
        start = int(request.args["startIndex"])
        items = [{"Id": f"{start + n:032x}", "Name": "x", "Etag": "e"} for n in range(1000)]
        next(count)
        return send(items, start + 1001, start)

    stock(fake)
    fake.instead[ITEMS] = answer
    storage = make_storage(server.url, max_objects=5000)
    assert "more than 5000 items (the setting storage.max_objects)" in refused(storage)
    assert next(count) < 10


def test_the_cap_counts_all_libraries_together(server, fake, make_storage):
    for number in range(6):
        fake.shelf.movie(path=f"/srv/{number}.mkv", library=f"Films {number % 2}")
    assert len(list(make_storage(server.url, max_objects=6).walk())) == 6
    assert "Films 1: more than 5 items" in refused(make_storage(server.url, max_objects=5))


def test_a_list_in_tiny_pages_ends_in_words(server, fake, make_storage):
    def answer():
        start = int(request.args["startIndex"])
        ids = [start, start + 1][: 2 if start or "again" in fake.info else 1]
        fake.info = {"again": True}
        return send([{"Id": f"{n:032x}", "Name": "x", "Etag": "e"} for n in ids], 900, start)

    stock(fake)
    storage = make_storage(server.url, max_objects=1000)
    storage._client.info = lambda: None
    fake.instead[ITEMS] = answer
    assert "too many small pages" in refused(storage)


def test_a_list_that_never_stays_the_same_ends_in_words(storage, fake):
    films = stock(fake, 3)
    listings = []

    def answer():
        start = int(request.args["startIndex"])
        if not start and request.args["parentId"]:
            listings.append(start)
        some = films[: 2 + len(listings) % 2]
        return send([fake._told(one, {"Etag"}, False) for one in some[start:]], 4)

    fake.instead[ITEMS] = answer
    assert "changes while it is read" in refused(storage)
    assert len(listings) < 10


def test_a_401_in_the_middle_is_never_a_short_list(storage, fake, monkeypatch):
    monkeypatch.setattr("adapters.storage.jellyfin.catalogue.BATCH", 2)
    stock(fake, 10)
    walk = storage.walk()
    met = [next(walk), next(walk)]
    fake.instead[ITEMS] = ("", 401)
    with pytest.raises(StorageUnreachable, match="does not accept the API key"):
        met.extend(walk)
    assert len(met) == 2


def test_a_slow_drip_ends_at_the_time_limit(make_storage):
    started = time.monotonic()

    def answer(_request, sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        dripping(sock, b'{"ProductName": "Jellyfin Server"' + b" " * 1000, every_s=0.05)

    with RawServer(answer) as raw:
        storage = make_storage(raw.url, client=make_client(page_s=0.5))
        assert "does not answer" in refused(storage)
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("path", ["/System/Info/Public", "/Library/MediaFolders", "/Items"])
def test_a_gzip_bomb_costs_the_cap_and_ends_in_words(make_storage, path):
    info = {"ProductName": "Jellyfin Server", "Version": "10.11.5"}
    folders = {"Items": [{"Id": "a" * 32, "Name": "Films", "CollectionType": "movies"}]}
    bodies = {"/System/Info/Public": info, "/Library/MediaFolders": folders}

    def answer(text, sock):
        asked = target(text).partition("?")[0]
        if asked == path:
            return respond(sock, gzip_bomb(100), headers=["Content-Encoding: gzip"])
        return respond(sock, json.dumps(bodies[asked]).encode())

    with RawServer(answer) as raw:
        storage = make_storage(raw.url, client=make_client(max_bytes=2**20))
        assert "more than may be read at once" in refused(storage)


def test_a_page_of_millions_of_values_is_not_parsed(storage, fake):
    stock(fake)
    fake.instead["GET /Library/MediaFolders"] = lambda: Response(
        '{"Items":[' + "{}," * 600_000 + "{}]}", content_type="application/json"
    )
    assert "more than may be read at once" in refused(storage)


# -- items


def test_an_item_of_10_mb_costs_itself_alone(server, fake, make_storage):
    films = stock(fake, 6)
    for film in films[1:4:2]:
        fake.shelf.change(film.id, Overview="x" * 10_000_000)
    storage = make_storage(server.url, client=make_client(max_bytes=4 * 2**20))
    odd = [one for one in storage.walk() if isinstance(one, UnreadableObject)]
    assert [(one.name, one.locator) for one in odd] == [
        ("Film 1", f"{films[1].id}/"),
        ("Film 3", f"{films[3].id}/"),
    ]
    assert {"larger than may be read" in one.reason for one in odd} == {True}
    assert sum(isinstance(one, FoundObject) for one in storage.walk()) == 4


def test_what_is_kept_of_long_texts_is_short(storage, fake):
    film = fake.shelf.movie(
        Overview="x" * 2_000_000, Tags=["t" * 100_000] * 50, Genres=[f"g{n}" for n in range(9000)]
    )
    (found,) = storage.walk()
    said = found.told.description
    assert len(said.description) <= 40_000
    assert len(said.genres) <= 50
    assert sum(map(len, said.tags)) < 20_000
    assert storage._catalogue._memory.size_bytes < 100_000
    assert film.id


def test_items_without_ids_are_reported_and_the_rest_is_found(storage, fake):
    stock(fake, 4)

    def bend(page, details):
        if not details:
            page["Items"][0].pop("Id")
            page["Items"][1]["Id"] = 7
            page["Items"][2]["Id"] = "../../etc/passwd"

    bent(fake, bend)
    met = list(storage.walk())
    odd = [one for one in met if isinstance(one, UnreadableObject)]
    assert [(one.name, one.reason, one.locator) for one in odd] == [
        (f"Film {n}", "the server gives it no id", None) for n in range(3)
    ]
    assert [one.name for one in met if isinstance(one, FoundObject)] == ["3.mkv"]


@pytest.mark.parametrize(
    "change",
    [
        {"ProductionYear": -1},
        {"ProductionYear": 10**18},
        {"CommunityRating": 1e300},
        {"CommunityRating": "9"},
        {"RunTimeTicks": -5},
        {"ParentIndexNumber": 2**61, "IndexNumber": -3},
        {"ProviderIds": {"Imdb": None, "Tmdb": 5, "Tvdb": ["x"]}},
        {"People": [None, 5, {}, {"Name": 7}, {"Name": "x", "Type": []}]},
        {"Genres": "Drama", "Tags": {"a": 1}},
        {"Name": "\ud800\x00\x1b[2J\u202e"},
        {"Overview": "\ud83d"},
        {"ImageTags": [], "BackdropImageTags": {}},
        {"SeriesId": 5, "SeriesName": {}},
    ],
)
def test_absurd_values_cost_their_field_alone(storage, fake, change):
    fake.shelf.movie()
    bent(fake, lambda page, details: [one.update(change) for one in page["Items"] if details])
    (found,) = storage.walk()
    check(found)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"RunTimeTicks": -1}, "duration"),
        ({"RunTimeTicks": 2**61}, "duration"),
        ({"Bitrate": -1}, "bit_rate"),
        ({"Bitrate": 2**61}, "bit_rate"),
    ],
)
def test_absurd_facts_are_unknown(storage, fake, change, fact):
    film = fake.shelf.movie()
    film.fields["MediaSources"][0].update(change)
    bent(fake, lambda page, _: page)
    (found,) = storage.walk()
    assert getattr(found.told.facts, fact) is None
    assert found.told.facts.width == 1920


def test_a_number_that_is_none_costs_its_field_alone(storage, fake):
    fake.shelf.movie()
    original = fake._items

    def answer():
        text = original(ITEMS).get_data(as_text=True)
        text = text.replace('"CommunityRating":8.3', '"CommunityRating":1e999')
        text = text.replace('"ProductionYear":1995', f'"ProductionYear":{"9" * 5000}')
        return Response(text, content_type="application/json")

    fake.instead[ITEMS] = answer
    (found,) = storage.walk()
    assert found.told.description.rating is None
    assert found.told.description.title == "Heat"


# -- the fake itself


@pytest.mark.parametrize("version", VERSIONS)
def test_the_fake_is_held_to_the_document(version):
    said = described(version)
    with pytest.raises(NotDescribed, match="no parameter colour"):
        said.check_query(ITEMS, {"colour": "red"})
    with pytest.raises(NotDescribed, match="startIndex"):
        said.check_query(ITEMS, {"startIndex": "first"})
    with pytest.raises(NotDescribed, match="fields"):
        said.check_query(ITEMS, {"fields": "Path,Colour"})
    said.check_query(ITEMS, {"STARTINDEX": "5", "fields": "Path,Overview", "recursive": "true"})
    page = {"Items": [{"Id": "a", "Name": None}], "TotalRecordCount": 1, "StartIndex": 0}
    said.check_answer(ITEMS, 200, page)
    for wrong in ({"Id": None}, {"Colour": "red"}, {"Type": "Film"}, {"RunTimeTicks": "5"}):
        with pytest.raises(NotDescribed):
            said.check_answer(ITEMS, 200, page | {"Items": [wrong]})


def test_the_fake_speaks_each_version_in_its_own_way():
    page = {"Items": [{"OriginalLanguage": "en"}], "TotalRecordCount": 1, "StartIndex": 0}
    described("12.0").check_answer(ITEMS, 200, page)
    with pytest.raises(NotDescribed):
        described("10.11").check_answer(ITEMS, 200, page)
