"""Pictures of videos, on the adapters in memory."""

from dataclasses import replace

import pytest

from adapters.memory.media import MemoryArtist, MemoryRemoteMedia
from app.usecases.jobs import Enqueue
from app.usecases.library.locations import AddLocation, CreateLibrary
from app.usecases.library.thumbnails import (
    MakeThumbnail,
    MakeThumbnails,
    PictureMaker,
    PictureTools,
    ReadThumbnail,
    asset_name,
    poster_digest,
    poster_name,
)
from domain.federation.audit import CLI
from domain.ids import ConnectionId, SeriesId, VideoId, WorkId
from domain.library.description import EpisodeMark
from domain.library.series import series_of
from domain.library.video import (
    Availability,
    PictureKind,
    PictureSource,
    Video,
    VideoNotFound,
)
from domain.library.work import Work
from ports.library.catalogue import StreamTarget
from ports.library.storage import StorageUnreachable

PICTURE = b"\xff\xd8\xff jpeg!"[:9]


class Context:
    job_id = None

    def __init__(self, stop_at=None):
        self.reports, self.stop_at = 0, stop_at

    def progress(self, **figures):
        self.reports += 1
        if self.reports == self.stop_at:
            raise KeyboardInterrupt


@pytest.fixture
def location(unit_of_work, clock, new_id, storages, secret_box):
    CreateLibrary(unit_of_work, clock, new_id)(name="Films", actor=CLI)
    return AddLocation(unit_of_work, clock, new_id, storages, secret_box)(
        name="Disk", storage_type="local", library="Films", options={"path": "d"}, actor=CLI
    )


@pytest.fixture
def put(unit_of_work, clock, new_id, storages, location):
    def put(name, **changes):
        storages.at("d").objects[name] = b"film"
        now, work_id = clock.now(), WorkId(new_id())
        work = Work(id=work_id, title=name, created_at=now, updated_at=now)
        video = Video(
            id=VideoId(new_id()), work_id=work_id, location_id=location.id, filename=name,
            locator=name, file_size=4, signature="1", created_at=now, updated_at=now, **changes,
        )  # fmt: skip
        with unit_of_work() as tx:
            tx.scans.add([(work, video)])
            tx.commit()
        return video

    return put


@pytest.fixture
def remote():
    return {}


@pytest.fixture
def maker(unit_of_work, read_only, storages, assets, thumbnailer, remote):
    def fetch(location, remote_id):
        return remote.get(remote_id)

    tools = PictureTools(thumbnailer, MemoryRemoteMedia(), MemoryArtist(), budget_bytes=4096)
    return PictureMaker(unit_of_work, read_only, storages, assets, tools, fetch)


@pytest.fixture
def rung():
    return []


@pytest.fixture
def read(unit_of_work, read_only, clock, new_id, assets, rung):
    class Doorbell:
        ring = staticmethod(rung.append)

    enqueue = Enqueue(unit_of_work, clock, new_id, Doorbell())
    use_case = ReadThumbnail(enqueue, read_only, clock, assets)

    def read(video):
        target = StreamTarget(
            video_id=video.id, work_id=video.work_id, location_id=video.location_id,
            connection_id=None, locator=video.locator, filename=video.filename, container="mp4",
            file_size=4, availability=video.availability,
        )  # fmt: skip
        return use_case(target=target)

    return read


def make(maker, video):
    return MakeThumbnail(maker)(Context(), {"video_id": str(video.id)})


def test_a_picture_is_made_by_a_job_and_then_read(maker, put, read, rung):
    video = put("a.mp4")
    assert read(video) is None
    assert len(rung) == 1
    assert make(maker, video) == {"made": True}
    assert read(video)[8:12] == b"WEBP"
    assert len(rung) == 1


def test_impatient_readers_queue_one_job(put, read, rung, clock):
    video = put("a.mp4")
    for _ in range(5):
        assert read(video) is None
    assert len(rung) == 1
    clock.forward(minutes=11)
    read(video)
    assert len(rung) == 2


def test_a_film_without_a_picture_is_not_tried_for_ever(maker, put, read, rung, thumbnailer):
    thumbnailer.broken["a.mp4"] = "it holds no picture"
    video = put("a.mp4")
    assert make(maker, video) == {"made": False}
    assert read(video) is None
    assert rung == []


def test_an_offline_video_queues_nothing(put, read, rung):
    assert read(put("a.mp4", availability=Availability.OFFLINE)) is None
    assert rung == []


def test_all_pictures_of_a_location_are_made_once(maker, put, location, assets):
    videos = [put(f"{n}.mp4") for n in range(5)]
    put("off.mp4", availability=Availability.OFFLINE)
    job, arguments = MakeThumbnails(maker), {"location_id": str(location.id)}
    assert job(Context(), arguments) == {"made": 5, "failed": 0}
    assert all(assets.has(asset_name(video.id)) for video in videos)
    assert job(Context(), arguments) == {"made": 0, "failed": 0}


def test_making_them_goes_on_after_a_crash(maker, put, location):
    for n in range(5):
        put(f"{n}.mp4")
    job, arguments = MakeThumbnails(maker), {"location_id": str(location.id)}
    with pytest.raises(KeyboardInterrupt):
        job(Context(stop_at=2), arguments)
    assert job(Context(), arguments) == {"made": 3, "failed": 0}


