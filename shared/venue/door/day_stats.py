"""What traded in the last day, by asset: volumes and the price a day ago."""

from __future__ import annotations

from collections import deque
from typing import Final

from shared.units import DAY, MINUTE, MS, Px, Usd
from shared.venue.core.events import TradeHappened

_DAY_MS: Final = DAY // MS
_MINUTE_MS: Final = MINUTE // MS


class DayStats:
    """Sums over the last 24 hours in steps of one minute; a venue younger than that starts at its first trade."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, int, int, Px]] = deque()
        self._sz = 0
        self._usd = 0
        self._before_px: Px | None = None

    def add(self, trade: TradeHappened) -> None:
        """Take in one print; times never go back."""
        self._expire(trade.time_ms)
        minute, usd = trade.time_ms // _MINUTE_MS, trade.px * trade.sz
        if self._before_px is None:
            self._before_px = trade.px
        self._sz += trade.sz
        self._usd += usd
        if self._minutes and self._minutes[-1][0] == minute:
            _, minute_sz, minute_usd, _ = self._minutes.pop()
            self._minutes.append((minute, minute_sz + trade.sz, minute_usd + usd, trade.px))
        else:
            self._minutes.append((minute, trade.sz, usd, trade.px))

    def read(self, now_ms: int) -> tuple[int, Usd, Px | None]:
        """(lots, notional, price a day ago); the price is the last one before the span, or the very first there was."""
        self._expire(now_ms)
        return self._sz, Usd(self._usd), self._before_px

    def _expire(self, now_ms: int) -> None:
        oldest = (now_ms - _DAY_MS) // _MINUTE_MS
        while self._minutes and self._minutes[0][0] < oldest:
            _, sz, usd, self._before_px = self._minutes.popleft()
            self._sz -= sz
            self._usd -= usd
