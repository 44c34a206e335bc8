"""Names of folders and files: what people type and see, and never a path.

Letters and digits of every script, blanks, dots, dashes and underscores. So there is no separator
and no escape in any encoding (percent signs, back-slashes, full-width look-alikes), and a reader on
any system can save the file under its name. Objects in a content network are named by ids alone.
"""

import re
import unicodedata

from domain.errors import Invalid
from domain.ids import FolderId, ResourceId

MAX_CHARS = 128
MAX_BYTES = 255  # what common file systems take
_MARKS = {"Mn", "Mc"}  # vowel signs and accents that have no composed form
_DEVICES = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\..*)?", re.IGNORECASE)


def folder_name(text: str) -> str:
    """Return a folder's name in NFC.

    Raises:
        Invalid: field ``folder``; the text says what is wrong with it.
    """
    return _name(text, "folder")


def file_name(text: str) -> str:
    """Return a file's name in NFC.

    Raises:
        Invalid: field ``name``; the text says what is wrong with it.
    """
    return _name(text, "name")


def big_key(folder_id: FolderId, resource_id: ResourceId, version: int) -> str:
    """Return the name of a version's big part in the content network."""
    return f"{folder_id}/{resource_id}/{version}.big"


def _name(text: str, field: str) -> str:
    name = unicodedata.normalize("NFC", text)
    if not 1 <= len(name) <= MAX_CHARS or len(name.encode("utf-8", "replace")) > MAX_BYTES:
        raise Invalid(
            f"{field} takes 1 to {MAX_CHARS} characters, and {MAX_BYTES} bytes in UTF-8",
            field=field,
        )
    if not all(_is_allowed(char) for char in name) or unicodedata.combining(name[0]):
        raise Invalid(
            f"{field} takes letters, digits, blanks, dots, dashes and underscores", field=field
        )
    if name[0] in " ." or name[-1] in " ." or ".." in name:
        raise Invalid(
            f"{field} may not begin or end with a dot or a blank, nor hold two dots in a row",
            field=field,
        )
    if _DEVICES.fullmatch(name):
        raise Invalid(f"{field} may not be the name of a Windows device", field=field)
    return name


def _is_allowed(char: str) -> bool:
    category = unicodedata.category(char)
    return char in " ._-" or category[0] == "L" or category == "Nd" or category in _MARKS
