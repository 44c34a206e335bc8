"""A folder of everything that means ill, scanned by a real node: the good films come in."""

import json
import os
import struct
import zlib

import pytest
import requests
from nodes import copy_film
from PIL import Image

pytestmark = pytest.mark.slow

ENTITIES = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMB = f'<!DOCTYPE m [<!ENTITY a "{"a" * 10}">{ENTITIES}]><movie><title>&i;</title></movie>'
THIEF = '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><movie><title>&x;</title></movie>'
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
SUBTITLE = "1\n00:00:01,000 --> 00:00:02,000\nHello\n"
LETTERS = "abcdefghij"

# What ends in one error, by what is said of it.
BROKEN = {
    "zero.mp4": "empty",
    "cut off.mp4": "damaged",
    "text.mkv": "damaged",
    "program.avi": "damaged",
    "playlist.mp4": "damaged",
    "list.mp4": "cannot|not a video|damaged",
    "odd \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}.mp4": "damaged",
    "bytes\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.mp4": "UTF-8",
    "Bomb.nfo": "entities",
    "Thief.nfo": "entities",
}


def huge_png(side):
    """Return a picture whose header says that it is so large."""

    def chunk(kind, data):
        sealed = kind + data
        return struct.pack(">I", len(data)) + sealed + struct.pack(">I", zlib.crc32(sealed))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


class Folder:
    """Where the films are put, good and bad."""

    def __init__(self, root, film):
        self.root, self._film, self.good = root, film, []

    def put(self, name, data):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def film(self, name):
        copy_film(self._film, self.put(name, b""), mark=len(self.good).to_bytes(64, "big"))
        self.good.append(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, film):
    folder = Folder(tmp_path_factory.mktemp("ill"), film)
    data = film.read_bytes()
    folder.put("zero.mp4", b"")
    folder.put("cut off.mp4", data[:3000])
    folder.put("text.mkv", "hello " * 1000)
    folder.put("program.avi", b"\x7fELF" + bytes(5000))
    folder.put("playlist.mp4", PLAYLIST)
    folder.put("list.mp4", "ffconcat version 1.0\nfile '/etc/passwd'\n")
    folder.put("odd \x1b[31m\u202e.mp4", "nothing")
    (folder.root / os.fsdecode(b"bytes\xff\xfe.mp4")).write_bytes(data)
    os.mkfifo(folder.root / "pipe.mp4")
    (folder.root / "passwd.mp4").symlink_to("/etc/passwd")
    (folder.root / "loop").symlink_to(folder.root)
    (folder.root / "itself.mp4").symlink_to("itself.mp4")
    folder.film("folder.mp4/Inside (2001).mp4")
    folder.film("rtl \u202e4pm.mp4")
    folder.film("line\nend.mp4")
    folder.film("é" * 125 + ".mp4")
    folder.film("/".join(f"level {number}" for number in range(100)) + "/Deep (2002).mp4")
    for name, nfo in (("Bomb", BOMB), ("Thief", THIEF)):
        folder.film(f"{name}/{name}.mp4")
        folder.put(f"{name}/{name}.nfo", nfo)
    folder.film("Huge/Huge.mp4")
    folder.put("Huge/poster.png", huge_png(50_000))
    folder.film("Drawn/Drawn.mp4")
    folder.put("Drawn/poster.jpg", PICTURE)
    folder.film("Long/Long.mp4")
    os.truncate(folder.put("Long/Long.en.srt", SUBTITLE), 200 << 20)
    folder.film("Many/Many.mp4")
    Image.new("RGB", (400, 600), "red").save(folder.root / "Many" / "poster.jpg")
    words = [a + b + c for a in LETTERS for b in LETTERS for c in LETTERS]
    for word in words[:900]:
        folder.put(f"Many/Many.{word}.srt", SUBTITLE)
    return folder


@pytest.fixture(scope="module")
def node(make_node, folder):
    node = make_node("ill")
    node.flask("db", "upgrade")
    node.flask("library", "create", "Films")
    node.flask(
        *("storage", "add", "Ill", "--type", "local", "--library", "Films"),
        *("--option", f"path={folder.root}"),
    )
    return node


@pytest.fixture(scope="module")
def result(node):
    return node.json("storage", "scan", "Ill", "--wait")


def test_each_bad_file_ends_in_one_error_and_the_good_ones_come_in(result, folder):
    assert result["success"]
    assert result["counts"]["added"] == len(folder.good)
    reasons = {}
    for error in result["errors"]:
        reasons.setdefault(error["item"], []).append(error["reason"])
    assert reasons.keys() == BROKEN.keys()
    for item, words in BROKEN.items():
        (reason,) = reasons[item]
        assert any(word in reason for word in words.split("|")), (item, reason)


def test_nothing_of_this_machine_and_no_mark_that_turns_text_is_told(node, result, folder):
    key = node.json("key", "create", "app", "--kind", "app", "--scope", "read")["key"]
    node.start()
    headers = {"Authorization": f"Bearer {key}"}
    text = requests.get(f"{node.url}/api/v1/works?per_page=200", headers=headers, timeout=10).text
    assert len(json.loads(text)["works"]) == len(folder.good)
    told = [json.loads(text), result]
    for hidden in (str(folder.root), "level 1", "root:", "\u202e", "\x1b"):
        assert hidden not in json.dumps(told, ensure_ascii=False)


def test_a_second_scan_changes_nothing(node, result):
    counts = node.json("storage", "scan", "Ill", "--wait")["counts"]
    assert (counts["added"], counts["updated"], counts["removed"]) == (0, 0, 0)
    assert counts["failed"] == result["counts"]["failed"]
