"""EDGE: carries reads to the venue's /info, with deadlines, a few patient attempts, and nothing else."""

from __future__ import annotations

import threading
from typing import Final

from hats.exchange_architect.connection import Connection, Lost
from hats.exchange_architect.errands import INFO, Errand, run
from hats.exchange_architect.http1 import Response, request, request_head
from hats.exchange_architect.settings import Settings
from shared.errors import VenueProtocolError, VenueUnreachable
from shared.messages import Message

_RATE_LIMITED: Final = 429
_PATIENCE: Final = 4
"""A rate limit is waited out this much longer than a lost answer."""


class Reader:
    """One connection for reads; one thread uses it, `close` may come from any."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = Connection(settings.base_url, settings.connect_ms)
        self._head = request_head(self._connection.host, INFO)
        self._closed = threading.Event()

    def carry(self, errand: Errand) -> list[Message]:
        """The errand's messages; VenueUnreachable when attempts ran out, VenueProtocolError for nonsense."""
        return run(errand, self.ask)

    def ask(self, body: bytes) -> bytes:
        """The body of a good reply."""
        pause_s = self._settings.read_pause_ms / 1e3
        said = ""
        for _ in range(self._settings.read_attempts):
            if self._closed.is_set():
                raise VenueUnreachable("the reader is closed")
            reply = self._try(body)
            if isinstance(reply, Response) and reply.status == 200:
                return reply.body
            if isinstance(reply, Response) and 400 <= reply.status < 500 and reply.status != _RATE_LIMITED:
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
        except VenueUnreachable as error:
            return Lost(str(error), is_cut=True)
        return connection.receive(self._settings.answer_ms)
