"""A capture log as it is played: what happened on its sockets, in the order of receive times, cuts and all.

A reader of a log meets more than the venue's words: writers that died, segments, gaps, damage. Here only what whoever
read the sockets would have noticed is left: a connection opens, frames come, it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

import msgspec

from shared.warehouse.capture.records import (
    AnyRecord,
    Direction,
    Frame,
    Gap,
    SegmentStarted,
    SocketClosed,
    SocketOpened,
    WriterDied,
)
from shared.warehouse.capture.scan import Damage

Happened = SocketOpened | Frame | SocketClosed
REORDER_NS: Final = 1_000_000_000
"""How far behind its neighbours a record may stand in the log: sockets share one queue, but not one thread."""
ACK: Final = "subscriptionResponse"


class Label(msgspec.Struct, frozen=True):
    """What a frame is about, without reading the rest: its channel, and its coin where it has one."""

    channel: str
    coin: str = ""

    @property
    def key(self) -> str:
        """The name of the subscription that it belongs to."""
        return f"{self.channel}:{self.coin}" if self.coin else self.channel


class _Outside(msgspec.Struct):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Coin(msgspec.Struct):
    coin: str = ""


class _Topic(msgspec.Struct):
    type: str = ""
    coin: str = ""


class _Request(msgspec.Struct):
    method: str = ""
    subscription: _Topic | None = None


_OUTSIDE: Final = msgspec.json.Decoder(_Outside)
_ONE: Final = msgspec.json.Decoder(_Coin)
_MANY: Final = msgspec.json.Decoder(list[_Coin])
_REQUEST: Final = msgspec.json.Decoder(_Request)
UNREADABLE: Final = Label("?")
_OF_MANY: Final = frozenset({"trades"})
_OF_ONE: Final = frozenset({"l2Book", "activeAssetCtx", "bbo"})


def label_of(data: bytes) -> Label:
    """The frame's label; UNREADABLE for what is no frame of the venue, never an error."""
    try:
        outside = _OUTSIDE.decode(data)
        if outside.channel in _OF_ONE:
            return Label(outside.channel, _ONE.decode(outside.data).coin)
        if outside.channel in _OF_MANY:
            return Label(outside.channel, next((each.coin for each in _MANY.decode(outside.data)), ""))
        return Label(outside.channel) if outside.channel else UNREADABLE
    except (msgspec.MsgspecError, RecursionError):
        return UNREADABLE


def is_public(key: str) -> bool:
    """Is it market data of one coin, the same for everybody?"""
    return key.partition(":")[0] in _OF_ONE | _OF_MANY and ":" in key


class Request(NamedTuple):
    """What was asked on a socket: subscribe, unsubscribe, ping; and the key of the subscription, if it was one."""

    method: str
    key: str = ""


def request_of(data: str | bytes) -> Request:
    """The request in a frame that we sent; of no method if it is none."""
    try:
        return _request(_REQUEST.decode(data))
    except (msgspec.MsgspecError, RecursionError):
        return Request("")


def confirmed(data: bytes) -> Request:
    """The request that an acknowledgement (a frame of the channel ACK) confirms; of no method if it can't be read."""
    try:
        return request_of(bytes(_OUTSIDE.decode(data).data))
    except (msgspec.MsgspecError, RecursionError):
        return Request("")


def _request(asked: _Request) -> Request:
    topic = asked.subscription
    return Request(asked.method, Label(topic.type, topic.coin).key if topic is not None else "")


class Heard(msgspec.Struct):
    """Frames of one subscription, and the sockets that they came on."""

    frames: int = 0
    sockets: set[int] = set()


