"""HTTP/1.1 as bytes, for the one thing we do with it: POST a JSON body and read the whole answer. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.errors import VenueProtocolError

MOST_HEADER_BYTES: Final = 65_536
MOST_BODY_BYTES: Final = 64 * 1024 * 1024


class Response(NamedTuple):
    """A whole answer. `keeps_open`: the connection may be used again."""

    status: int
    body: bytes
    keeps_open: bool


def request_head(host: str, path: str) -> bytes:
    """Everything of a POST before the number of body bytes; the same for every request to `path`.

    No user agent: who we are is nobody's business.
    """
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
        "Connection: keep-alive\r\nContent-Length: "
    ).encode("ascii")


def request(head: bytes, body: bytes) -> bytes:
    """The bytes of one request, to be written at once."""
    return b"%b%d\r\n\r\n%b" % (head, len(body), body)


class ResponseParser:
    """Takes bytes as they come until the answer is whole; VenueProtocolError for what is not HTTP/1.x."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._body_at = -1
        self._status = 0
        self._length: int | None = None
        self._is_chunked = False
        self._keeps_open = True

    def feed(self, data: bytes) -> Response | None:
        """The answer once it is whole; None while more is needed."""
        self._data += data
        if self._body_at < 0 and not self._read_head():
            return None
        if len(self._data) - self._body_at > MOST_BODY_BYTES:
            raise VenueProtocolError(f"an answer of more than {MOST_BODY_BYTES} bytes")
        if self._is_chunked:
            body = _dechunked(self._data, self._body_at)
            return None if body is None else Response(self._status, body, self._keeps_open)
        if self._length is None or len(self._data) - self._body_at < self._length:
            return None
        end = self._body_at + self._length
        # bytes beyond the answer mean that we no longer know where the next one starts
        keeps_open = self._keeps_open and len(self._data) == end
        return Response(self._status, bytes(self._data[self._body_at : end]), keeps_open)

    def end(self) -> Response | None:
        """The answer, if the peer's closing is what ends it; None if it is cut short."""
        if self._body_at < 0 or self._is_chunked or self._length is not None:
            return None
        return Response(self._status, bytes(self._data[self._body_at :]), keeps_open=False)

    def _read_head(self) -> bool:
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > MOST_HEADER_BYTES:
                raise VenueProtocolError("headers without an end")
            if not b"HTTP/1.".startswith(self._data[:7]):
                raise VenueProtocolError("not an HTTP answer", repr(bytes(self._data[:40])))
            return False
        lines = bytes(self._data[:end]).split(b"\r\n")
        version, _, rest = lines[0].partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise VenueProtocolError("not an HTTP answer", repr(lines[0][:40]))
        self._status = int(rest[:3])
        if 100 <= self._status < 200:
            del self._data[: end + 4]
            return self._read_head() if self._data else False
        self._keeps_open = version == b"HTTP/1.1"
        for line in lines[1:]:
            self._note(line)
        if self._status in (204, 304):
            self._length = 0
        self._body_at = end + 4
        return True

    def _note(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        match name.strip().lower(), value.strip().lower():
            case b"content-length", digits:
                if not digits.isdigit() or len(digits) > 12:
                    raise VenueProtocolError("expected a content length", repr(digits[:40]))
                self._length = int(digits)
            case b"transfer-encoding", coding:
                self._is_chunked = coding.endswith(b"chunked")
            case b"connection", word:
                self._keeps_open = self._keeps_open and word != b"close"
            case b"content-encoding", coding if coding != b"identity":
                raise VenueProtocolError("an encoding that nobody asked for", repr(coding[:40]))


def _dechunked(data: bytearray, at: int) -> bytes | None:
    """The body made of chunks from `at` on; None while the last one is missing. Trailers are read over."""
    body = bytearray()
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None
        digits = bytes(data[at:line_end]).partition(b";")[0].strip()
        try:
            size = int(digits, 16)
        except ValueError:
            raise VenueProtocolError("expected a chunk size", repr(digits[:40])) from None
        if size < 0 or size > MOST_BODY_BYTES:
            raise VenueProtocolError("an impossible chunk size", repr(digits[:40]))
        at = line_end + 2
        if size == 0:
            is_whole = data[at : at + 2] == b"\r\n" or data.find(b"\r\n\r\n", at) >= 0
            return bytes(body) if is_whole else None
        if len(data) < at + size + 2:
            return None
        body += data[at : at + size]
        at += size + 2
