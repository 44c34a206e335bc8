"""nginx in front, with the configuration that is shipped."""

import hashlib
import json
import random
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.benchmarks.harness import NGINX, free_port, wait_for_port
from tests.servers import absent

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "deploy" / "nginx.conf"


def fetch(url, **headers):
    request = urllib.request.Request(
        url, headers={n.replace("_", "-"): v for n, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


@pytest.fixture
def front(tmp_path):
    """Start nginx with deploy/nginx.conf, its capitals filled in and without TLS."""
    if not Path(NGINX).exists():
        absent("nginx", "not installed")
    running = []

    def start(upstream_port, location_id, folder):
        port = free_port()
        site = CONFIG.read_text()
        for old, new in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
            ("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream_port};"),
            ("LOCATION-ID", location_id),
            ("/PATH/TO/FILMS/", f"{folder}/"),
        ):
            assert old in site
            site = site.replace(old, new)
        site = "\n".join(line for line in site.splitlines() if "ssl_certificate" not in line)
        user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
        whole = f"daemon off; {user} pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} http {{ access_log off;\n{site}\n}}"
        config = tmp_path / "nginx.conf"
        config.write_text(whole)
        process = subprocess.Popen([NGINX, "-c", str(config), "-p", str(tmp_path)])
        running.append(process)
        wait_for_port(port)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


def test_nginx_sends_local_films_itself_and_only_when_velour_says_so(make_node, big_film, front):
    node = make_node("front", VELOUR__SERVER__X_ACCEL_PREFIX="/_files/")
    node.add_admin("correct horse battery")
    node.flask("library", "create", "Films")
    path = big_film.parent
    node.flask(
        "storage",
        "add",
        "Disk",
        "--type",
        "local",
        "--library",
        "Films",
        "--option",
        f"path={path}",
    )
    node.flask("storage", "scan", "Disk", "--wait")
    location_id = node.json("storage", "list")["items"][0]["id"]
    key = node.json(
        "key", "create", "app", "--kind", "app", "--scope", "read", "--scope", "stream"
    )["key"]
    node.start()
    url = front(node.port, location_id, path)
    bearer = {"Authorization": f"Bearer {key}"}

    _, _, works = fetch(f"{url}/api/v1/works", **bearer)
    video = json.loads(works)["works"][0]["videos"][0]
    stream = f"{url}/api/v1/videos/{video['id']}/stream"
    data = big_film.read_bytes()

    status, headers, body = fetch(stream, **bearer)
    assert (status, hashlib.sha256(body).digest()) == (200, hashlib.sha256(data).digest())
    assert headers["Content-Type"] == "video/mp4"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Accel-Redirect" not in headers
    dice = random.Random(5)
    for _ in range(20):
        start = dice.randrange(len(data) - 1000)
        status, headers, body = fetch(stream, Range=f"bytes={start}-{start + 999}", **bearer)
        assert (status, body) == (206, data[start : start + 1000])
    assert fetch(stream, Range=f"bytes={len(data)}-", **bearer)[0] == 416
    tag = headers["ETag"]
    assert fetch(stream, If_None_Match=tag, **bearer)[0] == 304

    assert fetch(stream)[0] == 401
    assert fetch(f"{url}/_files/{location_id}/{big_film.name}")[0] == 404
    assert fetch(f"{url}/_files/{location_id}/{big_film.name}", **bearer)[0] == 404
