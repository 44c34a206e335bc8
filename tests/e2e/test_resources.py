"""Resources on a real server: large parts, both CDNs, and ``kill -9`` in the middle."""

import hashlib
import os
import random
import signal
import threading
from contextlib import suppress
from uuid import UUID

import pytest
import requests

from domain.resources.manifest import Manifest
from tests.buckets import KEY, SECRET
from tests.web.resources.conftest import API, PASSWORD, SEALER, WRAP, Person, data_of

MIB = 1024 * 1024
KILLS = 6


class Answer:
    """What Flask's test client gives, of a real answer."""

    def __init__(self, answer):
        self.status_code, self.data, self.text = answer.status_code, answer.content, answer.text
        self.headers, self.get_json = answer.headers, answer.json


class Http:
    """Flask's test client, to a real server and a real CDN."""

    def __init__(self, base):
        self.base, self.session = base, requests.Session()
        self.session.trust_env = False

    def open(self, path, method="GET", headers=None, json=None, data=None, query_string=None):
        files = None
        if isinstance(data, dict):
            files = {
                k: (v[1], v[0]) if isinstance(v, tuple) else (None, v) for k, v in data.items()
            }
            data = None
        url = path if "://" in path else self.base + path
        answer = self.session.request(
            method, url, headers=headers, json=json, data=data, files=files, params=query_string,
            timeout=60,
        )  # fmt: skip
        return Answer(answer)

    def get(self, path, **more):
        return self.open(path, "GET", **more)

    def post(self, path, **more):
        return self.open(path, "POST", **more)


class RealPerson(Person):
    """Somebody at a real node."""

    def __init__(self, node, name):
        super().__init__(node, name, http=Http(node.url))
        self._user_id = None

    @property
    def user_id(self):
        return self._user_id

    def sign_in(self):
        assert self.login().status_code == 200
        self._user_id = UUID(self.ask("GET", "/users/current").get_json()["id"])
        assert self.check().status_code == 200
        return self

    def store(self, plan, big):
        if plan["url"] is not None:
            return self.http.open(plan["url"], plan["method"], plan["headers"], data=big)
        tags = []
        for number, part in enumerate(plan["parts"]):
            piece = big[number * plan["part_bytes"] : (number + 1) * plan["part_bytes"]]
            answer = self.http.open(part["url"], part["method"], part["headers"], data=piece)
            assert answer.status_code == 200
            tags.append(answer.headers["ETag"])
        listed = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>"
            for n, tag in enumerate(tags, 1)
        )
        document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
        done = plan["complete"]
        return self.http.open(done["url"], done["method"], done["headers"], data=document)

    def publish_new(self, name, content):
        first = self.plan("Models", name, 1).get_json()
        sealed = self.seal(content, first, "Models", name)
        plan = self.plan("Models", name, len(sealed.big), version=first["version"]).get_json()
        assert self.store(plan, sealed.big).status_code in {200, 201}
        answer = self.publish("Models", sealed)
        assert answer.status_code == 200, answer.text
        return sealed

    def load_whole(self, name):
        said = self.deliver("Models", name).get_json()
        manifest, small = Manifest.parse(said["manifest"]), data_of(said["small"])
        address = self.address("Models", name, version=manifest.version).get_json()
        big = self.http.get(address["url"]).data
        manifest.require_big(len(big), hashlib.sha256(big).digest())
        data_key = WRAP.unwrap(
            data_of(said["wrapped_key"]),
            shared_secret=WRAP.agree(self.private_key, self.server_key), user_id=self.user_id,
            device_id=self.device_id, resource_id=manifest.resource_id, version=manifest.version,
        )  # fmt: skip
        out, whole = bytearray(), small + big
        SEALER.open_range(
            lambda start, length: whole[start : start + length], manifest.binding, data_key,
            out.extend, start=0, length=manifest.plaintext_size,
        )  # fmt: skip
        return manifest.version, bytes(out)


def prepare(node):
    node.flask("db", "upgrade")
    for name in ("uma", "olaf"):
        node.flask(
            *("user", "create", f"{name}@example.org", "--username", name, "--password-stdin"),
            stdin=PASSWORD,
        )
    node.flask("folder", "create", "Models")
    for name, role in (("uma", "ResourceUploader"), ("olaf", "Operator")):
        node.flask("folder", "grant", "Models", "--user", name, "--role", role)
    return node


SETTINGS = {"RESOURCES_ENABLED": "true", "VELOUR__LIMITS__ENABLED": "false"}


def rss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon"))


def processes(node):
    group = os.getpgid(node.process.pid)
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            if os.getpgid(int(entry)) == group:
                found.append(int(entry))
    return found


def memory_kib(node):
    return sum(rss(pid) for pid in processes(node))


