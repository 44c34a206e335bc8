"""Titles from file names."""

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.media import names as module
from adapters.media.names import GuessitNames
from ports.library.names import GuessedName

GUESSES = [
    ("The Matrix (1999).mkv", GuessedName("The Matrix", 1999)),
    ("The.Matrix.1999.1080p.BluRay.x264-GRP.mkv", GuessedName("The Matrix", 1999)),
    ("2001 A Space Odyssey (1968).mp4", GuessedName("2001 A Space Odyssey", 1968)),
    ("1917 (2019).mkv", GuessedName("1917", 2019)),
    ("300.mkv", GuessedName("300")),
    ("1984.mp4", GuessedName("1984")),
    ("Film 12.mp4", GuessedName("Film 12")),
    ("Film 003 (1973).mp4", GuessedName("Film 003", 1973)),
    ("film-001.mp4", GuessedName("film-001")),
    ("Work 0123.mp4", GuessedName("Work 0123")),
    ("big buck bunny.mp4", GuessedName("big buck bunny")),
    ("日本 映画 (2004).mp4", GuessedName("日本 映画", 2004)),
    ("Amélie (2001)/movie.mkv", GuessedName("Amélie", 2001)),
    ("Show/Season 1/Show.S01E02.Name.720p.mkv", GuessedName("Show", None, 1, 2, "Name")),
    ("Show - 2x03 - Thing.avi", GuessedName("Show", None, 2, 3, "Thing")),
    ("Show (2005) - S01E02 - The End.mkv", GuessedName("Show", 2005, 1, 2, "The End")),
    ("Show S01E02.mkv", GuessedName("Show", None, 1, 2)),
    ("Show S01E02 1080p WEB-DL.mkv", GuessedName("Show", None, 1, 2)),
    ("Show/Season 01/S01E02 - The Name.mkv", GuessedName("Show", None, 1, 2, "The Name")),
    ("Show (2005)/Season 02/Show - S02E03E04 - Two.mkv", GuessedName("Show", 2005, 2, 3, "Two")),
    ("Show/Show - S02E03E04 - Two.mkv", GuessedName("Show", None, 2, 3, "Two")),
    ("Show.S01E01-E03.mkv", GuessedName("Show", None, 1, 1)),
    ("The Show (2001)/Season 01/01 - A Name.mkv", GuessedName("The Show", 2001, 1, 1, "A Name")),
    ("tv/Some.Show.2001/Season 3/Episode 12.mkv", GuessedName("Some Show", 2001, 3, 12)),
    ("Show/Season 1/E02.mkv", GuessedName("Show", None, 1, 2)),
    ("Show/Season_1/e03 The One.mkv", GuessedName("Show", None, 1, 3, "The One")),
    ("Show/Staffel 1/01. Name.mkv", GuessedName("Show", None, 1, 1, "Name")),
    ("Show/Season 1/01 - Name 1080p WEB-DL.mkv", GuessedName("Show", None, 1, 1, "Name")),
    ("Show/Season 1/102 - Name.mkv", GuessedName("Show", None, 1, 102, "Name")),
    ("Show/Specials/1.mkv", GuessedName("Show", None, 0, 1)),
    ("Show/Specials/Show S00E01 Pilot.mkv", GuessedName("Show", None, 0, 1, "Pilot")),
    ("Show/Season 1/Bonus.mkv", GuessedName("Bonus")),
    ("Season 1/01 - Name.mkv", GuessedName("01 - Name")),
    ("Show.S2014E05.mkv", GuessedName("Show", None, 2014, 5)),
    ("The.Show.2014.03.12.Guest.720p.HDTV.mkv", GuessedName("The Show 2014-03-12", 2014)),
    ("The.Show.2014.03.13.Guest.720p.HDTV.mkv", GuessedName("The Show 2014-03-13", 2014)),
    ("[Group] Anime - 137 [1080p].mkv", GuessedName("Anime 137")),
    ("Show 101.mkv", GuessedName("Show 101")),
    ("clip.part1.mp4", GuessedName("clip Part 1")),
    ("-rf.mp4", GuessedName("-rf")),
    ("'; DROP TABLE video; --.mp4", GuessedName("'; DROP TABLE video; --")),
    ("new\nline.mp4", GuessedName("new line")),
    ("Odd (9999).mp4", GuessedName("Odd")),
]


@pytest.fixture(scope="module")
def names():
    return GuessitNames()


@pytest.mark.parametrize(("name", "guess"), GUESSES)
def test_a_name_says(names, name, guess):
    assert names.guess(name) == guess


@given(st.text(min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_name_has_a_title_that_can_be_stored(text):
    guessed = GuessitNames().guess(f"{text}.mp4")
    assert guessed.title.strip()
    assert len(guessed.title) <= 500
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in guessed.title)
    guessed.title.encode()


def test_loading_is_put_off_until_a_name_needs_it():
    script = (
        "import sys; from adapters.media.names import GuessitNames; "
        "GuessitNames().guess('Plain Name (1999).mp4'); print('guessit' in sys.modules)"
    )
    root = Path(module.__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "False"
