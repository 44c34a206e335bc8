"""Text as people type it: cleaning, folding for search and order, splitting a query."""

import unicodedata

from domain.errors import Invalid

_FOLDS = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})


def clean_name(value: str, *, field: str, max_length: int) -> str:
    """Return a name: ``clean`` text of at least one character, on one line.

    Raises:
        Invalid: as ``clean``, and for a line end or a tab.
    """
    text = clean(value, field=field, max_length=max_length, min_length=1)
    if "\n" in text or "\t" in text:
        raise Invalid(f"{field} takes one line without tabs", field=field)
    return text


def clean(value: str, *, field: str, max_length: int, min_length: int = 0) -> str:
    """Return ``value`` without outer blanks, in NFC; refuse control characters and bad lengths.

    Args:
        value: text of a person or a peer.
        field: name for the error.
        max_length: in code points, after cleaning.
        min_length: in code points, after cleaning.

    Raises:
        Invalid: too long, too short, or it holds a control character or a lone surrogate.
    """
    text = unicodedata.normalize("NFC", value.strip())
    if not text.isprintable() and any(_is_control(c) for c in text):
        raise Invalid(f"{field} holds a character that cannot be shown", field=field)
    if not min_length <= len(text) <= max_length:
        raise Invalid(
            f"{field} takes {min_length} to {max_length} characters, not {len(text)}", field=field
        )
    return text


def fold(text: str) -> str:
    """Return ``text`` as search and order see it: no case, no accents, single blanks.

    ``"Amélie  ŒUVRE"`` becomes ``"amelie oeuvre"``. Folding twice changes nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    bare = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    lowered = "".join(bare).casefold().translate(_FOLDS)
    bare_again = (c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return " ".join("".join(bare_again).split())


def words(text: str) -> list[str]:
    """Split folded ``text`` into the words that search knows: runs of letters and digits."""
    spaced = "".join(c if c.isalnum() else " " for c in fold(text))
    return spaced.split()


def sort_key(title: str) -> str:
    """Return what ``title`` is ordered by: folded, at most 200 code points."""
    return fold(title)[:200]


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t"
