"""What is known of the market: what may be traded, the latest book and context of each coin, and how wild it is."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.instrument import Instrument
from shared.messages.control import HopTimings
from shared.messages.market import (
    AssetContext,
    CaptureState,
    CaptureStatus,
    FeedState,
    FeedStatus,
    UniverseUpdate,
    VenueClockTold,
)
from shared.messages.signal import FeatureUpdate, Regime, RegimeUpdate
from shared.rules.margin import MarginTiers, single_tier
from shared.units import Ns

UNTOLD: Final = single_tier(1)
"""The worst that a table could say."""
MarketNews = (
    UniverseUpdate
    | FeatureUpdate
    | AssetContext
    | FeedStatus
    | CaptureStatus
    | RegimeUpdate
    | VenueClockTold
    | HopTimings
)


class Market(msgspec.Struct):
    """The latest word on everything that an order is judged by, by coin. What nobody said yet is unknown, not good."""

    instruments: dict[str, Instrument] = {}
    margin_tiers: dict[str, MarginTiers] = {}
    features: dict[str, FeatureUpdate] = {}
    contexts: dict[str, AssetContext] = {}
    regimes: dict[str, RegimeUpdate] = {}
    is_feed_up: bool = False
    stale_coins: tuple[str, ...] = ()
    capture: CaptureState | None = None
    capture_free_bytes: int = -1
    venue_offset_ns: int | None = None
    """The venue's clock minus ours; None: not measured yet."""
    system_offset_ns: int = 0
    """How far the machine's clock has stepped away from the one that the run began with."""

    def hear(self, news: MarketNews) -> None:
        """The newest word holds."""
        match news:
            case FeatureUpdate():
                self.features[news.coin] = news
            case AssetContext():
                self.contexts[news.coin] = news
            case RegimeUpdate():
                self.regimes[news.coin] = news
            case FeedStatus():
                self.is_feed_up, self.stale_coins = news.state is FeedState.UP, news.stale_coins
            case CaptureStatus():
                self.capture, self.capture_free_bytes = news.state, news.free_bytes
            case VenueClockTold():
                self.venue_offset_ns = news.offset_ns
            case HopTimings():
                self.system_offset_ns = news.clock_offset_ns
            case UniverseUpdate():
                self.instruments = {instrument.coin: instrument for instrument in news.instruments}
                self.margin_tiers = news.margin_tiers

    def reference_px(self, coin: str) -> int:
        """What a lot of the coin is worth at most: the higher of our mid (rounded up) and the venue's mark; 0: unknown.

        Either may have stopped while the market went on.
        """
        feature, context = self.features.get(coin), self.contexts.get(coin)
        mid = -(-(feature.best_bid_px + feature.best_ask_px) // 2) if feature is not None else 0
        return max(mid, context.mark_px) if context is not None else mid

    def priced_ns(self, coin: str) -> int:
        """When the newer of the two prices that the coin is valued by was received; 0: never."""
        feature, context = self.features.get(coin), self.contexts.get(coin)
        return max(0 if feature is None else feature.book_recv_ns, 0 if context is None else context.recv_ns)

    def marked_ns(self, coin: str) -> Ns:
        """When the venue's last word on the coin's mark was received; 0: never."""
        context = self.contexts.get(coin)
        return Ns(0) if context is None else context.recv_ns

    def is_heard(self, coin: str, since_ns: int) -> bool:
        """Does the feed stand by the coin's book, and was it received after `since_ns`?"""
        feature = self.features.get(coin)
        is_believed = self.is_feed_up and coin not in self.stale_coins
        return is_believed and feature is not None and feature.book_recv_ns > since_ns

    def twice_mid(self, coin: str) -> int:
        """Twice our mid of a coin whose book was seen, price units."""
        feature = self.features[coin]
        return feature.best_bid_px + feature.best_ask_px

    def tiers(self, coin: str) -> MarginTiers:
        """The coin's margin tiers; a leverage of one for a coin that is not listed or whose table nobody told."""
        instrument = self.instruments.get(coin)
        if instrument is None:
            return UNTOLD
        return self.margin_tiers.get(coin, single_tier(max(instrument.max_leverage, 1))) or UNTOLD

    def forget_regimes(self, age_ns: int, now: Ns) -> None:
        """A regime whose bar closed longer ago than another bar and `age_ns` is none any more."""
        self.regimes = {
            coin: news for coin, news in self.regimes.items() if now - news.bar_close_ns <= news.bar_ns + age_ns
        }

    def is_turbulent(self, coin: str) -> bool:
        """Is the coin in its most volatile regime, for all we know? So it counts until somebody said another."""
        news = self.regimes.get(coin)
        return news is None or news.regime is Regime.TURBULENT
