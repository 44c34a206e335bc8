"""What the names of subtitle files say."""

import pytest

from domain.library.subtitles import SubtitleTrack, side_car


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Film.srt", {}),
        ("Film.en.srt", {"language": "en"}),
        ("Film.ger.srt", {"language": "de"}),
        ("Film.de.forced.srt", {"language": "de", "forced": True}),
        ("Film.eng.sdh.vtt", {"language": "en", "hearing_impaired": True, "format": "webvtt"}),
        ("Film.en.hi.srt", {"language": "en", "hearing_impaired": True}),
        ("Film.hi.srt", {"language": "hi"}),
        ("Film.pt-BR.ass", {"language": "pt-BR", "format": "ass"}),
        (
            "Film.commentary.en.default.srt",
            {"language": "en", "title": "commentary", "default": True},
        ),
    ],
)
def test_a_side_cars_name_tells_its_language_and_kind(name, said):
    expected = SubtitleTrack(**{"format": "subrip", "locator": f"x/{name}", **said})
    assert side_car(name, video="Film.mkv", locator=f"x/{name}") == expected


def test_only_text_can_become_webvtt():
    assert SubtitleTrack(format="subrip").is_text
    assert not SubtitleTrack(format="hdmv_pgs_subtitle", stream=2).is_text
