"""NFO files as media centres write them, and as nobody should."""

import random
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.media.nfo import XmlNfo
from adapters.memory.media import MemoryNfoReader
from domain.library.description import Credit, CreditRole, Description, EpisodeMark, tidy
from ports.library.media import MediaUnreadable

MOVIE = """<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!--created on 2026-01-02 -->
<movie>
  <title>Alien &amp; Co</title><originaltitle>Something else</originaltitle>
  <ratings>
    <rating name="tmdb" max="10"><value>7.1</value></rating>
    <rating name="imdb" max="100" default="true"><value>84</value><votes>9</votes></rating>
  </ratings>
  <year>1979</year><premiered>1980-01-01</premiered>
  <plot>First   line.
    Second line.</plot><outline>Short.</outline>
  <mpaa>Rated PG-13 for violence</mpaa>
  <uniqueid type="imdb" default="true">tt0078748</uniqueid><uniqueid type="tmdb">348</uniqueid>
  <genre>Horror / Sci-Fi</genre><genre>Drama</genre><tag>space</tag>
  <set><name>The Alien Collection</name><overview>All of them.</overview></set>
  <credits>Dan O.</credits><director>Ridley S.</director><director>Another</director>
  <actor><name>Sigourney W.</name><role>Ripley</role><order>0</order><thumb>http://x/y.jpg</thumb></actor>
  <actor><name>Guest</name><type>GuestStar</type></actor><actor><role>nobody</role></actor>
  <fileinfo><streamdetails><video><codec>h264</codec></video></streamdetails></fileinfo>
</movie>
https://www.themoviedb.org/movie/348
"""


@pytest.fixture(params=["memory", "xml"])
def reader(request):
    if request.param == "xml":
        return XmlNfo()
    return MemoryNfoReader(
        answers={MOVIE.encode(): Description(title="Alien & Co")}, broken={b"": "it is empty"}
    )


def read(text):
    return XmlNfo().read(text if isinstance(text, bytes) else text.encode())


# -- what every NfoReader does


def test_a_film_is_described(reader):
    assert reader.read(MOVIE.encode()).title == "Alien & Co"


def test_nothing_is_refused(reader):
    with pytest.raises(MediaUnreadable):
        reader.read(b"")


# -- the XML reader


def test_everything_that_a_film_can_say():
    assert read(MOVIE) == Description(
        title="Alien & Co",
        year=1979,
        description="First line.\nSecond line.",
        director="Ridley S., Another",
        rating=8.4,
        content_rating="PG-13",
        tags=("space", "The Alien Collection"),
        genres=("Horror", "Sci-Fi", "Drama"),
        credits=(
            Credit("Ridley S.", CreditRole.DIRECTOR),
            Credit("Another", CreditRole.DIRECTOR),
            Credit("Dan O.", CreditRole.WRITER),
            Credit("Sigourney W.", CreditRole.ACTOR, "Ripley"),
            Credit("Guest", CreditRole.GUEST),
        ),
        external_ids={"imdb": "tt0078748", "tmdb": "348"},
    )


def test_of_several_episodes_the_first_counts():
    two = (
        "<episodedetails><title>One</title><showtitle>Show</showtitle><season>1</season>"
        "<episode>2</episode><aired>2001-02-03</aired></episodedetails>\n"
        "<episodedetails><title>Two</title><season>1</season><episode>3</episode></episodedetails>"
    )
    said = read(two)
    assert (said.title, said.year) == ("One", 2001)
    assert said.episode == EpisodeMark(series="Show", season=1, episode=2)


def test_an_episode_need_not_name_its_series():
    said = read(
        "<episodedetails><title>One</title><season>0</season><episode>2</episode></episodedetails>"
    )
    assert said.episode == EpisodeMark(series="", season=0, episode=2)


@pytest.mark.parametrize("season", ["", "-1", "x", "1.5", "9" * 5000])
def test_an_impossible_season_makes_no_episode(season):
    said = read(
        f"<episodedetails><title>One</title><season>{season}</season><episode>2</episode>"
        "</episodedetails>"
    )
    assert (said.title, said.episode) == ("One", None)


def test_a_series_is_described():
    said = read(
        "<tvshow><title>Show</title><year>1999</year><plot>About.</plot><tvdbid>72860</tvdbid>"
        "<season>-1</season><episode>12</episode></tvshow>"
    )
    assert said == Description(
        title="Show", year=1999, description="About.", external_ids={"tvdb": "72860"}
    )


def test_a_music_video_has_its_artist():
    said = read(
        "<musicvideo><title>Song</title><artist>Band</artist><year>1984</year></musicvideo>"
    )
    assert (said.title, said.credits) == ("Song", (Credit("Band", CreditRole.ACTOR),))


