"""What a walk over a Jellyfin server finds, and what it is told of it."""

import pytest

from domain.library.description import CreditRole, EpisodeMark, tidy
from domain.library.subtitles import SubtitleTrack
from domain.library.video import MediaFacts
from ports.library.storage import FoundObject, StorageEmpty, StorageUnreachable, UnreadableObject
from tests.jellyfin.shelf import person


def walk(storage):
    items = list(storage.walk())
    assert all(isinstance(one, FoundObject) for one in items), items
    return items


def only(storage):
    (item,) = walk(storage)
    return item


def unreadable(storage):
    return [one for one in storage.walk() if isinstance(one, UnreadableObject)]


def asked_for(fake):
    """Return the ids that were asked for in full since the last look."""
    ids = [query["ids"].split(",") for _, query in fake.asked if "ids" in query]
    fake.asked.clear()
    return {one for some in ids for one in some}


def test_a_film_comes_with_all_that_the_server_says(storage, fake):
    fake.shelf.movie("Heat", b"12345")
    item = only(storage)
    assert (item.name, item.size_bytes) == ("Heat.mkv", 5)
    said = item.told.description
    assert (said.title, said.year, said.rating, said.content_rating) == ("Heat", 1995, 8.3, "R")
    assert said.description == "Heat: what happens."
    assert (said.genres, said.tags) == (("Crime", "Drama"), ("heist",))
    assert said.external_ids == {"imdb": "tt0113277", "tmdb": "949"}
    assert said.episode is None
    assert [(c.name, c.role, c.character) for c in said.credits] == [
        ("Al Pacino", CreditRole.ACTOR, "Vincent Hanna"),
        ("Michael Mann", CreditRole.DIRECTOR, ""),
        ("Michael Mann", CreditRole.WRITER, ""),
    ]
    assert tidy(said, last_year=2031).director == "Michael Mann"
    assert item.told.facts == MediaFacts(
        duration=10234.0,
        width=1920,
        height=1080,
        video_codec="h264",
        audio_codec="ac3",
        container="matroska",
        bit_rate=8_123_456,
        frame_rate=23.976,
    )
    assert item.told.pictures


def test_only_embedded_subtitles_are_tracks_of_the_file(storage, fake):
    fake.shelf.movie()
    assert only(storage).told.subtitles == (
        SubtitleTrack(format="hdmv_pgs_subtitle", language="de", forced=True, stream=2),
        SubtitleTrack(format="subrip", language="en", title="SDH", hearing_impaired=True, stream=3),
    )


def test_an_episode_is_told_with_its_series(storage, fake):
    fake.shelf.episode("Dark", 1, 2, "Lies")
    item = only(storage)
    assert item.name == "Dark/S01E02.mkv"
    assert item.told.description.title == "Lies"
    assert item.told.description.episode == EpisodeMark(
        series="Dark",
        season=1,
        episode=2,
        series_year=2017,
        series_external_ids={"imdb": "tt5753856", "tvdb": "334824"},
        series_description="All about Dark.",
    )


def test_a_file_of_several_episodes_is_the_first_and_named_as_all(storage, fake):
    item = fake.shelf.episode("Dark", 1, 2, "Lies", IndexNumberEnd=3)
    assert only(storage).told.description.episode.episode == 2
    del item.fields["Path"]
    del item.fields["MediaSources"][0]["Path"]
    fake.shelf.change(item.id)
    assert only(storage).name == "Dark/S01E02-E03 Lies.mkv"


def test_an_episode_without_a_number_is_still_named_after_its_series(storage, fake):
    fake.shelf.episode("Dark", None, None, "Making of", path="/srv/tv/Dark/extra.mkv")
    said = only(storage).told.description
    assert (said.episode, said.title) == (None, "Dark: Making of")


@pytest.mark.parametrize(
    ("path", "container", "named"),
    [
        ("/f/a.mp4", "mov,mp4,m4a,3gp,3g2,mj2", "mp4"),
        ("/f/a.mov", "mov,mp4,m4a,3gp,3g2,mj2", "mov"),
        ("/f/a.m4v", "m4v", "mp4"),
        ("/f/a", "mov,mp4,m4a,3gp,3g2,mj2", "mp4"),
        ("/f/a.mkv", "mkv", "matroska"),
        ("/f/a.webm", "matroska,webm", "webm"),
        ("/f/a.mkv", "matroska,webm", "matroska"),
        ("C:\\films\\a.ts", "mpegts", "mpegts"),
        ("/f/a.ts", "ts", "mpegts"),
        ("/f/a.wmv", "asf", "asf"),
        ("/f/a.xyz", "xyz", None),
    ],
)
def test_containers_are_named_as_a_probe_names_them(storage, fake, path, container, named):
    film = fake.shelf.movie(path=path)
    film.fields["MediaSources"][0]["Container"] = container
    item = only(storage)
    assert item.told.facts.container == named
    assert "films" not in item.name


