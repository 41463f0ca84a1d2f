"""HTTP answers are read whole or not at all, however their bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.http1 import Response, ResponseParser, request, request_head
from shared.errors import VenueProtocolError

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull"
CHUNKED = b"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
INFORMED = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN


def fed(data: bytes, cuts: list[int]) -> Response | None:
    """The answer when the bytes come in pieces; it may only appear with the last piece."""
    parser, pieces = ResponseParser(), [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    answer: Response | None = None
    for start, end in pairwise(pieces):
        if start == end:
            continue
        assert answer is None, "whole before all bytes came"
        answer = parser.feed(data[start:end])
    return answer


@given(st.lists(st.integers(0, 200), max_size=6))
def test_any_cut_gives_the_same_answer(cuts: list[int]) -> None:
    """Content-Length, chunks and an interim answer, cut anywhere."""
    assert fed(PLAIN, cuts) == Response(200, b"null", True)
    assert fed(CHUNKED, cuts) == Response(502, b"abc0123456789", True)
    assert fed(INFORMED, cuts) == Response(200, b"null", True)


def test_an_answer_without_length_ends_with_the_connection() -> None:
    """Only the peer's closing ends it; a cut answer with a length is none."""
    parser = ResponseParser()
    assert parser.feed(b"HTTP/1.0 500 X\r\n\r\nsomething") is None
    assert parser.end() == Response(500, b"something", False)
    cut = ResponseParser()
    assert cut.feed(PLAIN[:-1]) is None
    assert cut.end() is None


def test_a_connection_is_kept_only_if_all_is_clear() -> None:
    """Connection: close, HTTP/1.0 or bytes beyond the answer end it."""
    closing = PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for data in (closing, PLAIN.replace(b"1.1", b"1.0"), PLAIN + b"more"):
        answer = ResponseParser().feed(data)
        assert answer is not None
        assert not answer.keeps_open


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"A" * 70_000,
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n1"],
)  # fmt: skip
def test_what_is_not_http_is_an_error(data: bytes) -> None:
    """Never a guess."""
    with pytest.raises(VenueProtocolError):
        ResponseParser().feed(data)


def test_a_request_says_no_more_than_it_must() -> None:
    """One write with host, type and length; no user agent."""
    data = request(request_head("127.0.0.1:3001", "/exchange"), b'{"a":1}')
    assert data.endswith(b'Content-Length: 7\r\n\r\n{"a":1}')
    assert data.startswith(b"POST /exchange HTTP/1.1\r\nHost: 127.0.0.1:3001\r\n")
    assert b"agent" not in data.lower()
