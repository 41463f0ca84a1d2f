"""Proves that the frames captured and those in declared gaps are all frames of a connection, each once."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.warehouse.capture.ranges import Ranges
from shared.warehouse.capture.records import (
    AnyRecord,
    Connection,
    Frame,
    Gap,
    SegmentStarted,
    SocketClosed,
    SocketOpened,
    Subscribed,
    WriterDied,
)


class Account(msgspec.Struct, frozen=True):
    """What is known of one connection; `undeclared` are its frames that are nowhere, `doubled` those counted twice.

    `frames` is how many it had: None while it is open or if nobody lives who knows (`is_end_declared` tells which).
    """

    session: int
    socket: int
    epoch: int
    captured: int
    declared: int
    frames: int | None
    undeclared: tuple[tuple[int, int], ...]
    doubled: int
    is_open: bool
    is_end_declared: bool

    @property
    def is_complete(self) -> bool:
        """Is every frame here or declared, none twice, and the end, if unknown, declared as unknown?"""
        return not self.undeclared and not self.doubled and (self.frames is not None or self.is_end_declared)


class _Tally:
    """One connection while its records go by."""

    __slots__ = ("captured", "channels", "claimed", "closed_at", "declared", "doubled", "is_open", "is_tail_declared",
                 "recv_ns", "seen", "start")  # fmt: skip

    def __init__(self, start: int, claimed: int) -> None:
        self.start = start
        self.claimed = claimed
        self.seen = Ranges()
        self.captured = self.declared = self.doubled = 0
        self.recv_ns = 0
        self.channels: tuple[str, ...] = ()
        self.is_open = True
        self.is_tail_declared = False
        self.closed_at: int | None = None

    @property
    def last(self) -> int:
        return max(self.claimed, self.seen.last)


class Completeness:
    """A fold over the records of one or many segments, in order; `accounts` is the proof or its refutation.

    Started in the middle of a log, it takes the word of the first segment for what came before.
    """

    def __init__(self) -> None:
        self._session = 0
        self._tallies: dict[tuple[int, int, int], _Tally] = {}
        self._is_first = True

    def extend(self, records: Iterable[AnyRecord]) -> None:
        """Take in records in the order of the log."""
        for record in records:
            self.add(record)

    def add(self, record: AnyRecord) -> None:
        """Take in one record."""
        match record:
            case Frame(socket=socket, epoch=epoch, seq=seq, recv_ns=recv_ns):
                tally = self._tally(socket, epoch)
                tally.doubled += tally.seen.add(seq, seq)
                tally.captured += 1
                tally.recv_ns = recv_ns
            case Gap():
                self._declare(record)
            case SocketOpened():
                tally = self._tally(record.socket, record.epoch)
                tally.recv_ns = max(tally.recv_ns, record.ns)
            case SocketClosed():
                tally = self._tally(record.socket, record.epoch)
                tally.is_open = False
                tally.closed_at = record.last_seq if record.last_seq >= 0 else None
            case Subscribed():
                tally = self._tally(record.socket, record.epoch)
                kept = [channel for channel in tally.channels if channel not in record.removed]
                tally.channels = (*kept, *(channel for channel in record.added if channel not in kept))
            case SegmentStarted():
                self._start(record)
            case WriterDied():
                for gap in record.gaps:
                    tally = self._tally(gap.socket, gap.epoch, record.session)
                    tally.is_open, tally.is_tail_declared = False, True

    def _tally(self, socket: int, epoch: int, session: int | None = None) -> _Tally:
        key = (self._session if session is None else session, socket, epoch)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(0, 0)
        return tally

    def _declare(self, gap: Gap) -> None:
        tally = self._tally(gap.socket, gap.epoch)
        if gap.last_seq:
            tally.doubled += tally.seen.add(gap.first_seq, gap.last_seq)
            tally.declared += gap.last_seq - gap.first_seq + 1
        elif gap.first_seq:
            tally.is_tail_declared = True

    def _start(self, started: SegmentStarted) -> None:
        is_known = not self._is_first
        self._is_first = False
        self._session = started.session
        for connection in started.connections:
            key = (started.session, connection.socket, connection.epoch)
            if key not in self._tallies:
                tally = self._tallies[key] = _Tally(0 if is_known else connection.last_seq, connection.last_seq)
                tally.recv_ns, tally.channels = connection.last_recv_ns, connection.channels

    def forget_closed(self) -> None:
        """Let go of connections that are over, for a writer that only asks which are open."""
        self._tallies = {key: tally for key, tally in self._tallies.items() if tally.is_open}

    def open_connections(self) -> tuple[Connection, ...]:
        """The connections of the present session that are open, with how far they are accounted for."""
        return tuple(
            Connection(socket, epoch, tally.last, tally.recv_ns, tally.channels)
            for (session, socket, epoch), tally in self._tallies.items()
            if session == self._session and tally.is_open
        )

    def accounts(self) -> tuple[Account, ...]:
        """One account per connection, in the order in which they first appeared."""
        return tuple(_account(key, tally) for key, tally in self._tallies.items())

    @property
    def is_complete(self) -> bool:
        """Is every connection's account complete, an open one's up to now?"""
        return all(
            account.is_complete
            or (account.is_open and account.session == self._session and not account.undeclared and not account.doubled)
            for account in self.accounts()
        )


def _account(key: tuple[int, int, int], tally: _Tally) -> Account:
    end = tally.last if tally.closed_at is None else max(tally.closed_at, tally.last)
    extra = 0 if tally.closed_at is None else max(0, tally.last - tally.closed_at)
    return Account(
        *key,
        captured=tally.captured,
        declared=tally.declared,
        frames=None if tally.closed_at is None else tally.closed_at,
        undeclared=tuple(tally.seen.missing(tally.start + 1, end)),
        doubled=tally.doubled + extra,
        is_open=tally.is_open,
        is_end_declared=tally.is_tail_declared,
    )