def test_the_picture_of_a_peers_video_comes_from_the_peer(
    maker, put, read, remote, unit_of_work, location, new_id
):
    video = put("a.mp4", remote_id="theirs")
    with unit_of_work() as tx:
        tx.locations.save(
            replace(tx.locations.get(location.id), connection_id=ConnectionId(new_id()))
        )
        tx.commit()
    assert make(maker, video) == {"made": False}
    remote["theirs"] = b"picture"
    assert make(maker, video) == {"made": True}
    assert read(video) == b"picture"


def test_a_video_that_is_gone_has_no_picture_made(maker, new_id):
    with pytest.raises(VideoNotFound):
        MakeThumbnail(maker)(Context(), {"video_id": str(new_id())})


POSTER, STILL = PictureKind.POSTER, PictureKind.STILL


def all_of(maker, location):
    return MakeThumbnails(maker)(Context(), {"location_id": str(location.id)})


def work_of(read_only, video):
    with read_only() as tx:
        return tx.works.get(video.work_id)


def test_a_still_beside_a_film_is_taken_before_one_out_of_it(maker, put, read, storages):
    storages.at("d").objects["fanart.jpg"] = PICTURE
    video = put("a.mp4", pictures=(PictureSource(STILL, "fanart.jpg"),))
    assert make(maker, video) == {"made": True}
    assert read(video).endswith(b"9 bytes in 640x640")


@pytest.mark.parametrize("beside", [b"<svg/>", b"x" * (10 * 1024 * 1024 + 1), None])
def test_artwork_that_is_none_gives_way_to_the_film(maker, put, read, storages, beside):
    if beside is not None:
        storages.at("d").objects["fanart.jpg"] = beside
    video = put("a.mp4", pictures=(PictureSource(STILL, "fanart.jpg"),))
    assert make(maker, video) == {"made": True}
    assert read(video).endswith(b"a.mp4@0.1")


def test_a_film_on_another_machine_gets_its_picture_within_a_budget(maker, put, read, storages):
    storages.at("d").remote = True
    video = put("a.mp4")
    assert make(maker, video) == {"made": True}
    assert read(video).endswith(b"4 bytes@0.1")


def test_a_location_that_does_not_answer_leaves_the_picture_for_later(maker, put, storages):
    storages.at("d").remote = True
    video = put("a.mp4")
    storages.at("d").unreachable = "unplugged"
    with pytest.raises(StorageUnreachable):
        make(maker, video)
    assert not maker.assets.has(asset_name(video.id))


def test_posters_become_their_works_once(maker, put, location, storages, read_only):
    storages.at("d").objects["poster.jpg"] = PICTURE
    video = put("a.mp4", pictures=(PictureSource(POSTER, "poster.jpg"),))
    assert all_of(maker, location) == {"made": 2, "failed": 0}
    kept = maker.assets.find(poster_name(video.work_id))
    assert kept.endswith(b"9 bytes in 600x900")
    assert work_of(read_only, video).poster == poster_digest(kept)
    assert all_of(maker, location) == {"made": 0, "failed": 0}


def test_a_poster_that_somebody_chose_stays(maker, put, location, storages, unit_of_work):
    storages.at("d").objects["poster.jpg"] = PICTURE
    video = put("a.mp4", pictures=(PictureSource(POSTER, "poster.jpg"),))
    with unit_of_work() as tx:
        tx.works.save(replace(tx.works.get(video.work_id), locked=frozenset({"poster"})))
        tx.commit()
    all_of(maker, location)
    assert not maker.assets.has(poster_name(video.work_id))


def test_a_broken_poster_is_not_tried_for_ever(maker, put, location, storages):
    storages.at("d").objects["poster.jpg"] = b"<svg/>"
    put("a.mp4", pictures=(PictureSource(POSTER, "poster.jpg"),))
    assert all_of(maker, location) == {"made": 1, "failed": 1}
    assert all_of(maker, location) == {"made": 0, "failed": 0}


def test_the_poster_of_an_episode_is_its_series(
    maker, put, location, storages, read_only, unit_of_work, new_id, clock
):
    storages.at("d").objects["poster.jpg"] = PICTURE
    mark = EpisodeMark(series="The Wire", season=1, episode=1)
    series = series_of(mark, SeriesId(new_id()), at=clock.now())
    videos = [put(f"{n}.mp4", pictures=(PictureSource(POSTER, "poster.jpg"),)) for n in range(3)]
    with unit_of_work() as tx:
        tx.series.add(series)
        for video in videos:
            tx.works.save(replace(tx.works.get(video.work_id), series_id=series.id, season=1))
        tx.commit()
    assert all_of(maker, location) == {"made": 4, "failed": 0}
    with read_only() as tx:
        kept = tx.series.get(series.id)
    assert kept.poster == poster_digest(maker.assets.find(poster_name(series.id)))
    assert work_of(read_only, videos[0]).poster == ""
    assert all_of(maker, location) == {"made": 0, "failed": 0}
