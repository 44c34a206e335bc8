"""Looking into real and hostile files, in child processes."""

import io
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from adapters.media import children
from adapters.media.probe import PyavMedia
from ports.library.media import MediaUnreadable
from tests.films import copy_film, make_film


@pytest.fixture(scope="module")
def media():
    media = PyavMedia(processes=2, timeout_s=20, memory_mib=1024)
    yield media
    media.close()


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return {
        suffix: make_film(folder / f"film{suffix}", title="A Title")
        for suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts")
    }


@pytest.mark.parametrize(
    ("suffix", "streams", "web"),
    [
        (".mp4", ("mp4", "h264", "aac"), True),
        (".mov", ("mov", "h264", "aac"), True),
        (".mkv", ("matroska", "h264", "aac"), False),
        (".webm", ("webm", "vp9", "opus"), True),
        (".avi", ("avi", "mpeg4", "mp3"), False),
        (".ts", ("mpegts", "h264", "aac"), False),
    ],
)
def test_the_facts_of_a_film(media, films, suffix, streams, web):
    probed = media.probe(str(films[suffix]))
    facts = probed.facts
    assert (facts.container, facts.video_codec, facts.audio_codec) == streams
    assert (facts.width, facts.height) == (160, 90)
    assert facts.duration == pytest.approx(1, abs=0.1)
    assert facts.frame_rate == pytest.approx(25, abs=0.5)
    assert facts.bit_rate > 10_000
    assert facts.web_compatible is web
    assert probed.title == (None if suffix == ".ts" else "A Title")
    assert probed.bytes_read > 0


def test_the_name_does_not_decide_what_a_file_is(media, films, tmp_path):
    renamed = copy_film(films[".webm"], tmp_path / "renamed.mp4")
    assert media.probe(str(renamed)).facts.container == "webm"


