"""Works and series edited by hand: locks, versions, what the trail says."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from app.usecases.library.artwork import (
    KeptPictures,
    PictureRefused,
    PosterStudio,
    RemoveWorkPoster,
    SetSeriesPoster,
    SetWorkPoster,
)
from app.usecases.library.editing import READ_AGAIN, EditSeries, EditWork
from app.usecases.library.scan_memo import ScanMemo, WalkDigest
from app.usecases.library.thumbnails import poster_digest
from domain.errors import Invalid, StaleWrite
from domain.federation.audit import CLI
from domain.federation.connection import Connection, ConnectionState, Direction
from domain.library.description import Credit, CreditRole, Description, EpisodeMark
from domain.library.editing import NotOurs
from domain.library.series import series_of
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import Video
from domain.library.work import Work, WorkNotFound

PICTURE = b"\xff\xd8\xff a picture"


@pytest.fixture
def shelf(unit_of_work, clock, new_id):
    now = clock.now()
    library = Library(id=new_id(), name="Films", created_at=now)
    place = StorageLocation(
        id=new_id(), name="disk", storage_type=StorageType.LOCAL, library_id=library.id,
        created_at=now, options={"path": "/films"},
    )  # fmt: skip
    with unit_of_work() as tx:
        tx.libraries.add(library)
        tx.locations.add(place)
        tx.commit()
    return place


@pytest.fixture
def film(unit_of_work, clock, new_id, shelf):
    def film(title="Metropolis", **fields):
        now = clock.now()
        work = Work(id=new_id(), title=title, created_at=now, updated_at=now, **fields)
        video = Video(
            id=new_id(), work_id=work.id, location_id=shelf.id, filename=f"{title}.mp4",
            locator=f"{title}.mp4", file_size=1, signature="1", extras="nfo 1", created_at=now,
            updated_at=now,
        )  # fmt: skip
        with unit_of_work() as tx:
            tx.scans.add([(work, video)])
            tx.commit()
        return SimpleNamespace(work=work, video=video)

    return film


@pytest.fixture
def learnt(unit_of_work, clock, new_id, film):
    """A work of another node."""
    peer = Connection(
        id=new_id(), name="north", direction=Direction.OUTBOUND, state=ConnectionState.ACTIVE,
        created_at=clock.now(), changed_at=clock.now(), remote_url="https://north.example",
    )  # fmt: skip
    found = film("Theirs")
    with unit_of_work() as tx:
        tx.connections.add(peer, b"key", b"digest")
        tx.works.save(replace(tx.works.get(found.work.id), connection_id=peer.id, remote_id="r"))
        tx.commit()
    return found


@pytest.fixture
def memo(assets):
    return ScanMemo(assets)


@pytest.fixture
def edit(unit_of_work, clock, memo):
    return EditWork(unit_of_work, clock, memo)


@pytest.fixture
def stored(read_only):
    def stored(work_id):
        with read_only() as tx:
            return tx.works.get(work_id)

    return stored


def actions(audit_reader):
    rows = audit_reader.page(before=None, limit=9)
    return [(row.entry.action, row.entry.target, row.entry.detail) for row in rows]


def test_what_a_person_sets_no_source_changes_any_more(edit, film, stored, clock):
    work = film().work
    edit(work.id, {"title": "Metropolis (1927)", "rating": 8.0}, actor=CLI)

    kept = stored(work.id)
    kept.take(Description(title="METROPOLIS", rating=1.0, director="Fritz Lang"), at=clock.now())
    assert (kept.title, kept.rating, kept.director) == ("Metropolis (1927)", 8.0, "Fritz Lang")
    assert kept.organized


def test_a_change_is_one_entry_that_names_fields_and_no_words(edit, film, audit_reader):
    work = film().work
    edit(work.id, {"title": "Secret words", "year": 1927}, actor=CLI)
    edit(work.id, {"director": "Lang"}, unlock=frozenset({"title", "rating"}), actor=CLI)

    target = f"work:{work.id}"
    assert actions(audit_reader) == [
        ("work.edit", target, "director; given back: title"),
        ("work.edit", target, "title, year"),
    ]


def test_nothing_to_change_is_no_change(edit, film, stored, audit_reader):
    work = film().work
    edit(work.id, {}, unlock=frozenset({"title"}), actor=CLI)
    assert stored(work.id).version == work.version
    assert actions(audit_reader) == []


def test_who_read_an_older_state_changes_nothing(edit, film, stored):
    work = film().work
    edit(work.id, {"year": 1926}, version=work.version, actor=CLI)
    with pytest.raises(StaleWrite):
        edit(work.id, {"year": 1999}, version=work.version, actor=CLI)
    assert stored(work.id).year == 1926


def test_what_is_given_back_is_read_again_by_the_next_scan(
    edit, film, stored, memo, shelf, read_only, clock
):
    found = film()
    edit(found.work.id, {"title": "Mine"}, actor=CLI)
    memo.keep(shelf.id, WalkDigest(), clock.now())

    edit(found.work.id, {}, unlock=frozenset({"title"}), actor=CLI)

    assert stored(found.work.id).locked == frozenset()
    with read_only() as tx:
        assert tx.videos.get(found.video.id).extras == READ_AGAIN
    assert not memo.assets.has(f"scans/{shelf.id}.json")


def test_a_field_that_is_set_and_given_back_at_once_is_not_locked(edit, film, stored):
    work = film().work
    edit(work.id, {"title": "Typed"}, unlock=frozenset({"title"}), actor=CLI)
    assert (stored(work.id).title, stored(work.id).locked) == ("Typed", frozenset())


def test_labels_and_people_have_no_doubles(edit, film, stored):
    work = film().work
    twice = (Credit("Fritz Lang", CreditRole.DIRECTOR), Credit("fritz lang", CreditRole.DIRECTOR))
    edit(work.id, {"tags": ("Noir", "noir", " NOIR "), "credits": twice}, actor=CLI)
    assert (stored(work.id).tags, stored(work.id).credits) == (("Noir",), twice[:1])


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""}, {"title": "a\nb"}, {"title": "x" * 501}, {"year": 1800}, {"rating": 10.1},
        {"rating": float("nan")}, {"tags": ("",)}, {"tags": ("a\tb",)}, {"genres": ("x" * 101,)},
        {"genres": tuple(map(str, range(51)))}, {"content_rating": "x" * 101},
        {"external_ids": {"": "1"}}, {"external_ids": {str(n): "1" for n in range(31)}},
        {"credits": (Credit("", CreditRole.ACTOR),)}, {"credits": (Credit("x" * 201, CreditRole.ACTOR),)},
        {"description": "\x00"}, {"director": "x" * 301}, {"locator": "x"},
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_by_field_and_nothing_changes(edit, film, stored, changes):
    work = film().work
    with pytest.raises(Invalid) as refused:
        edit(work.id, {"year": 1927, **changes}, actor=CLI)
    assert refused.value.field == next(iter(changes))
    assert stored(work.id) == work


def test_another_nodes_work_is_not_edited(edit, learnt, stored):
    with pytest.raises(NotOurs):
        edit(learnt.work.id, {"title": "Ours now"}, actor=CLI)
    assert stored(learnt.work.id).title == "Theirs"


def test_an_unknown_work_is_not_found(edit, new_id):
    with pytest.raises(WorkNotFound):
        edit(new_id(), {"title": "x"}, actor=CLI)


@pytest.fixture
def series(unit_of_work, clock, new_id):
    made = series_of(EpisodeMark(series="Rails", season=1, episode=1), new_id(), at=clock.now())
    with unit_of_work() as tx:
        tx.series.add(made)
        tx.commit()
    return made


def test_a_series_is_edited_and_locked_likewise(
    unit_of_work, clock, read_only, series, audit_reader
):
    edit = EditSeries(unit_of_work, clock)
    edit(series.id, {"title": "Rails!", "year": 1990}, version=series.version, actor=CLI)
    with read_only() as tx:
        kept = tx.series.get(series.id)
    mark = EpisodeMark(series="Rails!", season=1, episode=2, series_year=1991)
    kept.fill(mark, at=clock.now())
    assert (kept.title, kept.year, kept.locked) == ("Rails!", 1990, {"title", "year"})
    assert actions(audit_reader) == [("series.edit", f"series:{series.id}", "title, year")]
    with pytest.raises(StaleWrite):
        edit(series.id, {"year": 1}, version=series.version, actor=CLI)
    with pytest.raises(Invalid):
        edit(series.id, {"rating": 5.0}, actor=CLI)


@pytest.fixture
def studio(artist, assets):
    return PosterStudio(artist, assets)


def test_a_picture_of_ones_own_is_kept_and_locked(edit, film, stored, studio, assets, read_only):
    work = film().work
    SetWorkPoster(read_only, studio, edit)(work.id, PICTURE, actor=CLI)

    picture = KeptPictures(assets).poster(work.id)
    assert picture.startswith(b"RIFF")
    assert stored(work.id).poster == poster_digest(picture)
    assert "poster" in stored(work.id).locked


def test_a_picture_is_removed_and_none_comes_back(edit, film, stored, studio, assets, read_only):
    work = film().work
    SetWorkPoster(read_only, studio, edit)(work.id, PICTURE, actor=CLI)
    RemoveWorkPoster(edit, assets)(work.id, actor=CLI)

    assert KeptPictures(assets).poster(work.id) is None
    assert stored(work.id).poster == ""
    assert "poster" in stored(work.id).locked


@pytest.mark.parametrize("data", [b"", b"<svg onload=alert(1)>", b"\xff\xd8\xff" + bytes(10 << 20)])
def test_what_is_no_picture_is_refused_and_the_old_one_stays(
    edit, film, stored, studio, assets, read_only, data
):
    work = film().work
    use = SetWorkPoster(read_only, studio, edit)
    use(work.id, PICTURE, actor=CLI)
    before = stored(work.id)
    with pytest.raises(PictureRefused):
        use(work.id, data, actor=CLI)
    assert stored(work.id) == before
    assert poster_digest(KeptPictures(assets).poster(work.id)) == before.poster


def test_another_nodes_work_gets_no_picture_of_ours(edit, learnt, studio, assets, read_only):
    with pytest.raises(NotOurs):
        SetWorkPoster(read_only, studio, edit)(learnt.work.id, PICTURE, actor=CLI)
    assert KeptPictures(assets).poster(learnt.work.id) is None


def test_a_series_has_a_picture_too(unit_of_work, clock, read_only, series, studio, assets):
    edit = EditSeries(unit_of_work, clock)
    SetSeriesPoster(read_only, studio, edit)(series.id, PICTURE, actor=CLI)
    with read_only() as tx:
        assert tx.series.get(series.id).poster == poster_digest(
            KeptPictures(assets).poster(series.id)
        )
