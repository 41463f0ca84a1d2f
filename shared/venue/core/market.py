"""One asset of the exchange: its book, prices, trades, candles and funding."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from shared.errors import UnitError
from shared.rules.funding import (
    deployed_premium_e10,
    hourly_rate_e10,
    hyperp_premium_e10,
    impact_px,
    mean_premium_e10,
    premium_e10,
)
from shared.rules.limits import max_market_order_usd
from shared.units import Px, Rounding, round_ratio
from shared.venue.core.block import Block
from shared.venue.core.book import Book
from shared.venue.core.candles import Candles
from shared.venue.core.clearing import Holding, MarkedPrices
from shared.venue.core.events import PricesChanged, TradeHappened
from shared.venue.core.hour_mean import HourMean
from shared.venue.core.listing import Listing
from shared.venue.core.marks import MarkRule
from shared.venue.core.oi_caps import OpenInterestCap
from shared.venue.core.other_marks import DeployedRule, HyperpRule, SpotRule
from shared.venue.core.policy import DEFAULT_POLICY, VenuePolicy
from shared.venue.core.waiting import Waiting

KEPT_TRADES: Final = 500
KEPT_FUNDINGS: Final = 5_000


class FundingPoint(msgspec.Struct, frozen=True, array_like=True):
    """One settled hour: hourly rate and mean premium x 10^10."""

    rate_e10: int
    premium_e10: int
    time_ms: int


class Market:
    """State of one asset; `prices` is shared with every holding of it."""

    def __init__(self, listing: Listing, weighs_external: bool = False, policy: VenuePolicy = DEFAULT_POLICY) -> None:
        self.listing = listing
        self.instrument = listing.instrument
        self.asset = listing.instrument.asset
        self.is_spot = listing.spot is not None
        self.book = Book()
        self.waiting = Waiting()
        self.max_market_order = max_market_order_usd(self.instrument.max_leverage)
        self.policy = policy
        self.prices = MarkedPrices()
        self.last_px: Px | None = None
        self.open_interest_sz = 0
        self.holders: dict[str, Holding] = {}
        """Everybody with a position, by user."""
        self.trades: deque[TradeHappened] = deque(maxlen=KEPT_TRADES)
        self.candles = Candles(policy.kept_candles)
        self.fundings: deque[FundingPoint] = deque(maxlen=KEPT_FUNDINGS)
        self._mark_rule = _rule_of(listing, weighs_external)
        self._premium_sum_e10 = 0
        self._samples = 0
        self.is_halted = False
        self.oi_cap: OpenInterestCap | None = None
        self.premium_override_e10: int | None = None
        self.oracle_mean = HourMean()
        if listing.hyperp_px is not None:
            self.prices.mark_px = self.prices.oracle_px = listing.hyperp_px

    @property
    def is_open(self) -> bool:
        """Is there a price to judge orders by, and is the asset still listed and not halted?"""
        return (self.prices.oracle_px > 0 or self.is_spot) and not self.is_halted and not self.instrument.is_delisted

    def hear_external(self, external_px: Px | None) -> None:
        """Take other venues' perp price as the mark's third leg; the next repricing uses it."""
        self._mark_rule.external_px = external_px

    def hear_deployer(self, mark_pxs: tuple[int, ...], external_px: Px | None) -> None:
        """Take the marks of a deployed dex's owner; the next repricing uses them. UnitError for any other asset."""
        if not isinstance(self._mark_rule, DeployedRule):
            raise UnitError(f"{self.instrument.coin} is not on a deployed dex")
        self._mark_rule.hear(mark_pxs, external_px)

    def relist(self, listing: Listing) -> None:
        """Be what `listing` says from now on; the asset id and the size decimals stay."""
        self.listing, self.instrument = listing, listing.instrument
        self.max_market_order = max_market_order_usd(listing.instrument.max_leverage)

    def print_trade(self, trade: TradeHappened) -> None:
        """Take a public print into the tape, the candles and the last price."""
        self.last_px = trade.px
        self.trades.append(trade)
        self.candles.add(trade.px, trade.sz, trade.time_ms)

    def reprice(self, block: Block, oracle_px: Px) -> None:
        """Set the oracle, derive the mark, and say so if either moved."""
        prices, bids, asks = self.prices, self.book.bids, self.book.asks
        before = (prices.mark_px, prices.oracle_px)
        oracle_px = self._mark_rule.oracle(block.now_ns, oracle_px, prices.oracle_px)
        self.oracle_mean.note(block.now_ns, oracle_px)
        mark = self._mark_rule.update(block.now_ns, oracle_px, bids.best_px(), asks.best_px(), self.last_px)
        prices.previous_px, prices.mark_px, prices.oracle_px = prices.mark_px or mark, mark, oracle_px
        for user in self.holders:
            block.shaken[user] = None
        if (mark, oracle_px) != before:
            block.events.append(PricesChanged(self.asset, mark, oracle_px, block.now_ms))
        if self.waiting.is_reached(mark):
            block.reached = [*(block.reached or ()), self.asset]

    def impact_pxs(self) -> tuple[Px, Px] | None:
        """Impact bid and ask to the nearest price unit; None while either side is too thin, and on spot."""
        if self.is_spot:
            return None
        bid = impact_px(self.book.bids.levels(), self.listing.impact_usd)
        ask = impact_px(self.book.asks.levels(), self.listing.impact_usd)
        if bid is None or ask is None:
            return None
        near_bid, near_ask = (round_ratio(px.numerator, px.denominator, Rounding.NEAREST) for px in (bid, ask))
        return Px(near_bid), Px(near_ask)

    def premium_e10(self) -> int | None:
        """The premium now x 10^10; None without an oracle or while either side is too thin for impact prices.

        An override says it whatever the book says. A hyperp's counts one percent; a deployed perp has its own formula.
        """
        if self.premium_override_e10 is not None:
            return self.premium_override_e10
        if self.is_spot:
            return None
        bid = impact_px(self.book.bids.levels(), self.listing.impact_usd)
        ask = impact_px(self.book.asks.levels(), self.listing.impact_usd)
        if bid is None or ask is None or not self.prices.oracle_px:
            return None
        if self.listing.dex:
            return deployed_premium_e10(self.prices.oracle_px, bid, ask)
        premium = premium_e10(self.prices.oracle_px, bid, ask)
        return premium if self.listing.hyperp_px is None else hyperp_premium_e10(premium)

    def sample_premium(self, times: int) -> None:
        """Take `times` equal premium samples; a book too thin gives none (undocumented)."""
        premium = self.premium_e10() if times else None
        if premium is not None:
            self._premium_sum_e10 += premium * times
            self._samples += times

    def running_rate_e10(self) -> int:
        """Hourly funding rate x 10^10 if the hour ended now; before its first sample, that of the premium now."""
        premium = mean_premium_e10(self._premium_sum_e10, self._samples) if self._samples else self.premium_e10()
        return 0 if premium is None else hourly_rate_e10(premium, self.listing.funding)

    def settle_hour(self, time_ms: int) -> FundingPoint:
        """The hour's funding, recorded; the samples start anew. Without samples the rate is 0, as recorded."""
        mean = mean_premium_e10(self._premium_sum_e10, self._samples)
        rate = hourly_rate_e10(mean, self.listing.funding) if self._samples else 0
        point = FundingPoint(rate, mean, time_ms)
        self._premium_sum_e10 = self._samples = 0
        self.fundings.append(point)
        return point


def _rule_of(listing: Listing, weighs_external: bool) -> MarkRule:
    """How a listing of this kind is priced."""
    if listing.spot is not None:
        return SpotRule()
    if listing.hyperp_px is not None:
        return HyperpRule(listing.hyperp_px)
    return DeployedRule(weighs_external) if listing.dex else MarkRule()
