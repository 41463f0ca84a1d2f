"""Capital shares and the Risk Officer's budgets become limits: how much notional each strategy may hold."""

from __future__ import annotations

from collections.abc import Mapping

from hats.quant_strategist.settings import Settings
from hats.quant_strategist.strategies.decision import Holding
from shared.ids import StrategyId
from shared.instrument import Instrument
from shared.units import USD, usd_to_float


def limits_usd(settings: Settings) -> dict[StrategyId, int]:
    """Most notional of each strategy's position, in micro-USDC; together never more than the capital."""
    capital = settings.capital_usd * USD
    return {StrategyId(strategy.id): int(capital * strategy.capital_share) for strategy in settings.strategies}


def within_budgets(own_usd: int, on_coin_usd: int, budgets_usd: Mapping[str, int], strategy: StrategyId) -> int:
    """The strategy's limit within the coin's budget, which those who trade the coin share as they share the capital.

    `own_usd` is its limit by capital, `on_coin_usd` the sum of all on the coin. Never more than its own limit.
    """
    limits = [own_usd]
    if "" in budgets_usd and on_coin_usd > 0:
        limits.append(own_usd * budgets_usd[""] // on_coin_usd)
    if strategy in budgets_usd:
        limits.append(budgets_usd[strategy])
    return min(limits)


def holding(net_sz: int, limit_usd: int, mid: float, instrument: Instrument) -> Holding:
    """The position and its limit in coins at this mid."""
    return Holding(instrument.sz_float(net_sz), usd_to_float(limit_usd) / mid)
