"""Statistics of the equity curve: plain functions, and the curve itself in bounded memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import msgspec

from shared.units import DAY, SECOND

YEAR_S: Final = 365 * DAY / SECOND
"""Crypto trades every day."""
POINTS_KEPT: Final = 2048


class Curve(msgspec.Struct):
    """Equity sampled at even steps. When full, every second point goes and the step doubles; the peak stays exact.

    `equity_usd[i]` was taken at `first_ns + i * stride * interval`.
    """

    equity_usd: list[int] = []
    stride: int = 1
    seen: int = 0
    peak_usd: int = 0
    max_drawdown_ratio: float = 0.0

    def watch(self, equity_usd: int) -> None:
        """Let a value count for peak and drawdown without making it a point."""
        self.peak_usd = equity_usd if not self.seen and not self.peak_usd else max(self.peak_usd, equity_usd)
        fallen = drawdown_ratio(self.peak_usd, equity_usd)
        self.max_drawdown_ratio = max(self.max_drawdown_ratio, fallen)  # a NaN leaves it as it is

    def rescale(self, before_usd: int, after_usd: int) -> None:
        """Money came or went: what was seen becomes what it would have been at the new size, so that no ratio moves.

        That is a time-weighted return. From or to nothing there is no scale: the curve begins anew, with its drawdown.
        """
        if before_usd <= 0 or after_usd <= 0:
            self.equity_usd, self.stride, self.seen, self.peak_usd = [], 1, 0, 0
            return
        self.equity_usd = [value * after_usd // before_usd for value in self.equity_usd]
        self.peak_usd = -(-self.peak_usd * after_usd // before_usd)

    def add(self, equity_usd: int) -> None:
        """Take the next sample in."""
        self.watch(equity_usd)
        if self.seen % self.stride == 0:
            self.equity_usd.append(equity_usd)
        self.seen += 1
        if len(self.equity_usd) > POINTS_KEPT:
            del self.equity_usd[1::2]
            self.stride *= 2


def drawdown_ratio(peak_usd: int, equity_usd: int) -> float:
    """How far below the peak, as a share of it; NaN without a positive peak."""
    return (peak_usd - equity_usd) / peak_usd if peak_usd > 0 else math.nan


def sharpe(equity_usd: Sequence[int], interval_s: float, min_returns: int) -> float:
    """Annualised mean over standard deviation of simple returns, risk-free rate 0, 365 days a year.

    NaN with fewer than `min_returns`, a non-positive equity, or no movement at all.
    """
    n = len(equity_usd) - 1
    if n < max(min_returns, 2) or min(equity_usd) <= 0:
        return math.nan
    returns = [after / before - 1.0 for before, after in itertools.pairwise(equity_usd)]
    mean = math.fsum(returns) / n
    variance = math.fsum((value - mean) ** 2 for value in returns) / (n - 1)
    return mean / math.sqrt(variance) * math.sqrt(YEAR_S / interval_s) if variance > 0.0 else math.nan


def win_rate(wins: int, trips: int) -> float:
    """Share of closed round trips with a positive net PnL; NaN before the first."""
    return wins / trips if trips else math.nan


def turnover_ratio(traded_usd: int, equity_usd: int) -> float:
    """Traded notional over equity; NaN without positive equity."""
    return traded_usd / equity_usd if equity_usd > 0 else math.nan