@pytest.mark.parametrize(
    ("said", "tag"),
    [("ger", "de"), ("deu", "de"), ("pt-BR", "pt-BR"), ("haw", "haw"), ("und", ""), ("?", "")],
)
def test_languages_are_bcp_47_tags(storage, fake, said, tag):
    film = fake.shelf.movie()
    film.fields["MediaSources"][0]["MediaStreams"][2]["Language"] = said
    assert only(storage).told.subtitles[0].language == tag


def test_a_file_that_the_server_did_not_look_into_has_no_facts(storage, fake):
    film = fake.shelf.movie()
    film.fields["MediaSources"][0]["MediaStreams"] = []
    assert only(storage).told.facts is None


def test_each_version_of_a_film_is_an_object_of_the_same_work(storage, fake):
    film = fake.shelf.movie("Heat", b"1")
    fake.shelf.version(film, "4K", b"12", "/srv/media/films/Heat (1995)/Heat - 4K.mkv")
    one, other = walk(storage)
    assert {one.name, other.name} == {"Heat.mkv", "Heat - 4K.mkv"}
    assert one.locator.split("/")[0] == other.locator.split("/")[0]
    assert one.told.description == other.told.description


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Protocol": "Http", "Path": "https://films.example/a.mp4"}, "a link to somewhere else"),
        ({"VideoType": "Dvd"}, "a disc"),
        ({"VideoType": "Iso"}, "a disc"),
        ({"Size": None}, "how large"),
        ({"Size": -5}, "how large"),
        ({"Size": 2**60}, "how large"),
        ({"Size": 0}, "empty"),
    ],
)
def test_a_version_that_is_no_file_is_reported_and_the_rest_found(storage, fake, change, reason):
    film = fake.shelf.movie("Odd")
    film.fields["MediaSources"][0].update(change)
    fake.shelf.movie("Heat")
    (odd,) = unreadable(storage)
    assert (odd.name, odd.locator) == ("Odd", f"{film.id}/{film.id}")
    assert reason in odd.reason
    assert "example" not in odd.reason
    assert [i.name for i in storage.walk() if isinstance(i, FoundObject)] == ["Heat.mkv"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Name": None}, "no name"),
        ({"MediaSources": []}, "no file"),
        ({"MediaSources": None}, "no file"),
    ],
)
def test_an_item_that_lacks_something_is_reported_and_not_missing(storage, fake, change, reason):
    film = fake.shelf.movie("Odd")
    fake.shelf.change(film.id, **change)
    fake.shelf.movie("Heat")
    (odd,) = unreadable(storage)
    assert odd.locator == f"{film.id}/"  # none of its versions counts as missing
    assert reason in odd.reason


@pytest.mark.parametrize(
    "change",
    [
        {"LocationType": "Virtual"},
        {"IsPlaceHolder": True},
        {"IsFolder": True},
        {"ExtraType": "Trailer"},
    ],
)
def test_placeholders_folders_and_bonus_are_left_out(storage, fake, change):
    fake.shelf.movie("Heat")
    fake.shelf.movie("Other", **change)
    assert [one.name for one in walk(storage)] == ["Heat.mkv"]


def test_other_libraries_than_of_videos_are_left_out(storage, fake):
    fake.shelf.movie("Heat")
    fake.shelf.library("Songs", "music")
    fake.shelf.library("Sets", "boxsets")
    fake.shelf.library("Channels", "livetv")
    assert [one.name for one in walk(storage)] == ["Heat.mkv"]
    assert "1 library (Films)" in storage.check()


def test_named_libraries_are_taken_whatever_their_case(server, fake, make_storage):
    fake.shelf.movie("Heat")
    fake.shelf.movie("Home", library="Séjours")
    fake.shelf.movie("Other", library="Other")
    storage = make_storage(server.url, libraries=["films", "SEJOURS"])
    assert [one.name for one in walk(storage)] == ["Heat.mkv", "Home.mkv"]


def test_a_named_library_that_is_gone_is_not_an_empty_one(server, fake, make_storage):
    fake.shelf.movie("Heat")
    storage = make_storage(server.url, libraries=["Kino"])
    for act in (storage.check, lambda: list(storage.walk())):
        with pytest.raises(StorageUnreachable, match=r"called Kino; there is: Films") as caught:
            act()
        assert not isinstance(caught.value, StorageEmpty)


def test_an_item_that_two_libraries_show_is_found_once(storage, fake):
    film = fake.shelf.movie("Heat", library="Films")
    film.also_in.add(fake.shelf.library("All", ""))
    fake.shelf.movie("Other", library="All")
    assert [one.name for one in walk(storage)] == ["Heat.mkv", "Other.mkv"]


def test_other_words_change_what_is_told_and_not_the_bytes(storage, fake):
    film = fake.shelf.movie("Heat")
    before = only(storage)
    fake.shelf.change(film.id, Overview="More of it.")
    after = only(storage)
    assert after.signature == before.signature
    assert after.extras != before.extras
    assert after.told.description.description == "More of it."


