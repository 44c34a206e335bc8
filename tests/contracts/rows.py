"""Rows to begin with: each method fills in what a test does not care about."""

import hashlib
from dataclasses import dataclass
from typing import Any

from adapters.system.ids import new_uuid7
from domain.federation.api_key import ApiKey, KeyKind, Scope
from domain.federation.audit import AuditEntry
from domain.federation.connection import Connection, ConnectionState, Direction
from domain.federation.remote_work import RemoteVideo, RemoteWork
from domain.jobs import Job
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import Availability, Fingerprints, MediaFacts, Video
from domain.library.watch import WatchState
from domain.library.work import Work
from domain.people import Role, Session, User


@dataclass
class Rows:
    """Makes entities (``new_…``) and adds them (the others)."""

    unit_of_work: Any
    clock: Any
    made: int = 0

    def count(self):
        self.made += 1
        return self.made

    def in_one(self, act):
        """Run ``act(tx)`` in a unit of work of its own."""
        with self.unit_of_work() as tx:
            result = act(tx)
            tx.commit()
        return result

    def new_library(self, name="Films", **more):
        return Library(id=new_uuid7(), name=name, created_at=self.clock.now(), **more)

    def library(self, name="Films", **more):
        library = self.new_library(name, **more)
        self.in_one(lambda tx: tx.libraries.add(library))
        return library

    def new_location(self, library, name=None, **more):
        return StorageLocation(
            id=new_uuid7(),
            name=name or f"location {self.count()}",
            storage_type=more.pop("storage_type", StorageType.LOCAL),
            library_id=library.id,
            created_at=self.clock.now(),
            **more,
        )

    def location(self, library=None, name=None, *, secrets=None, **more):
        library = library or self.library(f"library {self.count():03}")
        location = self.new_location(library, name, **more)
        self.in_one(lambda tx: tx.locations.add(location, secrets))
        return location

    def new_work(self, title="Dawn", **more):
        now = self.clock.now()
        return Work(id=new_uuid7(), title=title, created_at=now, updated_at=now, **more)

    def new_video(self, work, location, **more):
        number, now = self.count(), self.clock.now()
        values = {
            "filename": f"film-{number}.mp4",
            "locator": f"folder/film-{number}.mp4",
            "file_size": 1000 + number,
            "signature": f"signature {number}",
            "facts": MediaFacts(duration=60.5, width=1280, container="mp4", video_codec="h264"),
            "fingerprints": Fingerprints(),
        }
        return Video(
            id=new_uuid7(),
            work_id=work.id,
            location_id=location.id,
            created_at=now,
            updated_at=now,
            **{**values, **more},
        )

    def film(self, location, title="Dawn", *, video=None, **more):
        """Add a work with one video; return both."""
        work = self.new_work(title, **more)
        film = self.new_video(work, location, **(video or {}))
        self.in_one(lambda tx: tx.scans.add([(work, film)]))
        return work, film

    def second_video(self, work, location, **more):
        video = self.new_video(work, location, **more)
        self.in_one(lambda tx: tx.scans.add([(None, video)]))
        return video

    def mark(self, *videos, availability):
        ids = [video.id for video in videos]
        self.in_one(lambda tx: tx.scans.set_availability(ids, Availability(availability)))

    def new_user(self, name="ann", **more):
        return User(
            id=new_uuid7(),
            username=name,
            email=more.pop("email", f"{name}@example.org"),
            password_hash="hash",
            role=more.pop("role", Role.USER),
            created_at=self.clock.now(),
            **more,
        )

    def user(self, name="ann", **more):
        user = self.new_user(name, **more)
        self.in_one(lambda tx: tx.users.add(user))
        return user

    def session(self, user=None, *, digest=b"d" * 32):
        now = self.clock.now()
        session = Session(
            id_digest=digest,
            user_id=user.id if user else None,
            values="{}",
            created_at=now,
            seen_at=now,
        )
        self.in_one(lambda tx: tx.sessions.put(session))
        return session

    def watch(self, user, video, position=30.0, *, watched=False):
        state = WatchState(
            user_id=user.id,
            video_id=video.id,
            position=position,
            watched=watched,
            updated_at=self.clock.now(),
        )
        self.in_one(lambda tx: tx.watch_states.put(state))
        return state

    def new_key(self, name="phone", **more):
        number = self.count()
        return ApiKey(
            id=new_uuid7(),
            name=name,
            kind=more.pop("kind", KeyKind.PEER),
            prefix=f"vlr_peer_{number:08}",
            digest=more.pop("digest", hashlib.sha256(str(number).encode()).digest()),
            scopes=more.pop("scopes", frozenset({Scope.READ, Scope.STREAM})),
            libraries=more.pop("libraries", frozenset()),
            created_at=self.clock.now(),
            **more,
        )

    def key(self, name="phone", **more):
        key = self.new_key(name, **more)
        self.in_one(lambda tx: tx.api_keys.add(key))
        return key

    def new_connection(self, name="Bea", **more):
        now = self.clock.now()
        return Connection(
            id=new_uuid7(),
            name=name,
            direction=more.pop("direction", Direction.OUTBOUND),
            state=more.pop("state", ConnectionState.ACTIVE),
            remote_url=more.pop("remote_url", "https://bea.example.org"),
            created_at=now,
            changed_at=now,
            **more,
        )

    def connection(self, name="Bea", *, sealed=None, digest=None, **more):
        connection = self.new_connection(name, **more)
        digest = digest or hashlib.sha256(name.encode()).digest()
        self.in_one(lambda tx: tx.connections.add(connection, sealed, digest))
        return connection

    def peer(self, name="Bea", library=None):
        """Add a connection with its velour location."""
        connection = self.connection(name)
        location = self.location(
            library, name, storage_type=StorageType.VELOUR, connection_id=connection.id
        )
        return connection, location

    def remote(self, remote_id, title="Dusk", *, videos=1, digest=None, available=True, **more):
        films = tuple(
            RemoteVideo(
                remote_id=f"{remote_id}-v{number}",
                filename=f"{remote_id}-{number}.mkv",
                file_size=5000 + number,
                facts=MediaFacts(duration=90.0, container="matroska"),
                fingerprints=Fingerprints(oshash="ab" * 8),
                web_compatible=False,
                available=available,
            )
            for number in range(videos)
        )
        said = repr((title, films, more)).encode()
        return RemoteWork(
            remote_id=remote_id,
            title=title,
            year=more.get("year"),
            description=more.get("description", ""),
            director="",
            rating=more.get("rating"),
            content_rating=None,
            tags=more.get("tags", ()),
            external_ids={},
            videos=films,
            digest=digest or hashlib.sha256(said).digest(),
        )

    def learn(self, connection, location, *works):
        return self.in_one(
            lambda tx: tx.learnt.apply(connection.id, location.id, works, at=self.clock.now())
        )

    def new_job(self, name="scan", **more):
        now = self.clock.now()
        return Job(
            id=new_uuid7(),
            name=name,
            arguments=more.pop("arguments", {"location_id": "1"}),
            created_at=now,
            run_at=more.pop("run_at", now),
            **more,
        )

    def job(self, name="scan", **more):
        job = self.new_job(name, **more)
        return self.in_one(lambda tx: tx.jobs.add(job))

    def entry(self, action="thing.verb", actor="cli", **more):
        return AuditEntry(at=self.clock.now(), actor=actor, action=action, **more)
