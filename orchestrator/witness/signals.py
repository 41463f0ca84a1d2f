"""What analysts and engineers conclude, held against what they were told: features, regimes, latencies."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from orchestrator.witness.measures import BOOKS_ANSWERED, LATENCY_ERROR, PRINTS_ANSWERED
from shared.messages.control import HopTimings, LatencyReport
from shared.messages.market import BookUpdate, Trade
from shared.messages.signal import FeatureUpdate, RegimeUpdate
from shared.scorecard import Measure
from shared.units import SECOND, US, Ns, Px

BOOK_NS: Final = SECOND
BOOKS_KEPT: Final = 16
PRINT_NS: Final = 5 * SECOND
WARM_UP_NS: Final = 60 * SECOND
"""A coin that printed for so long should have a regime."""
FRESH_NS: Final = SECOND
SPANS_KEPT: Final = 16_384
SPANS_MIN: Final = 20
REPORT_NS: Final = 5 * SECOND

Verdict = tuple[Measure, float]


class CoinBooks(msgspec.Struct):
    """The newest books of one coin by receive time, and since when one waits for its features (0: none does)."""

    best: dict[Ns, tuple[Px, Px]] = {}
    waiting_ns: Ns = Ns(0)
    waiting_recv_ns: Ns = Ns(0)


class Features:
    """Do features follow each book soon, and are they of that book?"""

    def __init__(self) -> None:
        self._coins: dict[str, CoinBooks] = {}

    def told(self, book: BookUpdate, now: Ns) -> None:
        """A book to conclude from; one with an empty side says nothing."""
        if not (book.bids and book.asks):
            return
        coin = self._coins.setdefault(book.coin, CoinBooks())
        coin.best[book.recv_ns] = (book.bids[0].px, book.asks[0].px)
        if len(coin.best) > BOOKS_KEPT:
            del coin.best[next(iter(coin.best))]
        if not coin.waiting_ns:
            coin.waiting_ns, coin.waiting_recv_ns = now, book.recv_ns

    def said(self, features: FeatureUpdate) -> list[Verdict]:
        """A wrong verdict if the best prices are not the book's own."""
        coin = self._coins.get(features.coin)
        if coin is None:
            return []
        if features.book_recv_ns >= coin.waiting_recv_ns:
            coin.waiting_ns = Ns(0)
        best = coin.best.get(features.book_recv_ns)
        said = (features.best_bid_px, features.best_ask_px)
        return [] if best is None or best == said else [(BOOKS_ANSWERED, 0.0)]

    def look(self, now: Ns) -> list[Verdict]:
        """One verdict for each coin: does a book wait for longer than it may?"""
        return [
            (BOOKS_ANSWERED, float(not coin.waiting_ns or coin.waiting_ns + BOOK_NS > now))
            for coin in self._coins.values()
        ]


class CoinPrints(msgspec.Struct):
    """When a coin first and last printed, and the end of the newest bar with a regime (0: none yet)."""

    first_ns: Ns
    last_ns: Ns
    said_ns: Ns = Ns(0)


class Regimes:
    """Is there a regime, and a young one, for each coin that prints?"""

    def __init__(self) -> None:
        self._coins: dict[str, CoinPrints] = {}

    def told(self, trade: Trade, now: Ns) -> None:
        """The coin printed; what comes later than a bar may wait says nothing."""
        if trade.exch_ns + FRESH_NS <= now:
            return
        coin = self._coins.setdefault(trade.coin, CoinPrints(now, now))
        coin.last_ns = now

    def said(self, regime: RegimeUpdate, now: Ns) -> None:
        """A bar got its regime."""
        coin = self._coins.get(regime.coin)
        if coin is not None:
            coin.said_ns = Ns(now + regime.bar_ns)

    def look(self, now: Ns) -> list[Verdict]:
        """One verdict for each coin that printed lately and for long enough."""
        return [
            (PRINTS_ANSWERED, float(coin.said_ns + PRINT_NS > now))
            for coin in self._coins.values()
            if coin.last_ns + PRINT_NS > now and (coin.said_ns or coin.first_ns + WARM_UP_NS <= now)
        ]


class Latencies:
    """Are the reported percentiles those of the timings that were told?"""

    def __init__(self) -> None:
        self._spans: deque[int] = deque(maxlen=SPANS_KEPT)
        self._newest = 0
        self._reported_ns: Ns | None = None

    def told(self, timings: HopTimings) -> None:
        """Timings to report on."""
        self._spans.extend(timings.tick_to_wire_ns)
        self._newest = len(timings.tick_to_wire_ns)

    def said(self, report: LatencyReport, now: Ns) -> list[Verdict]:
        """How far the median is from that of the newest so many timings; the very last may have come after it."""
        self._reported_ns = now
        n, spans = report.tick_to_wire_n, list(self._spans)
        if not SPANS_MIN <= n <= len(spans) - self._newest:
            return []
        medians = [sorted(spans[start : start + n])[(n - 1) // 2] / US for start in self._starts(n, len(spans))]
        return [(LATENCY_ERROR, min(abs(report.tick_to_wire_p50_us / median - 1.0) for median in medians if median))]

    def look(self, now: Ns) -> list[Verdict]:
        """A verdict as bad as can be while no report comes."""
        if self._reported_ns is None:
            self._reported_ns = now
        return [(LATENCY_ERROR, 1.0)] if self._reported_ns + REPORT_NS <= now else []

    def _starts(self, n: int, length: int) -> set[int]:
        return {length - n, length - n - self._newest}
