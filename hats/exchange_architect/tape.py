"""What one socket tells the capture log: its frames, counted as they were read, and the times it may have missed.

A cut is one gap, from the last frame before it to the moment when everything is subscribed again, however many
connections that took. A stall is one gap of its channel, from its last frame to its next. What the account missed
meanwhile is read over REST; the gap stays declared, for what was said of the market is not.
"""

from __future__ import annotations

from collections.abc import Callable

from shared.units import Ns
from shared.warehouse.capture.records import (
    AnyRecord,
    Direction,
    Frame,
    Gap,
    Reason,
    SocketClosed,
    SocketOpened,
    Subscribed,
)

Record = Callable[[AnyRecord], object]
"""Takes a record of what happened on a socket, a frame before anybody reads it. What it raises ends the feed."""


def forget(_: AnyRecord) -> None:
    """Where no capture is wanted."""


class Tape:
    """One socket's records. Its connections are counted from 1, and so are the frames of each, both ways together."""

    def __init__(self, socket: int = 0, url: str = "", record: Record = forget) -> None:
        self.socket = socket
        self.epoch = 0
        self._url = url
        self._record = record
        self._seq = 0
        self._last_ns = Ns(0)
        self._is_open = False
        self._missed: tuple[int, Ns] | None = None
        self._stalled: dict[str, Ns] = {}

    def opened(self, now: Ns) -> None:
        """A connection begins."""
        self.epoch += 1
        self._seq = 0
        self._last_ns = now
        self._is_open = True
        self._record(SocketOpened(self.socket, self.epoch, now, self._url))

    def frame(self, data: bytes, recv_ns: Ns, mono_ns: int, direction: Direction = Direction.IN) -> None:
        """A frame was read from the socket, or is about to be written to it."""
        self._seq += 1
        if direction is Direction.IN:
            self._last_ns = recv_ns
        self._record(Frame(self.socket, self.epoch, self._seq, recv_ns, mono_ns, data, direction))

    def subscribed(self, key: str, now: Ns, is_whole: bool) -> None:
        """The venue acknowledged a subscription; `is_whole`: now it has acknowledged all."""
        self._record(Subscribed(self.socket, self.epoch, now, added=(key,)))
        if is_whole:
            self._close_gap(now)

    def stalled(self, key: str, since_ns: Ns) -> None:
        """A channel is silent beyond its deadline, since then."""
        self._stalled.setdefault(key, since_ns)

    def resumed(self, key: str, now: Ns) -> None:
        """A channel is heard again."""
        since_ns = self._stalled.pop(key, None)
        if since_ns is not None:
            self._record(Gap(self.socket, self.epoch, Reason.STALLED, since_ns, now, channels=(key,)))

    def closed(self, now: Ns, reason: str, code: int = 0) -> None:
        """The connection, if there is one, ended; its gap begins at the last frame."""
        if not self._is_open:
            return
        self._is_open = False
        for key in list(self._stalled):
            self.resumed(key, now)
        self._record(SocketClosed(self.socket, self.epoch, now, self._seq, reason, code))
        if self._missed is None:
            self._missed = (self.epoch, self._last_ns)

    def ended(self, now: Ns) -> None:
        """Nobody follows this socket any more: the log ends here, whole or not."""
        if self._is_open:
            missed = self._missed
            self.closed(now, "the feed ended")
            self._missed = missed
        self._close_gap(now)

    def _close_gap(self, now: Ns) -> None:
        if self._missed is not None:
            epoch, since_ns = self._missed
            self._missed = None
            self._record(Gap(self.socket, epoch, Reason.DISCONNECTED, since_ns, now))
