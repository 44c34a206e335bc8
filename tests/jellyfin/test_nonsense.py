"""Right answers with something in them exchanged: whatever it is, a walk copes with it."""

import copy
import json
import re
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.memory.outbound import MemoryDocuments
from adapters.storage.jellyfin import items
from adapters.storage.jellyfin.storage import JellyfinStorage
from domain.errors import BadUpstream
from domain.library.description import tidy
from domain.library.video import Video
from ports.library.storage import FoundObject, StorageUnreachable, UnreadableObject
from ports.outbound import WebDocument
from tests.jellyfin.conftest import READER
from tests.jellyfin.described import VERSIONS
from tests.jellyfin.fake import FakeJellyfin


def check(item):
    """Hold a found object to what the rest of the node takes."""
    assert isinstance(item, FoundObject)
    assert re.fullmatch(r"[0-9a-f]{32}/[0-9A-Za-z_-]{1,64}", item.locator)
    for text in (item.locator, item.name, item.signature, item.extras):
        text.encode()
        assert "\0" not in text
    assert item.size_bytes > 0
    said = tidy(item.told.description, last_year=2031)
    assert said.title.isprintable()
    hash(item.told.facts)
    Video(
        id=None, work_id=None, location_id=None, filename=item.name, locator=item.locator,
        file_size=item.size_bytes, signature=item.signature, created_at=None, updated_at=None,
        facts=item.told.facts,
    )  # fmt: skip
    for track in item.told.subtitles:
        (track.title + track.language + track.format).encode()


# -- any nonsense: answers that were right, with something in them exchanged

_any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["../x", "\ud800", "File", "Http", "x" * 5000, "0" * 32, "2026", ""])
    | st.sampled_from([-1, 0, 2**31, 2**53, 2**63, -(10**9), 0.1, -2.5, 1e300]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def places(value, path=()):
    """Yield the path of every value inside a JSON value."""
    yield path
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in entries:
        yield from places(inner, (*path, key))


def exchanged(value, path, new):
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = exchanged(value[path[0]], path[1:], new)
    return value


class Answers:
    """A storage over right answers that were recorded; ``bend`` changes each."""

    def __init__(self, version):
        fake = FakeJellyfin(version)
        fake.shelf.movie("Heat", b"12345")
        fake.shelf.episode("Dark")
        self._client = fake.app.test_client()
        self._kept = {}
        self.bend = lambda _path, value: value
        assert len(list(self.storage().walk())) == 2
        assert fake.faults == []

    def storage(self):
        return JellyfinStorage(
            "http://jellyfin.test",
            READER,
            device_id="velour-test",
            documents=MemoryDocuments(self._answer),
            origins=None,
            max_objects=500,
        )

    def _answer(self, method, url, headers, content):
        parts = urlsplit(url)
        if parts.path not in {*VICTIMS, "/Users/AuthenticateByName"}:
            return WebDocument(404, {}, bytearray())
        if url not in self._kept:
            answer = self._client.open(url, method=method, headers=dict(headers), data=content)
            if answer.status_code != 200:  # an id that was made up
                return WebDocument(answer.status_code, {}, bytearray())
            self._kept[url] = answer.get_json()
        said = self.bend(parts.path, self._kept[url])
        return WebDocument(200, {}, bytearray(json.dumps(said).encode()))

    def try_walk(self):
        """Walk to the end, and hold whatever happens to what may happen."""
        met, words = [], ""
        try:
            for item in self.storage().walk():
                met.append(item)
                if isinstance(item, FoundObject):
                    check(item)
                else:
                    assert isinstance(item, UnreadableObject)
                    assert item.reason
                    assert (item.name + (item.locator or "")).isprintable()
        except (StorageUnreachable, BadUpstream) as exc:
            words = str(exc)
        assert words.isprintable()
        assert len(words) < 2000
        assert len(met) <= 50


VICTIMS = ("/System/Info/Public", "/UserViews", "/Items")
# What is read of answers at all; the other half of the names would only take time.
READ = {
    "Items",
    "TotalRecordCount",
    "CollectionType",
    "ProductName",
    "Version",
    "ServerName",
}.union(
    *(shape.shapes for shape in (items.VIDEO, items.SERIES, items.LISTED)),
    *(shape.shapes for shape in (items._SOURCE, items._STREAM, items._PERSON, items._IMAGES)),
    items.ID_NAMES,
)
EXTREMES = [
    None, True, "", "../x", "\ud800\0", "x" * 5000, "0" * 32, 0, -1, -2.5, 2**31, 2**53, 2**63,
    10**30, 1e300, float("nan"), [], {}, [None, [], {}, 5], {"Id": 1},
]  # fmt: skip


@pytest.fixture(scope="module", params=VERSIONS)
def answers(request):
    return Answers(request.param)


def test_any_one_value_may_be_any_other(answers):
    tried = 0
    for victim in VICTIMS:
        seen = []
        answers.bend = lambda path, value, seen=seen, victim=victim: (
            (seen.append(value) if path == victim else None) or value
        )
        answers.try_walk()
        for number, right in enumerate(seen):
            for where in [one for one in places(right) if {*one} & READ == {*one} - {*range(99)}]:
                for new in EXTREMES:
                    turn = iter(range(1000))
                    wrong = exchanged(right, where, new)
                    answers.bend = lambda path, value, turn=turn, wrong=wrong, at=number, v=victim: (
                        wrong if path == v and next(turn) == at else value
                    )
                    answers.try_walk()
                    tried += 1
    assert tried > 3000


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_several_values_may_be_anything(answers, data):
    rounds = data.draw(st.integers(2, 8))

    def bend(path, value):
        if path in VICTIMS[1:]:
            for _ in range(rounds):
                where = data.draw(st.sampled_from(list(places(value))))
                value = exchanged(value, where, data.draw(_any_json))
        return value

    answers.bend = bend
    answers.try_walk()
