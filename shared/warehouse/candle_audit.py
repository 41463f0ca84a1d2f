"""Trades of the warehouse against the exchange's own minute candles: what was captured, what is declared to be missing.

For every minute: trades and volume captured + what lies in declared gaps = what the candle counts. A candle may say
more than was captured only in a minute that a declared gap touches, never less, nor more trades without more volume.
Pure: whoever reads the warehouse hands the rows in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from shared.units import MINUTE, SECOND, Ns

SLACK_NS: Final = Ns(2 * SECOND)
"""A gap is told by our clock and a trade by the exchange's: so far apart they may be."""


class Verdict(StrEnum):
    """What a minute came to. UNKNOWN: nobody asked the exchange for its candle."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    UNKNOWN = "unknown"


class Count(NamedTuple):
    """Trades and their volume in lots."""

    trades: int = 0
    sz: int = 0


class Span(NamedTuple):
    """From `start_ns` to `end_ns`."""

    start_ns: int
    end_ns: int


class Minute(msgspec.Struct, frozen=True):
    """One minute of one coin; the candle's numbers are None if it is unknown."""

    coin: str
    open_ns: int
    trades: int
    sz: int
    candle_trades: int | None
    candle_sz: int | None
    verdict: Verdict

    @property
    def missing(self) -> Count:
        """What the candle counts beyond what was captured; nothing if the candle is unknown."""
        if self.candle_trades is None or self.candle_sz is None:
            return Count()
        return Count(self.candle_trades - self.trades, self.candle_sz - self.sz)


class Audited(msgspec.Struct, frozen=True):
    """The sum of an audit. `disagreements` are the minutes that are not equal."""

    coins: int
    minutes: int
    equal: int
    explained: int
    unexplained: int
    unknown: int
    trades: int
    sz_missing: int
    trades_missing: int
    repeated: int
    disagreements: tuple[Minute, ...]

    @property
    def is_sound(self) -> bool:
        """Is everything equal, or explained by declared gaps?"""
        return self.unexplained == 0 and self.unknown == 0 and self.minutes > 0


class Gaps:
    """Declared gaps that concern one coin's trades, widened by the slack on both sides."""

    def __init__(self, spans: Iterable[Span], slack_ns: int = SLACK_NS) -> None:
        merged: list[Span] = []
        for start, end in sorted((span.start_ns - slack_ns, span.end_ns + slack_ns) for span in spans):
            if merged and start <= merged[-1].end_ns:
                merged[-1] = Span(merged[-1].start_ns, max(end, merged[-1].end_ns))
            else:
                merged.append(Span(start, end))
        self._spans = merged
        self._starts = [span.start_ns for span in merged]

    def overlap(self, start_ns: int, end_ns: int) -> bool:
        """Is some of [start, end) in a gap?"""
        place = bisect_right(self._starts, end_ns - 1)
        return place > 0 and self._spans[place - 1].end_ns >= start_ns


class Tape:
    """One coin's captured trades by minute, each trade once."""

    def __init__(self) -> None:
        self.repeated = 0
        self._minutes: dict[int, Count] = {}
        self._seen: set[int] = set()

    def add(self, exch_ns: int, sz: int, tid: int) -> None:
        """Take in one trade; one that was heard before (after a reconnect) is only counted as such."""
        if tid in self._seen:
            self.repeated += 1
            return
        self._seen.add(tid)
        open_ns = exch_ns - exch_ns % MINUTE
        before = self._minutes.get(open_ns, Count())
        self._minutes[open_ns] = Count(before.trades + 1, before.sz + sz)

    def at(self, open_ns: int) -> Count:
        """What was captured of the minute."""
        return self._minutes.get(open_ns, Count())


def minutes_of(coin: str, span: Span, tape: Tape, candles: Mapping[int, Count], gaps: Gaps) -> Iterable[Minute]:
    """The verdict on every whole minute of the span. `candles` by when they open; one without trades counts none."""
    open_ns = -(-span.start_ns // MINUTE) * MINUTE
    while open_ns + MINUTE <= span.end_ns:
        yield judge(coin, open_ns, tape.at(open_ns), candles.get(open_ns), gaps)
        open_ns += MINUTE


def judge(coin: str, open_ns: int, captured: Count, candle: Count | None, gaps: Gaps) -> Minute:
    """One minute."""
    if candle is None:
        return Minute(coin, open_ns, *captured, None, None, Verdict.UNKNOWN)
    missing = Count(candle.trades - captured.trades, candle.sz - captured.sz)
    if missing == Count():
        verdict = Verdict.EQUAL
    elif missing.trades > 0 and missing.sz >= missing.trades and gaps.overlap(open_ns, open_ns + MINUTE):
        verdict = Verdict.EXPLAINED
    else:
        verdict = Verdict.UNEXPLAINED
    return Minute(coin, open_ns, *captured, *candle, verdict)


def audited(minutes: Iterable[Minute], repeated: int = 0) -> Audited:
    """The sum over the minutes of all coins."""
    counts = dict.fromkeys(Verdict, 0)
    coins: set[str] = set()
    disagreements = []
    trades = trades_missing = sz_missing = 0
    for minute in minutes:
        counts[minute.verdict] += 1
        coins.add(minute.coin)
        trades += minute.trades
        if minute.verdict is not Verdict.EQUAL:
            disagreements.append(minute)
            trades_missing += minute.missing.trades
            sz_missing += minute.missing.sz
    return Audited(
        coins=len(coins),
        minutes=sum(counts.values()),
        equal=counts[Verdict.EQUAL],
        explained=counts[Verdict.EXPLAINED],
        unexplained=counts[Verdict.UNEXPLAINED],
        unknown=counts[Verdict.UNKNOWN],
        trades=trades,
        sz_missing=sz_missing,
        trades_missing=trades_missing,
        repeated=repeated,
        disagreements=tuple(disagreements),
    )
