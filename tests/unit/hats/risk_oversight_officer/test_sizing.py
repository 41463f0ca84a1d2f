"""Sizing against worked numbers: how much equity, volatility, regime and edge allow."""

from __future__ import annotations

import pytest

from hats.risk_oversight_officer.sizing import budget_usd, daily_sigma_bps, fixed_fraction, kelly, volatility_target
from shared.messages.risk import OrderApproved, OrderDenied
from shared.messages.signal import Regime, RegimeUpdate
from shared.units import DAY, HOUR, USD
from tests.unit.hats.risk_oversight_officer.scene import NOW, STRATEGY, intent, judged, officer, say, settings

EQUITY = 100_000 * USD


def test_fixed_fraction() -> None:
    """A quarter of 100,000 is 25,000; nothing of a debt."""
    assert fixed_fraction(EQUITY, 25.0) == 25_000 * USD
    assert fixed_fraction(-EQUITY, 25.0) == 0


def test_volatility_target() -> None:
    """A target of 1 % a day with a coin that moves 4 % a day is a position of a quarter of equity."""
    assert volatility_target(EQUITY, 100.0, 400.0) == 25_000 * USD
    assert volatility_target(EQUITY, 400.0, 100.0) == 400_000 * USD


@pytest.mark.parametrize(
    ("edge_bps", "sigma_bps", "share", "bound", "expected_usd"),
    [
        (10.0, 400.0, 1.0, 1_000.0, 62_500),  # 0.001 / 0.04^2 = 0.625 of equity
        (10.0, 400.0, 0.25, 1_000.0, 15_625),
        (100.0, 400.0, 0.5, 150.0, 150_000),  # 3.125 of equity, held at the bound
        (0.0, 400.0, 1.0, 100.0, 0),
        (-10.0, 400.0, 1.0, 100.0, 0),  # an edge against us is no bet the other way
    ],
)
def test_kelly(edge_bps: float, sigma_bps: float, share: float, bound: float, expected_usd: int) -> None:
    """f = m / s^2 of equity, times the share, within its bounds."""
    assert kelly(EQUITY, edge_bps, sigma_bps, share, bound) == pytest.approx(expected_usd * USD, abs=1)


def test_a_bars_volatility_over_a_day() -> None:
    """24 hourly bars of 100 bps make 490 bps a day."""
    assert daily_sigma_bps(100.0, HOUR) == pytest.approx(489.898, abs=1e-3)
    assert daily_sigma_bps(100.0, DAY) == 100.0


@pytest.mark.parametrize(
    ("regime", "limits", "expected"),
    [
        (Regime.CALM, {"sizing_volatility_bps": 200}, (500 * USD, "volatility target")),
        (Regime.TURBULENT, {"sizing_volatility_bps": 200}, (250 * USD, "volatility target, turbulent")),
        (Regime.CALM, {"sizing_fraction_percent": 30.0}, (300 * USD, "fixed fraction")),
        (
            Regime.CALM,
            {"sizing_volatility_bps": 200, "sizing_edges_bps": {"mm": 8.0}, "sizing_kelly_share": 0.5},
            (250 * USD, "fractional Kelly"),
        ),
        (Regime.CALM, {"sizing_edges_bps": {"another": 8.0}}, (None, "")),
    ],
)
def test_the_smallest_rule_holds(regime: Regime, limits: dict[str, object], expected: tuple[int | None, str]) -> None:
    """Of the rules that are set and can speak the smallest counts, halved in a turbulent regime."""
    hat = officer(equity_usd=1_000)
    say(hat, RegimeUpdate("AAA", NOW, DAY, regime, (0.0, 0.0, 0.0), 400.0))
    found = budget_usd(hat.state, settings(**limits), "AAA", STRATEGY)
    assert found == expected


def test_without_a_volatility_its_rules_are_silent() -> None:
    """Nobody said how volatile the coin is, so nothing is guessed; who is held to Kelly gets nothing meanwhile."""
    hat = officer(sizing_volatility_bps=200)
    assert budget_usd(hat.state, settings(sizing_volatility_bps=200), "AAA", STRATEGY) == (None, "")
    kelly_alone = settings(sizing_edges_bps={STRATEGY: 8.0})
    assert budget_usd(hat.state, kelly_alone, "AAA", STRATEGY) == (0, "fractional Kelly, whose volatility is unknown")
    assert budget_usd(hat.state, kelly_alone, "AAA", None) == (None, "")


def test_an_unknown_regime_is_the_worst() -> None:
    """The rules that need no volatility are scaled down as in a turbulent one."""
    hat = officer(equity_usd=1_000)
    fraction = settings(sizing_fraction_percent=10.0)
    assert budget_usd(hat.state, fraction, "AAA", STRATEGY) == (100 * USD, "fixed fraction")
    hat.state.market.regimes.clear()
    assert budget_usd(hat.state, fraction, "AAA", STRATEGY)[0] == 50 * USD


def test_over_the_budget_is_denied_and_never_clipped() -> None:
    """An intent over its budget is denied whole; the same strategist within it passes whole."""
    hat = officer(equity_usd=1_000, sizing_fraction_percent=10.0)
    assert isinstance(judged(hat, intent(1, sz=101)), OrderDenied)
    answer = judged(hat, intent(2, sz=100))
    assert isinstance(answer, OrderApproved)
    assert answer.intent.sz == 100
