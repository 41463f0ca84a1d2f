"""What the strategist is told of size beforehand: the smallest limit of one coin's position, a little below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.risk_oversight_officer.controls.exposure import position_limit_usd
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.sizing import budget_usd
from hats.risk_oversight_officer.state import State
from shared.ids import StrategyId
from shared.messages.risk import SizeBudget
from shared.units import Usd

TOLD_PERCENT: Final = 95
"""So much of the limit is told, so that small moves of equity, price and volatility break nothing."""
LEAST_PERCENT: Final = 85
"""A word that is below so much of the limit is too strict by now."""


def news(state: State, settings: Settings) -> Iterator[SizeBudget]:
    """The budgets whose last word is above the limit by now, or far below it; none while equity is unknown."""
    if state.equity_usd is None:
        return
    named = (None, *(StrategyId(name) for name in sorted(settings.sizing_edges_bps)))
    for coin in sorted(state.market.features.keys() & state.market.instruments.keys()):
        for strategy in named:
            limit_usd, rule = _limit(state, settings, coin, strategy)
            key = f"{coin} {strategy or ''}"
            told_usd = state.budgets_told.get(key)
            if told_usd is None or not limit_usd * LEAST_PERCENT <= told_usd * 100 <= limit_usd * 100:
                state.budgets_told[key] = limit_usd * TOLD_PERCENT // 100
                yield SizeBudget(coin, strategy, Usd(state.budgets_told[key]), rule)


def _limit(state: State, settings: Settings, coin: str, strategy: StrategyId | None) -> tuple[int, str]:
    """The smallest of the limits on one coin's worst position."""
    equity_usd = max(state.equity_usd or 0, 0)
    limits = [
        (position_limit_usd(state, settings, coin), "position limit"),
        (equity_usd * settings.concentration_limit_percent // 100, "concentration"),
    ]
    sized_usd, rule = budget_usd(state, settings, coin, strategy)
    if sized_usd is not None:
        limits.append((sized_usd, rule))
    return min(limits)
