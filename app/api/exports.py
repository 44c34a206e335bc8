"""The whole catalogue as lines of JSON, for whoever asks for ``application/x-ndjson``.

The answer is made while it is sent and ends when the client goes. A thread serves it meanwhile, so
each process has few places, and a client that reads hardly anything is let go.
"""

import threading
import time
from collections.abc import Iterator
from itertools import chain

from flask import Response
from werkzeug.datastructures import MIMEAccept

from app.api.parameters import Arguments
from app.api.problems import Malformed
from domain.errors import Unavailable
from ports.library.catalogue import Catalogue, Visibility, WorkFilter

LINES = "application/x-ndjson"
MOST_AT_ONCE = 2  # in a process
_PATIENCE_S = 30.0  # for a chunk of some 100 KiB to be taken
_OTHER_PARAMETERS = ("page", "per_page", "after", "sort")


class ExportsBusy(Unavailable):
    """Every place for an export is taken."""

    code = "exports.busy"
    title = "Too many exports run at the moment"
    retry_after_s = 30


def asks_for_lines(accepted: MIMEAccept) -> bool:
    """Tell whether lines are wanted rather than a page: a wildcard alone asks for a page."""
    return accepted.best_match(["application/json", LINES]) == LINES


class Exports:
    """Sends exports, a few at a time."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def answer(self, args: Arguments, seen_by: Visibility, where: WorkFilter) -> Response:
        """Send all works that are left by ``where``.

        Raises:
            Malformed: a parameter that belongs to pages.
            ExportsBusy: no place is free.
        """
        for name in _OTHER_PARAMETERS:
            if name in args:
                raise Malformed(f"{name} does not go with {LINES}", field=name)
        if not self._places.acquire(blocking=False):
            raise ExportsBusy
        chunks = self._catalogue.export(seen_by, where=where)
        try:
            begun = chain([next(chunks, b"")], chunks)  # what fails at once is answered as an error
        except BaseException:
            self._places.release()
            raise
        response = Response(_patient(begun), content_type=LINES)
        response.vary.add("Accept")
        response.call_on_close(self._places.release)
        return response


def _patient(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass chunks on, as long as the client takes them; else the connection is cut."""
    for chunk in chunks:
        begun = time.monotonic()
        yield chunk
        if time.monotonic() - begun > _PATIENCE_S:
            raise TimeoutError("the client of an export takes too long")
