"""Films on other machines: read by spans, within a budget, by a child that has no network."""

import os
import random
import signal
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import pytest

from adapters.media.probe import PyavMedia
from adapters.memory.media import MemoryRemoteMedia, MemorySource
from domain.errors import BadUpstream
from ports.library.media import BudgetSpent, MediaUnreadable
from ports.library.storage import ObjectChanged, StorageUnreachable
from tests.films import add_subtitles, long_film, make_film

BUDGET = 4 * 1024 * 1024
SRT = "1\n00:00:00,100 --> 00:00:00,900\nText\n"


@dataclass
class FileSource:
    """A file as an object of another machine."""

    path: Path
    budget_bytes: int = BUDGET
    bytes_read: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size_bytes(self):
        return self.path.stat().st_size

    def read(self, start, length):
        if self.bytes_read + length > self.budget_bytes:
            raise BudgetSpent
        self.spans.append((start, length))
        self.bytes_read += length
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(length)


@dataclass
class OddSource(MemorySource):
    """Does ``instead`` from its n-th span on."""

    instead: object = None
    after: int = 0

    def read(self, start, length):
        self.after -= 1
        if self.after >= 0:
            return super().read(start, length)
        return self.instead(start, length)


def raising(error):
    def read(start, length):
        raise error

    return read


@pytest.fixture(scope="module")
def pyav():
    media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
    yield media
    media.close()


@pytest.fixture(params=["memory", "pyav"])
def media(request):
    return MemoryRemoteMedia() if request.param == "memory" else request.getfixturevalue("pyav")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return {
        suffix: make_film(folder / f"film{suffix}", title="A Title", seconds=2)
        for suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts")
    }


@pytest.fixture(scope="module")
def long_films(tmp_path_factory):
    """Twenty minutes of each kind of container; the tables alone are about a megabyte."""
    folder = tmp_path_factory.mktemp("long")
    fragments = "+frag_keyframe+empty_moov+default_base_moof"
    base = make_film(folder / "base.mp4", seconds=10.2, title="A Title")
    films = {
        "moov at the end": long_film(base, folder / "end.mp4", minutes=20),
        "moov in front": long_film(base, folder / "f.mp4", minutes=20, movflags="+faststart"),
        "fragments": long_film(base, folder / "fragments.mp4", minutes=20, movflags=fragments),
        "one index of fragments": long_film(
            base, folder / "sidx.mp4", minutes=20, movflags=f"{fragments}+global_sidx"
        ),
        "indexes of fragments": long_film(base, folder / "d.mp4", minutes=20, movflags="+dash"),
        "QuickTime": long_film(base, folder / "film.mov", minutes=20),
        "Matroska": long_film(base, folder / "film.mkv", minutes=20),
        "FLV": long_film(base, folder / "film.flv", minutes=20),
    }
    for suffix in (".avi", ".ts", ".webm"):
        base = make_film(folder / f"base{suffix}", seconds=10.2)
        films[suffix] = long_film(base, folder / f"film{suffix}", minutes=20)
    return films


# -- what every RemoteMedia does


def test_an_object_is_probed_and_what_it_cost_is_counted(media, films):
    source = MemorySource(films[".mp4"].read_bytes())
    probed = media.probe_source(source, name="film.mp4")
    assert (probed.facts.container, probed.facts.video_codec) == ("mp4", "h264")
    assert 0 < probed.bytes_read == source.bytes_read


def test_an_object_has_a_still(media, films):
    source = MemorySource(films[".mp4"].read_bytes())
    assert media.still_of_source(source, at_share=0.1)[8:12] == b"WEBP"


def test_an_empty_object_is_refused(media):
    with pytest.raises(MediaUnreadable, match="empty"):
        media.probe_source(MemorySource(b""), name="film.mp4")
    with pytest.raises(MediaUnreadable, match="empty"):
        media.still_of_source(MemorySource(b""), at_share=0.1)


@pytest.mark.parametrize("error", [StorageUnreachable("gone"), ObjectChanged(), BudgetSpent()])
def test_what_the_source_raises_comes_through_as_it_is(media, films, error):
    source = OddSource(films[".mp4"].read_bytes(), instead=raising(error))
    for look in (
        lambda: media.probe_source(source, name="film.mp4"),
        lambda: media.still_of_source(source, at_share=0.5),
    ):
        with pytest.raises(type(error)) as caught:
            look()
        assert caught.value is error


# -- FFmpeg's


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts"])
def test_spans_tell_what_the_file_tells(pyav, films, suffix):
    source = FileSource(films[suffix])
    there = pyav.probe_source(source, name=f"film{suffix}")
    here = pyav.probe(str(films[suffix]))
    assert replace(there, bytes_read=0) == replace(here, bytes_read=0)


