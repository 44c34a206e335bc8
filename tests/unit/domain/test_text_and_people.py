import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import errors
from domain.errors import DomainError, Invalid, Limited
from domain.people import (
    SESSION_IDLE,
    SESSION_LIFE,
    Role,
    Session,
    User,
    check_password,
)
from domain.text import clean, fold, sort_key, words

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.text())
@example("Amélie  ŒUVRE")
@example("İstanbul ǰ ŉ ΐ ﬁ Å K")
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_case_and_form_do_not_count(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_folds_as_any_other(text):
    assert fold(text + "é") == fold(text + "e")


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Amélie  ŒUVRE", "amelie oeuvre"), ("Straße", "strasse"), ("ŁÓDŹ", "lodz"), (" a\t\nb ", "a b"),
     ("東京", "東京"), ("Ærø", "aero"), ("", "")],
)  # fmt: skip
def test_folded_text_is_bare(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_words_are_letters_and_digits(text):
    assert all(word.isalnum() for word in words(text))


def test_words_and_keys():
    assert words("Spider-Man: 2 (ext.)") == ["spider", "man", "2", "ext"]
    assert sort_key("É" * 300) == "e" * 200


def test_cleaning_trims_and_composes():
    assert clean("  e\u0301 ", field="title", max_length=5) == "é"
    assert clean("a\n\tb", field="title", max_length=5) == "a\n\tb"
    assert clean("a\u200db", field="title", max_length=5) == "a\u200db"


@pytest.mark.parametrize("text", ["a\0b", "\x1b[0m", "\ud800", "a\rb", "toolong", "\x85a\x85b"])
def test_what_cannot_be_shown_is_refused(text):
    with pytest.raises(Invalid) as caught:
        clean(text, field="title", max_length=6)
    assert caught.value.field == "title"


def test_lengths_are_counted_after_cleaning():
    with pytest.raises(Invalid, match="1 to 5"):
        clean("   ", field="title", max_length=5, min_length=1)


def user(**more):
    values = {"username": "ann", "email": "ann@example.org", **more}
    return User(id=UUID(int=1), password_hash="h", role=Role.USER, created_at=NOW, **values)


def test_people_have_names_and_addresses():
    assert not user().is_admin
    admin = user()
    admin.role = Role.ADMIN
    assert admin.is_admin
    for name in ("x" * 51, "a b", ".ann", "änn", "ann\n", ""):
        with pytest.raises(Invalid) as caught:
            user(username=name)
        assert caught.value.field == "username"
    for email in ("ann", "@x", "a@", "a@.x", "a b@x", "a@x..y", "a" * 255):
        with pytest.raises(Invalid) as caught:
            user(email=email)
        assert caught.value.field == "email"
    assert user(email=" a@localhost ").email == "a@localhost"


def test_passwords_have_a_length():
    assert check_password("12345678") == "12345678"
    for password in ("1234567", "x" * 4097):
        with pytest.raises(Invalid):
            check_password(password)


def test_sessions_end_by_rest_and_by_age():
    session = Session(id_digest=b"d", user_id=None, values="{}", created_at=NOW, seen_at=NOW)
    moment = timedelta(microseconds=1)
    assert session.is_alive(NOW + SESSION_IDLE - moment)
    assert not session.is_alive(NOW + SESSION_IDLE)
    session.seen_at = NOW + SESSION_LIFE
    assert session.is_alive(NOW + SESSION_LIFE - moment)
    assert not session.is_alive(NOW + SESSION_LIFE)


def test_errors_speak_by_title_where_nothing_is_said():
    families = DomainError.__subclasses__()
    for family in families:
        assert str(family()) == family.title
        assert str(family("said")) == "said"
    assert errors.NotFound(id="1").context == {"id": "1"}
    assert Limited(retry_after_s=5).retry_after_s == 5
    assert Invalid("x", field="name").field == "name"