def test_the_fingerprint_is_the_one_others_compute(media, films):
    data = films[".mp4"].read_bytes()
    total = len(data)
    for block in (data[:65536], data[-65536:]):
        for at in range(0, len(block) // 8 * 8, 8):
            total += int.from_bytes(block[at : at + 8], "little")
    assert media.probe(str(films[".mp4"])).fingerprints.oshash == f"{total % 2**64:016x}"


def test_a_changed_tail_changes_the_fingerprint(media, films, tmp_path):
    one = copy_film(films[".mp4"], tmp_path / "one.mp4", mark=b"one")
    two = copy_film(films[".mp4"], tmp_path / "two.mp4", mark=b"two")
    prints = {media.probe(str(path)).fingerprints.oshash for path in (one, two)}
    assert len(prints) == 2


def test_a_still_is_a_small_webp_picture(media, tmp_path):
    film = make_film(tmp_path / "wide.mp4", width=1280, height=720, seconds=0.4)
    picture = Image.open(io.BytesIO(media.still(str(film), at_share=0.1)))
    assert (picture.format, picture.size) == ("WEBP", (640, 360))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi", ".ts"])
def test_every_kind_of_film_has_a_still(media, films, suffix):
    assert media.still(str(films[suffix]), at_share=0.1)[8:12] == b"WEBP"


def broken_files(folder, film):
    """Yield files that are no films, by a word for each."""
    data = film.read_bytes()
    noise = random.Random(1)
    flipped = bytearray(data)
    for _ in range(400):
        flipped[noise.randrange(len(flipped))] = noise.randrange(256)
    files = {
        "empty": b"",
        "text": b"just words\n" * 100,
        "noise": noise.randbytes(100_000),
        "head only": data[:200],
        "cut before its index": data[: len(data) // 2],
        "zeros": bytes(50_000),
        "png": b"\x89PNG\r\n\x1a\n" + bytes(1000),
        "html": b"<!doctype html><video src=file:///etc/passwd>",
        "huge box": (2**32 - 1).to_bytes(4, "big") + b"ftyp" + bytes(100),
        "flipped head": bytes(flipped[:64]) + bytes(5000),
    }
    for name, content in files.items():
        path = folder / f"{name}.mp4"
        path.write_bytes(content)
        yield path


def test_broken_files_are_refused_with_a_reason_and_harm_nothing(media, films, tmp_path):
    for path in broken_files(tmp_path, films[".mp4"]):
        with pytest.raises(MediaUnreadable) as caught:
            media.probe(str(path))
        assert str(tmp_path) not in str(caught.value), path.name
        with pytest.raises(MediaUnreadable):
            media.still(str(path), at_share=0.1)
    assert media.probe(str(films[".mp4"])).facts.width == 160


def test_damaged_films_never_stop_the_prober(media, films, tmp_path):
    noise = random.Random(2)
    for number, suffix in enumerate([".mp4", ".mkv", ".webm", ".avi", ".ts"] * 4):
        data = bytearray(films[suffix].read_bytes())
        for _ in range(60):
            data[noise.randrange(len(data))] = noise.randrange(256)
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(data)
        for look in (media.probe, lambda path: media.still(path, at_share=0.1)):
            with suppress(MediaUnreadable):
                look(str(path))
    assert media.probe(str(films[".mp4"])).facts.width == 160


def test_sound_alone_is_no_video(media, tmp_path):
    film = make_film(tmp_path / "sound.mp4", picture=False)
    with pytest.raises(MediaUnreadable, match="no video stream"):
        media.probe(str(film))


@pytest.mark.parametrize("name", ["absent.mp4", "."])
def test_what_is_no_file_is_refused(media, tmp_path, name):
    with pytest.raises(MediaUnreadable):
        media.probe(str(tmp_path / name))


def test_a_pipe_does_not_hold_the_prober(media, tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaUnreadable, match="regular"):
        media.probe(str(tmp_path / "pipe.mp4"))


def playlists(canary_port, secret, film):
    """Texts that make FFmpeg open other files or addresses, if it is let."""
    web = f"http://127.0.0.1:{canary_port}/x"
    header = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\n"
    yield "hls to the web", header + web + "\n#EXT-X-ENDLIST\n"
    yield "hls to a file", header + f"file://{secret}\n#EXT-X-ENDLIST\n"
    yield "hls to a film", header + f"{film}\n#EXT-X-ENDLIST\n"
    yield "hls by concat", header + f"concat:{web}|file://{secret}\n#EXT-X-ENDLIST\n"
    yield "hls to itself", header + "fd:\n#EXT-X-ENDLIST\n"
    yield "concat", f"ffconcat version 1.0\nfile '{film}'\nfile '{web}'\n"
    yield (
        "dash",
        (
            '<?xml version="1.0"?><MPD type="static"><Period><AdaptationSet mimeType="video/mp4">'
            f'<Representation id="1"><BaseURL>{web}</BaseURL></Representation>'
            "</AdaptationSet></Period></MPD>"
        ),
    )
    yield (
        "sdp",
        f"v=0\nc=IN IP4 127.0.0.1\nm=video {canary_port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    )
    yield "rtsp", f"rtsp://127.0.0.1:{canary_port}/x"
    yield "asx", f'<asx version="3.0"><entry><ref href="{web}"/></entry></asx>'
    yield (
        "imf",
        f'<?xml version="1.0"?><CompositionPlaylist><Path>{web}</Path></CompositionPlaylist>',
    )


def test_a_playlist_leads_nowhere(media, films, tmp_path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"SENTINEL" * 100)
    called = []
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.5)

        def listen():
            while True:
                try:
                    called.append(canary.accept())
                except OSError:
                    return

        listener = threading.Thread(target=listen)
        listener.start()
        for name, text in playlists(canary.getsockname()[1], secret, films[".mp4"]):
            for suffix in (".mp4", ".mkv", ".ts"):
                path = tmp_path / f"{name}{suffix}"
                path.write_text(text)
                with pytest.raises(MediaUnreadable):
                    media.probe(str(path))
                with pytest.raises(MediaUnreadable):
                    media.still(str(path), at_share=0.1)
        listener.join()
    assert called == []


LOCKED = """
import os, socket, subprocess, sys
sys.path.insert(0, {root!r})
from adapters.media.lockdown import lock_down
lock_down(memory_mib=512)
def refused(what, call):
    try:
        call()
    except (PermissionError, BlockingIOError, MemoryError):
        os.write(1, (what + "\\n").encode())
refused("socket", socket.socket)
refused("run", lambda: subprocess.run(["/bin/true"]))
refused("fork", os.fork)
refused("write", lambda: open({path!r}, "w"))
refused("kill", lambda: os.kill(1, 0))
refused("remove", lambda: os.unlink({path!r}))
refused("rename", lambda: os.rename({path!r}, {path!r} + "2"))
refused("memory", lambda: bytearray(600 << 20))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="system call filters are Linux's")
def test_a_child_that_is_taken_over_can_do_little(tmp_path):
    path = tmp_path / "kept"
    path.write_text("kept")
    root = str(Path(children.__file__).parents[2])
    script = LOCKED.format(root=root, path=str(path))
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [
        "socket", "run", "fork", "write", "kill", "remove", "rename", "memory"
    ]  # fmt: skip
    assert path.read_text() == "kept"


def child_pids(media):
    return [child._process.pid for child in media._children._living]


def test_a_child_that_dies_costs_one_file(films):
    media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
    try:
        media.probe(str(films[".mp4"]))
        (first,) = child_pids(media)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(MediaUnreadable, match="crash"):
            media.probe(str(films[".mp4"]))
        assert media.probe(str(films[".mp4"])).facts.width == 160
        assert child_pids(media) != [first]
    finally:
        media.close()


def test_a_child_that_hangs_is_killed_in_time(films):
    media = PyavMedia(processes=1, timeout_s=0.5, memory_mib=1024)
    try:
        media.probe(str(films[".mp4"]))
        (first,) = child_pids(media)
        os.kill(first, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(MediaUnreadable, match="longer than"):
            media.probe(str(films[".mp4"]))
        assert time.monotonic() - began < 5
        assert media.probe(str(films[".mp4"])).facts.width == 160
    finally:
        media.close()


def test_media_that_were_closed_can_be_used_again(films):
    media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
    for _ in range(2):
        assert media.probe(str(films[".mp4"])).facts.width == 160
        media.close()


def test_an_idle_child_is_replaced(films, monkeypatch):
    media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
    try:
        media.probe(str(films[".mp4"]))
        (first,) = child_pids(media)
        monkeypatch.setattr(children, "_IDLE_S", 0.0)
        assert media.probe(str(films[".mp4"])).facts.width == 160
        assert child_pids(media) != [first]
    finally:
        media.close()


def test_many_threads_share_the_children(media, films):
    paths = [str(films[suffix]) for suffix in (".mp4", ".mkv", ".webm")] * 10
    with ThreadPoolExecutor(8) as pool:
        widths = {probed.facts.width for probed in pool.map(media.probe, paths)}
    assert widths == {160}
    assert len(child_pids(media)) <= 2


ORPHANS = """
import sys, os, signal
sys.path.insert(0, {root!r})
from adapters.media.probe import PyavMedia
media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
media.probe({path!r})
(child,) = media._children._living
print(child._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_children_end_with_a_killed_parent(films):
    root = str(Path(children.__file__).parents[2])
    script = ORPHANS.format(root=root, path=str(films[".mp4"]))
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    status = Path(f"/proc/{said.stdout.strip()}/status")
    deadline = time.monotonic() + 5
    while status.exists() and "zombie" not in status.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not status.exists() or "zombie" in status.read_text()
