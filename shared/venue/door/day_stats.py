"""What traded in the last day, by asset: volumes and the price a day ago."""

from __future__ import annotations

from array import array
from typing import Final

from shared.units import DAY, MINUTE, MS, Px, Usd
from shared.venue.core.events import TradeHappened

_DAY_MS: Final = DAY // MS
_MINUTE_MS: Final = MINUTE // MS
_KEPT: Final = _DAY_MS // _MINUTE_MS + 1
"""Minutes of a day, and the one that it began in."""
_ROW: Final = 4
"""A minute's number, lots, notional and last price."""


class DayStats:
    """Sums over the last 24 hours in steps of one minute; a venue younger than that starts at its first trade.

    The minutes go round in one block of memory, so that a coin costs the same on its first day and on its tenth.
    """

    def __init__(self) -> None:
        self._rows = array("q", bytes(8 * _ROW * _KEPT))
        self._first = 0
        self._count = 0
        self._sz = 0
        self._usd = 0
        self._before_px: Px | None = None

    def add(self, trade: TradeHappened) -> None:
        """Take in one print; times never go back."""
        self._expire(trade.time_ms)
        rows, minute, usd = self._rows, trade.time_ms // _MINUTE_MS, trade.px * trade.sz
        if self._before_px is None:
            self._before_px = trade.px
        self._sz += trade.sz
        self._usd += usd
        last = self._at(self._count - 1)
        if self._count and rows[last] == minute:
            rows[last + 1] += trade.sz
            rows[last + 2] += usd
            rows[last + 3] = trade.px
        else:
            new = self._at(self._count)
            rows[new : new + _ROW] = array("q", (minute, trade.sz, usd, trade.px))
            self._count += 1

    def read(self, now_ms: int) -> tuple[int, Usd, Px | None]:
        """(lots, notional, price a day ago); the price is the last one before the span, or the very first there was."""
        self._expire(now_ms)
        return self._sz, Usd(self._usd), self._before_px

    def _expire(self, now_ms: int) -> None:
        oldest = (now_ms - _DAY_MS) // _MINUTE_MS
        while self._count and self._rows[self._first * _ROW] < oldest:
            _, sz, usd, px = self._rows[self._first * _ROW : (self._first + 1) * _ROW]
            self._sz -= sz
            self._usd -= usd
            self._before_px = Px(px)
            self._first = (self._first + 1) % _KEPT
            self._count -= 1

    def _at(self, number: int) -> int:
        """Where the row of the `number`th minute that is kept begins."""
        return (self._first + number) % _KEPT * _ROW
