"""Draw a short film, so that a first start has something to play without downloading anything.

    python deploy/demo_film.py FILE [SECONDS]

A day at sea in one minute: the sky turns, the clock runs, a quiet chord sounds. H.264 and AAC.
"""

import math
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.filter import Graph
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIZE = WIDTH, HEIGHT = 640, 360
RATE = 24
HORIZON = 0.62
# Time of day (0 to 1), colour above, colour at the horizon.
SKY = [
    (0.00, (9, 12, 32), (22, 30, 62)),
    (0.16, (28, 34, 82), (186, 92, 96)),
    (0.24, (84, 122, 186), (250, 190, 132)),
    (0.50, (58, 132, 204), (176, 216, 236)),
    (0.76, (88, 84, 152), (255, 158, 92)),
    (0.84, (30, 28, 78), (164, 74, 98)),
    (1.00, (9, 12, 32), (22, 30, 62)),
]


def sky_at(day: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the two colours of the sky at a time of day."""
    for (start, *before), (end, *after) in pairwise(SKY):
        if start <= day <= end:
            share = (day - start) / (end - start)
            return tuple(
                tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
                for one, other in zip(before, after, strict=True)
            )  # type: ignore[return-value]
    raise ValueError(day)


def picture(second: float, length: float, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Draw the film's picture at ``second``."""
    day = min(second / length, 1.0)
    above, low = sky_at(day)
    sea_top = round(HEIGHT * HORIZON)
    ramp = Image.linear_gradient("L")
    frame = Image.new("RGB", SIZE)
    frame.paste(ImageOps.colorize(ramp.resize((WIDTH, sea_top)), above, low), (0, 0))
    draw = ImageDraw.Draw(frame)
    rise = (day - 0.2) / 0.6  # the sun is up from 0 to 1
    x, y = WIDTH * (0.12 + 0.76 * rise), sea_top * (1 - math.sin(math.pi * rise) * 0.8)
    if -0.1 < rise < 1.1:
        draw.ellipse((x - 30, y - 30, x + 30, y + 30), fill=(255, 238, 196))
    deep = tuple(round(c * 0.35) for c in above)
    near = tuple(round(c * 0.6) for c in low)
    frame.paste(ImageOps.colorize(ramp.resize((WIDTH, HEIGHT - sea_top)), near, deep), (0, sea_top))
    for row in range(9):
        depth = sea_top + 6 + row * row * 2.1
        shade = tuple(min(255, round(c * (0.72 + row * 0.03))) for c in near)
        swell = 1 + row * 0.7
        points = [
            (px, depth + swell * math.sin(px / (26 + row * 9) + second * (1.9 - row * 0.1) + row))
            for px in range(0, WIDTH + 16, 16)
        ]
        draw.line(points, fill=shade, width=2 + row // 3)
    text = f"{int(second // 60):02}:{int(second % 60):02}"
    draw.text((WIDTH - 40, HEIGHT - 34), text, font=font, fill=(255, 255, 255), anchor="rs")
    return frame


def draw_film(path: Path, seconds: int = 60) -> None:
    """Write the film; a reader never sees half of it."""
    part = path.with_suffix(".part")
    font = ImageFont.load_default(size=26)
    with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        video = film.add_stream("libx264", rate=RATE, options={"preset": "superfast", "crf": "25"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.time_base = Fraction(1, RATE)
        sound = film.add_stream("aac", rate=48_000, options={"b": "96k"})
        for number in range(seconds * RATE):
            frame = av.VideoFrame.from_image(picture(number / RATE, seconds, font))
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        chord = "+".join(
            f"0.05*sin({f}*2*PI*t)*(1+0.5*sin(t*{f}/900))" for f in (220, 277.2, 329.6)
        )
        graph = Graph()
        source = graph.add("aevalsrc", f"exprs={chord}:s=48000:d={seconds}")
        shape = graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo")
        sink = graph.add("abuffersink")
        source.link_to(shape)
        shape.link_to(sink)
        graph.configure()
        while True:
            try:
                samples = sink.pull()
            except (av.EOFError, av.BlockingIOError):
                break
            film.mux(sound.encode(samples))
        film.mux(sound.encode(None))
    part.replace(path)


if __name__ == "__main__":
    draw_film(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60)