@pytest.mark.slow
def test_large_parts_pass_through_a_real_server_in_flat_memory(make_node):
    node = prepare(make_node("local", **SETTINGS))
    node.start()
    uma, olaf = RealPerson(node, "uma").sign_in(), RealPerson(node, "olaf").sign_in()
    uma.publish_new("small.bin", b"warm" * 100_000)
    olaf.load_whole("small.bin")
    before, most, over = memory_kib(node), [0], threading.Event()
    assert before > 30 * 1024, "all processes are counted"

    def watch():
        while not over.wait(0.02):
            most[0] = max(most[0], memory_kib(node))

    watcher = threading.Thread(target=watch)
    watcher.start()
    content = random.Random(1).randbytes(200 * MIB)
    uma.publish_new("large.bin", content)
    assert olaf.load_whole("large.bin") == (1, content)
    over.set()
    watcher.join()

    url = olaf.address("Models", "large.bin").get_json()["url"]
    whole = olaf.http.get(url)
    part = olaf.http.get(url, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.data) == (206, whole.data[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(whole.data)}"
    assert olaf.http.get(url, headers={"Range": f"bytes={len(whole.data)}-"}).status_code == 416
    print(f"memory above idle: {(most[0] - before) / 1024:.1f} MiB")
    assert (most[0] - before) / 1024 < 64
    node.stop()


@pytest.mark.slow
def test_readers_see_one_whole_version_while_the_server_is_killed(make_node):
    node = prepare(make_node("killed", **SETTINGS))
    node.start()
    uma, olaf = RealPerson(node, "uma").sign_in(), RealPerson(node, "olaf").sign_in()
    published, attempts, over = {}, {}, threading.Event()
    uma.publish_new("a.bin", b"first" * 100_000)
    published[1] = b"first" * 100_000
    attempts.update(published)
    seen, faults = [], []

    def read():
        while not over.is_set():
            try:
                version, content = olaf.load_whole("a.bin")
            except (requests.RequestException, KeyError):
                continue  # the server is down
            if attempts.get(version) != content or version < max(seen, default=0):
                faults.append(version)
            seen.append(version)

    reader = threading.Thread(target=read)
    reader.start()
    chance = random.Random(5)
    for kill in range(KILLS):
        content = f"content {kill} ".encode() * 100_000
        group, moment = os.getpgid(node.process.pid), chance.uniform(0.0, 0.25)
        killer = threading.Timer(moment, os.killpg, (group, signal.SIGKILL))
        killer.start()
        with suppress(requests.RequestException, KeyError, AssertionError):
            for _ in range(100):
                first = uma.plan("Models", "a.bin", 1).get_json()
                sealed = uma.seal(content, first, "Models", "a.bin")
                attempts[first["version"]] = content
                plan = uma.plan("Models", "a.bin", len(sealed.big), version=first["version"])
                uma.store(plan.get_json(), sealed.big)
                if uma.publish("Models", sealed).status_code == 200:
                    published[first["version"]] = content
        killer.join()
        node.process.wait()
        node.start()
    uma.http, olaf.http = Http(node.url), Http(node.url)
    last = uma.publish_new("a.bin", b"last" * 100_000).manifest.version
    attempts[last] = b"last" * 100_000
    over.set()
    reader.join()

    assert faults == []
    assert len(set(seen)) > KILLS / 2
    assert olaf.load_whole("a.bin") == (last, b"last" * 100_000)
    assert max(published) <= last
    assert node.run("audit", "verify").returncode == 0
    node.stop()


@pytest.mark.slow
def test_a_bucket_takes_parts_from_uploaders_and_gives_them_to_readers(make_node, s3_store):
    bucket = s3_store.new_bucket()
    settings = {
        "VELOUR__RESOURCES__CDN": "s3", "VELOUR__RESOURCES__S3_ENDPOINT_URL": s3_store.endpoint,
        "VELOUR__RESOURCES__S3_BUCKET": bucket, "VELOUR__RESOURCES__S3_READER_KEY_ID": KEY,
        "VELOUR__RESOURCES__S3_READER_SECRET": SECRET, "VELOUR__RESOURCES__S3_WRITER_KEY_ID": KEY,
        "VELOUR__RESOURCES__S3_WRITER_SECRET": SECRET, "VELOUR__STORAGE__ALLOWED_NETWORKS": "127.0.0.0/8",
    }  # fmt: skip
    node = prepare(make_node("bucket", **SETTINGS, **settings))
    node.start()
    uma, olaf = RealPerson(node, "uma").sign_in(), RealPerson(node, "olaf").sign_in()
    content = random.Random(2).randbytes(70 * MIB)
    uma.publish_new("large.bin", content)
    uma.publish_new("small.bin", b"x" * 300_000)

    assert olaf.load_whole("large.bin") == (1, content)
    assert olaf.load_whole("small.bin") == (1, b"x" * 300_000)
    url = olaf.address("Models", "large.bin").get_json()["url"]
    assert url.startswith(s3_store.endpoint)
    assert SECRET not in url
    assert olaf.http.open(url, "PUT", data=b"evil").status_code == 403
    assert olaf.http.open(f"{API}/resources/cdn?folder=Models&name=large.bin&purpose=write&length=9", "GET", {"Authorization": f"Bearer {olaf.token}"}).status_code == 403  # fmt: skip
    node.stop()
    s3_store.remove_bucket(bucket)
