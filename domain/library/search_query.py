"""What a typed query asks for."""

from dataclasses import dataclass

from domain.text import fold, words

# Signs that people mean when they type them. The others only part words: "spider-man" is also
# found in "Spider Man", and "100%" only where the sign stands.
_MEANT = frozenset("%_#$@+=*^<>|~\\")


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """``words`` must each begin a word or be part of one; ``literals`` must stand as they are."""

    words: tuple[str, ...]
    literals: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.words or self.literals)

    def begins_words_of(self, text: str) -> bool:
        """Tell whether each word begins a word of a folded text."""
        there = words(text)
        found = all(any(word.startswith(start) for word in there) for start in self.words)
        return found and all(literal in text for literal in self.literals)

    def is_part_of(self, text: str) -> bool:
        """Tell whether each word is part of a folded text."""
        return all(part in text for part in (*self.words, *self.literals))


def parse_query(text: str) -> SearchQuery:
    """Read what somebody typed. Signs alone, but for the ones that are meant, ask for nothing."""
    literals = (part for part in fold(text).split() if _MEANT & set(part))
    return SearchQuery(tuple(dict.fromkeys(words(text))), tuple(dict.fromkeys(literals)))
