"""EDGE: carries reads to the venue's /info, with deadlines, a few patient attempts and a circuit breaker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from hats.exchange_architect.breaker import Breaker
from hats.exchange_architect.connection import Connection, Lost
from hats.exchange_architect.errands import INFO, Errand, run
from hats.exchange_architect.http1 import Response, request, request_head
from hats.exchange_architect.measures import READS_SUSPENDED
from hats.exchange_architect.settings import Settings
from shared.errors import VenueProtocolError, VenueUnreachable
from shared.messages import Message
from shared.units import MS

_RATE_LIMITED: Final = 429
_PATIENCE: Final = 4
"""A rate limit is waited out this much longer than a lost answer."""


class Reader:
    """One connection for reads; one thread uses it, `close` may come from any. `sample` takes what is measured."""

    def __init__(self, settings: Settings, sample: Callable[[str, float], None] = lambda _name, _value: None) -> None:
        self._settings = settings
        self._sample = sample
        pause_ms, most_ms = settings.breaker_pause_ms, settings.breaker_pause_max_ms
        self._breaker = Breaker(settings.breaker_failures, pause_ms * MS, most_ms * MS)
        self._connection = Connection(settings.base_url, settings.connect_ms)
        self._head = request_head(self._connection.host, INFO)
        self._closed = threading.Event()

    def carry(self, errand: Errand) -> list[Message]:
        """The errand's messages; VenueUnreachable when attempts ran out, VenueProtocolError for nonsense."""
        return run(errand, self.ask)

    def ask(self, body: bytes) -> bytes:
        """The body of a good reply. While the breaker is open the venue is not asked at all."""
        pause_s = self._settings.read_pause_ms / 1e3
        said = ""
        for _ in range(self._settings.read_attempts):
            if self._closed.is_set():
                raise VenueUnreachable("the reader is closed")
            is_asked = self._breaker.may_ask(time.monotonic_ns())
            self._sample(READS_SUSPENDED, 0.0 if is_asked else 1.0)
            if not is_asked:
                wait_ms = self._breaker.wait_ns(time.monotonic_ns()) // MS
                raise VenueUnreachable(f"reads are suspended for {wait_ms} ms, for those before failed", said)
            reply = self._try(body)
            is_refusal = isinstance(reply, Response) and 400 <= reply.status < 500 and reply.status != _RATE_LIMITED
            if isinstance(reply, Response) and (reply.status == 200 or is_refusal):
                self._breaker.succeeded()
            else:
                self._breaker.failed(time.monotonic_ns())
            if isinstance(reply, Response) and reply.status == 200:
                return reply.body
            if isinstance(reply, Response) and is_refusal:
                raise VenueProtocolError(f"HTTP {reply.status} to a read", reply.body[:200].decode("utf-8", "replace"))
            is_limited = isinstance(reply, Response) and reply.status == _RATE_LIMITED
            said = f"HTTP {reply.status}" if isinstance(reply, Response) else reply.reason
            self._closed.wait(pause_s * (_PATIENCE if is_limited else 1))
            pause_s *= 2
        raise VenueUnreachable(f"{self._settings.read_attempts} attempts to read", said)

    def close(self) -> None:
        """Closed; a read under way fails at once."""
        self._closed.set()
        self._connection.close()

    def _try(self, body: bytes) -> Response | Lost:
        connection = self._connection
        try:
            if not connection.is_usable():
                connection.open()
            connection.send(request(self._head, body))
            return connection.receive(self._settings.answer_ms)
        except VenueUnreachable as error:
            return Lost(str(error), is_cut=True)
        except VenueProtocolError as error:
            return Lost(str(error), is_cut=False)
