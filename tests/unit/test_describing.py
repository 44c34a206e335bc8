"""What scans learn beside the bytes: side-cars, what a source tells, series, what people locked."""

from dataclasses import replace

import pytest

from domain.errors import BadUpstream
from domain.library.companions import CompanionKind
from domain.library.description import Credit, CreditRole, Description, EpisodeMark
from domain.library.subtitles import SubtitleTrack
from domain.library.video import MediaFacts, PictureKind, PictureSource
from ports.library.media import BudgetSpent, MediaUnreadable
from ports.library.names import GuessedName
from ports.library.storage import Companion, StorageUnreachable, Told
from tests.unit.scan_node import Node

FILM = "Alpha (1999).mp4"


@pytest.fixture
def node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box):
    return Node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box)


def put_beside(node, film, kind, name, data=b"x", extras="1"):
    one = Companion(kind, name, name, len(data), extras)
    node.disk.objects[name] = data
    node.disk.beside[film] = (*node.disk.beside.get(film, ()), one)
    node.disk.extras[film] = node.disk.extras.get(film, "") + extras


def say(node, film, data, **said):
    node.nfo.answers[data] = Description(**said)
    put_beside(node, film, CompanionKind.NFO, f"{film}.nfo", data)


def the_work(node):
    (work,) = node.works().values()
    return work


def test_an_nfo_says_more_than_the_name(node):
    node.put(FILM)
    say(
        node, FILM, b"nfo", title="Alpha and Omega", description="Long", rating=7.26,
        genres=("Drama",), external_ids={"imdb": "tt1"},
        credits=(Credit("Ann", CreditRole.DIRECTOR),),
    )  # fmt: skip
    assert node.scan()["counts"]["added"] == 1
    work = the_work(node)
    assert (work.title, work.year, work.rating) == ("Alpha and Omega", 1999, 7.3)
    assert (work.description, work.genres, work.director) == ("Long", ("Drama",), "Ann")
    assert work.external_ids == {"imdb": "tt1"}


def test_a_changed_nfo_is_read_without_looking_into_the_film_again(node):
    node.put(FILM)
    say(node, FILM, b"one", title="One")
    node.scan()
    node.probe.probed.clear()
    before = node.videos()[FILM]
    node.disk.beside.clear()
    say(node, FILM, b"two", title="Two")
    assert node.scan()["counts"]["updated"] == 1
    assert node.probe.probed == []
    after = node.videos()[FILM]
    assert the_work(node).title == "Two"
    assert (after.id, after.facts, after.fingerprints) == (
        before.id,
        before.facts,
        before.fingerprints,
    )
    assert node.scan()["counts"]["updated"] == 0


def test_what_a_person_has_set_outlives_every_scan(node):
    node.put(FILM)
    say(node, FILM, b"one", title="One", description="First")
    node.scan()
    work = the_work(node)
    with node.unit_of_work() as tx:
        work.edit({"title": "Mine"}, unlock=frozenset(), at=node.clock.now())
        tx.works.save(work)
        tx.commit()
    node.disk.beside.clear()
    say(node, FILM, b"two", title="Two", description="Second")
    node.scan()
    assert (the_work(node).title, the_work(node).description) == ("Mine", "Second")


def test_a_broken_nfo_costs_the_film_nothing_but_its_words(node):
    node.put(FILM)
    put_beside(node, FILM, CompanionKind.NFO, "bomb.nfo", b"<!ENTITY")
    node.nfo.broken[b"<!ENTITY"] = "it is no XML"
    result = node.scan()
    assert (result["counts"]["added"], result["counts"]["failed"]) == (1, 0)
    assert result["errors"] == [{"item": "bomb.nfo", "reason": "it is no XML"}]
    assert the_work(node).title == "Alpha"


def test_an_nfo_that_is_too_large_is_not_read(node):
    node.put(FILM)
    put_beside(node, FILM, CompanionKind.NFO, "big.nfo", b"x" * (1024 * 1024 + 1))
    assert node.scan()["errors"] == [{"item": "big.nfo", "reason": "it is larger than 1024 KiB"}]


