"""Names that cannot lead anywhere, and who may do what."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.resources.names import big_key, file_name, folder_name
from domain.resources.roles import ResourceRole, may_administer, may_read, may_upload, role_of

GOOD = [
    "a",
    "Models",
    "net 1.0.bin",
    "a_b-c",
    "7",
    "Größen",
    "模型 1",
    "हिन्दी",
    "x" * 128,
    "é" * 127,
]
BAD = [
    "", " ", ".", "..", "...", "a..b", ".hidden", " a", "a ", "a.", "../x", "a/b", "/a", "a\\b", "C:x",
    "%2e%2e%2f", "%2e", "..%2f", "%252e%252e", "a%00", "a\0b", "a\nb", "a\tb", "a\u202eb", "a\u200bb",
    "．．", "a／b", "a＼b", "․․", "a∕b", "a⁄b", "\ud800", "a\ufeff", "\u0301a", "²", "½", "x" * 129, "é" * 128,
    "&#46;&#46;", "\\u002e", "..;", "~", "a|b", "a*", "a?", "$HOME", "`id`", "a;b", "a'b", 'a"b', "<b>",
    "CON", "con.txt", "NUL", "com1", "LPT9.bin", "a\xa0b", "a\u2028b", "\x7f", "🎬",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_names_of_every_script_are_taken_as_they_are(name):
    assert file_name(name) == name
    assert folder_name(name) == name


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_names_that_could_lead_somewhere_are_refused_with_their_field(name):
    for check, field in ((file_name, "name"), (folder_name, "folder")):
        with pytest.raises(Invalid) as refused:
            check(name)
        assert refused.value.field == field


def test_names_are_composed():
    assert file_name("Cafe\u0301") == "Caf\u00e9"


@given(st.text(max_size=200))
def test_whatever_is_accepted_is_one_plain_step_on_every_system(text):
    try:
        name = file_name(text)
    except Invalid:
        return
    assert file_name(name) == name == unquote(name)
    for flavour in (PurePosixPath, PureWindowsPath):
        assert flavour(name).parts == (name,)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert not set(unicodedata.normalize(form, name)) & set("/\\:\0%")
        assert not unicodedata.normalize(form, name).startswith(".")


def test_objects_are_named_by_ids_alone():
    assert big_key(UUID(int=1), UUID(int=2), 7) == (
        "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002/7.big"
    )


ROLES = {
    "NONE": 0,
    "Operator": 10,
    "Validator": 20,
    "CompanionPC": 30,
    "Admin": 40,
    "ResourceUploader": 50,
    "ApiAdmin": 1000,
}


@pytest.mark.parametrize(("label", "number"), ROLES.items())
def test_roles_have_their_fixed_names_and_numbers(label, number):
    assert role_of(label) == number
    assert role_of(label).label == label
    assert len(ResourceRole) == len(ROLES)


@pytest.mark.parametrize(
    "text", ["", "operator", "ADMIN", "Admin ", "API_ADMIN", "1000", "root", "О"]
)
def test_an_unknown_role_is_none(text):
    assert role_of(text) is ResourceRole.NONE


def test_who_may_do_what():
    def allowed(rule):
        return {role.label for role in ResourceRole if rule(role)}

    assert allowed(may_read) == set(ROLES) - {"NONE"}
    assert allowed(may_upload) == {"Admin", "ResourceUploader", "ApiAdmin"}
    assert allowed(may_administer) == {"Admin", "ApiAdmin"}
