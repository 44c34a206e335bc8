"""Real films in a real bucket, listed and served by a real node."""

import uuid

import pytest
import requests

from tests.buckets import KEY, SECRET, running_store
from tests.servers import absent

PREFIX = "cinema"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of this module's own: one test takes its bucket away."""
    try:
        with running_store(tmp_path_factory.mktemp("bucket")) as running:
            yield running
    except FileNotFoundError as exc:
        absent("s3", str(exc))


def fill(store, name, film, big_film):
    store.client.create_bucket(Bucket=name)
    for key, path in (("Metropolis (1927).mp4", film), ("ü/Nosferatu.mp4", big_film)):
        store.client.put_object(Bucket=name, Key=f"{PREFIX}/{key}", Body=path.read_bytes())


@pytest.fixture(scope="module")
def bucket(store, film, big_film):
    fill(store, name := f"films-{uuid.uuid4().hex[:12]}", film, big_film)
    return name


@pytest.fixture(scope="module")
def node(make_node, store, bucket):
    node = make_node("bucket", VELOUR__STORAGE__ALLOWED_NETWORKS="127.0.0.1/32")
    node.add_admin("correct horse battery")
    node.flask("library", "create", "Films")
    options = [
        f"endpoint_url={store.endpoint}", f"bucket={bucket}", f"prefix={PREFIX}", "redirect=yes",
        f"access_key_id={KEY}", f"secret_access_key={SECRET}",
    ]  # fmt: skip
    node.flask(
        "storage", "add", "Bucket", "--type", "s3", "--library", "Films", "--options-stdin",
        stdin="\n".join(options),
    )  # fmt: skip
    assert node.flask("storage", "test", "Bucket").startswith("2 objects in ")
    assert node.json("storage", "scan", "Bucket", "--wait")["counts"]["added"] == 2
    node.start()
    return node


def key(node, kind):
    made = node.json(
        "key", "create", f"{kind} key", "--kind", kind, "--library", "Films",
        "--scope", "read", "--scope", "stream",
    )  # fmt: skip
    return {"Authorization": f"Bearer {made['key']}"}


@pytest.fixture(scope="module")
def as_app(node):
    return key(node, "app")


@pytest.fixture(scope="module")
def as_peer(node):
    return key(node, "peer")


@pytest.fixture(scope="module")
def urls(node, as_app):
    works = requests.get(f"{node.url}/api/v1/works", headers=as_app, timeout=10).json()["works"]
    videos = [video for work in works for video in work["videos"]]
    return {video["filename"]: f"{node.url}/api/v1/videos/{video['id']}/stream" for video in videos}


def ask(url, headers, **more):
    return requests.get(url, headers={**headers, **more}, allow_redirects=False, timeout=20)


def test_a_peer_gets_films_and_parts_of_them_through_the_node(urls, as_peer, film, big_film):
    assert set(urls) == {"Metropolis (1927).mp4", "Nosferatu.mp4"}
    assert ask(urls["Metropolis (1927).mp4"], as_peer).content == film.read_bytes()
    data = big_film.read_bytes()
    assert ask(urls["Nosferatu.mp4"], as_peer).content == data
    part = ask(urls["Nosferatu.mp4"], as_peer, Range="bytes=20000000-20000099")
    assert (part.status_code, part.content) == (206, data[20_000_000:20_000_100])
    past = ask(urls["Nosferatu.mp4"], as_peer, Range=f"bytes={len(data)}-")
    assert past.status_code == 416


def test_an_app_is_sent_to_the_bucket_and_gets_the_same_there(urls, as_app, store, film):
    answer = ask(urls["Metropolis (1927).mp4"], as_app)
    assert answer.status_code == 307
    address = answer.headers["Location"]
    assert address.startswith(store.endpoint)
    assert SECRET not in address
    assert requests.get(address, timeout=10).content == film.read_bytes()


def test_secrets_lie_nowhere_in_clear(node, urls, as_peer):
    ask(urls["Nosferatu.mp4"], as_peer)
    files = [path for path in node.data_dir.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert SECRET.encode() not in content, path
        assert b"X-Amz-Signature" not in content, path


def test_a_store_that_is_gone_takes_no_film_along(
    node, urls, as_app, as_peer, store, bucket, film, big_film
):
    store.remove_bucket(bucket)
    result = node.run("storage", "scan", "Bucket", "--wait")
    assert result.returncode == 1
    assert f"there is no bucket {bucket}" in result.stderr
    works = requests.get(f"{node.url}/api/v1/works", headers=as_app, timeout=10).json()["works"]
    assert len(works) == 2
    answer = ask(urls["Nosferatu.mp4"], as_peer, Range="bytes=0-9")
    assert answer.status_code == 503
    assert answer.json()["code"] == "storage.unreachable"
    fill(store, bucket, film, big_film)  # for the other tests, which come in any order
