"""A whole node in this process, served over HTTP."""

import random
import threading

from werkzeug.serving import WSGIRequestHandler, make_server

from adapters.sql.upgrade import upgrade_to_head
from app import create_app
from app.settings import load_settings
from domain.federation.audit import CLI
from domain.library.video import Video
from domain.library.work import Work

FILM = random.Random(7).randbytes(3 * 1024 * 1024 + 17)


class Node:
    """An application with its own data directory; ``serve`` puts it on a port."""

    def __init__(self, data):
        self.app = create_app(
            load_settings(
                {
                    "VELOUR_DATA_DIR": str(data),
                    "FEDERATION_ALLOWED_NETWORKS": "127.0.0.0/8",
                    "FEDERATION_REQUIRE_HTTPS": "false",
                    "VELOUR__LIMITS__ENABLED": "false",
                    "VELOUR__MEDIA__THUMBNAILS": "false",
                }
            )
        )
        self.container = self.app.extensions["velour"]
        upgrade_to_head(self.container.engine())
        self.server = None

    def serve(self, port=0):
        quiet = type("Quiet", (WSGIRequestHandler,), {"log": lambda *_: None})
        quiet.protocol_version = "HTTP/1.1"
        self.server = make_server("127.0.0.1", port, self.app, threaded=True, request_handler=quiet)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
            self.server = None

    def close(self):
        self.stop()
        self.container.outbound().close()
        self.container.engine().dispose()

    def add_library(self, name, folder, titles):
        """A library with one small file a title; the first one is the film."""
        location = self.add_location(name, folder)
        pairs = []
        for number, title in enumerate(titles):
            data = FILM if number == 0 else title.encode() * 20
            (folder / f"{title}.mp4").write_bytes(data)
            pairs.append(self._film(location, f"{title}.mp4", len(data)))
        self._add(pairs)

    def add_location(self, name, folder):
        """A library of that name with an empty folder in it."""
        folder.mkdir()
        self.container.create_library()(name=name, actor=CLI)
        return self.container.add_location()(
            name=name, storage_type="local", library=name, options={"path": str(folder)}, actor=CLI
        )

    def add_film(self, location, name, size):
        """Write a film into the catalogue without looking at its file; return the video's id."""
        work, video = self._film(location, name, size)
        self._add([(work, video)])
        return video.id

    def _film(self, location, name, size):
        now, new_id = self.container.clock().now(), self.container.new_id()
        work = Work(id=new_id(), title=name.removesuffix(".mp4"), created_at=now, updated_at=now)
        video = Video(
            id=new_id(), work_id=work.id, location_id=location.id, filename=name, locator=name,
            file_size=size, signature="1", created_at=now, updated_at=now,
        )  # fmt: skip
        return work, video

    def _add(self, pairs):
        with self.container.unit_of_work() as tx:
            tx.scans.add(pairs)
            tx.commit()

    def issue(self, name, *scopes, kind="peer", libraries=()):
        issue_key = self.container.issue_key()
        return issue_key(name=name, kind=kind, scopes=scopes, libraries=libraries, actor=CLI)[1]

    def connect(self, name, other, key):
        return self.container.add_connection()(name=name, url=other.url, key=key, actor=CLI)

    def scan(self, name):
        with self.container.read_only() as tx:
            location = tx.locations.find_by_name(name)
        job = self.container.request_scan()(location_id=location.id, actor=CLI, ring=False)
        done = self.container.run_job_here()(job.id)
        assert done.result is not None, done.error
        return done.result

    def move(self, verb, name):
        with self.container.read_only() as tx:
            connection = tx.connections.find_by_name(name)
        use_case = getattr(self.container, f"{verb}_connection")()
        use_case(connection_id=connection.id, actor=CLI)

    def get(self, path, key, **headers):
        given = {"Authorization": f"Bearer {key}", **headers}
        return self.app.test_client().get(path, headers=given)
