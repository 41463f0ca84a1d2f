"""Candles of one asset, folded from its trades; intervals without trades have none."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import zip_longest

import msgspec

from shared.rules.intervals import INTERVALS_NS, KEPT_CANDLES, end_ms_of, open_ms_at
from shared.rules.months import month_end_ms
from shared.units import MINUTE, MS, Px


class Candle(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Trades of one interval that starts at `open_ms`; `sz` in lots, `n` trades."""

    open_ms: int
    open_px: Px
    high_px: Px
    low_px: Px
    close_px: Px
    sz: int
    n: int


def _joined(first: Candle, then: Candle) -> Candle:
    """One candle of two that follow each other; it starts where the first does."""
    return Candle(
        first.open_ms,
        first.open_px,
        max(first.high_px, then.high_px),
        min(first.low_px, then.low_px),
        then.close_px,
        first.sz + then.sz,
        first.n + then.n,
    )


class Candles:
    """Minutes are folded trade by trade, longer intervals when a minute ends, so that a trade costs one update."""

    def __init__(self, kept: int = KEPT_CANDLES) -> None:
        self._minute: Candle | None = None
        self._closed: dict[str, deque[Candle]] = {name: deque(maxlen=kept) for name in INTERVALS_NS}

    def add(self, px: Px, sz: int, now_ms: int) -> None:
        """Take in one trade; time never goes back."""
        minute = self._minute
        open_ms = now_ms - now_ms % (MINUTE // MS)
        if minute is None or minute.open_ms != open_ms:
            if minute is not None:
                self._fold(minute)
            self._minute = Candle(open_ms, px, px, px, px, sz, 1)
        else:
            high, low = max(minute.high_px, px), min(minute.low_px, px)
            self._minute = Candle(open_ms, minute.open_px, high, low, px, minute.sz + sz, minute.n + 1)

    def _fold(self, minute: Candle) -> None:
        """Carry an ended minute into every interval."""
        for name, candles in self._closed.items():
            whole = self._carried(name, candles, minute)
            if candles and candles[-1].open_ms == whole.open_ms:
                candles[-1] = whole
            else:
                candles.append(whole)

    @staticmethod
    def _carried(name: str, candles: deque[Candle], minute: Candle) -> Candle:
        """The candle of interval `name` that contains `minute`, with it."""
        open_ms = open_ms_at(name, minute.open_ms)
        if candles and candles[-1].open_ms == open_ms:
            return _joined(candles[-1], minute)
        return msgspec.structs.replace(minute, open_ms=open_ms)

    def read(self, name: str, start_ms: int = 0, end_ms: int | None = None) -> tuple[Candle, ...]:
        """Candles that overlap [start_ms, end_ms], oldest first, open one last; KeyError for an unknown interval."""
        candles = self._closed[name]
        found = list(candles)
        if self._minute is not None:
            last = self._carried(name, candles, self._minute)
            if found and found[-1].open_ms == last.open_ms:
                found.pop()
            found.append(last)
        return tuple(
            c for c in found if end_ms_of(name, c.open_ms) > start_ms and (end_ms is None or c.open_ms <= end_ms)
        )


def without_gaps(rows: Sequence[Candle], name: str, start_ms: int, end_ms: int) -> list[Candle]:
    """The candles that overlap [start_ms, end_ms], the last 5,000 of them; flat ones fill the gaps after the first."""
    filled: deque[Candle] = deque(maxlen=KEPT_CANDLES)
    span_ms = INTERVALS_NS[name] // MS or month_end_ms(0)
    for row, then in zip_longest(rows, rows[1:]):
        until_ms = end_ms + 1 if then is None else then.open_ms
        filled.append(row)
        shown_ms = max(start_ms, until_ms - KEPT_CANDLES * span_ms)
        open_ms = max(end_ms_of(name, row.open_ms), open_ms_at(name, shown_ms))
        while open_ms < until_ms:
            px = row.close_px
            filled.append(Candle(open_ms, px, px, px, px, 0, 0))
            open_ms = end_ms_of(name, open_ms)
    return [row for row in filled if end_ms_of(name, row.open_ms) > start_ms]
