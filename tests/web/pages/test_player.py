"""Subtitles and storyboards of the player: for whoever may see the video."""

import re

import pytest

from domain.library.subtitles import SubtitleTrack
from tests.web.pages.test_viewing import PICTURE

UNKNOWN = "01900000-0000-7000-8000-000000000000"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nGuten Tag <b>du</b>\n"
LAYOUT = b'{"columns":10,"count":20,"tile_width":160,"tile_height":90,"interval_s":3.0}'


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "film.de.srt").write_text(SRT)
    return folder


@pytest.fixture
def video(site, folder):
    place = site.location()
    with site.container.unit_of_work() as tx:
        stored = tx.locations.get(place.id)
        stored.options = {"path": str(folder)}
        tx.locations.save(stored)
        tx.commit()
    video = site.film(location=place)
    site.change_video(
        video,
        subtitles=(
            SubtitleTrack(format="subrip", language="de", locator="film.de.srt", forced=True),
            SubtitleTrack(format="hdmv_pgs_subtitle", language="fr", stream=3),
            SubtitleTrack(format="subrip", language="", locator="gone.srt"),
        ),
    )
    return video


def test_the_player_offers_what_can_be_read(ben, video):
    tracks = re.findall(r'<track kind="subtitles" src="([^"]+)" srclang="(\w+)" label="([^"]+)"',
                        ben.get(f"/watch/{video.id}").text)  # fmt: skip
    assert tracks == [
        (f"/watch/{video.id}/subtitles/0.vtt", "de", "German (forced)"),
        (f"/watch/{video.id}/subtitles/2.vtt", "und", "Unknown language"),
    ]


def test_a_track_is_sent_as_webvtt_and_kept_by_the_browser_alone(ben, video):
    answer = ben.get(f"/watch/{video.id}/subtitles/0.vtt")
    assert (answer.status_code, answer.mimetype) == (200, "text/vtt")
    assert answer.text.startswith("WEBVTT")
    assert "Guten Tag" in answer.text
    assert "private" in answer.headers["Cache-Control"]
    again = ben.get(
        f"/watch/{video.id}/subtitles/0.vtt", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("number", ["1", "2", "3", "99999999999"])
def test_what_cannot_be_had_is_not_found(ben, video, number):
    assert ben.get(f"/watch/{video.id}/subtitles/{number}.vtt").status_code == 404


@pytest.mark.parametrize("path", ["subtitles/0.vtt", "storyboard.webp", "storyboard.json"])
def test_nothing_of_a_video_is_for_strangers(site, ben, video, path):
    assert site.stranger().get(f"/watch/{video.id}/{path}").status_code == 302
    assert ben.get(f"/watch/{UNKNOWN}/{path}").status_code == 404


def test_the_work_page_names_the_subtitles(ben, video):
    assert "German (forced), French, Unknown language" in ben.get(f"/work/{video.work_id}").text


def test_a_storyboard_is_offered_where_there_is_one(site, ben, video):
    assert "data-storyboard" not in ben.get(f"/watch/{video.id}").text
    assets = site.container.assets()
    assets.put(f"storyboards/{video.id}.json", LAYOUT)
    assets.put(f"storyboards/{video.id}.webp", PICTURE)
    assert (
        f'data-storyboard="/watch/{video.id}/storyboard.json"' in ben.get(f"/watch/{video.id}").text
    )
    layout = ben.get(f"/watch/{video.id}/storyboard.json")
    assert (layout.mimetype, layout.get_json()["count"]) == ("application/json", 20)
    assert ben.get(f"/watch/{video.id}/storyboard.webp").mimetype == "image/webp"


def test_a_storyboard_that_could_not_be_made_is_none(site, ben, video):
    site.container.assets().put(f"storyboards/{video.id}.webp", b"")
    assert "data-storyboard" not in ben.get(f"/watch/{video.id}").text
    assert ben.get(f"/watch/{video.id}/storyboard.webp").status_code == 404
