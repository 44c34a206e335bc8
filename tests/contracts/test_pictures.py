"""Storyboards of films, and pictures that others made."""

import io
import random
import struct
import time
import zlib
from contextlib import suppress

import pytest
from PIL import Image

from adapters.media.probe import PyavMedia
from adapters.memory.media import MemoryArtist, MemoryStoryboarder
from ports.library.media import MediaUnreadable
from tests.films import CODECS, long_film, make_film


@pytest.fixture(scope="module")
def pyav():
    media = PyavMedia(processes=1, timeout_s=20, memory_mib=1024)
    yield media
    media.close()


@pytest.fixture(params=["memory", "pyav"])
def artist(request):
    return MemoryArtist() if request.param == "memory" else request.getfixturevalue("pyav")


@pytest.fixture(params=["memory", "pyav"])
def storyboarder(request):
    return MemoryStoryboarder() if request.param == "memory" else request.getfixturevalue("pyav")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=10.2)


def encoded(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(data):
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "WEBP"
    picture.load()
    return picture


def halves(width, height, left, right):
    picture = Image.new("RGB", (width, height), right)
    picture.paste(left, (0, 0, width // 2, height))
    return picture


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks, pixels=b""):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(pixels, 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


# -- what every Storyboarder and Artist does


def test_a_storyboard_says_where_its_pictures_are(storyboarder, film):
    board = storyboarder.storyboard(str(film))
    assert board.image[8:12] == b"WEBP"
    assert 0 < board.count <= 100
    assert 0 < board.tile_width <= 160
    assert board.tile_height > 0
    assert 0 < board.columns <= 10
    assert board.interval_s > 0


def test_a_picture_becomes_webp(artist):
    data = encoded(Image.new("RGB", (30, 20)), "PNG")
    assert artist.artwork(data, max_width=100, max_height=100)[8:12] == b"WEBP"


def test_what_is_no_picture_is_refused(artist):
    with pytest.raises(MediaUnreadable, match="JPEG, PNG or WebP"):
        artist.artwork(b"just words", max_width=100, max_height=100)


# -- storyboards


def test_a_short_film_has_a_picture_for_each_second(pyav, film):
    board = pyav.storyboard(str(film))
    assert (board.count, board.columns) == (10, 10)
    assert board.interval_s == pytest.approx(1.02, abs=0.02)
    assert (board.tile_width, board.tile_height) == (160, 90)
    assert opened(board.image).size == (1600, 90)


@pytest.mark.parametrize("suffix", CODECS)
def test_every_kind_of_film_has_a_storyboard(pyav, tmp_path, suffix):
    board = pyav.storyboard(str(make_film(tmp_path / f"film{suffix}", seconds=3)))
    assert board.count == 3
    tiles = opened(board.image).convert("L")
    assert all(
        tiles.crop((n * board.tile_width, 0, (n + 1) * board.tile_width, board.tile_height)).getextrema()[1] > 50
        for n in range(3)
    )  # fmt: skip


def test_a_long_film_has_a_hundred_pictures_in_little_time(pyav, film, tmp_path):
    path = long_film(film, tmp_path / "long.mkv", minutes=180)
    began = time.monotonic()
    board = pyav.storyboard(str(path))
    assert time.monotonic() - began < 10
    assert (board.count, board.columns) == (100, 10)
    assert board.interval_s == pytest.approx(108, abs=0.1)
    assert opened(board.image).size == (1600, 900)


def test_the_pictures_are_of_their_moments(pyav, tmp_path):
    """The stripes move: a picture at n seconds equals the film's key frame there."""
    film = make_film(tmp_path / "film.mp4", seconds=8.2)
    board = pyav.storyboard(str(film))
    image = opened(board.image).convert("L")
    for number in range(board.count):
        left = number * board.tile_width
        tile = image.crop((left, 0, left + board.tile_width, board.tile_height))
        share = (number * board.interval_s + 0.001) / 8.2
        still = opened(pyav.still(str(film), at_share=share)).convert("L")
        pairs = zip(tile.tobytes(), still.resize(tile.size).tobytes(), strict=True)
        assert sum(abs(a - b) for a, b in pairs) / (160 * 90) < 12, number


def test_an_upright_film_fits_as_well(pyav, tmp_path):
    film = make_film(tmp_path / "film.mp4", seconds=2, width=360, height=640)
    board = pyav.storyboard(str(film))
    assert (board.tile_width, board.tile_height) == (90, 160)


def test_what_is_no_film_has_no_storyboard(pyav, tmp_path):
    path = tmp_path / "film.mp4"
    for content in (b"", b"words", bytes(10_000)):
        path.write_bytes(content)
        with pytest.raises(MediaUnreadable):
            pyav.storyboard(str(path))
    with pytest.raises(MediaUnreadable, match="no video stream"):
        pyav.storyboard(str(make_film(tmp_path / "sound.mp4", picture=False)))


# -- artwork


@pytest.mark.parametrize(
    ("size", "kept"), [((1200, 800), (400, 267)), ((300, 900), (200, 600)), ((50, 40), (50, 40))]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_fits_into_the_box_and_is_never_enlarged(pyav, size, kept, kind):
    data = encoded(Image.new("RGB", size), kind)
    assert opened(pyav.artwork(data, max_width=400, max_height=600)).size == kept


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "RGBA", "LA", "I;16"])
def test_every_kind_of_colour_is_taken(pyav, mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = opened(
        pyav.artwork(encoded(Image.new(mode, (30, 20)), kind), max_width=99, max_height=99)
    )
    assert picture.mode == ("RGBA" if "A" in mode else "RGB")


def test_exif_turns_the_picture_and_is_dropped(pyav):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "SECRET place"
    data = encoded(halves(300, 100, "red", "blue"), "JPEG", exif=exif, comment=b"SECRET too")
    made = pyav.artwork(data, max_width=1000, max_height=200)
    picture = opened(made)
    assert b"SECRET" not in made
    assert picture.size == (67, 200)
    top, bottom = picture.getpixel((33, 20)), picture.getpixel((33, 180))
    assert (top[0] > 200, top[2] < 60) == (True, True)
    assert (bottom[2] > 200, bottom[0] < 60) == (True, True)


def test_damaged_exif_turns_nothing(pyav):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(halves(300, 100, "red", "blue"), "JPEG", exif=exif)
    data = data.replace(b"Exif\0\0MM", b"Exif\0\0\xff\xff")
    assert opened(pyav.artwork(data, max_width=300, max_height=300)).size == (300, 100)


def test_only_the_first_of_moving_pictures_is_kept(pyav):
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("red", "blue", "green")]
    for kind in ("WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        picture = opened(pyav.artwork(data, max_width=50, max_height=50))
        assert getattr(picture, "n_frames", 1) == 1
        assert picture.convert("RGB").getpixel((25, 25))[0] > 200


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
            "SVG",
        ),
        (b"\xef\xbb\xbf <?xml version='1.0'?><svg/>", "SVG"),
        (encoded(Image.new("RGB", (9, 9)), "GIF"), "GIF"),
        (encoded(Image.new("RGB", (9, 9)), "TIFF"), "TIFF"),
        (encoded(Image.new("RGB", (9, 9)), "BMP"), "BMP"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "EPS"),
    ],
)
def test_other_kinds_are_refused_by_name(pyav, data, kind):
    with pytest.raises(MediaUnreadable, match=f"it is {kind}"):
        pyav.artwork(data, max_width=100, max_height=100)


