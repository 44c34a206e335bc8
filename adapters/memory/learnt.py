"""Writing what a peer's catalogue says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.memory.database import Learnt, Tables
from adapters.memory.library import MemoryWorks
from adapters.memory.scans import put_video
from domain.federation.remote_work import RemoteVideo, RemoteWork
from domain.ids import ConnectionId, LocationId, VideoId, WorkId
from domain.library.video import Availability, Video
from domain.library.work import Work
from ports.federation.learnt import LearntCounts


class MemoryLearntImport:
    """Works and videos of peers, keyed (connection, remote id)."""

    def __init__(self, tables: Tables, new_id: Callable[[], UUID]) -> None:
        self._tables, self._new_id = tables, new_id

    def apply(
        self,
        connection_id: ConnectionId,
        location_id: LocationId,
        works: Sequence[RemoteWork],
        *,
        at: datetime,
    ) -> LearntCounts:
        known = {work.remote_id: work.id for work in self._works(connection_id)}
        added = updated = unchanged = 0
        rows = []
        for remote in works:
            work_id = known.get(remote.remote_id)
            if work_id is None:
                work_id = known[remote.remote_id] = WorkId(self._new_id())
                added += 1
                self._write(work_id, connection_id, location_id, remote, at)
            elif self._tables.learnt[work_id] == Learnt(remote.digest, gone=False):
                unchanged += 1
            else:
                updated += 1
                self._write(work_id, connection_id, location_id, remote, at)
            rows.append(self._tables.work_rows[work_id])
        return LearntCounts(added, updated, unchanged, rows)

    def rows_of(self, connection_id: ConnectionId, remote_ids: Sequence[str]) -> Sequence[int]:
        wanted = set(remote_ids)
        works = [work for work in self._works(connection_id) if work.remote_id in wanted]
        return [self._tables.work_rows[work.id] for work in works]

    def iter_known(self, connection_id: ConnectionId) -> Iterator[int]:
        for work in self._works(connection_id):
            if not self._tables.learnt[work.id].gone:
                yield self._tables.work_rows[work.id]

    def remove(self, connection_id: ConnectionId, rows: Sequence[int]) -> None:
        wanted = set(rows)
        for work in self._works(connection_id):
            if self._tables.work_rows[work.id] in wanted:
                digest = self._tables.learnt[work.id].digest
                self._tables.learnt[work.id] = Learnt(digest, gone=True)
                for video in self._videos(connection_id):
                    if video.work_id == work.id:
                        self._mark(video, Availability.GONE)

    def set_offline(self, connection_id: ConnectionId) -> int:
        return self._swap(connection_id, Availability.AVAILABLE, Availability.OFFLINE)

    def set_online(self, connection_id: ConnectionId) -> int:
        return self._swap(connection_id, Availability.OFFLINE, Availability.AVAILABLE)

    def _write(
        self,
        work_id: WorkId,
        connection_id: ConnectionId,
        location_id: LocationId,
        remote: RemoteWork,
        at: datetime,
    ) -> None:
        stored = self._tables.works.get(work_id)
        work = Work(
            id=work_id,
            title=remote.title,
            created_at=stored.created_at if stored else at,
            updated_at=at,
            year=remote.year,
            description=remote.description,
            director=remote.director,
            rating=remote.rating,
            content_rating=remote.content_rating,
            tags=remote.tags,
            external_ids=dict(remote.external_ids),
            connection_id=connection_id,
            remote_id=remote.remote_id,
            merged_into=stored.merged_into if stored else None,
            version=stored.version + 1 if stored else 0,
        )
        if stored is None:
            MemoryWorks(self._tables).add(work)
        self._tables.works[work_id] = work
        self._tables.learnt[work_id] = Learnt(remote.digest, gone=False)
        self._write_videos(work, location_id, remote.videos, at)

    def _write_videos(
        self, work: Work, location_id: LocationId, videos: Sequence[RemoteVideo], at: datetime
    ) -> None:
        assert work.connection_id is not None  # noqa: S101 - for the type checker
        known = {video.remote_id: video for video in self._videos(work.connection_id)}
        named = {video.remote_id for video in videos}
        for remote_id, video in known.items():
            if video.work_id == work.id and remote_id not in named:
                self._mark(video, Availability.GONE)
        for remote in videos:
            stored = known.get(remote.remote_id)
            video = Video(
                id=stored.id if stored else VideoId(self._new_id()),
                work_id=work.id,
                location_id=location_id,
                filename=remote.filename,
                locator=remote.remote_id,
                file_size=remote.file_size,
                signature="",
                created_at=stored.created_at if stored else at,
                updated_at=at,
                facts=remote.facts,
                fingerprints=remote.fingerprints,
                web_compatible=remote.web_compatible,
                availability=Availability.AVAILABLE if remote.available else Availability.OFFLINE,
                remote_id=remote.remote_id,
            )
            put_video(self._tables, video)
            lacks = self._tables.peer_lacks
            (lacks.discard if remote.available else lacks.add)(video.id)
            known[remote.remote_id] = video

    def _works(self, connection_id: ConnectionId) -> list[Work]:
        rows = self._tables.works.values()
        return [work for work in rows if work.connection_id == connection_id]

    def _videos(self, connection_id: ConnectionId) -> list[Video]:
        works, videos = self._tables.works, self._tables.videos.values()
        return [v for v in videos if works[v.work_id].connection_id == connection_id]

    def _swap(self, connection_id: ConnectionId, old: Availability, new: Availability) -> int:
        there = [v for v in self._videos(connection_id) if v.availability is old]
        moved = [video for video in there if video.id not in self._tables.peer_lacks]
        for video in moved:
            self._mark(video, new)
        return len(moved)

    def _mark(self, video: Video, availability: Availability) -> None:
        self._tables.videos[video.id] = replace(video, availability=availability)
