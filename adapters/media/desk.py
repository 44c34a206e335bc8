"""The parent's side of reading a file of another machine: it hands the child the spans it asks for.

The child may have been taken over by the file, so what it asks for is checked and counted.
"""

from typing import Any

from domain.errors import BadUpstream
from ports.library.media import BudgetSpent, SpanSource

MAX_SPAN = 512 * 1024
MAX_SPANS = 400


class SpanDesk:
    """Answers for one file. ``failure`` is what kept it from answering, None so far."""

    def __init__(self, source: SpanSource) -> None:
        self._source, self._size = source, source.size_bytes
        self._spans = 0
        self.failure: Exception | None = None

    def answer(self, question: Any) -> bytes | None:
        """Return the span, or None where there is none; ``failure`` says why then.

        Args:
            question: ``[start, length]``, as the child says it.

        Raises:
            ConnectionResetError: that is no question.
        """
        if not isinstance(question, list) or [type(one) for one in question] != [int, int]:
            raise ConnectionResetError("the child speaks nonsense")
        start, length = question
        if not (0 <= start < self._size and 0 < length <= min(MAX_SPAN, self._size - start)):
            raise ConnectionResetError("the child asks for what is not there")
        if self.failure is not None:
            return None
        self._spans += 1
        if self._spans > MAX_SPANS:
            self.failure = BudgetSpent("reading it takes too many requests")
            return None
        try:
            data = self._source.read(start, length)
        except Exception as exc:  # noqa: BLE001 - raised again for the caller, once the child is done
            self.failure = exc
            return None
        if len(data) != length:
            self.failure = BadUpstream("the source sends more or fewer bytes than were asked for")
            return None
        return data