def test_subtitles_inside_and_beside_are_listed_and_follow_their_files(node):
    node.put(FILM)
    inside = SubtitleTrack(format="subrip", language="en", stream=2)
    node.probe.answers[FILM] = replace(node.probe.answers[FILM], subtitles=(inside,))
    put_beside(node, FILM, CompanionKind.SUBTITLE, "Alpha (1999).de.srt")
    node.scan()
    beside = SubtitleTrack(format="subrip", language="de", locator="Alpha (1999).de.srt")
    assert node.videos()[FILM].subtitles == (inside, beside)
    node.disk.beside.clear()
    node.disk.extras[FILM] = "none"
    node.scan()
    assert node.videos()[FILM].subtitles == (inside,)


def test_pictures_beside_a_film_are_remembered_one_of_a_shape(node):
    node.put(FILM)
    for kind, name in (
        (CompanionKind.POSTER, "Alpha (1999)-poster.jpg"),
        (CompanionKind.POSTER, "poster.jpg"),
        (CompanionKind.STILL, "fanart.jpg"),
    ):
        put_beside(node, FILM, kind, name)
    node.scan()
    assert node.videos()[FILM].pictures == (
        PictureSource(PictureKind.POSTER, "Alpha (1999)-poster.jpg"),
        PictureSource(PictureKind.STILL, "fanart.jpg"),
    )


def tell(node, film, description, *, facts=None, **more):
    node.put(film)
    node.disk.remote = True
    node.disk.told[film] = Told(description=description, facts=facts, **more)


def test_what_a_source_tells_is_not_probed(node):
    facts = MediaFacts(duration=99.0, video_codec="hevc", container="matroska")
    tell(node, FILM, Description(title="Told", year=2001), facts=facts, pictures=True)
    result = node.scan()
    assert result["counts"]["added"] == 1
    video = node.videos()[FILM]
    assert (video.facts, video.web_compatible) == (facts, False)
    assert (the_work(node).title, the_work(node).year) == ("Told", 2001)
    assert video.pictures == (PictureSource(PictureKind.POSTER), PictureSource(PictureKind.STILL))
    assert node.stored.last_scan.bytes_read == 0


def test_remote_files_are_probed_by_a_part_whose_bytes_are_counted(node):
    node.disk.remote = True
    node.put(FILM, data=b"x" * 5000)
    node.scan()
    assert node.probe.probed == []
    assert node.videos()[FILM].facts.container == "mp4"
    assert (node.stored.last_scan.probed, node.stored.last_scan.bytes_read) == (1, 1000)


def test_a_header_beyond_the_budget_leaves_a_film_without_facts(node):
    node.disk.remote = True
    node.put(FILM, "Beta.mp4")
    node.remote.broken[FILM] = BudgetSpent()
    result = node.scan()
    assert (result["counts"]["added"], result["counts"]["failed"]) == (2, 0)
    assert [error["item"] for error in result["errors"]] == [FILM]
    assert node.videos()[FILM].facts == MediaFacts()


@pytest.mark.parametrize(
    "error", [BadUpstream("odd"), MediaUnreadable("odd"), StorageUnreachable("odd")]
)
def test_one_object_that_cannot_be_read_ends_nothing(node, error):
    node.disk.remote = True
    node.put("a.mp4", "b.mp4", "c.mp4")
    node.remote.broken["b.mp4"] = error
    result = node.scan()
    assert result["success"]
    assert (result["counts"]["added"], result["counts"]["failed"]) == (2, 1)
    assert result["errors"] == [{"item": "b.mp4", "reason": "odd"}]


def test_a_remote_file_that_cannot_be_read_is_not_fetched_again_until_it_changes(node):
    node.disk.remote = True
    node.put("a.mp4", data=b"x" * 5000)
    node.remote.broken["a.mp4"] = MediaUnreadable("damaged")
    node.remote.reads_before_it_breaks = 700
    assert node.scan()["errors"] == [{"item": "a.mp4", "reason": "damaged"}]
    assert node.stored.last_scan.bytes_read == 700
    again = node.scan()
    assert again["errors"] == [{"item": "a.mp4", "reason": "damaged"}]
    assert (again["counts"]["failed"], node.stored.last_scan.bytes_read) == (1, 0)
    node.clock.forward(days=8)
    node.scan()
    assert node.stored.last_scan.bytes_read == 700
    node.remote.broken.clear()
    node.put("a.mp4", data=b"y" * 5000)
    assert node.scan()["counts"]["added"] == 1


