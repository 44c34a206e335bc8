"""Real films, drawn in memory, and files that only pretend to be films."""

import io
import math
import os
import shutil
from array import array
from fractions import Fraction
from pathlib import Path

import av

RATE = 48_000
CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".mkv": ("libx264", "aac"),
    ".webm": ("libvpx-vp9", "libopus"),
    ".avi": ("mpeg4", "libmp3lame"),
    ".ts": ("libx264", "aac"),
}
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


def make_film(
    path: Path,
    *,
    seconds: float = 1.0,
    width: int = 160,
    height: int = 90,
    fps: int = 25,
    sound: bool = True,
    picture: bool = True,
    title: str = "",
    hue: int = 0,
) -> Path:
    """Draw a film of moving stripes with a tone, in what the suffix of ``path`` calls for."""
    video_codec, audio_codec = CODECS[path.suffix]
    with av.open(str(path), "w") as out:
        if title:
            out.metadata["title"] = title
        if picture:
            video = out.add_stream(video_codec, rate=fps, options=_OPTIONS.get(video_codec, {}))
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.codec_context.gop_size = fps
        if sound:
            audio = out.add_stream(audio_codec, rate=RATE, layout="mono")
        if picture:
            for number in range(max(1, round(seconds * fps))):
                frame = _stripes(width, height, number, hue)
                frame.pts, frame.time_base = number, Fraction(1, fps)
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
        if sound:
            for frame in _tone(seconds):
                out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    return path


def long_film(film: Path, to: Path, *, minutes: int, padding: int = 0, **options: str) -> Path:
    """Show a film of a bit over ten seconds again and again: long enough for long tables.

    ``padding`` bytes go behind each picture of H.264 in MP4; ``options`` are the muxer's.
    """
    filler = (padding + 2).to_bytes(4, "big") + b"\x0c" + b"\xff" * padding + b"\x80"
    with av.open(str(film)) as source, av.open(str(to), "w", options=options) as out:
        streams = [source.streams.video[0], source.streams.audio[0]]
        outs = {stream.index: out.add_stream_from_template(stream) for stream in streams}
        packets = [
            (p.stream.index, bytes(p), p.pts, p.dts, p.duration, p.time_base, p.is_keyframe)
            for p in source.demux(streams)
            if p.dts is not None and 0 <= p.pts * p.time_base < 10 - Fraction(3, 100)
        ]
        for time in range(0, minutes * 60, 10):
            for index, data, pts, dts, duration, base, is_key in packets:
                padded = data + filler if padding and index == streams[0].index else data
                packet, shift = av.Packet(padded), int(time / base)
                packet.stream, packet.time_base, packet.is_keyframe = outs[index], base, is_key
                packet.pts, packet.dts, packet.duration = pts + shift, dts + shift, duration
                out.mux(packet)
    return to


def add_subtitles(film: Path, to: Path, *tracks: tuple[str, str, str, int]) -> Path:
    """Copy a film with tracks of text: (SubRip or SSA, language, title, FFmpeg's disposition)."""
    with av.open(str(film)) as source, av.open(str(to), "w") as out:
        outs = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        texts = []
        for text, language, title, disposition in tracks:
            file = av.open(io.BytesIO(text.encode()), format="ass" if text[0] == "[" else "srt")
            stream = out.add_stream_from_template(file.streams[0])
            stream.metadata.update({"language": language, "title": title})
            stream.disposition = disposition
            texts.append((file, stream))
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = outs[packet.stream.index]
                out.mux(packet)
        for file, stream in texts:
            for packet in file.demux():
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
            file.close()
    return to


def copy_film(film: Path, to: Path, *, mark: bytes = b"") -> Path:
    """Copy a film; with ``mark`` behind it, so that its bytes differ and it still plays."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(film, to)
    if mark:
        with to.open("ab") as file:
            file.write(mark)
    return to


def age(*paths: Path, seconds: float = 3600) -> None:
    """Make files look as if nobody had written to them for a while."""
    for path in paths:
        then = path.lstat().st_mtime - seconds
        os.utime(path, (then, then), follow_symlinks=False)


def _stripes(width: int, height: int, number: int, hue: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, shift in zip(frame.planes, (0, 85 + hue, 170 + hue), strict=True):
        row = bytes((x * 4 + number * 8 + shift) % 256 for x in range(plane.line_size))
        plane.update(row * plane.height)
    return frame


def _tone(seconds: float):
    for start in range(0, int(seconds * RATE), 960):
        samples = array(
            "f", (0.1 * math.sin(2 * math.pi * 440 * (start + n) / RATE) for n in range(960))
        )
        frame = av.AudioFrame(format="fltp", layout="mono", samples=960)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame
