"""A real node with one large film in it, served by the real command's parts."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from app import create_app
from app.settings import load_settings
from domain.ids import VideoId
from domain.library.video import MediaFacts, Video
from domain.library.work import Work
from ports.library.catalogue import EVERYTHING
from tests.benchmarks.harness import ROOT, Server, free_port, serve_command

sys.path.insert(0, str(ROOT / "deploy"))

from nodes import Node


@dataclass
class FilmNode:
    """What a client needs to play the film."""

    node: Node
    key: str
    video_id: str
    signed_path: str

    @property
    def api_path(self) -> str:
        return f"/api/v1/videos/{self.video_id}/stream"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @contextlib.contextmanager
    def serving(self, *, core: int = 0) -> Iterator[Server]:
        """Serve the node."""
        port = free_port()
        with Server(
            serve_command("wsgi:app", port), port, env=self.node.environment, core=core
        ) as server:
            yield server


@contextlib.contextmanager
def film_node(film: Path, *, key_kind: str = "app") -> Iterator[FilmNode]:
    """Make a node whose library holds ``film`` as it is, whatever its bytes are."""
    with new_node() as node:
        node.flask("library", "create", "Films")
        node.flask("storage", "add", "Disk", "--type", "local", "--library", "Films", "--option", f"path={film.parent}")  # fmt: skip
        key = node.json("key", "create", "bench", "--kind", key_kind, "--scope", "read", "--scope", "stream", "--library", "Films")["key"]  # fmt: skip
        with inside(node) as container:
            video = _add_film(container, film)
            yield FilmNode(node, key, str(video.id), _sign(container, video.id))


@contextlib.contextmanager
def bucket_node(film: Path, store_url: str) -> Iterator[FilmNode]:
    """Make a node whose film lies in a bucket, and whose apps are sent there.

    Its signed path, as pages play it, is answered by the node itself.
    """
    with new_node(VELOUR__STORAGE__ALLOWED_NETWORKS="127.0.0.1/32") as node:
        node.flask("library", "create", "Films")
        options = f"endpoint_url={store_url}", "bucket=bucket", "access_key_id=bench", "secret_access_key=bench", "redirect=yes"  # fmt: skip
        node.flask("storage", "add", "Disk", "--type", "s3", "--library", "Films", "--options-stdin", stdin="\n".join(options))  # fmt: skip
        key = node.json("key", "create", "bench", "--kind", "app", "--scope", "stream", "--library", "Films")["key"]  # fmt: skip
        with inside(node) as container:
            video = _add_film(container, film)
            yield FilmNode(node, key, str(video.id), _sign(container, video.id))


@contextlib.contextmanager
def learner_of(origin: FilmNode, url: str) -> Iterator[FilmNode]:
    """Make a node that learnt the film of another one, which is served at ``url``."""
    with new_node() as node:
        node.flask("connection", "add", "Origin", "--url", url, "--key-stdin", stdin=origin.key)
        node.flask("storage", "scan", "Origin", "--wait")
        key = node.json("key", "create", "bench", "--kind", "app", "--scope", "stream")["key"]
        with inside(node) as container:
            page = container.catalogue().works_page(EVERYTHING, page=1, per_page=1)
            video_id = json.loads(page.documents[0])["videos"][0]["id"]
            yield FilmNode(node, key, video_id, _sign(container, VideoId(UUID(video_id))))


@contextlib.contextmanager
def new_node(**settings: str) -> Iterator[Node]:
    with tempfile.TemporaryDirectory(prefix="velour-node-") as folder:
        node = Node(
            Path(folder),
            {
                "FEDERATION_RATE_LIMIT_PER_HOUR": "100000000",
                "FEDERATION_STREAM_LIMIT_PER_HOUR": "100000000",
                "VELOUR__LOGGING__LEVEL": "warning",
                **settings,
            },
        )
        node.add_admin("correct horse battery")
        yield node


@contextlib.contextmanager
def inside(node: Node) -> Iterator[Any]:
    """Build the node's application here, and yield its container."""
    app = create_app(load_settings(node.environment))
    with app.app_context():
        yield app.extensions["velour"]


def _sign(container: Any, video_id: VideoId) -> str:
    with container.read_only() as tx:
        user = tx.users.find("admin")
    path: str = container.sign_stream_url()(
        video_id=video_id, subject=f"user:{user.id}", purpose="player"
    )
    return path


def _add_film(container: Any, film: Path) -> Video:
    now, new_id = container.clock().now(), container.new_id()
    work = Work(id=new_id(), title="Film", created_at=now, updated_at=now)
    with container.unit_of_work() as tx:
        location = tx.locations.find_by_name("Disk")
        video = Video(
            id=new_id(), work_id=work.id, location_id=location.id, filename=film.name, locator=film.name,
            file_size=film.stat().st_size, signature="bench", created_at=now, updated_at=now,
            facts=MediaFacts(container="mp4", video_codec="h264"), web_compatible=True,
        )  # fmt: skip
        tx.scans.add([(work, video)])
        tx.commit()
    return video
