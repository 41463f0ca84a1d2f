"""Faults of what the exchange sends over WebSocket: frames lost, late, doubled, swapped or wrong."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shared.units import MS, Ns
from shared.venue.faults.catalogue import (
    DelayFrames,
    DropFrames,
    DuplicateFrames,
    FrameFault,
    FreezeFeed,
    ReorderFrames,
    WrongBook,
)
from shared.venue.faults.engine import NEVER, Faults

Frame = tuple[int, bytes]
"""(connection, text frame)"""
_JSON: Final = msgspec.json
_HOUR_MS: Final = 3_600_000


class FrameGate:
    """Lets frames through, or not. Frames that wait are held here; nothing is reordered without a fault."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._late: list[tuple[int, int, Frame]] = []
        self._swapped: dict[int, Frame] = {}
        self._count = 0

    def passed(self, frames: Iterable[Frame], now: Ns) -> list[Frame]:
        """What leaves now: late frames whose time has come, then what of `frames` is let through."""
        gone: list[Frame] = []
        while self._late and self._late[0][0] <= now:
            gone.append(heapq.heappop(self._late)[2])
        if not self._faults.armed and not self._swapped:
            gone += frames
            return gone
        for frame in frames:
            before = self._swapped.pop(frame[0], None)
            gone += self._struck(frame, now)
            if before is not None:
                gone.append(before)
        return gone

    def next_ns(self) -> Ns:
        """When the next late frame is due."""
        return Ns(self._late[0][0]) if self._late else NEVER

    def forget(self, connection: int) -> None:
        """The connection is gone, and with it what waited for it."""
        self._swapped.pop(connection, None)
        self._late = [entry for entry in self._late if entry[2][0] != connection]
        heapq.heapify(self._late)

    def _struck(self, frame: Frame, now: Ns) -> list[Frame]:
        channel = channel_of(frame[1])
        fault = self._faults.striking(FrameFault, now, f"{channel} to connection {frame[0]}", matches=channel)
        match fault:
            case FreezeFeed() | DropFrames():
                return []
            case DuplicateFrames():
                return [frame, frame]
            case ReorderFrames():
                self._swapped[frame[0]] = frame
                return []
            case DelayFrames():
                self._count += 1
                when = now + (fault.delay_ms + self._faults.between(0, fault.jitter_ms)) * MS
                heapq.heappush(self._late, (when, self._count, frame))
                return []
            case WrongBook():
                return [(frame[0], wrong_book(frame[1], fault.how))]
            case _:
                return [frame]


def channel_of(frame: bytes) -> str:
    """The channel that a frame of ours names first."""
    start = frame.find(b'"channel":"') + 11
    return frame[start : frame.find(b'"', start)].decode()


def wrong_book(frame: bytes, how: str) -> bytes:
    """The l2Book frame with a book that can't be."""
    message: dict[str, Any] = _JSON.decode(frame)
    data = message["data"]
    bids, asks = data["levels"]
    match how:
        case "crossed":
            data["levels"] = [asks, bids]
        case "empty":
            data["levels"] = [[], []]
        case "one_sided":
            data["levels"] = [bids, []]
        case "stale":
            data["time"] -= _HOUR_MS
        case "not_a_number":
            data["levels"] = [[level | {"px": "NaN"} for level in bids], asks]
        case _:
            data["levels"] = [bids, [level | {"sz": f"-{level['sz']}"} for level in asks]]
    return _JSON.encode(message)