BOMB = zlib.compress(bytes(200_000_000), 9)
MANY = b"".join(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1_000_000), 9)) for _ in range(100))
JPEG = encoded(halves(640, 480, "red", "blue"), "JPEG")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (png(50_000, 50_000, pixels=bytes(100_000)), "too large"),
        (png(9_000, 9_000, pixels=bytes(100_000)), "too large"),
        (png(2**31 - 1, 2**31 - 1), "too large"),
        (png(0, 0), "damaged"),
        (png(5_000, 5_000, pixels=bytes(10)), "damaged"),
        (png(10, 10, chunk(b"zTXt", b"x\0\0" + BOMB), pixels=bytes(310)), "damaged"),
        (png(10, 10, chunk(b"iCCP", b"x\0\0" + BOMB), pixels=bytes(310)), "damaged"),
        (png(10, 10, MANY, pixels=bytes(310)), "damaged"),
        (JPEG[: len(JPEG) // 2], "damaged"),
        (b"\xff\xd8\xff" + bytes(100), "damaged"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * (32 * 1024 * 1024), "larger than 32 MiB"),
    ],
    ids=range(13),
)
def test_hostile_pictures_are_refused_with_a_reason(pyav, data, words):
    began = time.monotonic()
    with pytest.raises(MediaUnreadable, match=words):
        pyav.artwork(data, max_width=100, max_height=100)
    assert time.monotonic() - began < 10


def test_a_jpeg_that_claims_other_dimensions_harms_nothing(pyav):
    data = bytearray(JPEG)
    place = data.index(b"\xff\xc0") + 5
    for height, width in ((60_000, 60_000), (7_000, 8_000), (1, 1), (479, 641), (0, 5)):
        struct.pack_into(">HH", data, place, height, width)
        with suppress(MediaUnreadable):
            opened(pyav.artwork(bytes(data), max_width=100, max_height=100))
    assert opened(pyav.artwork(JPEG, max_width=64, max_height=64)).size == (64, 48)


def test_damaged_pictures_never_stop_the_artist(pyav):
    noise = random.Random(6)
    whole = [encoded(halves(90, 60, "red", "blue"), kind) for kind in ("JPEG", "PNG", "WEBP")]
    for number in range(90):
        data = bytearray(whole[number % 3])
        for _ in range(noise.choice([1, 5, 20])):
            data[noise.randrange(12, len(data))] = noise.randrange(256)
        with suppress(MediaUnreadable):
            opened(pyav.artwork(bytes(data), max_width=50, max_height=50))
    assert opened(pyav.artwork(JPEG, max_width=64, max_height=64)).size == (64, 48)
