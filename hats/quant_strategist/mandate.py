"""One configured strategy, ready to be asked: its decision, its parameters, its number and its limit."""

from __future__ import annotations

from typing import NamedTuple

from hats.quant_strategist.allocation import holding, limits_usd
from hats.quant_strategist.desk import CoinState, StrategyState
from hats.quant_strategist.permission import Permission
from hats.quant_strategist.quotes import Quote, quotes_from
from hats.quant_strategist.settings import AnyStrategy, Settings, TrendSettings
from hats.quant_strategist.strategies import STRATEGIES, Strategy
from hats.quant_strategist.strategies.decision import Row
from shared.ids import StrategyId
from shared.instrument import Instrument
from shared.messages.signal import FeatureUpdate
from shared.order import Tif
from shared.units import MS, SECOND, Ns


class Mandate(NamedTuple):
    """What never changes of a strategy during a run. `number` is its place in the settings, from zero."""

    id: StrategyId
    number: int
    settings: AnyStrategy
    strategy: Strategy
    params: tuple[float, ...]
    tif: Tif
    limit_usd: int

    def see(self, state: StrategyState, features: FeatureUpdate) -> None:
        """Let the strategy's averages see a new mid, if it has any."""
        match self.settings:
            case TrendSettings(sample_ms=sample_ms, fast_s=fast_s, slow_s=slow_s):
                state.averages.take(features.book_recv_ns, features.mid, sample_ms, fast_s, slow_s)

    def wanted(
        self,
        features: FeatureUpdate,
        coin: CoinState,
        state: StrategyState,
        instrument: Instrument,
        permission: Permission,
        limit_usd: int,
        settings: Settings,
        now: Ns,
    ) -> list[Quote]:
        """What the strategy wants in the market now, exact; only reducing if no more is permitted.

        `limit_usd` is its own limit within the Risk Officer's budget; who holds that much already only reduces.
        """
        is_full = limit_usd < self.limit_usd and abs(state.net_sz) * features.best_bid_px >= limit_usd
        row = self._row(features, coin, state, instrument, settings, now)
        most_usd = self.limit_usd if is_full else limit_usd
        wish = self.strategy.decide(row, holding(state.net_sz, most_usd, features.mid, instrument), self.params)
        reducing = state.net_sz if is_full or permission is Permission.REDUCE else None
        return quotes_from(wish, features, instrument, self.tif, reducing)

    def _row(
        self,
        features: FeatureUpdate,
        coin: CoinState,
        state: StrategyState,
        instrument: Instrument,
        settings: Settings,
        now: Ns,
    ) -> Row:
        sigma_bps, turbulence = volatility_of(coin, settings, now)
        fast, slow = self._averages(state)
        best_bid, best_ask = instrument.px_float(features.best_bid_px), instrument.px_float(features.best_ask_px)
        return Row(
            mid=features.mid,
            # an estimate of the mid that leaves the spread is not believed beyond it
            microprice=min(max(features.microprice, best_bid), best_ask),
            best_bid=best_bid,
            best_ask=best_ask,
            sigma_bps=sigma_bps,
            turbulence=turbulence,
            funding_bps=coin.funding_bps,
            fast=fast,
            slow=slow,
        )

    def _averages(self, state: StrategyState) -> tuple[float, float]:
        match self.settings:
            case TrendSettings(sample_ms=sample_ms, slow_s=slow_s) if state.averages.are_grown(sample_ms, slow_s):
                return state.averages.fast, state.averages.slow
        return 0.0, 0.0


def volatility_of(coin: CoinState, settings: Settings, now: Ns) -> tuple[float, float]:
    """Volatility in bps per root second and the chance of turbulence; the careful guess while the regime is unknown."""
    regime = coin.regime
    if regime is None or now - coin.regime_ns > settings.regime_stale_ms * MS:
        return settings.sigma_fallback_bps, 1.0
    return regime.sigma_bps / (regime.bar_ns / SECOND) ** 0.5, regime.probabilities[2]


def mandates_from(settings: Settings) -> dict[StrategyId, Mandate]:
    """Every configured strategy by its id, in the settings' order."""
    limits = limits_usd(settings)
    mandates = {}
    for number, chosen in enumerate(settings.strategies):
        strategy, name = STRATEGIES[chosen.kind], StrategyId(chosen.id)
        tif = Tif(chosen.tif) if isinstance(chosen, TrendSettings) else Tif.ALO
        mandates[name] = Mandate(name, number, chosen, strategy, strategy.params(chosen), tif, limits[name])
    return mandates
