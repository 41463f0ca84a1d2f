"""One asset of the exchange: its book, prices, trades, candles and funding."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from shared.rules.funding import hourly_rate_e10, impact_px, mean_premium_e10, premium_e10
from shared.units import Px, Rounding, round_ratio
from shared.venue.core.block import Block
from shared.venue.core.book import Book
from shared.venue.core.candles import Candles
from shared.venue.core.clearing import MarkedPrices
from shared.venue.core.events import PricesChanged, TradeHappened
from shared.venue.core.listing import Listing
from shared.venue.core.marks import MarkRule

KEPT_TRADES: Final = 500
KEPT_FUNDINGS: Final = 5_000


class FundingPoint(msgspec.Struct, frozen=True, array_like=True):
    """One settled hour: hourly rate and mean premium x 10^10."""

    rate_e10: int
    premium_e10: int
    time_ms: int


class Market:
    """State of one asset; `prices` is shared with every holding of it."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.instrument = listing.instrument
        self.asset = listing.instrument.asset
        self.book = Book()
        self.prices = MarkedPrices()
        self.last_px: Px | None = None
        self.open_interest_sz = 0
        self.trades: deque[TradeHappened] = deque(maxlen=KEPT_TRADES)
        self.candles = Candles()
        self.fundings: deque[FundingPoint] = deque(maxlen=KEPT_FUNDINGS)
        self._mark_rule = MarkRule()
        self._premium_sum_e10 = 0
        self._samples = 0

    @property
    def is_open(self) -> bool:
        """Is there a price to judge orders by, and is the asset still listed?"""
        return self.prices.oracle_px > 0 and not self.instrument.is_delisted

    def print_trade(self, trade: TradeHappened) -> None:
        """Take a public print into the tape, the candles and the last price."""
        self.last_px = trade.px
        self.trades.append(trade)
        self.candles.add(trade.px, trade.sz, trade.time_ms)

    def reprice(self, block: Block, oracle_px: Px) -> None:
        """Set the oracle, derive the mark, and say so if either moved."""
        prices, bids, asks = self.prices, self.book.bids, self.book.asks
        before = (prices.mark_px, prices.oracle_px)
        mark = self._mark_rule.update(block.now_ns, oracle_px, bids.best_px(), asks.best_px(), self.last_px)
        prices.mark_px, prices.oracle_px = mark, oracle_px
        if (mark, oracle_px) != before:
            block.events.append(PricesChanged(self.asset, mark, oracle_px, block.now_ms))

    def impact_pxs(self) -> tuple[Px, Px] | None:
        """Impact bid and ask to the nearest price unit; None while either side is too thin."""
        bid = impact_px(self.book.bids.levels(), self.listing.impact_usd)
        ask = impact_px(self.book.asks.levels(), self.listing.impact_usd)
        if bid is None or ask is None:
            return None
        near_bid, near_ask = (round_ratio(px.numerator, px.denominator, Rounding.NEAREST) for px in (bid, ask))
        return Px(near_bid), Px(near_ask)

    def premium_e10(self) -> int | None:
        """The premium now x 10^10; None without an oracle or while either side is too thin for impact prices."""
        bid = impact_px(self.book.bids.levels(), self.listing.impact_usd)
        ask = impact_px(self.book.asks.levels(), self.listing.impact_usd)
        if bid is None or ask is None or not self.prices.oracle_px:
            return None
        return premium_e10(self.prices.oracle_px, bid, ask)

    def sample_premium(self, times: int) -> None:
        """Take `times` equal premium samples; a book too thin gives none (undocumented)."""
        premium = self.premium_e10() if times else None
        if premium is not None:
            self._premium_sum_e10 += premium * times
            self._samples += times

    def running_rate_e10(self) -> int:
        """Hourly funding rate x 10^10 if the hour ended now."""
        return hourly_rate_e10(mean_premium_e10(self._premium_sum_e10, self._samples))

    def settle_hour(self, time_ms: int) -> FundingPoint:
        """The hour's funding, recorded; the samples start anew."""
        mean = mean_premium_e10(self._premium_sum_e10, self._samples)
        point = FundingPoint(hourly_rate_e10(mean), mean, time_ms)
        self._premium_sum_e10 = self._samples = 0
        self.fundings.append(point)
        return point