def test_a_location_that_goes_away_while_it_is_read_is_offline(node):
    node.disk.remote = True
    names = [f"{number}.mp4" for number in range(20)]
    node.put("before.mp4")
    node.scan()
    for name in names:
        node.put(name, data=name.encode() + bytes(500))

    def go_away(source, *, name):
        source.read(0, 100)
        node.disk.unreachable = "gone away"
        raise StorageUnreachable("gone away")

    node.remote.probe_source, read = go_away, node.remote.probe_source
    result = node.scan()
    node.remote.probe_source, node.disk.unreachable = read, ""
    assert not result["success"]
    assert "gone away" in result["message"]
    assert result["counts"]["failed"] == 5
    assert result["errors"][0] == {"item": "0.mp4", "reason": "gone away"}
    assert node.stored.last_scan.probed == 5
    assert node.stored.last_scan.bytes_read >= 100
    assert node.videos()["before.mp4"].availability == "offline"
    assert node.scan()["counts"]["added"] == 20
    assert node.videos()["before.mp4"].availability == "available"


def test_files_that_a_server_refuses_do_not_take_the_others_along(node):
    node.disk.remote = True
    refused = [f"a folder/{number}.mp4" for number in range(20)]
    node.put("before.mp4", *refused, "last.mp4")
    node.remote.broken = dict.fromkeys(refused, StorageUnreachable("does not let this node in"))
    result = node.scan()
    assert result["success"]
    assert (result["counts"]["added"], result["counts"]["failed"]) == (2, 20)
    assert set(node.videos()) == {"before.mp4", "last.mp4"}


def episode(number, **more):
    mark = EpisodeMark(series="The Wire", season=1, episode=number, **more)
    return Description(title=f"Part {number}", episode=mark)


def test_episodes_are_works_of_one_series(node):
    for number in (1, 2):
        tell(node, f"{number}.mkv", episode(number, series_year=2002), facts=MediaFacts())
    node.scan()
    works = sorted(node.works().values(), key=lambda work: work.episode)
    assert [work.title for work in works] == ["The Wire S01E01 Part 1", "The Wire S01E02 Part 2"]
    assert works[0].series_id == works[1].series_id
    assert [(work.season, work.episode) for work in works] == [(1, 1), (1, 2)]
    with node.read_only() as tx:
        series = tx.series.get(works[0].series_id)
    assert (series.title, series.year) == ("The Wire", 2002)


def test_two_copies_of_an_episode_are_one_work_and_equal_titles_of_two_series_are_not(node):
    tell(node, "a.mkv", replace(episode(1), year=2002), facts=MediaFacts())
    tell(node, "b.mkv", replace(episode(1), title="Another name"), facts=MediaFacts())
    other = EpisodeMark(series="Rome", season=1, episode=1)
    tell(node, "c.mkv", Description(title="Part 1", year=2002, episode=other), facts=MediaFacts())
    node.scan()
    videos = node.videos()
    assert videos["a.mkv"].work_id == videos["b.mkv"].work_id != videos["c.mkv"].work_id


def test_a_series_is_found_again_by_a_later_scan(node):
    tell(node, "1.mkv", episode(1), facts=MediaFacts())
    node.scan()
    tell(node, "2.mkv", episode(2, series_external_ids={"tvdb": "79126"}), facts=MediaFacts())
    node.scan()
    series = {work.series_id for work in node.works().values()}
    with node.read_only() as tx:
        assert tx.series.get(series.pop()).external_ids == {"tvdb": "79126"}
    assert not series


def test_series_of_one_title_are_told_apart_by_their_ids(node):
    for tvdb in ("71173", "73545"):
        mark = {"series_external_ids": {"tvdb": tvdb}}
        tell(node, f"{tvdb}.mkv", episode(1, **mark), facts=MediaFacts())
    node.scan()
    assert len({work.series_id for work in node.works().values()}) == 2


