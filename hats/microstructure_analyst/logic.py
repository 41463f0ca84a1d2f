"""The Microstructure Analyst: turns each sound book into features, and keeps count of how true they were."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from hats.microstructure_analyst.coin import CoinState
from hats.microstructure_analyst.depth import depth_usd, probe_sz, size_imbalance, slippage_bps
from hats.microstructure_analyst.judgement import beyond_quotes_bps, judge_claims, judge_fill, make_claim
from hats.microstructure_analyst.measures import (
    BOOK_AGE,
    COVERAGE,
    MICROPRICE_SKILL,
    PRINT_DISTANCE,
    SLIPPAGE_ERROR,
    UNSOUND,
)
from hats.microstructure_analyst.settings import Settings
from shared.book import fault
from shared.ids import Role
from shared.instrument import Instrument
from shared.messages import AnyMessage, Message
from shared.messages.control import Started, WakeAt, Woke
from shared.messages.market import BookUpdate, FeedStatus, Trade, UniverseUpdate
from shared.messages.order import FillBooked
from shared.messages.signal import FeatureUpdate, Regime, RegimeUpdate
from shared.order import Side
from shared.scorecard import Samples
from shared.units import BPS, MS, SECOND, Ns

MEASURES_TIMER = "measures"
FIT_TIMER = "fit"
_SHRINK = 10
"""A learned slippage correction counts fully only after many times this number of fills."""


class Residual(msgspec.Struct):
    """Sum and number of (realised - book's forecast) slippage in one regime, in bps."""

    n: int = 0
    sum_bps: float = 0.0

    def correction_bps(self) -> float:
        """What to add to the book's forecast; drawn to zero while fills are few."""
        return self.sum_bps / (self.n + _SHRINK)


class State(msgspec.Struct):
    """All that the analyst remembers."""

    instruments: dict[str, Instrument] = {}
    coins: dict[str, CoinState] = {}
    regimes: dict[str, Regime] = {}
    residuals: dict[str, Residual] = {}
    feed_epoch: int = 0
    samples: Samples = msgspec.field(default_factory=Samples)


class MicrostructureAnalyst:
    """In: books, prints, fills. Out: FeatureUpdate for every sound book of a known coin."""

    role: ClassVar[Role] = Role.MICROSTRUCTURE_ANALYST
    hears: ClassVar[tuple[type[Message], ...]] = (
        UniverseUpdate,
        BookUpdate,
        Trade,
        FeedStatus,
        RegimeUpdate,
        FillBooked,
        Woke,
        Started,
    )

    def __init__(self, settings: Settings) -> None:
        self.state = State()
        self._settings = settings
        self._flow_window_ns = settings.flow_window_ms * MS
        self._transition_max_ns = settings.transition_max_ms * MS
        self._horizon_ns = settings.skill_horizon_ms * MS
        self._fit_decay = 0.5 ** (settings.fit_every_ms * MS / (settings.fit_half_life_s * SECOND))

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from one message; see `shared.hat.Hat`."""
        match message:
            case BookUpdate():
                return self._read_book(message)
            case Trade():
                self._compare_print(message)
            case FillBooked():
                self._judge_fill(message)
            case RegimeUpdate():
                self.state.regimes[message.coin] = message.regime
            case UniverseUpdate():
                self.state.instruments = {instrument.coin: instrument for instrument in message.instruments}
            case FeedStatus():
                self._break_series(message)
            case Woke():
                return self._wake(message, now)
            case Started():
                return [self._timer(MEASURES_TIMER, now), self._timer(FIT_TIMER, now)]
        return []

    def _read_book(self, book: BookUpdate) -> list[AnyMessage]:
        instrument = self.state.instruments.get(book.coin)
        if instrument is None:
            return []
        coin = self.state.coins.setdefault(book.coin, CoinState())
        unsound = fault(book.bids, book.asks) is not None or book.exch_ns < coin.exch_ns
        self.state.samples.add(UNSOUND.name, float(unsound))
        if unsound:
            return []
        microprice = coin.take_book(book, instrument.sz_decimals, self._flow_window_ns, self._transition_max_ns)
        for skill in judge_claims(coin, book.recv_ns, self._horizon_ns):
            self.state.samples.add(MICROPRICE_SKILL.name, skill)
        make_claim(coin, microprice, book.recv_ns, self._horizon_ns)
        return [self._features(book, instrument, coin, microprice)]

    def _features(self, book: BookUpdate, instrument: Instrument, coin: CoinState, micro: float) -> FeatureUpdate:
        settings, mid = self._settings, coin.mid
        usd_per_px_unit = instrument.px_float(1)
        probe = probe_sz(settings.probe_usd, mid)
        correction_bps = self._correction_bps(book.coin)
        return FeatureUpdate(
            coin=book.coin,
            book_exch_ns=book.exch_ns,
            book_recv_ns=book.recv_ns,
            best_bid_px=book.bids[0].px,
            best_ask_px=book.asks[0].px,
            mid=mid * usd_per_px_unit,
            microprice=micro * usd_per_px_unit,
            spread_bps=(book.asks[0].px - book.bids[0].px) / mid * BPS,
            bid_depth_usd=depth_usd(book.bids, mid, settings.depth_band_bps),
            ask_depth_usd=depth_usd(book.asks, mid, settings.depth_band_bps),
            imbalance=size_imbalance(book.bids, book.asks, settings.imbalance_levels),
            flow_imbalance=coin.flow.imbalance(),
            probe_usd=settings.probe_usd,
            buy_slippage_bps=slippage_bps(Side.BUY, book.asks, mid, 0, probe) + correction_bps,
            sell_slippage_bps=slippage_bps(Side.SELL, book.bids, mid, 0, probe) + correction_bps,
            traded_sz=coin.traded_sz,
        )

    def _compare_print(self, trade: Trade) -> None:
        coin = self.state.coins.get(trade.coin)
        if coin is not None:
            coin.traded_sz += trade.sz
        distance = beyond_quotes_bps(coin, trade.px) if coin else None
        if distance is not None:
            self.state.samples.add(PRINT_DISTANCE.name, distance)

    def _judge_fill(self, booked: FillBooked) -> None:
        fill = booked.fill
        coin = self.state.coins.get(fill.coin)
        if coin is None or not fill.is_taker:
            return
        correction_bps = self._correction_bps(fill.coin)
        judged = judge_fill(coin, fill, correction_bps, self._settings.stale_ms * MS)
        if judged is None:
            return
        forecast_bps, realised_bps = judged
        self.state.samples.add(SLIPPAGE_ERROR.name, abs(realised_bps - forecast_bps))
        residual = self.state.residuals.setdefault(self._residual_key(fill.coin), Residual())
        residual.n += 1
        residual.sum_bps += realised_bps - (forecast_bps - correction_bps)

    def _residual_key(self, coin: str) -> str:
        return f"{coin} {self.state.regimes.get(coin, 'unknown')}"

    def _correction_bps(self, coin: str) -> float:
        residual = self.state.residuals.get(self._residual_key(coin))
        return residual.correction_bps() if residual else 0.0

    def _break_series(self, status: FeedStatus) -> None:
        """A book after a gap does not continue the one before it: no flow, no transition across."""
        is_new = status.epoch != self.state.feed_epoch
        self.state.feed_epoch = status.epoch
        for name, coin in self.state.coins.items():
            if is_new or not status.covers(name):
                coin.last_best = None
                coin.claims.clear()
                # what follows may come over a new connection, from a venue whose clock starts elsewhere
                coin.exch_ns = Ns(0)
                coin.books.clear()

    def _wake(self, woke: Woke, now: Ns) -> list[AnyMessage]:
        if woke.timer == FIT_TIMER:
            for coin in self.state.coins.values():
                coin.fit.refit(self._settings.fit_min_transitions, self._fit_decay)
            return [self._timer(FIT_TIMER, now)]
        self._measure(now)
        return [*self.state.samples.report(self.role), self._timer(MEASURES_TIMER, now)]

    def _measure(self, now: Ns) -> None:
        for name in self._settings.coins:
            coin = self.state.coins.get(name)
            age_ms = (now - coin.recv_ns) / MS if coin and coin.recv_ns else None
            self.state.samples.add(COVERAGE.name, float(age_ms is not None and age_ms <= self._settings.stale_ms))
            if age_ms is not None:
                self.state.samples.add(BOOK_AGE.name, age_ms)

    def _timer(self, timer: str, now: Ns) -> WakeAt:
        every_ms = self._settings.fit_every_ms if timer == FIT_TIMER else self._settings.measures_every_ms
        return WakeAt(Ns(now + every_ms * MS), timer)
