"""A node that plays films off a real web server: a listing, a feed and a list of one folder."""

import json
import random
import urllib.error
import urllib.request

import pytest

from tests.nginx import Nginx, films_of

pytestmark = pytest.mark.slow

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Talks</title>
<item><title>The Talk</title><description>&lt;p&gt;About &lt;b&gt;dawn&lt;/b&gt;&lt;/p&gt;</description>
<pubDate>Wed, 19 Nov 2025 10:11:12 GMT</pubDate><enclosure url="talk.mp4" type="video/mp4" length="{size}"/></item>
</channel></rss>"""


def fetch(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def add(node, name, *options):
    given = [part for option in options for part in ("--option", option)]
    node.flask("storage", "add", name, "--type", "web", "--library", "Films", *given)


def test_films_of_a_web_server_are_found_and_played_by_ranges(make_node, big_film, tmp_path):
    root = tmp_path / "films"
    root.mkdir()
    data = big_film.read_bytes()
    for name in ("Dawn (2001).mp4", "talk.mp4"):
        (root / name).write_bytes(data)
    (root / "feed.xml").write_text(FEED.format(size=len(data)))
    (root / "list.m3u").write_text("#EXTM3U\n#EXTINF:4,Listed\nDawn%20(2001).mp4\nftp://x/y.mp4\n")
    nginx = Nginx(tmp_path / "nginx", films_of(root, at="/films/"))
    node = make_node("web", VELOUR__STORAGE__ALLOWED_NETWORKS="127.0.0.1/32")
    node.flask("library", "create", "Films")
    add(node, "listing", f"url={nginx.url}/films/")
    add(node, "feed", f"url={nginx.url}/films/feed.xml")
    add(node, "list", f"url={nginx.url}/films/list.m3u", "kind=list")
    assert "a listing by nginx with 4 entries" in node.flask("storage", "test", "listing")
    assert "a feed: Talks, 1 entry" in node.flask("storage", "test", "feed")
    assert "a list of 2 addresses" in node.flask("storage", "test", "list")
    for name in ("listing", "feed", "list"):
        node.flask("storage", "scan", name, "--wait")
    scopes = ("--scope", "read", "--scope", "stream")
    key = node.json("key", "create", "app", "--kind", "app", *scopes)["key"]
    bearer = {"Authorization": f"Bearer {key}"}
    node.start()
    works = json.loads(fetch(f"{node.url}/api/v1/works", **bearer)[2])["works"]
    videos = [video for work in works for video in work["videos"]]
    assert len(videos) == 4
    dice = random.Random(3)
    for video in videos:
        assert video["file_size"] == len(data)
        stream = f"{node.url}/api/v1/videos/{video['id']}/stream"
        status, headers, body = fetch(stream, **bearer)
        assert (status, body == data, headers["Accept-Ranges"]) == (200, True, "bytes")
        for _ in range(10):
            start = dice.randrange(len(data) - 1000)
            span = {"Range": f"bytes={start}-{start + 999}"}
            status, _headers, body = fetch(stream, **span, **bearer)
            assert (status, body) == (206, data[start : start + 1000])
    assert str(nginx.port) not in json.dumps(works)

    nginx.close()
    node.flask("storage", "scan", "listing")
    status, _, body = fetch(f"{node.url}/api/v1/videos/{videos[0]['id']}/stream", **bearer)
    assert status in {502, 503}
    assert str(nginx.port) not in body.decode()