def test_a_moved_film_follows_what_lies_beside_it_now(node):
    node.put("alpha raw.mp4", "beta (1999).mp4")
    node.scan()
    node.all_names = ["alpha raw.mp4", "beta (1999).mp4"]
    with node.unit_of_work() as tx:
        work = tx.works.get(node.videos()["beta (1999).mp4"].work_id)
        work.edit({"title": "Mine"}, unlock=frozenset(), at=node.clock.now())
        tx.works.save(work)
        tx.commit()
    before = {name: video.work_id for name, video in node.videos().items()}
    node.take(*before)
    for old, new in (("alpha raw.mp4", "A/Alpha.mp4"), ("beta (1999).mp4", "B/Beta.mp4")):
        node.put(new, data=old.encode())
        say(node, new, new.encode(), title="Told", description="Long", rating=8.0)
    assert node.scan()["counts"]["added"] == 0
    works = {name: node.works()[video.work_id] for name, video in node.videos().items()}
    assert [works[name].id for name in ("A/Alpha.mp4", "B/Beta.mp4")] == list(before.values())
    assert [(work.title, work.description) for work in works.values()] == [
        ("Told", "Long"),
        ("Mine", "Long"),
    ]


def test_a_poster_from_elsewhere_outlives_a_changed_nfo(node):
    node.put(FILM)
    say(node, FILM, b"one", title="One")
    node.scan()
    with node.unit_of_work() as tx:
        tx.works.save(replace(the_work(node), poster="abc"))
        tx.commit()
    say(node, FILM, b"two", title="Two")
    node.disk.beside[FILM] = node.disk.beside[FILM][1:]
    node.scan()
    assert (the_work(node).title, the_work(node).poster) == ("Two", "abc")


def test_an_object_of_impossible_length_ends_nothing(node):
    node.disk.remote = True
    node.put("a.mp4", "b.mp4")
    walk = node.disk.walk

    def lie():
        for found in walk():
            size = 10**18 if found.name == "a.mp4" else found.size_bytes
            yield found._replace(size_bytes=size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(node.disk), "walk", lambda _self: lie())
        result = node.scan()
    assert result["errors"] == [{"item": "a.mp4", "reason": "its length is impossible"}]
    assert result["counts"]["added"] == 1


def test_a_new_copy_only_fills_what_nobody_said(node):
    ids = {"imdb": "tt1"}
    node.put("a.mp4", "b.mp4")
    say(node, "a.mp4", b"a", title="First", external_ids=ids)
    node.disk.objects.pop("b.mp4")
    node.scan()
    node.put("b.mp4")
    say(node, "b.mp4", b"b", title="Second", description="Told", external_ids=ids)
    node.scan()
    assert (the_work(node).title, the_work(node).description) == ("First", "Told")


def test_what_an_admin_refused_to_remove_stays_and_is_not_asked_about_again(node):
    names = [f"film {number}.mp4" for number in range(50)]
    node.put(*names)
    node.scan()
    node.all_names = names
    node.take(*names[:30])
    assert node.scan()["held"]
    assert node.stored.last_scan.held == 30
    node.clock.forward(hours=1)
    with node.unit_of_work() as tx:
        tx.locations.save(replace(node.stored, refused_at=node.clock.now()))
        tx.commit()
    node.clock.forward(hours=1)
    assert "held" not in node.scan()
    assert node.stored.last_scan.held == 0
    node.take(*names[30:35])
    assert node.scan()["counts"]["removed"] == 5
    states = [node.videos()[name].availability for name in names]
    assert states == ["offline"] * 30 + ["gone"] * 5 + ["available"] * 15


def test_the_folder_of_a_series_says_what_its_episodes_belong_to(node, names):
    film = "The Wire/Season 1/The Wire S01E01.mkv"
    names.episodes[film] = GuessedName("the wire", None, 1, 1)
    node.put(film)
    show = {"The Wire/tvshow.nfo": b"show", "The Wire/poster.jpg": b"picture"}
    node.disk.objects |= show
    node.disk.hidden = set(show)
    node.nfo.answers[b"show"] = Description(
        title="The Wire", year=2002, description="Baltimore", external_ids={"tvdb": "79126"}
    )
    node.scan()
    work = the_work(node)
    with node.read_only() as tx:
        series = tx.series.get(work.series_id)
    assert (work.title, work.season, work.episode) == ("The Wire S01E01", 1, 1)
    assert (series.title, series.year, series.description) == ("The Wire", 2002, "Baltimore")
    assert series.external_ids == {"tvdb": "79126"}
    assert node.videos()[film].pictures == (
        PictureSource(PictureKind.POSTER, "The Wire/poster.jpg"),
    )
    assert node.scan()["counts"]["updated"] == 0
