"""Audits a warehouse's captured trades against the candles that the exchange was asked for, coin by coin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from hats.exchange_architect.history import NOT_GIVEN, Subject
from shared.units import MINUTE
from shared.warehouse.candle_audit import SLACK_NS, Audited, Count, Gaps, Minute, Span, Tape, audited, minutes_of
from shared.warehouse.compaction import DAMAGED, MISSING_SEGMENT
from shared.warehouse.reading import Warehouse

TRADES: Final = "trades"
_OF_ALL: Final = frozenset({DAMAGED, MISSING_SEGMENT})
"""What the log itself lost may be of any socket."""
Socket = tuple[int, int]
"""The writer's session and its socket."""


class Wanted(NamedTuple):
    """What is audited: these coins (none: all that were captured), in this span (0: as far as a capture reaches)."""

    coins: tuple[str, ...] = ()
    since_ns: int = 0
    until_ns: int = 0
    slack_ns: int = SLACK_NS


class Gap(NamedTuple):
    """A declared gap of one socket; without channels it is of all that the socket had subscribed."""

    socket: Socket
    reason: str
    channels: Sequence[str]
    span: Span


class Followed(msgspec.Struct):
    """One coin's trades in one capture: from when they were followed, and over which sockets."""

    since_ns: int
    sockets: set[Socket]


class Capture(msgspec.Struct):
    """What one capture says of itself: which coins it followed, its declared gaps, and its last frame."""

    coins: dict[str, Followed] = {}
    gaps: list[Gap] = []
    last_ns: int = 0

    def follow(self, coin: str, socket: Socket, ns: int) -> None:
        """The coin's trades were confirmed on this socket."""
        known = self.coins.setdefault(coin, Followed(ns, set()))
        known.since_ns = min(known.since_ns, ns)
        known.sockets.add(socket)

    def gaps_of(self, coin: str) -> Iterator[Span]:
        """The gaps that may hold trades of the coin."""
        sockets, channel = self.coins[coin].sockets, f"{TRADES}:{coin}"
        for gap in self.gaps:
            if gap.reason in _OF_ALL or (gap.socket in sockets and (not gap.channels or channel in gap.channels)):
                yield gap.span


class Audit:
    """One audit of a warehouse's captures."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.captures: dict[str, Capture] = {}
        self._not_given: dict[str, list[Span]] = {}
        self._read_gaps()
        self._read_connections()
        for row in _rows(warehouse, "frames", ("source", "recv_ns")):
            if row["source"] in self.captures:
                capture = self.captures[row["source"]]
                capture.last_ns = max(capture.last_ns, row["recv_ns"])

    @property
    def coins(self) -> list[str]:
        """The coins whose trades some capture followed."""
        return sorted({coin for capture in self.captures.values() for coin in capture.coins})

    def run(self, wanted: Wanted, on_coin: Callable[[str], None] = lambda _: None) -> Audited:
        """Every whole minute of every coin, from its first confirmed subscription to the last frame of the capture."""
        minutes: list[Minute] = []
        repeated = 0
        for coin in wanted.coins or self.coins:
            for source, capture in sorted(self.captures.items()):
                if coin in capture.coins:
                    start = max(capture.coins[coin].since_ns, wanted.since_ns)
                    end = min(capture.last_ns, wanted.until_ns or capture.last_ns)
                    tape = self._tape(coin, source, start, end)
                    gaps = Gaps(capture.gaps_of(coin), wanted.slack_ns)
                    candles = self._candles(coin, start, end)
                    minutes += minutes_of(coin, Span(start, end), tape, candles, gaps)
                    repeated += tape.repeated
            on_coin(coin)
        return audited(minutes, repeated)

    def _read_connections(self) -> None:
        columns = ("source", "session", "socket", "recv_ns", "added")
        for row in _rows(self._warehouse, "connections", columns):
            for channel in row["added"]:
                kind, _, coin = channel.partition(":")
                if kind == TRADES and coin:
                    capture = self.captures.setdefault(row["source"], Capture())
                    capture.follow(coin, (row["session"], row["socket"]), row["recv_ns"])

    def _read_gaps(self) -> None:
        columns = ("source", "session", "socket", "reason", "channels", "start_ns", "end_ns")
        for row in _rows(self._warehouse, "gaps", columns):
            span = Span(row["start_ns"], row["end_ns"])
            if row["reason"] == NOT_GIVEN:
                for subject in row["channels"]:
                    self._not_given.setdefault(subject, []).append(span)
            else:
                gap = Gap((row["session"], row["socket"]), row["reason"], row["channels"], span)
                self.captures.setdefault(row["source"], Capture()).gaps.append(gap)

    def _tape(self, coin: str, source: str, since_ns: int, until_ns: int) -> Tape:
        """The coin's trades of one capture; they are looked for a little around the span, for two clocks tell it."""
        tape = Tape()
        columns = ("source", "exch_ns", "sz", "tid")
        for row in _rows(self._warehouse, TRADES, columns, coin, since_ns - 5 * MINUTE, until_ns + 5 * MINUTE):
            if row["source"] == source and row["tid"] is not None:
                tape.add(row["exch_ns"], row["sz"], row["tid"])
        return tape

    def _candles(self, coin: str, since_ns: int, until_ns: int) -> dict[int, Count]:
        """What the exchange said of each minute when it was asked; a minute that its reply leaves out had no trades."""
        since, until = since_ns // MINUTE * MINUTE, until_ns + MINUTE
        found: dict[int, Count] = {}
        for span in self._not_given.get(Subject(coin, "1m").name, ()):
            found |= dict.fromkeys(range(max(span.start_ns, since), min(span.end_ns, until), MINUTE), Count())
        columns = ("exch_ns", "interval", "recv_ns", "trades", "traded_sz")
        for row in _rows(self._warehouse, "candles", columns, coin, since, until):
            # what was pushed while it happened may be a candle that was not over yet
            if row["interval"] == "1m" and row["recv_ns"] is None:
                found[row["exch_ns"]] = Count(row["trades"], row["traded_sz"])
        return found


def _rows(
    warehouse: Warehouse,
    table: str,
    columns: tuple[str, ...],
    coin: str | None = None,
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> Iterator[dict[str, Any]]:
    coins = () if coin is None else (coin,)
    for group in warehouse.groups(table, coins, since_ns, until_ns):
        yield from group.select(list(columns)).to_pylist()
