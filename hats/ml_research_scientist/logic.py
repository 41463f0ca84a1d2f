"""The ML Research Scientist: builds bars from prints and says after each what regime the volatility is in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from hats.ml_research_scientist.bars import BarSeries, ClosedBar
from hats.ml_research_scientist.judgement import Judge
from hats.ml_research_scientist.measures import BAR_DELAY, CALIBRATION, COVERAGE, LATE_PRINTS, LIKELIHOOD_SKILL
from hats.ml_research_scientist.settings import Settings
from hats.ml_research_scientist.volatility import VolatilityFilter
from shared.ids import Role
from shared.messages import AnyMessage, Message
from shared.messages.control import Measured, Started, WakeAt, Woke
from shared.messages.market import FeedState, FeedStatus, Trade, UniverseUpdate
from shared.messages.signal import Regime, RegimeUpdate
from shared.scorecard import Samples
from shared.units import MS, Ns

MEASURES_TIMER = "measures"
BAR_TIMER = "bar"
_LABELS = (Regime.CALM, Regime.NORMAL, Regime.TURBULENT)


class CoinState(msgspec.Struct):
    """One coin: its bars, its filter, its judge, and the sigma foretold for the next bar (None: nothing foretold)."""

    bars: BarSeries = msgspec.field(default_factory=BarSeries)
    volatility: VolatilityFilter = msgspec.field(default_factory=VolatilityFilter)
    judge: Judge = msgspec.field(default_factory=Judge)
    sigma_bps: float | None = None
    print_ns: Ns = Ns(0)


class State(msgspec.Struct):
    """All that the scientist remembers. Nothing is expected of a coin while the feed is not up."""

    coins: dict[str, CoinState] = {}
    is_feed_up: bool = False
    samples: Samples = msgspec.field(default_factory=Samples)


class MlResearchScientist:
    """In: prints, the feed's state and timers. Out: RegimeUpdate after each closed bar of each coin."""

    role: ClassVar[Role] = Role.ML_RESEARCH_SCIENTIST
    hears: ClassVar[tuple[type[Message], ...]] = (UniverseUpdate, Trade, FeedStatus, Woke, Started)

    def __init__(self, settings: Settings) -> None:
        self.state = State()
        self._settings = settings
        self._bar_ns = settings.bar_ms * MS

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from one message; see `shared.hat.Hat`."""
        match message:
            case Trade():
                return self._take_print(message, now)
            case UniverseUpdate():
                self._follow_universe(message)
            case FeedStatus(state=state):
                self.state.is_feed_up = state is FeedState.UP
            case Woke(timer=timer) if timer == BAR_TIMER:
                return [*self._close_by_clock(now), self._next_bar(now)]
            case Woke():
                return [*self._measure(now), self._next_measures(now)]
            case Started():
                return [self._next_bar(now), self._next_measures(now)]
        return []

    def _follow_universe(self, universe: UniverseUpdate) -> None:
        """Keep a series for each coin that can be traded, and none for coins that are gone."""
        known = self.state.coins
        tradable = (instrument.coin for instrument in universe.instruments if not instrument.is_delisted)
        self.state.coins = {name: known.get(name) or CoinState() for name in tradable}

    def _take_print(self, trade: Trade, now: Ns) -> list[RegimeUpdate]:
        coin = self.state.coins.get(trade.coin)
        if coin is None:
            return []
        coin.print_ns = max(coin.print_ns, trade.exch_ns)
        number = trade.exch_ns // self._bar_ns
        closed = coin.bars.take_print(number, trade.px, self._settings.gap_max_bars)
        if trade.recv_ns < (number + 1) * self._bar_ns + self._settings.grace_ms * MS:
            self.state.samples.add(LATE_PRINTS.name, float(closed is None))
        return self._said_after(trade.coin, coin, closed or [], now)

    def _close_by_clock(self, now: Ns) -> list[RegimeUpdate]:
        """Close the bars that silence would leave open, once late prints had their time."""
        number = (now - self._settings.grace_ms * MS) // self._bar_ns
        said: list[RegimeUpdate] = []
        for name, coin in self.state.coins.items():
            said += self._said_after(name, coin, coin.bars.close_before(number, self._settings.gap_max_bars), now)
        return said

    def _said_after(self, name: str, coin: CoinState, closed: list[ClosedBar], now: Ns) -> list[RegimeUpdate]:
        said = []
        for bar in closed:
            self._learn(coin, bar)
            if coin.sigma_bps is None:
                continue
            close_ns = Ns((bar.number + 1) * self._bar_ns)
            self.state.samples.add(BAR_DELAY.name, (now - close_ns) / MS)
            said.append(self._regime(name, coin.volatility, coin.sigma_bps, close_ns))
        if closed and coin.bars.last_close_px == 0:
            # the series ended in a gap: what comes next does not continue it
            coin.volatility.relax()
            coin.sigma_bps = None
        return said

    def _learn(self, coin: CoinState, bar: ClosedBar) -> None:
        """Judge the sigma foretold for this bar, then let the filter see the bar and foretell the next one."""
        seen_bps = None
        if bar.return_bps is not None:
            # a return over several bars is brought to one bar's scale; variance grows with time
            seen_bps = bar.return_bps / bar.span**0.5
            verdict = coin.judge.take(seen_bps, coin.sigma_bps)
            if verdict is not None:
                self.state.samples.add(CALIBRATION.name, verdict.calibration_gap)
                if verdict.skill_nats is not None:
                    self.state.samples.add(LIKELIHOOD_SKILL.name, verdict.skill_nats)
        coin.volatility.take(seen_bps, self._settings)
        coin.sigma_bps = coin.volatility.sigma_bps() if coin.volatility.is_ready else None

    def _regime(self, coin: str, volatility: VolatilityFilter, sigma_bps: float, close_ns: Ns) -> RegimeUpdate:
        calm, normal, turbulent = volatility.chances
        most_likely = max(range(len(_LABELS)), key=volatility.chances.__getitem__)
        return RegimeUpdate(coin, close_ns, self._bar_ns, _LABELS[most_likely], (calm, normal, turbulent), sigma_bps)

    def _measure(self, now: Ns) -> list[Measured]:
        oldest = now - self._settings.covered_bars * self._bar_ns
        for name in self._settings.coins if self.state.is_feed_up else ():
            coin = self.state.coins.get(name)
            self.state.samples.add(COVERAGE.name, float(coin is not None and coin.print_ns > max(oldest, 0)))
        return self.state.samples.report(self.role)

    def _next_bar(self, now: Ns) -> WakeAt:
        """Shortly after the end of the bar that will then be due."""
        grace_ns = self._settings.grace_ms * MS
        return WakeAt(Ns(((now - grace_ns) // self._bar_ns + 1) * self._bar_ns + grace_ns), BAR_TIMER)

    def _next_measures(self, now: Ns) -> WakeAt:
        return WakeAt(Ns(now + self._settings.measures_every_ms * MS), MEASURES_TIMER)
