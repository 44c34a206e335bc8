"""Every CDN, against real servers: a store that speaks S3, and this node's own addresses."""

import io
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from werkzeug.serving import make_server

from adapters.cdn.local import LocalCdn
from adapters.cdn.memory import MemoryCdn
from adapters.cdn.s3 import PART, SIGNED_PART, S3Cdn
from adapters.cdn.s3_client import Keys, place
from adapters.crypto.secrets import NodeSecrets
from adapters.http.writes import Writes
from app.api import cdn as cdn_routes
from app.api import problems
from ports.resources.cdn import CdnObjectExists, CdnObjectNotFound, CdnUploadIncomplete
from tests.buckets import KEY, SECRET
from tests.contracts.guarded import guarded_client

FOLDER = "019a0000-0000-7000-8000-000000000001"


class Now:
    """A clock that can be put forward."""

    ahead = timedelta(0)

    def now(self):
        return datetime.now(UTC) + self.ahead


class InMemory:
    """No addresses: nothing serves them."""

    def __init__(self, request, folder):
        self.cdn = MemoryCdn()

    def close(self):
        pass


class InFolder:
    """A folder, with its addresses served by a real server."""

    def __init__(self, request, folder):
        self.clock = Now()
        self.cdn = LocalCdn(
            folder / "cdn", NodeSecrets(pepper=b"p" * 32, signing_key=b"s" * 32), self.clock
        )
        app = Flask("cdn")
        problems.init_app(app)
        app.register_blueprint(cdn_routes.blueprint(self.cdn))
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class InBucket:
    """A real store."""

    base = ""

    def __init__(self, request, folder):
        self.store = request.getfixturevalue("s3_store")
        self.bucket = self.store.new_bucket()
        origins, _ = guarded_client()
        self.origins = origins
        where = place(
            endpoint=self.store.endpoint, bucket=self.bucket, region="us-east-1", prefix="big/parts"
        )
        keys = Keys(KEY, SECRET)
        self.cdn = S3Cdn(
            where, reader=keys, writer=keys, origins=origins, writes=Writes(origins, timeout_s=30)
        )

    def close(self):
        self.origins.close()
        self.store.remove_bucket(self.bucket)


@pytest.fixture(params=[InMemory, InFolder, InBucket], ids=["memory", "local", "s3"])
def place_of(request, tmp_path):
    found = request.param(request, tmp_path)
    yield found
    found.close()


@pytest.fixture
def cdn(place_of):
    return place_of.cdn


@pytest.fixture(params=[InFolder, InBucket], ids=["local", "s3"])
def served(request, tmp_path):
    """Those whose addresses lead somewhere."""
    found = request.param(request, tmp_path)
    yield found
    found.close()


def key(number=1):
    return f"{FOLDER}/019a0000-0000-7000-8000-000000000002/{number}.big"


def put(cdn, data, number=1):
    return cdn.put(key(number), io.BytesIO(data), length=len(data))


def read(cdn, number=1, **window):
    body = cdn.get(key(number), **window)
    data = b"".join(body)
    body.close()
    return data


def ask(served, asked, data=None, **headers):
    url = asked.url if "://" in asked.url else served.base + asked.url
    sent = {**asked.headers, **headers}
    request = urllib.request.Request(url, data, sent, method=asked.method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, dict(exc.headers), exc.read()


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 1000])
def test_what_was_put_is_read(cdn, data):
    stored = put(cdn, data)

    assert read(cdn) == data
    assert stored == cdn.head(key())
    assert (stored.size_bytes, stored.key) == (len(data), key())
    assert abs(datetime.now(UTC) - stored.stored_at) < timedelta(minutes=1)


def test_any_part_is_read(cdn):
    put(cdn, b"0123456789")

    assert read(cdn, start=3, length=4) == b"3456"
    assert read(cdn, start=7) == b"789"
    assert read(cdn, start=7, length=100) == b"789"
    assert read(cdn, start=10) == b""
    assert read(cdn, start=50, length=1) == b""
    assert read(cdn, start=2, length=0) == b""


def test_what_is_not_there(cdn):
    assert cdn.head(key(9)) is None
    with pytest.raises(CdnObjectNotFound):
        read(cdn, 9)
    cdn.delete(key(9))


