"""Subtitles as WebVTT: side-cars in their many encodings, tracks inside films, and hostile ones."""

import random
import re
import time
from contextlib import suppress

import pytest

from adapters.media.languages import language_tag
from adapters.media.probe import PyavMedia
from adapters.memory.media import MemorySubtitleReader
from domain.library.subtitles import MAX_TRACKS, SIDE_CAR_FORMATS
from ports.library.media import MediaUnreadable
from tests.films import add_subtitles, make_film

SRT = """1
00:00:00,100 --> 00:00:00,900
<i>One</i> & <b>two

2
00:00:00,950 --> 00:00:01,500
three
"""
SSA = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.10,0:00:00.90,Default,,0,0,0,,{\\pos(1,2)\\i1}One{\\i0}, two\\Nthree
"""
CUE = re.compile(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n(.+)\n", re.DOTALL)
TAGS = re.compile(r"</?[ibu]>")


@pytest.fixture(scope="module")
def pyav():
    media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
    yield media
    media.close()


@pytest.fixture(params=["memory", "pyav"])
def reader(request):
    return MemorySubtitleReader() if request.param == "memory" else request.getfixturevalue("pyav")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "film.mkv", seconds=2)


def cues(text):
    """Check that it is WebVTT that can do no harm, and return its cues: (start, end, lines)."""
    head, *blocks = text.strip("\n").split("\n\n")
    assert head == "WEBVTT"
    found = []
    for block in blocks:
        cue = CUE.fullmatch(block.rstrip("\n") + "\n")
        assert cue, block
        assert not re.search(r"[<>]", TAGS.sub("", cue[3])), cue[3]
        found.append((cue[1], cue[2], cue[3]))
    assert found == sorted(found, key=lambda one: one[:2])
    return found


def texts(reader, content, kind="subrip"):
    return [text for _, _, text in cues(reader.from_text(content, kind=kind))]


# -- what every SubtitleReader does


def test_a_side_car_becomes_webvtt(reader):
    assert "three" in cues(reader.from_text(SRT.encode(), kind="subrip"))[-1][2]


def test_nothing_is_no_side_car(reader):
    with pytest.raises(MediaUnreadable, match="empty"):
        reader.from_text(b"", kind="subrip")


def test_a_track_of_a_film_becomes_webvtt(reader, film, tmp_path):
    path = add_subtitles(film, tmp_path / "film.mkv", (SRT, "eng", "", 0))
    assert cues(reader.embedded(str(path), 2))


# -- side-cars


@pytest.mark.parametrize(
    "encoding",
    [
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "cp1252",
        "cp1250",
        "cp1251",
        "cp1253",
        "cp1254",
        "shift_jis",
        "gb18030",
    ],
)
def test_any_usual_encoding_is_read(pyav, encoding):
    line = {
        "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy",
        "cp1251": "Съешь же ещё этих мягких французских булок",
        "cp1253": "Η γρήγορη αλεπού πηδάει πάνω από το σκύλο",
        "cp1254": "Şimdi güneşli bir gün değil mi, ağabey",
        "shift_jis": "いろはにほへと散りぬるを我が世誰ぞ常ならむ",
        "gb18030": "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往",
    }.get(encoding, "Elle a mangé où, déjà ? Peut-être à la fête")
    blocks = (f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900\n{line}\n\n" for n in range(1, 30))
    assert set(texts(pyav, "".join(blocks).encode(encoding))) == {line}


def test_marks_are_kept_and_everything_else_is_text(pyav):
    srt = (
        "2\n00:00:03,000 --> 00:00:04,000\n<script>alert(1)</script><b onclick=x>bold\n\n"
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Who</i>?\n\n{\\an8}AT&T &amp; <u>you</u> &lt;img&gt;\n"
    )
    assert texts(pyav, srt.encode()) == [
        "<i>Who</i>?\nAT&amp;T &amp; <u>you</u> &lt;img&gt;",
        "alert(1)bold",
    ]


def test_webvtt_is_written_anew(pyav):
    vtt = (
        "WEBVTT - title\n\nNOTE about\nit\n\nSTYLE\n::cue{background:url(http://x/)}\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start\n<v Bob>Hi &amp; <c.red>you</c> &lt;b&gt;\n\n"
        "NOTE last\n\n2\n01:00:00.000 --> 01:00:01.000\n- a\n- b\n"
    )
    assert cues(pyav.from_text(vtt.encode(), kind="webvtt")) == [
        ("00:00:01.000", "00:00:02.000", "Hi &amp; you &lt;b&gt;"),
        ("01:00:00.000", "01:00:01.000", "- a\n- b"),
    ]


@pytest.mark.parametrize("kind", ["ass", "ssa"])
def test_substation_alpha_keeps_its_text_and_loses_its_drawings(pyav, kind):
    more = (
        "Comment: 0,0:00:00.10,0:00:00.90,Default,,0,0,0,,not shown\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\b1\\c&HFF&}a{\\r}b {not a mark\n"
    )
    assert texts(pyav, (SSA + more).encode(), kind) == [
        "<i>One</i>, two\nthree", "<b>a</b>b {not a mark"
    ]  # fmt: skip


def test_sami_is_read(pyav):
    smi = b"<SAMI><BODY><SYNC Start=1000><P>Hello<br>you<SYNC Start=3000><P>&nbsp;</SAMI>"
    assert texts(pyav, smi, "sami") == ["Hello\nyou"]


HOSTILE = {
    "zeros": (bytes(5000), "subrip"),
    "binary": (random.Random(1).randbytes(100_000), "subrip"),
    "words": (b"just words\n" * 1000, "subrip"),
    "no cue": (b"WEBVTT\n\n", "webvtt"),
    "not webvtt": (SRT.encode(), "webvtt"),
    "unknown kind": (SRT.encode(), "hdmv_pgs_subtitle"),
    "kind is no name": (SRT.encode(), "../../x"),
    "open braces": (SSA.encode() + b"{" * 9_000_000, "ass"),
    "broken times": (SSA.replace("0:00:00.10", "x").encode(), "ass"),
    "backwards": (b"1\n00:00:02,000 --> 00:00:01,000\nx\n", "subrip"),
    "open tags": (b"1\n00:00:01,000 --> 00:00:02,000\n" + b"< " * 4_000_000, "subrip"),
    "too large": (b"1\n00:00:01,000 --> 00:00:02,000\n" + b"x" * 11_000_000, "subrip"),
    "too many cues": (
        "".join(
            f"{n}\n{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},000 --> 99:00:00,000\nx\n\n"
            for n in range(60_000)
        ).encode(),
        "subrip",
    ),
    "sami without a start": (b"<SAMI><SYNC><P>x</SAMI>", "sami"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_side_cars_are_refused_or_read_in_bounds(pyav, name):
    content, kind = HOSTILE[name]
    began = time.monotonic()
    if name in {"open braces", "open tags"}:
        assert len(pyav.from_text(content, kind=kind)) < 100_000
    else:
        with pytest.raises(MediaUnreadable):
            pyav.from_text(content, kind=kind)
    assert time.monotonic() - began < 15
    assert texts(pyav, SRT.encode())


def test_damaged_side_cars_are_refused_or_harmless(pyav):
    noise = random.Random(4)
    sources = [(SRT, "subrip"), (SSA, "ass"), ("WEBVTT\n\n" + SRT.replace(",", "."), "webvtt")]
    for number in range(150):
        text, kind = sources[number % 3]
        data = bytearray(text.encode() * 3)
        for _ in range(noise.choice([1, 10, 60])):
            data[noise.randrange(len(data))] = noise.choice(b"<>{}\\&-\n:0\xff\x00")
        with suppress(MediaUnreadable):
            cues(pyav.from_text(bytes(data), kind=kind))


def test_every_kind_of_side_car_that_the_library_knows_can_be_read(pyav):
    for kind in set(SIDE_CAR_FORMATS.values()):
        with pytest.raises(MediaUnreadable) as caught:
            pyav.from_text(b"nothing", kind=kind)
        assert "of this kind" not in str(caught.value)


# -- tracks inside films


def test_tracks_of_text_are_read_alone(pyav, film, tmp_path):
    path = add_subtitles(
        film, tmp_path / "film.mkv", (SRT, "eng", "", 0), (SSA, "ger", "", 0), (SRT, "fre", "", 0)
    )
    assert [text for *_, text in cues(pyav.embedded(str(path), 2))] == [
        "<i>One</i> &amp; <b>two</b>", "three"
    ]  # fmt: skip
    assert [text for *_, text in cues(pyav.embedded(str(path), 3))] == ["<i>One</i>, two\nthree"]


@pytest.mark.parametrize("stream", [0, 1, 3, 99, -1])
def test_what_is_no_track_of_text_is_refused(pyav, film, tmp_path, stream):
    path = add_subtitles(film, tmp_path / "film.mkv", (SRT, "eng", "", 0))
    with pytest.raises(MediaUnreadable, match="no such subtitle track"):
        pyav.embedded(str(path), stream)


def test_a_track_of_garbage_gives_harmless_text(pyav, film, tmp_path):
    garbage = "1\n00:00:00,100 --> 00:00:00,900\n" + "MARK" * 200 + "\n"
    path = add_subtitles(film, tmp_path / "film.mkv", (garbage, "eng", "", 0))
    data, noise = path.read_bytes(), random.Random(5)
    for _ in range(20):
        junk = noise.choice([b"<scr", b"{\\p1", b"\xff\xfe\0\0", b"-->\n", b"\n\n\n\n"]).ljust(4)[
            :4
        ]
        path.write_bytes(data.replace(b"MARK", junk))
        with suppress(MediaUnreadable):
            cues(pyav.embedded(str(path), 2))


def vint(data, at):
    """Read one of Matroska's numbers: (number, where it ends)."""
    width = 9 - data[at].bit_length()
    return int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1), at + width


