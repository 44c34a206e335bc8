"""HTTP/1.1 on a socket, as a client: writing a request, reading a header, reading a body.

Small on purpose: what a peer may send is bounded before anything is understood, and the socket
stays at hand, so that a body can be moved inside the kernel.
"""

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from adapters.http.deadline import Deadline
from adapters.http.dial import Origin
from ports.federation.peers import PeerMisbehaves, PeerSlow, PeerUnreachable

FIRST_READ = 8192  # little of a body is read with its header, so that the rest can be spliced
READ = 65_536
MAX_HEADER = 32 * 1024
MAX_FIELDS = 100
MAX_INTERIM = 5
MAX_CONTENT = 64 * 1024  # of a request that is no upload
_WITH_CONTENT = frozenset({"POST", "PUT"})
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_LINE = re.compile(r"[\x20-\x7e\xa0-\xff]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class Stale(Exception):
    """A kept connection was closed by the other side before it answered."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and fields; ``rest`` are body bytes that came along."""

    status: int
    headers: Mapping[str, str]
    rest: bytes
    keep_alive: bool
    chunked: bool
    length: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """A request. Names and values are checked: no line can be smuggled in."""

    origin: Origin
    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes = b""
    max_content: int = MAX_CONTENT

    def encode(self) -> bytes:
        """Write the request out."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {self.origin.authority}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.method in _WITH_CONTENT:
            lines.append(f"Content-Length: {len(self.content)}")
        if any(not _LINE.fullmatch(line) for line in lines) or " " in self.target:
            raise PeerMisbehaves("the request would not be well formed")
        if len(self.content) > self.max_content:
            raise PeerMisbehaves("the request would be too large")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.content


def send_request(sock: socket.socket, request: Request, deadline: Deadline) -> None:
    """Write a request.

    Raises:
        Stale: the connection is closed.
        PeerUnreachable: the time is up.
    """
    data = request.encode()
    sock.settimeout(deadline.left())
    try:
        sock.sendall(data)
    except OSError as exc:
        raise Stale from exc


def read_head(sock: socket.socket, method: str, deadline: Deadline) -> Head:
    """Read up to the end of the header, interim answers left out.

    Raises:
        Stale: closed before the first byte.
        PeerUnreachable: too slow, or the connection broke.
        PeerMisbehaves: not HTTP/1.x, too large, or its framing is ambiguous.
    """
    data = b""
    for _ in range(MAX_INTERIM):
        head, data = _read_block(sock, data, deadline)
        status, minor, headers = _parse(head)
        if status >= 200:
            return _frame(status, minor, headers, data, method)
        if status == 101:
            break
    raise PeerMisbehaves("it answers with interim answers only")


def _read_block(sock: socket.socket, data: bytes, deadline: Deadline) -> tuple[bytes, bytes]:
    end = data.find(b"\r\n\r\n")
    while end < 0:
        if len(data) > MAX_HEADER:
            raise PeerMisbehaves("its header is too large")
        piece = receive(sock, FIRST_READ, deadline, first=not data)
        start = max(0, len(data) - 3)
        data += piece
        end = data.find(b"\r\n\r\n", start)
    if end > MAX_HEADER:
        raise PeerMisbehaves("its header is too large")
    return data[:end], data[end + 4 :]


def receive(sock: socket.socket, size: int, deadline: Deadline, *, first: bool = False) -> bytes:
    """Read up to ``size`` bytes, at least one, before the deadline."""
    sock.settimeout(deadline.left())
    try:
        piece = sock.recv(size)
    except TimeoutError as exc:
        raise PeerSlow("it did not answer in time") from exc
    except OSError as exc:
        if first:
            raise Stale from exc
        raise PeerUnreachable("the connection broke") from exc
    if not piece:
        if first:
            raise Stale
        raise PeerUnreachable("the answer was cut off")
    return piece


def _parse(head: bytes) -> tuple[int, int, dict[str, str]]:
    lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(lines[0])
    if status is None:
        raise PeerMisbehaves("it does not answer in HTTP")
    if len(lines) > MAX_FIELDS + 1:
        raise PeerMisbehaves("its header has too many fields")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name) or b"\n" in line or b"\r" in line:
            raise PeerMisbehaves("its header is not well formed")
        key, text = name.decode().lower(), value.strip(b" \t").decode("latin-1")
        if key in headers:
            if key == "content-length" and headers[key] != text:
                raise PeerMisbehaves("it gives two lengths")
            text = text if key == "content-length" else f"{headers[key]}, {text}"
        headers[key] = text
    return int(status[2]), int(status[1]), headers


def _frame(status: int, minor: int, headers: dict[str, str], rest: bytes, method: str) -> Head:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None and (length is not None or coding.lower() != "chunked" or minor == 0):
        raise PeerMisbehaves("the framing of its answer is ambiguous")
    if length is not None and not _DIGITS.fullmatch(length):
        raise PeerMisbehaves("its length is not a number")
    tokens = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    bodiless = method == "HEAD" or status in {204, 304}
    size = 0 if bodiless else None if length is None else int(length)
    if size is not None and len(rest) > size:
        raise PeerMisbehaves("it sends more than it announced")
    return Head(
        status=status,
        headers=headers,
        rest=rest,
        keep_alive=minor == 1 and "close" not in tokens,
        chunked=coding is not None and not bodiless,
        length=size,
    )


def read_sized(
    sock: socket.socket, rest: bytes, length: int, deadline: Deadline
) -> Iterator[bytes]:
    """Yield ``length`` bytes, ``rest`` among them; raise PeerUnreachable if fewer come."""
    left = length - len(rest)
    if rest:
        yield rest
    while left:
        piece = receive(sock, min(READ, left), deadline)
        left -= len(piece)
        yield piece


def read_chunked(sock: socket.socket, rest: bytes, deadline: Deadline) -> Iterator[bytes]:
    """Yield the data of a chunked body up to its last chunk.

    Raises:
        PeerMisbehaves: not well formed.
        PeerUnreachable: cut off, or the time is up.
    """
    data = bytearray(rest)

    def line() -> bytes:
        end = data.find(b"\r\n")
        while end < 0:
            if len(data) > FIRST_READ:
                raise PeerMisbehaves("a chunk of its answer is not well formed")
            data.extend(receive(sock, READ, deadline))
            end = data.find(b"\r\n")
        taken = bytes(data[: end + 2])
        del data[: end + 2]
        return taken

    while True:
        size_line = _CHUNK_SIZE.fullmatch(line())
        if size_line is None:
            raise PeerMisbehaves("a chunk of its answer is not well formed")
        left = int(size_line[1], 16)
        if left == 0:
            break
        while left:
            if not data:
                data.extend(receive(sock, READ, deadline))
            piece = bytes(data[:left])
            del data[: len(piece)]
            left -= len(piece)
            yield piece
        if line() != b"\r\n":
            raise PeerMisbehaves("a chunk of its answer is not well formed")
    for _ in range(MAX_FIELDS):
        if line() == b"\r\n":
            if data:
                raise PeerMisbehaves("it sends more than it announced")
            return
    raise PeerMisbehaves("its trailer is too long")