def test_a_long_film_costs_little_wherever_its_tables_are(pyav, long_films):
    for name, film in long_films.items():
        source = FileSource(film)
        probed = pyav.probe_source(source, name=film.name)
        assert probed.facts.duration == pytest.approx(1200, abs=1), name
        assert (probed.facts.width, probed.facts.height) == (160, 90), name
        assert probed.facts.frame_rate == pytest.approx(25, abs=0.1), name
        assert probed.facts.bit_rate == pytest.approx(film.stat().st_size * 8 / 1200, rel=0.2), name
        assert source.bytes_read < 600_000, name
        assert len(source.spans) < 20, name
        assert probed.fingerprints == pyav.probe(str(film)).fingerprints, name


def test_a_long_film_of_this_machine_costs_as_little(pyav, tmp_path):
    base = make_film(tmp_path / "base.mp4", seconds=10.2)
    film = long_film(base, tmp_path / "film.mp4", minutes=20, padding=1000)
    assert film.stat().st_size > 32 * 1024 * 1024
    probed = pyav.probe(str(film))
    assert probed.facts.duration == pytest.approx(1200, abs=1)
    assert probed.bytes_read < 600_000


def test_fragments_without_any_index_have_no_length_rather_than_a_wrong_one(pyav, tmp_path):
    base = make_film(tmp_path / "base.mp4", seconds=10.2)
    flags = "+frag_keyframe+empty_moov+default_base_moof+skip_trailer"
    film = long_film(base, tmp_path / "film.mp4", minutes=10, movflags=flags)
    facts = pyav.probe_source(FileSource(film), name="film.mp4").facts
    assert (facts.duration, facts.bit_rate, facts.width) == (None, None, 160)


def test_a_still_of_a_long_film_stays_within_the_budget(pyav, long_films):
    for name, film in long_films.items():
        source = FileSource(film)
        try:
            assert pyav.still_of_source(source, at_share=0.1)[8:12] == b"WEBP", name
        except BudgetSpent:
            assert name == "FLV"  # it has no index, so all up to the picture is read
        assert source.bytes_read <= BUDGET, name


def test_fonts_inside_a_film_are_not_read(pyav, films, tmp_path):
    film = tmp_path / "fonts.mkv"
    with av.open(str(films[".mkv"])) as source, av.open(str(film), "w") as out:
        outs = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for name in (
            "../../etc/cron.d/x",
            "/etc/passwd",
            "a\0b\n.ttf",
            "\N{RIGHT-TO-LEFT OVERRIDE}",
        ):
            out.add_attachment(name, "application/x-truetype-font", os.urandom(5_000_000))
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = outs[packet.stream.index]
                out.mux(packet)
    assert film.stat().st_size > 20_000_000
    source = FileSource(film)
    assert pyav.probe_source(source, name="fonts.mkv").facts.width == 160
    assert source.bytes_read < 600_000
    assert pyav.probe(str(film)).facts.width == 160


def test_a_cover_inside_a_film_is_not_read(pyav, films, tmp_path):
    """The box of the cover says how large it is; what is in it does not matter."""
    data = bytearray(films[".mp4"].read_bytes())
    cover = struct.pack(">I4s", 3_000_000 + 8, b"covr") + bytes(3_000_000)
    at = data.index(b"ilst") + 4
    data[at:at] = cover
    for name in (b"moov", b"udta", b"meta", b"ilst"):
        place = data.index(name) - 4
        (size,) = struct.unpack_from(">I", data, place)
        struct.pack_into(">I", data, place, size + len(cover))
    source = MemorySource(bytes(data))
    assert pyav.probe_source(source, name="film.mp4").title == "A Title"
    assert source.bytes_read < 600_000


def test_the_tracks_of_text_are_named(pyav, films, tmp_path):
    film = add_subtitles(
        films[".mkv"], tmp_path / "film.mkv",
        (SRT, "fre", "Fran\xe7ais", 0x1), (SRT, "eng", "", 0x40 | 0x80), (SRT, "und", "", 0),
    )  # fmt: skip
    there = pyav.probe_source(FileSource(film), name="film.mkv").subtitles
    assert there == pyav.probe(str(film)).subtitles
    assert [(t.format, t.language, t.title, t.stream) for t in there] == [
        ("subrip", "fr", "Fran\xe7ais", 2), ("subrip", "en", "", 3), ("subrip", "", "", 4)
    ]  # fmt: skip
    assert [(t.default, t.forced, t.hearing_impaired) for t in there] == [
        (True, False, False), (False, True, True), (False, False, False)
    ]  # fmt: skip


def test_the_budget_is_never_exceeded(pyav, films, long_films):
    for film in (*films.values(), *long_films.values()):
        for budget in (10_000, 100_000, 200_000, 300_000):
            source = FileSource(film, budget_bytes=budget)
            with suppress(BudgetSpent):
                pyav.probe_source(source, name=film.name)
            assert source.bytes_read <= budget
            with suppress(BudgetSpent):
                pyav.still_of_source(source, at_share=0.9)
            assert source.bytes_read <= budget


