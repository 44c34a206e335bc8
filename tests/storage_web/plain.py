"""A plain web server with one film, and reading from it."""

import re

FILM = bytes(range(256)) * 4096  # 1 MiB
CHANGED = "Wed, 19 Nov 2025 10:11:12 GMT"


class Plain:
    """A web server with one film; tests switch abilities off and lies on."""

    def __init__(self, data=FILM):
        self.data = data
        self.head = "200 OK"
        self.head_fields = None
        self.ranges = True
        self.says_ranges = "bytes"
        self.etag = '"film-1"'
        self.changed = CHANGED
        self.extra = []
        self.cut_after = None

    def __call__(self, request, sock):
        fields = [f"ETag: {self.etag}"] if self.etag else []
        fields += [f"Last-Modified: {self.changed}"] if self.changed else []
        fields += [f"Accept-Ranges: {self.says_ranges}"] if self.says_ranges else []
        fields += self.extra
        if request.startswith("HEAD"):
            length = [f"Content-Length: {len(self.data)}"]
            fields = self.head_fields if self.head_fields is not None else fields + length
            return self.send(sock, self.head, fields)
        asked = re.search(r"Range: bytes=(\d+)-(\d+)\r", request + "\r")
        condition = re.search(r"If-Range: (.+)", request)
        same = condition is None or condition[1].strip() in {self.etag, self.changed}
        body, status = self.data, "200 OK"
        if asked and same and self.ranges:
            start, last = map(int, asked.groups())
            if start >= len(self.data):
                return self.send(sock, "416 Range", ["Content-Length: 0"])
            body, status = self.data[start : last + 1], "206 Partial Content"
            last = start + len(body) - 1
            fields.append(f"Content-Range: bytes {start}-{last}/{len(self.data)}")
        fields.append(f"Content-Length: {len(body)}")
        cut, self.cut_after = self.cut_after, None
        self.send(sock, status, fields, body[:cut])
        return cut is None

    def send(self, sock, status, fields, body=b""):
        sock.sendall("\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode() + body)
        return True


def read(body):
    try:
        return b"".join(body)
    finally:
        body.close()


def span(store, url, start, length):
    info = store.stat(url)
    return read(store.open(url, start=start, length=length, etag=info.etag))
