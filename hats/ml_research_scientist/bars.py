"""Bars from prints: closed by the next bar's first print or by the clock, never twice, empty ones said to be empty."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from shared.units import BPS


class ClosedBar(NamedTuple):
    """Bar `number` (time over bar length) is over. `return_bps` is the log return since the last close `span` bars ago.

    It is None for an empty bar and for the first close of a series: nothing was observed.
    """

    number: int
    return_bps: float | None
    span: int


class BarSeries(msgspec.Struct):
    """The open bar of one coin. `number` is -1 before the first print and after a gap that ended the series.

    Prices are in price units; 0 means none. `empty_run` counts closed bars since the last close.
    """

    number: int = -1
    px: int = 0
    last_close_px: int = 0
    empty_run: int = 0

    def take_print(self, number: int, px: int, gap_max: int) -> list[ClosedBar] | None:
        """Bars that this print closes; None if it came too late for its bar."""
        if number < self.number:
            return None
        closed = self.close_before(number, gap_max)
        self.number, self.px = number, px
        return closed

    def close_before(self, number: int, gap_max: int) -> list[ClosedBar]:
        """Close every open bar older than `number`. After `gap_max` empty bars the series ends until the next print."""
        closed: list[ClosedBar] = []
        while 0 <= self.number < number:
            closed.append(self._close())
            if self.empty_run >= gap_max:
                self.number, self.last_close_px, self.empty_run = -1, 0, 0
        return closed

    def _close(self) -> ClosedBar:
        span, bar_return = self.empty_run + 1, None
        if self.px:
            if self.last_close_px:
                bar_return = math.log(self.px / self.last_close_px) * BPS
            self.last_close_px, self.px, self.empty_run = self.px, 0, 0
        else:
            self.empty_run += 1
        self.number += 1
        return ClosedBar(self.number - 1, bar_return, span)