@pytest.mark.parametrize("after", [0, 1, 2, 3])
@pytest.mark.parametrize("change", [1, -1])
def test_a_source_that_sends_more_or_less_is_found_out(pyav, long_films, after, change):
    data = long_films["moov at the end"].read_bytes()
    source = OddSource(data, instead=lambda start, length: bytes(length + change), after=after)
    with pytest.raises(BadUpstream, match="more or fewer"):
        pyav.probe_source(source, name="film.mp4")


def test_a_source_that_fails_late_costs_no_time(pyav, long_films):
    """FFmpeg would go on trying at every byte of an AVI file."""
    film = long_films[".avi"]
    for after in range(6):
        source = OddSource(film.read_bytes(), instead=raising(StorageUnreachable()), after=after)
        began = time.monotonic()
        with suppress(StorageUnreachable):
            pyav.still_of_source(source, at_share=0.9)
        assert time.monotonic() - began < 5


def test_broken_objects_are_refused_with_a_reason(pyav, films):
    data, noise = films[".mp4"].read_bytes(), random.Random(1)
    for content in (
        b"just words\n" * 100_000,
        b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/x\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        noise.randbytes(1_000_000),
        bytes(500_000),
        data[:200],
        data[: len(data) // 2],
        b"\0\0\0\1ftyp" + b"\xff" * 100_000,
        b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08moov" * 50_000,
        b"\x1aE\xdf\xa3\x80" + b"\x18S\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + b"\x11" * 100_000,
        b"\x1aE\xdf\xa3\x80" + b"\x19A\xa4\x69\x80" * 100_000,
        b"RIFF\0\0\0\0AVI " + b"JUNK\0\0\0\0" * 50_000,
    ):
        source = MemorySource(content)
        with pytest.raises(MediaUnreadable):
            pyav.probe_source(source, name="film.mp4")
        with pytest.raises(MediaUnreadable):
            pyav.still_of_source(source, at_share=0.1)
    assert pyav.probe_source(MemorySource(data), name="film.mp4").facts.width == 160


def test_damaged_objects_never_stop_the_prober(pyav, films):
    noise = random.Random(3)
    for number in range(60):
        film = films[noise.choice(sorted(films))]
        data = bytearray(film.read_bytes())
        reach = noise.choice([300, 2000, len(data)])
        for _ in range(noise.choice([1, 5, 40])):
            place = noise.randrange(reach) if number % 2 else -1 - noise.randrange(reach)
            data[place] = noise.randrange(256)
        source = MemorySource(bytes(data))
        with suppress(MediaUnreadable):
            pyav.probe_source(source, name=film.name)
        with suppress(MediaUnreadable):
            pyav.still_of_source(source, at_share=0.3)
    source = MemorySource(films[".mp4"].read_bytes())
    assert pyav.probe_source(source, name="film.mp4").facts.width == 160


def children_of(media):
    return [child._process.pid for child in media._waiting._living]


def test_a_child_that_is_killed_while_it_waits_for_a_span_costs_one_file(pyav, films):
    data = films[".mp4"].read_bytes()
    pyav.probe_source(MemorySource(data), name="film.mp4")

    def kill(start, length):
        for pid in children_of(pyav):
            os.kill(pid, signal.SIGKILL)
        return data[start : start + length]

    with pytest.raises(MediaUnreadable, match="crash"):
        pyav.probe_source(OddSource(data, instead=kill), name="film.mp4")
    assert pyav.probe_source(MemorySource(data), name="film.mp4").facts.width == 160


def test_a_child_that_hangs_over_a_span_is_killed_in_time(films):
    media = PyavMedia(processes=1, timeout_s=0.5, memory_mib=1024)
    data = films[".mp4"].read_bytes()

    def stop(start, length):
        for pid in children_of(media):
            os.kill(pid, signal.SIGSTOP)
        return data[start : start + length]

    try:
        began = time.monotonic()
        with pytest.raises(MediaUnreadable, match="longer than"):
            media.probe_source(OddSource(data, instead=stop), name="film.mp4")
        assert time.monotonic() - began < 5
        assert media.probe_source(MemorySource(data), name="film.mp4").facts.width == 160
    finally:
        media.close()


def test_a_slow_source_spends_the_files_time(films):
    media = PyavMedia(processes=1, timeout_s=0.2, memory_mib=1024)

    def slowly(start, length):
        time.sleep(0.5)
        return bytes(length)

    try:
        source = OddSource(films[".mp4"].read_bytes(), instead=slowly)
        with pytest.raises(MediaUnreadable, match="longer than"):
            media.probe_source(source, name="film.mp4")
    finally:
        media.close()


def test_closing_ends_what_is_being_read(films):
    media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
    data, asked = films[".mp4"].read_bytes(), threading.Event()

    def close(start, length):
        media.close()
        asked.set()
        return data[start : start + length]

    with pytest.raises(MediaUnreadable):
        media.probe_source(OddSource(data, instead=close), name="film.mp4")
    assert asked.is_set()
    media.close()
