"""Capital shares become limits: how much notional, and how many coins, each strategy may hold."""

from __future__ import annotations

from hats.quant_strategist.settings import Settings
from hats.quant_strategist.strategies.decision import Holding
from shared.ids import StrategyId
from shared.instrument import Instrument
from shared.units import USD, usd_to_float


def limits_usd(settings: Settings) -> dict[StrategyId, int]:
    """Most notional of each strategy's position, in micro-USDC; together never more than the capital."""
    capital = settings.capital_usd * USD
    return {StrategyId(strategy.id): int(capital * strategy.capital_share) for strategy in settings.strategies}


def holding(net_sz: int, limit_usd: int, mid: float, instrument: Instrument) -> Holding:
    """The position and its limit in coins at this mid."""
    return Holding(instrument.sz_float(net_sz), usd_to_float(limit_usd) / mid)