class Survey(msgspec.Struct):
    """What a log holds: times in UTC ns, frames received by the key of their subscription, cuts, and what is missing.

    `cuts` are connections that ended; `gaps` are the declared ones, `frames_lost` the frames in them.
    """

    first_ns: int = 0
    last_ns: int = 0
    frames: int = 0
    keys: dict[str, Heard] = {}
    connections: int = 0
    cuts: int = 0
    gaps: int = 0
    frames_lost: int = 0
    damages: int = 0

    def take(self, item: AnyRecord | Damage) -> None:
        """Count one item of the log."""
        match item:
            case Damage():
                self.damages += 1
            case Gap():
                self.gaps += 1
                self.frames_lost += item.last_seq - item.first_seq + 1 if item.last_seq else 0
            case WriterDied():
                self.gaps += len(item.gaps)
                self.cuts += len(item.gaps)
            case SocketOpened(ns=ns):
                self.connections += 1
                self._at(ns)
            case SocketClosed(ns=ns):
                self.cuts += 1
                self._at(ns)
            case Frame(direction=Direction.IN):
                self.frames += 1
                heard = self.keys.setdefault(label_of(item.data).key, Heard())
                heard.frames += 1
                heard.sockets.add(item.socket)
                self._at(item.recv_ns)

    def books(self) -> tuple[str, ...]:
        """The coins of which there are books, by name."""
        return tuple(sorted(key.removeprefix("l2Book:") for key in self.keys if key.startswith("l2Book:")))

    def _at(self, ns: int) -> None:
        self.first_ns = min(self.first_ns, ns) if self.first_ns else ns
        self.last_ns = max(self.last_ns, ns)


def as_it_happened(items: Iterable[AnyRecord | Damage], window_ns: int = REORDER_NS) -> Iterator[Happened]:
    """Frames received, openings and ends by their times; of one time, in the log's order.

    Every connection is opened before its frames. One whose end nobody wrote down ends with its last frame.
    """
    waiting: list[tuple[int, int, Happened]] = []
    for number, (ns, item) in enumerate(_whole(items)):
        heappush(waiting, (ns, number, item))
        while waiting[0][0] < ns - window_ns:
            yield heappop(waiting)[2]
    while waiting:
        yield heappop(waiting)[2]


def cuts_of(happened: Iterable[Happened]) -> Iterator[tuple[int, int]]:
    """(from, to) of the times in which some socket was gone that came back: what ended at the end was not cut."""
    gone: dict[int, int] = {}
    for item in happened:
        if isinstance(item, SocketClosed):
            gone[item.socket] = item.ns
        elif isinstance(item, SocketOpened) and item.socket in gone:
            yield gone.pop(item.socket), item.ns


class _Open:
    """The connections that are open: (socket, epoch) -> time of the last frame."""

    def __init__(self) -> None:
        self.last_ns: dict[tuple[int, int], int] = {}
        self.session = -1

    def ensure(self, socket: int, epoch: int, ns: int) -> Iterator[tuple[int, Happened]]:
        """It is open; what else the socket had open, and its opening if that was lost, are made up for."""
        if (socket, epoch) in self.last_ns:
            return
        for other in [key for key in self.last_ns if key[0] == socket]:
            yield self.end(*other, "its end is not in the log")
        self.last_ns[socket, epoch] = ns
        yield ns, SocketOpened(socket, epoch, ns)

    def end(self, socket: int, epoch: int, reason: str) -> tuple[int, Happened]:
        """It ended with its last frame."""
        ns = self.last_ns.pop((socket, epoch))
        return ns, SocketClosed(socket, epoch, ns, -1, reason)


def _whole(items: Iterable[AnyRecord | Damage]) -> Iterator[tuple[int, Happened]]:
    """What happened with its time, in the order of the log."""
    known = _Open()
    for item in items:
        match item:
            case Frame(direction=Direction.IN):
                yield from known.ensure(item.socket, item.epoch, item.recv_ns)
                known.last_ns[item.socket, item.epoch] = item.recv_ns
                yield item.recv_ns, item
            case SocketOpened():
                yield from known.ensure(item.socket, item.epoch, item.ns)
            case SocketClosed() if (item.socket, item.epoch) in known.last_ns:
                del known.last_ns[item.socket, item.epoch]
                yield item.ns, item
            case SegmentStarted():
                yield from _new_segment(known, item)


def _new_segment(known: _Open, started: SegmentStarted) -> Iterator[tuple[int, Happened]]:
    if started.session != known.session:
        for key in list(known.last_ns):
            yield known.end(*key, "whoever wrote the log ended")
        known.session = started.session
    for connection in started.connections:
        yield from known.ensure(connection.socket, connection.epoch, started.ns)
