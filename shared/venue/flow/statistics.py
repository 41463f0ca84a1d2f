"""What a market looks like in numbers, recorded or synthetic: spread, depth, clusters, memory of signs, impact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median, quantiles
from typing import Final

import msgspec

from shared.units import SECOND

DEPTH_BPS: Final = (5.0, 10.0, 25.0)
SIGN_LAGS: Final = (1, 5, 10, 50)
RETURN_LAGS: Final = (1, 5, 10, 30)
IMPACT_BINS: Final = 5
COUNT_SPANS_S: Final = (1, 10)


class BookSample(msgspec.Struct, frozen=True):
    """The book at one moment: best prices in USDC, and USDC within each of `DEPTH_BPS` of the mid, mean of both sides.

    None where the visible book ends before that distance: the depth there is unknown.
    """

    ns: int
    bid: float
    ask: float
    depths_usd: tuple[float | None, ...]

    @property
    def mid(self) -> float:
        """USDC."""
        return (self.bid + self.ask) / 2


class TradeSample(msgspec.Struct, frozen=True):
    """One aggressor: all that it took at one time on one side."""

    ns: int
    is_buy: bool
    usd: float


class Observed(msgspec.Struct):
    """A span of one market. `books` are on an even grid of `step_ns`; `updates` counts changes of the visible book."""

    step_ns: int
    books: list[BookSample] = []
    trades: list[TradeSample] = []
    updates: int = 0

    def span_s(self) -> float:
        """Seconds from the first book to the last."""
        return (self.books[-1].ns - self.books[0].ns) / SECOND


class ImpactPoint(msgspec.Struct, frozen=True):
    """One bin of spans by their net taken volume: mean |volume| and mean move of the mid toward it."""

    usd: float
    move_bps: float


class MarketTable(msgspec.Struct, frozen=True):
    """The statistics of one span; lags of signs are in trades, those of returns in seconds. NaN: too little data."""

    seconds: float
    spread_bps: tuple[float, float, float]
    depth_usd: tuple[float, ...]
    volatility_bps: float
    abs_return_acf: tuple[float, ...]
    kurtosis: float
    sign_acf: tuple[float, ...]
    count_dispersion: tuple[float, ...]
    trades_per_s: float
    trade_usd: float
    impact: tuple[ImpactPoint, ...]
    updates_per_s: float


def table_of(observed: Observed) -> MarketTable:
    """Every statistic of the span. `spread_bps` is (10 %, median, 90 %); depth and trade size are medians."""
    mids = [book.mid for book in observed.books]
    spreads = [(book.ask - book.bid) / book.mid * 1e4 for book in observed.books]
    returns = log_returns_bps(mids)
    sizes = [abs(move) for move in returns]
    signs = [1.0 if trade.is_buy else -1.0 for trade in observed.trades]
    per_second = observed.step_ns / SECOND
    seconds = observed.span_s()
    deciles = quantiles(spreads, n=10)
    return MarketTable(
        seconds=seconds,
        spread_bps=(deciles[0], median(spreads), deciles[-1]),
        depth_usd=tuple(_median_depth(observed.books, index) for index in range(len(DEPTH_BPS))),
        volatility_bps=math.sqrt(fmean(move * move for move in returns) / per_second),
        abs_return_acf=tuple(autocorrelation(sizes, round(lag / per_second)) for lag in RETURN_LAGS),
        kurtosis=kurtosis(returns),
        sign_acf=tuple(autocorrelation(signs, lag) for lag in SIGN_LAGS),
        count_dispersion=tuple(count_dispersion(observed, span) for span in COUNT_SPANS_S),
        trades_per_s=len(observed.trades) / seconds,
        trade_usd=median(trade.usd for trade in observed.trades) if observed.trades else math.nan,
        impact=impact_curve(observed),
        updates_per_s=observed.updates / seconds,
    )


def log_returns_bps(mids: Sequence[float]) -> list[float]:
    """Log-returns between neighbours, in bps."""
    return [math.log(after / before) * 1e4 for before, after in pairwise(mids)]


def autocorrelation(values: Sequence[float], lag: int) -> float:
    """Correlation of the values with themselves `lag` later; NaN for fewer than twice the lag or for constants."""
    if len(values) < 2 * lag + 2:
        return math.nan
    mean = fmean(values)
    off = [value - mean for value in values]
    spread = math.fsum(value * value for value in off)
    return math.fsum(a * b for a, b in zip(off, off[lag:], strict=False)) / spread if spread else math.nan


def kurtosis(values: Sequence[float]) -> float:
    """Fourth moment over squared variance: 3 for a normal distribution; NaN for constants."""
    if len(values) < 4:
        return math.nan
    mean = fmean(values)
    variance = fmean((value - mean) ** 2 for value in values)
    return fmean((value - mean) ** 4 for value in values) / variance**2 if variance else math.nan


def count_dispersion(observed: Observed, span_s: int) -> float:
    """Variance over mean of the number of trades in spans of `span_s`: 1 for Poisson arrivals, more for clusters."""
    start, span = observed.books[0].ns, span_s * SECOND
    counts = [0] * ((observed.books[-1].ns - start) // span)
    for trade in observed.trades:
        index = (trade.ns - start) // span
        if 0 <= index < len(counts):
            counts[index] += 1
    if len(counts) < 2 or not any(counts):
        return math.nan
    mean = fmean(counts)
    return fmean((count - mean) ** 2 for count in counts) / mean


def impact_curve(observed: Observed) -> tuple[ImpactPoint, ...]:
    """How far the mid moved with the net volume taken in the same step: equal bins by |volume|, smallest first.

    Form: price response conditioned on volume; Bouchaud, Farmer & Lillo (2009). Empty with too few steps.
    """
    start, step = observed.books[0].ns, observed.step_ns
    returns = log_returns_bps([book.mid for book in observed.books])
    flows = [0.0] * len(returns)
    for trade in observed.trades:
        index = (trade.ns - start) // step
        if 0 <= index < len(flows):
            flows[index] += trade.usd if trade.is_buy else -trade.usd
    pairs = sorted((abs(flow), move if flow > 0 else -move) for flow, move in zip(flows, returns, strict=True) if flow)
    size = len(pairs) // IMPACT_BINS
    if not size:
        return ()
    bins = [pairs[size * n : size * (n + 1) if n < IMPACT_BINS - 1 else None] for n in range(IMPACT_BINS)]
    return tuple(ImpactPoint(fmean(usd for usd, _ in each), fmean(move for _, move in each)) for each in bins)


def impact_exponent(curve: Sequence[ImpactPoint]) -> float:
    """Slope of log move over log volume, least squares over the bins that moved: below 1 is concave; NaN with < 2."""
    points = [(math.log(point.usd), math.log(point.move_bps)) for point in curve if point.usd > 0 < point.move_bps]
    if len(points) < 2:
        return math.nan
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else math.nan


def _median_depth(books: Sequence[BookSample], index: int) -> float:
    """Median of one depth; NaN where more than half of the samples do not know it."""
    known = [usd for book in books if (usd := book.depths_usd[index]) is not None]
    return median(known) if 2 * len(known) > len(books) else math.nan
