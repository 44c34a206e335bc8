"""Real nodes as processes, on real files."""

import random
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy"))

from demo_film import draw_film  # noqa: E402 - the path had to be set first
from nodes import Node, copy_film  # noqa: E402


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """A short real film: H.264 and AAC in MP4."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    draw_film(path, 4)
    return path


@pytest.fixture(scope="session")
def big_film(film, tmp_path_factory):
    """The same film with 24 MiB of noise behind it, so that a stream takes a while."""
    path = tmp_path_factory.mktemp("big") / "film.mp4"
    copy_film(film, path, mark=random.Random(7).randbytes(24 << 20))
    return path


@pytest.fixture(scope="module")
def make_node(tmp_path_factory):
    """Make nodes with a data directory each; all are stopped at the end."""
    nodes = []

    def make(name, **settings):
        node = Node(tmp_path_factory.mktemp(name), settings)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.kill()
