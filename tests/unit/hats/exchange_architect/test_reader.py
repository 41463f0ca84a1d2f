"""Reads where what answers is no venue."""

from __future__ import annotations

import time

import pytest

from hats.exchange_architect.reader import Reader
from shared.errors import VenueUnreachable
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.loopback import Server, answer
from tests.unit.hats.exchange_architect.test_gateway import says


def test_an_answer_that_is_no_http_is_a_failed_read_and_the_next_one_is_tried() -> None:
    """A trial of the breaker that ends in garbage suspends reads for a while, not for ever."""
    server = Server(says(answer(b"", 502)), says(b"SSH-2.0-x\r\n\r\n"), says(answer(b"{}")))
    once = {"read_attempts": 1, "read_pause_ms": 1, "breaker_failures": 1, "breaker_pause_ms": 50}
    reader = Reader(scene.settings(base_url=server.url, connect_ms=500, answer_ms=500, **once))
    try:
        for _ in range(2):
            with pytest.raises(VenueUnreachable):
                reader.ask(b"{}")
            time.sleep(0.15)
        assert reader.ask(b"{}") == b"{}"
    finally:
        reader.close()
        server.close()