def test_an_object_is_never_written_over(cdn):
    put(cdn, b"first")

    with pytest.raises(CdnObjectExists):
        put(cdn, b"second")
    with pytest.raises(CdnObjectExists):
        cdn.presign_put(key(), length=6, expires_s=60)

    assert read(cdn) == b"first"


@pytest.mark.parametrize("announced", [4, 6])
def test_another_length_than_announced_leaves_nothing(cdn, announced):
    with pytest.raises(CdnUploadIncomplete):
        cdn.put(key(), io.BytesIO(b"12345"), length=announced)

    assert cdn.head(key()) is None
    assert list(cdn.iter_objects()) == []
    put(cdn, b"12345")


def test_a_removed_object_is_gone_and_its_key_free(cdn):
    put(cdn, b"one")
    cdn.delete(key())

    assert cdn.head(key()) is None
    put(cdn, b"two")
    assert read(cdn) == b"two"


def test_objects_are_listed_by_the_beginning_of_their_keys(cdn):
    other = f"019b0000-0000-7000-8000-000000000009/{FOLDER}/1.big"
    for number in (1, 2, 10):
        put(cdn, b"x" * number, number)
    cdn.put(other, io.BytesIO(b""), length=0)

    listed = {one.key: one.size_bytes for one in cdn.iter_objects(f"{FOLDER}/")}

    assert listed == {key(1): 1, key(2): 2, key(10): 10}
    assert {one.key for one in cdn.iter_objects()} == {*listed, other}


@pytest.mark.parametrize(
    "wrong", ["", "/a/1.big", "../up.big", "a//1.big", "a/../1.big", "a\\b.big", "a\0b.big", "a/%2e.big", "a" * 99 + ".big", "é.big"],
)  # fmt: skip
def test_keys_are_made_of_ids(cdn, wrong):
    for call in (cdn.head, cdn.get, cdn.delete, lambda k: cdn.presign_get(k, expires_s=1)):
        with pytest.raises(ValueError):
            call(wrong)
    with pytest.raises(ValueError):
        cdn.put(wrong, io.BytesIO(b""), length=0)


def test_unfinished_uploads_are_removed_once_they_are_old(place_of, cdn):
    if isinstance(place_of, InBucket):
        cdn.presign_put(key(), length=SIGNED_PART + 1, expires_s=60)
    elif isinstance(place_of, InFolder):
        put(cdn, b"x", 2)
        (place_of.cdn._root / ".unfinished" / "left").write_bytes(b"half")
    expected = 0 if isinstance(place_of, InMemory) else 1
    now = datetime.now(UTC)

    assert cdn.discard_unfinished(before=now - timedelta(hours=1)) == 0
    assert cdn.discard_unfinished(before=now + timedelta(hours=1)) == expected
    assert cdn.discard_unfinished(before=now + timedelta(hours=1)) == 0


