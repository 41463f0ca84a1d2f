"""Capital shares."""

from __future__ import annotations

import pytest

from hats.quant_strategist.allocation import holding, limits_usd, within_budgets
from hats.quant_strategist.settings import Settings
from shared.ids import StrategyId
from shared.instrument import Instrument


def test_limits_are_shares_of_the_capital() -> None:
    """Half and three tenths of 50,000 USDC, in micro-USDC."""
    assert limits_usd(Settings()) == {"mm_btc": 25_000_000_000, "trend_eth": 15_000_000_000}


def test_holding_is_in_coins() -> None:
    """500 lots of a thousandth are half a coin; 25,000 USDC at 50,000 as well."""
    held = holding(-500, 25_000_000_000, 50_000.0, Instrument("BTC", 0, 3, 50))
    assert list(held) == pytest.approx([-0.5, 0.5])


def test_a_coins_budget_is_shared_as_the_capital_is() -> None:
    """Unheard is no limit; what is heard never raises one; a strategy's own word counts beside it."""
    mm = StrategyId("mm")
    assert within_budgets(300, 400, {}, mm) == 300
    assert within_budgets(300, 400, {"": 500}, mm) == 300
    assert within_budgets(300, 400, {"": 200}, mm) == 150
    assert within_budgets(300, 400, {"": 200, "mm": 40, "trend": 1}, mm) == 40
    assert within_budgets(300, 400, {"": 0}, mm) == 0
