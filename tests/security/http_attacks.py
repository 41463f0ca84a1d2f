"""Requests that no honest client sends: each with the doors where it must be refused, and where it does no harm."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

VENUE: Final = "venue"
CONTROL: Final = "control"
METRICS: Final = "metrics"
DOORS: Final = (VENUE, CONTROL, METRICS)
CLOSED: Final = frozenset({CONTROL, METRICS})
"""Doors that serve this machine alone; the venue serves whoever can sign, under any name, to any web page."""
CANARY: Final = "x-injected-canary"
SILENCE_S: Final = 0.3
"""After an answer a second one to the same bytes would have come by then."""


_HOSTS: Final = (
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "10.0.0.5",
    "evil.example@127.0.0.1", "[::ffff:10.0.0.5]", "127.0.0.1, evil.example", "%31%32%37.0.0.1", "localhost:80:80",
)  # fmt: skip
_PATHS: Final = (
    "/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..;/etc/passwd", "//etc/passwd",
    "/etc/passwd%00", "/.git/config", "/hub.json", "/keys/approvals.key", "/..\\..\\x", "/" + "a" * 5_000,
    "/%c0%ae%c0%ae/etc/passwd", "*",
)  # fmt: skip


class Door(NamedTuple):
    """A served door: how an honest client asks it, and the request in full."""

    name: str
    port: int
    method: str
    path: str
    body: bytes

    def request(
        self, *headers: str, method: str = "", path: str = "", host: str = "127.0.0.1", body: bytes = b""
    ) -> bytes:
        """The bytes of a request: the honest one, but for what is given."""
        body = body or self.body
        lines = [
            f"{method or self.method} {path or self.path} HTTP/1.1",
            *([f"Host: {host}"] if host else []),
            *headers,
            *([f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Attack(NamedTuple):
    """Bytes, and whether the door must refuse them: answer 4xx or hang up, and never do what they ask."""

    name: str
    sent: bytes
    is_refused: bool = True


def attacks(door: Door) -> Iterator[Attack]:
    """Every attack on this door."""
    yield from _names(door)
    yield from _paths(door)
    yield from _heads(door)
    yield from _lengths(door)
    yield from _no_http(door)


def _names(door: Door) -> Iterator[Attack]:
    """DNS rebinding and pages of other origins."""
    closed = door.name in CLOSED
    for host in _HOSTS:
        yield Attack(f"host {host}", door.request(host=host), closed)
    yield Attack("no host", door.request(host=""), closed)
    yield Attack("two hosts", door.request("Host: evil.example"), closed)
    yield Attack("two hosts, ours last", door.request("Host: 127.0.0.1", host="evil.example"), closed)
    for origin in ("https://evil.example", "null", "http://127.0.0.1", "file://"):
        yield Attack(f"origin {origin}", door.request(f"Origin: {origin}"), closed)
    yield Attack("a page's form", door.request("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"), closed)
    yield Attack(
        "a page's preflight", door.request("Origin: https://evil.example", method="OPTIONS", body=b" "), closed
    )
    yield Attack("a forwarded name", door.request("X-Forwarded-Host: localhost", host="evil.example"), closed)


def _paths(door: Door) -> Iterator[Attack]:
    """Ways out of the tree, and to what is not served."""
    for path in (*_PATHS, f"{door.path}/../.."):
        yield Attack(f"path {path[:30]}", door.request(path=path))
    yield Attack("a method of another kind", door.request(method="DELETE" if door.name != CONTROL else "PUT"))
    yield Attack("trace", door.request(method="TRACE", body=b" "))
    yield Attack("connect", door.request(method="CONNECT", path="evil.example:443"))
    yield Attack("another server's address", door.request(path="http://evil.example/secret", host="evil.example"))


def _heads(door: Door) -> Iterator[Attack]:
    """Line ends, blanks and sizes."""
    yield Attack("crlf in the path", door.request(path=f"{door.path}%0d%0a{CANARY}:%201"))
    yield Attack(
        "raw crlf in the path", door.request(path=f"{door.path} HTTP/1.1\r\n{CANARY}: 1\r\nX:"), is_refused=False
    )
    yield Attack("crlf in a value", door.request(f"X-A: b\r\n{CANARY}: 1"), is_refused=False)
    yield Attack("bare cr in a value", door.request(f"X-A: b\r{CANARY}: 1"), is_refused=False)
    yield Attack("nul in a value", door.request("X-A: b\x00c"), is_refused=False)
    yield Attack("blank before the colon", door.request("Host : evil.example"), is_refused=door.name == CONTROL)
    yield Attack("folded line", door.request("X-A: b\r\n c: d"), is_refused=False)
    yield Attack("no name", door.request(": value"), is_refused=False)
    yield Attack("a head without end", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: " + b"a" * 200_000)
    yield Attack("ten thousand lines", door.request(*(f"X-{number}: a" for number in range(10_000))), is_refused=False)


def _lengths(door: Door) -> Iterator[Attack]:
    """Two opinions on where a request ends: the second request must never be served."""
    inner = b"GET /time HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    post = f"POST {door.path if door.method == 'POST' else '/script'} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    has_body = door.name != METRICS  # HTTP/1.0: one request a connection, bodies are not read
    for name, heads in (
        ("two lengths", ("Content-Length: 0", f"Content-Length: {len(inner)}")),
        ("two lengths in one", (f"Content-Length: 0, {len(inner)}",)),
        ("length and chunked", (f"Content-Length: {len(inner) + 5}", "Transfer-Encoding: chunked")),
        ("chunked twice", ("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Content-Length: 4")),
        ("hidden chunked", ("Transfer-Encoding: xchunked", "Content-Length: 4")),
        ("chunked with a tab", ("Transfer-Encoding:\tchunked", "Content-Length: 4")),
        ("negative length", ("Content-Length: -1",)),
        ("signed length", ("Content-Length: +5",)),
        ("hex length", ("Content-Length: 0x10",)),
        ("length with an underscore", ("Content-Length: 1_0",)),
        ("enormous length", ("Content-Length: 99999999999999999999",)),
    ):  # fmt: skip
        yield Attack(name, (post + "\r\n".join(heads) + "\r\n\r\n").encode() + b"0\r\n\r\n" + inner, has_body)
    for name, chunk in (
        ("bad chunk", b"zz\r\n"),
        ("negative chunk", b"-5\r\n"),
        ("enormous chunk", b"FFFFFFFFFFFFFFFFF\r\n"),
    ):
        yield Attack(name, (post + "Transfer-Encoding: chunked\r\n\r\n").encode() + chunk + inner, has_body)


def _no_http(door: Door) -> Iterator[Attack]:
    """Other protocols."""
    yield Attack("http/0.9", f"GET {door.path}\r\n".encode())
    yield Attack("http/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield Attack("http/9", f"GET {door.path} HTTP/9.9\r\nHost: evil.example\r\n\r\n".encode())
    yield Attack("tls hello", bytes.fromhex("160301007a010000760303") + b"\x00" * 120)
    yield Attack("noise", bytes(range(256)) * 4 + b"\r\n\r\n")
    yield Attack("no words at all", b"\r\n\r\n\r\n" * 50)


def said(port: int, sent: bytes, wait_s: float = 1.5) -> bytes:
    """All that the door says upon these bytes until it closes, is silent after an answer, or `wait_s` is over."""
    heard = b""
    deadline = time.monotonic() + wait_s
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        try:
            sock.sendall(sent)
            while (left := deadline - time.monotonic()) > 0:
                sock.settimeout(min(left, SILENCE_S) if heard else left)
                part = sock.recv(65_536)
                if not part:
                    break
                heard += part
        except OSError:
            return heard  # cut off in the middle, or never answered
    return heard


def statuses(heard: bytes) -> list[int]:
    """The status of each response in it."""
    lines = (line for line in heard.split(b"\r\n") if line.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")))
    return [int(line[9:12]) for line in lines]