def test_a_large_object_goes_in_parts_and_comes_back_the_same(cdn):
    data = bytes(range(251)) * (PART // 251 * 2)
    put(cdn, data)

    assert read(cdn) == data
    assert read(cdn, start=PART - 3, length=6) == data[PART - 3 : PART + 3]


def test_a_signed_address_reads_one_object_and_its_parts(served):
    put(served.cdn, b"0123456789")
    asked = served.cdn.presign_get(key(), expires_s=60)

    status, headers, data = ask(served, asked)
    assert (status, data) == (200, b"0123456789")
    assert headers["Accept-Ranges"] == "bytes"
    status, headers, data = ask(served, asked, Range="bytes=2-4")
    assert (status, data, headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    status, headers, data = ask(served, asked, Range="bytes=8-")
    assert (status, data) == (206, b"89")
    assert ask(served, asked, Range="bytes=10-")[0] == 416


def test_a_signed_address_of_nothing_is_404(served):
    assert ask(served, served.cdn.presign_get(key(7), expires_s=60))[0] == 404


def test_a_signed_address_of_one_object_reads_no_other_and_writes_nothing(served):
    put(served.cdn, b"one", 1)
    put(served.cdn, b"two", 2)
    asked = served.cdn.presign_get(key(1), expires_s=60)

    for changed in (
        asked.url.replace("/1.big", "/2.big"),
        asked.url[:60] + ("A" if asked.url[60] != "A" else "B") + asked.url[61:],
        asked.url.split("?")[0] if "?" in asked.url else "/cdn/AAAA/1.big",
    ):
        status, _, data = ask(served, type(asked)("GET", changed, {}))
        assert data == b"one" if status == 200 else status in {403, 404}
    for method, data in (("PUT", b"evil"), ("DELETE", None), ("POST", b"evil")):
        assert ask(served, type(asked)(method, asked.url, {}), data)[0] in {403, 405}
    assert read(served.cdn, 1) == b"one"


def test_a_signed_address_ends(served):
    put(served.cdn, b"one")
    asked = served.cdn.presign_get(key(), expires_s=1)
    if isinstance(served, InFolder):
        served.clock.ahead = timedelta(seconds=2)
    else:
        threading.Event().wait(2.1)

    assert ask(served, asked)[0] == 403


def test_a_signed_address_writes_one_object_of_that_length_once(served):
    plan = served.cdn.presign_put(key(), length=5, expires_s=60)
    assert plan.whole is not None

    assert ask(served, plan.whole, b"123456")[0] in {400, 403}
    assert served.cdn.head(key()) is None
    assert ask(served, plan.whole, b"12345")[0] in {200, 201}
    assert read(served.cdn) == b"12345"
    assert ask(served, plan.whole, b"54321")[0] in {409, 412}
    assert read(served.cdn) == b"12345"
    reading = type(plan.whole)("GET", plan.whole.url, {})
    assert ask(served, reading)[0] == 403


def test_a_large_object_is_written_by_its_plan(served):
    data = bytes(range(251)) * (SIGNED_PART // 251 + 1000)
    plan = served.cdn.presign_put(key(), length=len(data), expires_s=600)
    if plan.whole is not None:
        assert ask(served, plan.whole, data)[0] in {200, 201}
    else:
        assert (len(plan.parts), plan.part_bytes) == (2, SIGNED_PART)
        tags = []
        for number, part in enumerate(plan.parts):
            piece = data[number * plan.part_bytes : (number + 1) * plan.part_bytes]
            status, headers, _ = ask(served, part, piece)
            assert status == 200
            tags.append(headers["ETag"])
        assert served.cdn.head(key()) is None
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
            for number, tag in enumerate(tags, 1)
        )
        document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        assert ask(served, plan.complete, document)[0] == 200

    assert served.cdn.head(key()).size_bytes == len(data)
    assert read(served.cdn) == data


class Play(RuleBasedStateMachine):
    """Puts, reads, removals and listings, against a dictionary."""

    cdn = None
    numbers = st.integers(1, 4)

    def __init__(self):
        super().__init__()
        for one in list(self.cdn.iter_objects()):
            self.cdn.delete(one.key)
        self.model = {}

    @rule(number=numbers, data=st.binary(max_size=300), missing=st.sampled_from([0, 0, 1]))
    def store(self, number, data, missing):
        try:
            self.cdn.put(key(number), io.BytesIO(data), length=len(data) + missing)
        except CdnObjectExists:
            assert number in self.model
        except CdnUploadIncomplete:
            assert missing
            assert number not in self.model
        else:
            assert not missing
            assert number not in self.model
            self.model[number] = data

    @rule(number=numbers, start=st.integers(0, 310), length=st.none() | st.integers(0, 310))
    def read_part(self, number, start, length):
        try:
            data = read(self.cdn, number, start=start, length=length)
        except CdnObjectNotFound:
            assert number not in self.model
        else:
            end = None if length is None else start + length
            assert data == self.model[number][start:end]

    @rule(number=numbers)
    def remove(self, number):
        self.cdn.delete(key(number))
        self.model.pop(number, None)

    @invariant()
    def lists_what_there_is(self):
        listed = {one.key: one.size_bytes for one in self.cdn.iter_objects()}
        assert listed == {key(number): len(data) for number, data in self.model.items()}


def test_any_play_of_calls_is_a_dictionarys(cdn):
    bound = type("BoundPlay", (Play,), {"cdn": cdn})
    run_state_machine_as_test(
        bound, settings=settings(max_examples=15, stateful_step_count=20, deadline=None)
    )
