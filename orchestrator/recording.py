"""A capture log as the stage plays it to a desk: which of its frames the desk would have been sent, and when.

The desk subscribes as it always does. What the log holds of market data comes from the log, to the nanosecond and byte;
everything else, the desk's account above all, is the paper venue's. The connection is there while all sockets are that
carried what is played, and is cut when one of them was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from shared.warehouse.capture.playback import ACK, Happened, confirmed, label_of, request_of
from shared.warehouse.capture.records import Frame, SocketClosed, SocketOpened

_PONG: Final = "pong"


class Played(msgspec.Struct):
    """Counts of a playback: frames that the desk follows, others, and how often it was connected and cut off."""

    frames: int = 0
    not_followed: int = 0
    connected: int = 0
    cuts: int = 0


class Recording:
    """One playback. `sockets` names for each subscription that is played the sockets that ever carried it."""

    def __init__(self, happened: Iterable[Happened], sockets: Mapping[str, set[int]]) -> None:
        self.counts = Played()
        self.is_open = False
        self._happened = _but_its_end(happened)
        self._next = next(self._happened, None)
        self._sockets = sockets
        self._open: set[int] = set()
        self._acks: dict[tuple[int, str], bytes] = {}

    @property
    def next_ns(self) -> int | None:
        """When the next thing happens; None if nothing more does."""
        match self._next:
            case None:
                return None
            case Frame(recv_ns=ns):
                return ns
            case SocketOpened(ns=ns) | SocketClosed(ns=ns):
                return ns

    def take(self) -> Happened | None:
        """What happens next, if the desk notices it: it can connect, is sent a frame, or is cut off."""
        item, self._next = self._next, next(self._happened, None)
        match item:
            case Frame():
                return item if self._is_followed(item) else None
            case SocketOpened():
                self._open.add(item.socket)
            case SocketClosed():
                self._open.discard(item.socket)
                self._acks = {key: ack for key, ack in self._acks.items() if key[0] != item.socket}
        was_open, self.is_open = self.is_open, all(self._open & sockets for sockets in self._sockets.values())
        self.counts.connected += self.is_open and not was_open
        self.counts.cuts += was_open and not self.is_open
        return item if self.is_open is not was_open else None

    def answer(self, sent: str) -> list[bytes] | None:
        """What the recorded venue answers to a frame of ours; None if the frame is not its business.

        A subscription that it has confirmed already it confirms at once, else in the log's own time.
        """
        asked = request_of(sent)
        if asked.method == "ping":
            return []
        if asked.key not in self._sockets:
            return None
        acks = [ack for (_, key), ack in self._acks.items() if key == asked.key]
        return acks[:1] if asked.method == "subscribe" else []

    def _is_followed(self, frame: Frame) -> bool:
        label = label_of(frame.data)
        is_followed = label.key in self._sockets or label.channel == _PONG
        if label.channel == ACK:
            asked = confirmed(frame.data)
            is_followed = asked.method == "subscribe" and asked.key in self._sockets
            if is_followed:
                self._acks[frame.socket, asked.key] = frame.data
        self.counts.frames += is_followed
        self.counts.not_followed += not is_followed
        return is_followed


def _but_its_end(happened: Iterable[Happened]) -> Iterator[Happened]:
    """All but the closing of the sockets at the end: the recording is over there, the connection was not cut."""
    held: list[SocketClosed] = []
    for item in happened:
        if isinstance(item, SocketClosed):
            held.append(item)
        else:
            yield from held
            held.clear()
            yield item
