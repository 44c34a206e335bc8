"""Short ways to read a catalogue in its contract tests."""

import json
from uuid import UUID

from ports.library.catalogue import Visibility

ABSENT = UUID(int=1)


def seen(*libraries, learnt=False, metadata=True):
    granted = frozenset(library.id for library in libraries) if libraries else None
    return Visibility(libraries=granted, learnt=learnt, metadata=metadata)


NOTHING = Visibility(libraries=frozenset(), learnt=True, metadata=True)


def titles(texts):
    return [json.loads(text)["title"] for text in texts]


def page_titles(backend, seen_by, **more):
    options = {"page": 1, "per_page": 200, **more}
    return titles(backend.catalogue.works_page(seen_by, **options).documents)


def walk(backend, seen_by, limit, **more):
    """Return all documents by keyset."""
    found, after = [], None
    while True:
        part = backend.catalogue.works_after(seen_by, after=after, limit=limit, **more)
        found += part.documents
        assert len(part.documents) <= limit
        if part.after is None:
            return found
        after = part.after


def sorted_by(field, documents):
    """Return the keys of that field, nulls last, as the order of works promises."""
    return [json.loads(text)[field] for text in documents]