def test_a_save_that_changes_nothing_changes_nothing(storage, fake):
    film = fake.shelf.movie("Heat")
    before = only(storage)
    fake.shelf.change(film.id)
    assert only(storage) == before


def test_another_picture_is_noticed(storage, fake):
    film = fake.shelf.movie("Heat")
    before = only(storage)
    film.images["Primary"] += b"!"
    fake.shelf.change(film.id)
    assert only(storage).extras != before.extras


def test_other_words_on_a_series_reach_its_episodes(storage, fake):
    fake.shelf.episode("Dark")
    before = only(storage)
    fake.shelf.series("Dark", Overview="Another word.")
    after = only(storage)
    assert after.extras != before.extras
    assert after.told.description.episode.series_description == "Another word."


def test_what_did_not_change_is_not_asked_for_again(storage, fake):
    films = [fake.shelf.movie(f"Film {n}", path=f"/srv/{n}.mkv") for n in range(5)]
    episode = fake.shelf.episode()
    first = walk(storage)
    assert len(asked_for(fake)) == 7  # the series too
    assert walk(storage) == first
    assert asked_for(fake) == set()
    fake.shelf.change(films[2].id, Overview="Other.")
    fake.shelf.remove(films[0].id)
    new = fake.shelf.movie("New")
    names = [one.name for one in walk(storage)]
    assert names == ["1.mkv", "2.mkv", "3.mkv", "4.mkv", "New.mkv", "Dark/S01E01.mkv"]
    assert asked_for(fake) == {films[2].id, new.id}
    assert episode.id not in asked_for(fake)


def test_an_item_of_several_versions_is_asked_for_each_time(storage, fake):
    film = fake.shelf.movie("Heat", b"1")
    fake.shelf.version(film, "4K", b"12", "/srv/4k.mkv")
    walk(storage)
    asked_for(fake)
    film.fields["MediaSources"][1]["Size"] = 99  # the server saves the other version alone
    assert 99 in {one.size_bytes for one in walk(storage)}
    assert asked_for(fake) == {film.id}


def test_everything_is_asked_for_again_after_a_week(server, fake, make_storage):
    now = [0.0]
    storage = make_storage(server.url, monotonic=lambda: now[0])
    film = fake.shelf.movie()
    walk(storage)
    walk(storage)
    now[0] += 8 * 24 * 3600
    walk(storage)  # forgets at its end
    asked_for(fake)
    walk(storage)
    assert asked_for(fake) == {film.id}


def full_of(fake, count):
    for number in range(count):
        fake.shelf.movie(
            f"Film {number}",
            path=f"/srv/media/films/Film {number} (1995)/Film {number} 1080p.mkv",
            Overview=f"{number} " + "A long story, told in the words of those who were there. " * 8,
            People=[person(f"Actor {number % 50 + n}", "Actor", f"Role {n}") for n in range(15)],
        )


def test_a_rescan_of_an_unchanged_server_asks_for_a_fraction(storage, fake):
    full_of(fake, 1000)
    assert len(walk(storage)) == 1000
    first, fake.json_bytes = fake.json_bytes, 0
    requests = len(fake.asked)
    assert len(walk(storage)) == 1000
    print(f"first {first} bytes in {requests} requests, then {fake.json_bytes}")
    assert fake.json_bytes < first / 8
    assert len(fake.asked) - requests <= 4


def test_a_long_list_comes_in_pages(storage, fake, monkeypatch):
    monkeypatch.setattr("adapters.storage.jellyfin.catalogue.LIST_PAGE", 7)
    monkeypatch.setattr("adapters.storage.jellyfin.catalogue.BATCH", 3)
    for number in range(21):
        fake.shelf.movie(f"Film {number}", path=f"/srv/{number}.mkv")
    assert len({one.locator for one in walk(storage)}) == 21
    assert [one.name for one in walk(storage)] == [f"{n}.mkv" for n in range(21)]


def test_what_is_removed_while_the_list_is_read_hides_nothing(storage, fake, monkeypatch):
    monkeypatch.setattr("adapters.storage.jellyfin.catalogue.LIST_PAGE", 5)
    films = [fake.shelf.movie(f"Film {n}", path=f"/srv/{n}.mkv") for n in range(12)]
    original = fake._items

    def shrinking():
        answer = original("GET /Items")
        if films[0].id in fake.shelf.items:
            fake.shelf.remove(films[0].id)
        return answer

    fake.instead["GET /Items"] = shrinking
    assert [one.name for one in walk(storage)] == [f"{n}.mkv" for n in range(1, 12)]


def test_an_item_that_goes_between_list_and_reading_is_not_missing(storage, fake):
    film, other = fake.shelf.movie("Heat"), fake.shelf.movie("Other")
    original = fake._items

    def removing():
        answer = original("GET /Items")
        fake.shelf.items.pop(film.id, None)
        return answer

    fake.instead["GET /Items"] = removing
    gone, found = list(storage.walk())
    assert (gone.locator, found.locator) == (f"{film.id}/", f"{other.id}/{other.id}")