def test_the_original_title_counts_where_there_is_no_other():
    assert read("<movie><originaltitle>Alt</originaltitle><title/></movie>").title == "Alt"


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ("<rating>8,5</rating>", 8.5), ("<rating max='5'>4</rating>", 8.0), ("<rating>0</rating>", None),
        ("<rating>11</rating>", None), ("<rating>-1</rating>", None), ("<rating>nan</rating>", None),
        ("<rating>1e999</rating>", None), ("<rating max='0'>5</rating>", None),
        ("<ratings><rating><value>6</value></rating></ratings><rating>9</rating>", 6.0),
        ("<ratings><rating><value>0</value></rating></ratings><rating>9</rating>", 9.0),
    ],
)  # fmt: skip
def test_ratings_are_of_ten(said, rating):
    assert read(f"<movie>{said}</movie>").rating == rating


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ("Rated PG-13", "PG-13"), ("PG-13", "PG-13"), ("DE:FSK 16", "FSK 16"), ("US:R / US:Rated R", "R"),
        ("Germany:16", "16"), ("Rated R for strong language", "R"), ("Not Rated", "Not Rated"),
        ("Rated", None), ("", None), ("TV-14", "TV-14"),
    ],
)  # fmt: skip
def test_ratings_of_content_are_said_plainly(said, rating):
    assert read(f"<movie><mpaa>{said}</mpaa></movie>").content_rating == rating


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("<imdbid>tt0078748</imdbid><tmdbid>348</tmdbid>", {"imdb": "tt0078748", "tmdb": "348"}),
        ("<id>tt0078748</id>", {"imdb": "tt0078748"}),
        ("<id>348</id>", {}),
        ("<uniqueid type='imdb'>348</uniqueid>", {}),
        ("<uniqueid type='../x'>348</uniqueid>", {}),
        ("<uniqueid type='tmdb'>34 8</uniqueid>", {}),
        ("<uniqueid>348</uniqueid>", {}),
        ("<uniqueid type='TVDB'>1</uniqueid><tvdbid>2</tvdbid>", {"tvdb": "1"}),
    ],
)
def test_only_what_looks_like_an_id_is_one(said, ids):
    assert read(f"<movie>{said}</movie>").external_ids == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("https://www.imdb.com/title/tt0133093/", {"imdb": "tt0133093"}),
        ("see http://imdb.com/de/title/tt0133093?ref", {"imdb": "tt0133093"}),
        ("https://www.themoviedb.org/movie/603-the-matrix", {"tmdb": "603"}),
        ("https://thetvdb.com/?tab=series&id=81189", {"tvdb": "81189"}),
    ],
)
def test_a_link_gives_an_id(text, ids):
    assert read(text) == Description(external_ids=ids)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1251", "koi8-r"])
def test_any_usual_encoding_is_read(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><movie><title>Иван</title></movie>'
    assert read(text.encode(encoding)).title == "Иван"


@pytest.mark.parametrize("declared", ["utf-8", "punycode", "zip", "unicode_escape", "nonsense"])
def test_a_wrong_or_odd_encoding_is_not_believed(declared):
    text = f'<?xml version="1.0" encoding="{declared}"?><movie><title>Am\xe9lie</title></movie>'
    assert read(text.encode("latin-1")).title == "Am\xe9lie"


def test_bare_ampersands_and_entities_of_html_are_read():
    said = read("<movie><title>Tom & Jerry &eacute; &bogus; &lt;b&gt; &LT;</title></movie>")
    assert said.title == "Tom & Jerry \xe9 &bogus; <b> <"
    assert read("<movie><plot><![CDATA[a & b]]></plot></movie>").description == "a & b"


ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE movie [<!ENTITY l0 "lol">{ENTITIES}]><movie><title>&l9;</title></movie>'
EXTERNAL = (
    '<!DOCTYPE movie [<!ENTITY x SYSTEM "file:///etc/passwd">]><movie><title>&x;</title></movie>'
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "entities"),
        (EXTERNAL, "entities"),
        ('<?xml version="1.0"?><!DOCTYPE movie SYSTEM "http://127.0.0.1/x"><movie/>', "entities"),
        ("<movie><!DOCTYPE x [<!ENTITY a 'b'>]><title>&a;</title></movie>", "damaged"),
        ("<movie>" + "<a>" * 300_000, "strangely"),
        ("<movie>" + "<a/>" * 200_000, "strangely"),
        ("<movie>" + "x" * 2**20, "larger than 1 MiB"),
        ("<movie><title>cut", "damaged"),
        ("<movie " * 100_000, "damaged"),
        ("<?xml " * 150_000, "describes no film"),
        ("<movie><title>" + "&a" * 400_000, "damaged"),
        ("<html><movies></html>", "describes no film"),
        ("just words", "describes no film"),
        (bytes(range(256)) * 1000, "describes no film"),
    ],
)
def test_hostile_files_are_refused_with_a_reason_at_once(text, words):
    began = time.monotonic()
    with pytest.raises(MediaUnreadable, match=words):
        read(text)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "text",
    [
        "<movie " + "".join(f'a{n}="1" ' for n in range(80_000)) + "><title>x</title></movie>",
        "<movie><title>x</title>" + "<!---->" * 140_000 + "</movie>",
        "<movie><title>x</title><plot>" + "&" * 900_000 + "</plot></movie>",
        "<movie><title>x</title>" + "<rating>1</rating>" * 15_000 + "</movie>",
        "<movie>\0<title>\x01x\ufffe</title></movie>",
    ],
)
def test_what_is_only_odd_is_read_in_bounds(text):
    began = time.monotonic()
    assert tidy(read(text), last_year=2030).title == "x"
    assert time.monotonic() - began < 5


def test_damaged_files_are_refused_or_give_something_that_can_be_kept():
    noise = random.Random(7)
    for _ in range(500):
        data = bytearray(MOVIE.encode())
        for _ in range(noise.choice([1, 4, 30])):
            data[noise.randrange(len(data))] = noise.choice(b"<>&;/\"'![]\0\xff x")
        with suppress(MediaUnreadable):
            tidy(read(bytes(data)), last_year=2030)


@given(
    st.binary(max_size=300), st.sampled_from(["title", "year", "rating", "mpaa", "uniqueid", "set"])
)
@settings(max_examples=150, deadline=None)
def test_no_field_can_break_it(content, tag):
    with suppress(MediaUnreadable):
        tidy(
            read(f"<movie><{tag}>".encode() + content + f"</{tag}></movie>".encode()),
            last_year=2030,
        )