def with_many_tracks(path, to, count):
    """Copy a Matroska film, its last track (of text) ``count`` times over."""
    data = path.read_bytes()
    segment, tracks = data.index(b"\x18\x53\x80\x67"), data.rindex(b"\x16\x54\xae\x6b")
    size, body = vint(data, tracks + 4)
    entries, at = [], body
    while at < body + size:
        length, inside = vint(data, at + 1)
        if data[at] == 0xAE:
            entries.append(data[at : inside + length])
        at = inside + length
    grown = b"".join(entries) + entries[-1] * count
    out = bytearray(data[:tracks] + b"\x16\x54\xae\x6b")
    out += ((1 << 56) | len(grown)).to_bytes(8, "big") + grown + data[body + size :]
    out[segment + 4 : segment + 12] = b"\x01" + b"\xff" * 7
    to.write_bytes(out)
    return to


def test_a_film_with_a_thousand_tracks_has_as_many_as_anybody_needs(pyav, film, tmp_path):
    tracks = [(SRT, "eng", f"{n}", 0) for n in range(MAX_TRACKS + 20)]
    path = add_subtitles(film, tmp_path / "many.mkv", *tracks)
    assert len(pyav.probe(str(path)).subtitles) == MAX_TRACKS
    path = with_many_tracks(path, tmp_path / "thousand.mkv", 1000)
    probed = pyav.probe(str(path))
    assert (len(probed.subtitles), probed.facts.width) == (MAX_TRACKS, 160)


# -- names of languages


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("eng", "en"), ("fre", "fr"), ("fra", "fr"), ("chi", "zh"), ("en", "en"), ("EN-us", "en-US"),
        ("pt_BR", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("gsw", "gsw"), ("und", ""), ("mul", ""),
        ("qqq", ""), ("", ""), ("../x", ""), ("English", ""), ("en-", ""), ("e\u0301n", ""),
    ],
)  # fmt: skip
def test_languages_have_one_name(text, tag):
    assert language_tag(text) == tag
