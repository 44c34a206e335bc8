"""Subtitles as WebVTT: of side-cars and of the file, turned once for each state of the files."""

from dataclasses import replace

import pytest

from app.usecases.library.subtitles import (
    MAX_SIDE_CAR_BYTES,
    ReadSubtitles,
    SubtitlesNotFound,
)
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.subtitles import SubtitleTrack
from domain.library.video import Video
from domain.library.work import Work
from ports.library.catalogue import EVERYTHING
from ports.library.media import MediaUnreadable
from ports.library.storage import ObjectNotFound, StorageUnreachable

TRACKS = (
    SubtitleTrack(format="subrip", language="en", locator="film.en.srt"),
    SubtitleTrack(format="ass", language="de", stream=2),
    SubtitleTrack(format="hdmv_pgs_subtitle", language="fr", stream=3),
)


@pytest.fixture
def disk(storages):
    disk = storages.at("/films")
    disk.objects |= {"film.mkv": b"film", "film.en.srt": b"hello"}
    return disk


@pytest.fixture
def video(unit_of_work, clock, new_id, disk):
    now = clock.now()
    library = Library(id=new_id(), name="Films", created_at=now)
    place = StorageLocation(
        id=new_id(), name="disk", storage_type=StorageType.LOCAL, library_id=library.id,
        created_at=now, options={"path": "/films"},
    )  # fmt: skip
    work = Work(id=new_id(), title="Film", created_at=now, updated_at=now)
    video = Video(
        id=new_id(), work_id=work.id, location_id=place.id, filename="film.mkv",
        locator="film.mkv", file_size=4, signature="1", created_at=now, updated_at=now,
        subtitles=TRACKS,
    )  # fmt: skip
    with unit_of_work() as tx:
        tx.libraries.add(library)
        tx.locations.add(place)
        tx.scans.add([(work, video)])
        tx.commit()
    return video


@pytest.fixture
def read(read_only, storages, assets, subtitle_reader, catalogue, video):
    use_case = ReadSubtitles(read_only, storages, assets, subtitle_reader)

    def read(number):
        target = catalogue.stream_target(EVERYTHING, video.id)
        return use_case(target=target, number=number)

    return read


def change(unit_of_work, video, **values):
    with unit_of_work() as tx:
        tx.scans.update([replace(tx.videos.get(video.id), **values)])
        tx.commit()


def test_a_side_car_and_a_track_of_the_file_are_read(read):
    assert read(0).startswith("WEBVTT\n")
    assert "hello" in read(0)
    assert "film.mkv, stream 2" in read(1)


def test_each_is_turned_once(read, subtitle_reader):
    texts = read(0), read(1)
    subtitle_reader.broken = {"subrip": "asked twice", "film.mkv": "asked twice"}
    assert (read(0), read(1)) == texts


def test_a_changed_file_is_turned_anew(read, disk, unit_of_work, video):
    read(0)
    disk.objects["film.en.srt"] = b"other words"
    change(unit_of_work, video, extras="2")
    assert "other words" in read(0)


@pytest.mark.parametrize("number", [2, 3, -1, 10**9])
def test_pictures_of_text_and_tracks_that_are_not_there_are_not_found(read, number):
    with pytest.raises(SubtitlesNotFound):
        read(number)


def test_a_side_car_that_went_away_or_does_not_answer_says_so(read, disk):
    del disk.objects["film.en.srt"]
    with pytest.raises(ObjectNotFound):
        read(0)
    disk.unreachable = "the disk is off"
    with pytest.raises(StorageUnreachable):
        read(0)


@pytest.mark.parametrize("data", [b"", b"broken", b"x" * (MAX_SIDE_CAR_BYTES + 1)])
def test_what_is_no_subtitle_file_is_refused_and_not_kept(read, disk, subtitle_reader, data):
    disk.objects["film.en.srt"] = data
    subtitle_reader.broken = {"subrip": "those are no subtitles"}
    with pytest.raises(MediaUnreadable):
        read(0)
    disk.objects["film.en.srt"], subtitle_reader.broken = b"now right", {}
    assert "now right" in read(0)


def test_a_file_that_is_nowhere_on_this_machine_is_not_looked_into(read, disk):
    del disk.objects["film.mkv"]
    with pytest.raises(SubtitlesNotFound):
        read(1)
