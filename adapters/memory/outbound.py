"""Documents of other machines that a function makes up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ports.federation.peers import LimitReached
from ports.outbound import WebDocument


@dataclass(slots=True)
class MemoryDocuments:
    """``answer`` gets method, URL, headers and content, and returns the document or raises."""

    answer: Callable[[str, str, Mapping[str, str], bytes], WebDocument]
    max_bytes: int = 16 * 1024 * 1024

    def get(
        self, url: str, *, headers: Mapping[str, str], max_bytes: int | None = None
    ) -> WebDocument:
        document = self.answer("GET", url, headers, b"")
        if len(document.content) > (max_bytes or self.max_bytes):
            raise LimitReached("limit_reached: the document is too large")
        return document

    def post(self, url: str, *, headers: Mapping[str, str], content: bytes) -> WebDocument:
        return self.answer("POST", url, headers, content)
