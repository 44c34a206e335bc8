"""Whatever bytes and values a peer sends, they end in one of our own errors or in checked values."""

import socket
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.http.deadline import Deadline
from adapters.http.records import check_records
from adapters.http.wire import MAX_HEADER, Stale, read_chunked, read_head
from domain.library.video import MAX_FILE_SIZE
from ports.federation.peers import PeerMisbehaves, PeerUnreachable
from tests.federation.servers import work

OURS = (Stale, PeerMisbehaves, PeerUnreachable)
LINES = st.lists(
    st.sampled_from(
        [b"HTTP/1.1 200 OK", b"HTTP/1.0 206 x", b"HTTP/1.1 100 c", b"Content-Length: 5",
         b"Content-Length: +5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
         b"X: y", b" folded", b"X : y", b"", b"Connection: close", b"Content-Length: 5, 5"]
    )
    | st.binary(max_size=30)
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(sorted({*work(1), *work(1)["videos"][0], "new"}))


def received(data, read):
    """Let ``read`` read ``data`` and then the end of the connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        return read(ours)


@given(st.binary(max_size=500) | LINES.map(b"\r\n".join).map(lambda d: d + b"\r\n\r\nbody"))
def test_a_header_is_understood_or_refused(data):
    with suppress(*OURS):
        head = received(data, lambda sock: read_head(sock, "GET", Deadline(1)))
        assert 200 <= head.status < 600
        assert len(head.headers) <= MAX_HEADER
        assert not (head.chunked and head.length is not None)
        assert head.length is None or len(head.rest) <= head.length


@given(st.lists(st.binary(min_size=1, max_size=50)), st.data())
def test_a_chunked_body_is_whole_or_refused(pieces, data):
    whole = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    cut = data.draw(st.integers(0, len(whole)))
    start = data.draw(st.integers(0, cut))

    def read(sock):
        return b"".join(read_chunked(sock, whole[:start], Deadline(1)))

    try:
        got = received(whole[start:cut], read)
    except OURS:
        assert cut < len(whole)
    else:
        assert cut == len(whole)
        assert got == b"".join(pieces)


@given(st.binary(max_size=200))
def test_chunks_of_any_bytes_end_in_our_errors(data):
    with suppress(*OURS):
        received(data, lambda sock: b"".join(read_chunked(sock, b"", Deadline(1))))


@settings(max_examples=300)
@given(st.lists(VALUES, max_size=3), FIELDS, VALUES, st.booleans())
def test_any_value_in_any_field_gives_a_checked_record_or_a_reason(junk, field, value, in_video):
    changed = work(1)
    (changed["videos"][0] if in_video else changed)[field] = value
    records = [*junk, changed, work(2)]

    works, rejected = check_records(records, last_year=2031, max_record_bytes=65_536)

    assert len(works) + len(rejected) == len(records)
    assert works[-1].remote_id == "w2"
    assert all(bad.reason and len(bad.remote_id) <= 80 for bad in rejected)
    for good in works:
        assert 1 <= len(good.title) <= 500
        assert 1 <= len(good.remote_id) <= 200
        assert good.rating is None or 0 <= good.rating <= 10
        assert all(0 <= video.file_size <= MAX_FILE_SIZE for video in good.videos)
        (good.title + good.description + good.director).encode()
