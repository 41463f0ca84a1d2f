"""EDGE: what waits for slow clients, and for how long slow clients are waited for."""

from __future__ import annotations

import asyncio
from typing import Final

import h11

from shared.venue.door.mischief import TransportInScope

MAX_WAITING_FRAMES: Final = 10_000
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Frames, and their bytes, that may wait for a slow reader; beyond either the connection is closed."""
SLOWEST_REQUEST_SECONDS: float = 60.0
"""In this time a request must arrive whole, the first one from the connection's beginning; else the line is cut."""


class Line:
    """Frames that wait for one client, in order, then perhaps a close code."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | int] = asyncio.Queue()
        self._bytes = 0

    def put(self, sent: bytes) -> bool:
        """Was there room?"""
        if self._queue.qsize() >= MAX_WAITING_FRAMES or self._bytes + len(sent) > MAX_WAITING_BYTES:
            return False
        self._bytes += len(sent)
        self._queue.put_nowait(sent)
        return True

    def hang_up(self, code: int) -> None:
        """Close with `code` after what waits."""
        self._queue.put_nowait(code)

    def clear(self) -> None:
        """Nothing waits any more."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._bytes = 0

    async def get(self) -> bytes | int:
        """The next frame, or a close code."""
        sent = await self._queue.get()
        if isinstance(sent, bytes):
            self._bytes -= len(sent)
        return sent


class ImpatientTransport(TransportInScope):
    """Uvicorn's protocol that cuts whoever sends a request too slowly; Uvicorn itself waits for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request is awaited."""
        super().connection_made(transport)
        self._late = self.loop.call_later(SLOWEST_REQUEST_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Time runs while a request has come in part."""
        super().data_received(data)
        is_partial = self.conn.their_state is h11.IDLE or self.conn.their_state is h11.SEND_BODY
        if self._late is None:
            if is_partial:
                self._late = self.loop.call_later(SLOWEST_REQUEST_SECONDS, self.transport.abort)
        elif not is_partial:
            self._late.cancel()
            self._late = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
        super().connection_lost(exc)
