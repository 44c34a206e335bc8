"""Pictures of films, and pictures that others made. Runs in the child."""

import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import av
from PIL import Image

from adapters.media.films import MAX_PIXELS, Unreadable, duration_of, video_stream

MAX_WIDTH = 640
TILE_WIDTH, TILE_HEIGHT = 160, 160
COLUMNS, MAX_TILES, MIN_INTERVAL_S = 10, 100, 1.0
_KEY_WITHIN = 3000  # packets after a seek; a second of film has about a hundred
_MAGIC = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_OTHERS = {
    b"GIF8": "GIF", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"%PDF": "PDF", b"%!PS": "EPS",
    b"<svg": "SVG", b"<?xml": "SVG", b"<!DOCTYPE svg": "SVG", b"BM": "BMP", b"\0\0\1\0": "ICO",
}  # fmt: skip
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def still(container: Any, *, at_share: float) -> bytes:
    """Return the key frame before that share of the duration as WebP."""
    video = _ready(container)
    duration = duration_of(container, video)
    if duration:
        with contextlib.suppress(av.error.FFmpegError):
            container.seek(_moment(container, duration * at_share))
    frame = next(container.decode(video), None)
    if frame is None:
        container.seek(0)
        frame = next(container.decode(video), None)
    if frame is None:
        raise Unreadable("it holds no picture")
    _check_size(frame.width, frame.height)
    aspect = video.sample_aspect_ratio
    width, height = _fit(frame.width, frame.height, aspect, MAX_WIDTH, MAX_WIDTH * 2)
    return to_webp(_image(frame, width, height))


def storyboard(container: Any) -> tuple[dict[str, Any], bytes]:
    """Return the grid's figures and its picture; see ``ports.library.media.Storyboard``."""
    video = _ready(container)
    duration = duration_of(container, video)
    if not duration:
        raise Unreadable("it does not say how long it is")
    count = max(1, min(MAX_TILES, int(duration / MIN_INTERVAL_S)))
    interval = duration / count
    context = video.codec_context
    width, height = _fit(
        context.width, context.height, video.sample_aspect_ratio, TILE_WIDTH, TILE_HEIGHT
    )
    columns = min(COLUMNS, count)
    board = Image.new("RGB", (columns * width, -(-count // columns) * height))
    shown = False
    for number, tile in enumerate(_tiles(container, video, count, interval, (width, height))):
        if tile is not None:
            board.paste(tile, (number % columns * width, number // columns * height))
            shown = True
    if not shown:
        raise Unreadable("it holds no picture")
    figures = {
        "columns": columns,
        "count": count,
        "tile_width": width,
        "tile_height": height,
        "interval_s": round(interval, 3),
    }
    return figures, to_webp(board)


def artwork(data: bytes, *, max_width: int, max_height: int) -> bytes:
    """Return a JPEG, PNG or WebP as a WebP that fits into the box, without what it says of itself.

    What decides is the header's size, before anything is decoded; EXIF turns the picture.
    """
    kind = _kind_of(data)
    picture: Image.Image
    try:
        picture = Image.open(io.BytesIO(data), formats=[kind])
        _check_size(*picture.size)
        turn = _turn_of(picture)
        side = max(max_width, max_height)
        picture.draft("RGB", (side, side))
        picture.load()
    except Image.DecompressionBombError as exc:
        raise Unreadable("its pictures are too large") from exc
    except (OSError, ValueError, SyntaxError, EOFError) as exc:
        raise Unreadable("the picture is damaged") from exc
    sees_through = "A" in picture.getbands() or "transparency" in picture.info
    picture = picture.convert("RGBA" if sees_through else "RGB")
    sideways = turn is not None and turn not in list(_TURNS.values())[:3]
    picture.thumbnail((max_height, max_width) if sideways else (max_width, max_height))
    if turn is not None:
        picture = picture.transpose(turn)
    picture.info.clear()
    return to_webp(picture)


def to_webp(picture: Image.Image) -> bytes:
    """Return the picture as WebP."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=75, method=2)
    return out.getvalue()


def _tiles(
    container: Any, video: Any, count: int, interval: float, size: tuple[int, int]
) -> Iterator[Image.Image | None]:
    """Yield ``count`` pictures, each of the last key frame before its moment.

    A key frame that stands for several moments is decoded once.
    """
    tile, last = None, None
    for number in range(count):
        with contextlib.suppress(av.error.FFmpegError):
            container.seek(_moment(container, number * interval))
            packet = next(_key_packets(container, video), None)
            place = packet and (packet.pts, packet.dts, packet.size)
            if packet is not None and place != last:
                frame = _decoded(video.codec_context, packet)
                if frame is not None:
                    _check_size(frame.width, frame.height)
                    tile, last = _image(frame, *size), place
        yield tile


def _key_packets(container: Any, video: Any) -> Iterator[Any]:
    packets = islice(container.demux(video), _KEY_WITHIN)
    return (packet for packet in packets if packet.is_keyframe and packet.size)


def _decoded(context: Any, packet: Any) -> Any:
    """Return the picture of one packet at once: the decoder is told that no more will come."""
    frames = [*context.decode(packet), *context.decode(None)]
    context.flush_buffers()
    return frames[0] if frames else None


def _ready(container: Any) -> Any:
    video = video_stream(container)
    context = video.codec_context
    _check_size(context.width, context.height)
    context.thread_count = 1
    context.skip_frame = "NONKEY"
    return video


def _moment(container: Any, seconds: float) -> int:
    return int((container.start_time or 0) + seconds * av.time_base)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Unreadable("its pictures are too large")


def _image(frame: Any, width: int, height: int) -> Image.Image:
    small = frame.reformat(width=width, height=height, format="rgb24", threads=1)
    picture: Image.Image = small.to_image()
    return picture


def _fit(
    width: int, height: int, aspect: Fraction | None, max_width: int, max_height: int
) -> tuple[int, int]:
    """Return the size of the picture: square pixels, even numbers, within the box."""
    if aspect and Fraction(1, 8) <= aspect <= 8:
        width = max(1, round(width * aspect))
    scale = min(1.0, max_width / width, max_height / height)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _kind_of(data: bytes) -> str:
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    start = data[:300].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, kind in _OTHERS.items():
        if start.startswith(magic):
            raise Unreadable(f"it is {kind}; JPEG, PNG and WebP pictures are taken")
    raise Unreadable("it is not a JPEG, PNG or WebP picture")


def _turn_of(picture: Image.Image) -> Image.Transpose | None:
    """Return how EXIF says that the picture has to be turned; damaged EXIF says nothing."""
    with contextlib.suppress(Exception):
        return _TURNS.get(picture.getexif().get(0x0112, 1))
    return None
