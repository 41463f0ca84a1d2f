"""EDGE: what waits for slow clients, and for how long slow clients are waited for."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from shared.venue.door.mischief import TransportInScope

MAX_WAITING_FRAMES: Final = 10_000
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Frames, and their bytes, that may wait for a slow reader; beyond either the connection is closed."""
MAX_HEAD_BYTES: Final = 64 * 1024
"""So much may come of a request's head; beyond it the line is cut."""
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
    """Uvicorn's protocol that cuts whoever sends a request too slowly, or a head without end; Uvicorn waits for ever.

    What it knows of the parser is what Uvicorn's protocols share: `cycle` is the last request whose head is whole, and
    has `more_body` until the rest is there.
    """

    _late: asyncio.TimerHandle | None = None
    _head_bytes: int = 0
    _is_upgraded: bool = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The first request is awaited."""
        super().connection_made(transport)
        self._late = self.loop.call_later(SLOWEST_REQUEST_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Time runs while a request has come in part; what comes without ending any is part of one."""
        before, was_open = self.cycle, self.cycle is not None and self.cycle.more_body
        super().data_received(data)
        if self._is_upgraded or self.transport.is_closing():
            return
        cycle = self.cycle
        is_in_body = cycle is not None and cycle.more_body
        is_whole = not is_in_body and (cycle is not before or was_open)
        self._head_bytes = 0 if is_whole or is_in_body else self._head_bytes + len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("Invalid HTTP request received.")
        if not is_whole and self._late is None:
            self._late = self.loop.call_later(SLOWEST_REQUEST_SECONDS, self.transport.abort)
        elif is_whole:
            self._wait_no_more()

    def handle_websocket_upgrade(self, *event: Any) -> None:
        """A WebSocket is no request that is awaited; it has a protocol of its own."""
        self._is_upgraded = True
        self._wait_no_more()
        super().handle_websocket_upgrade(*event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
