"""Statistics of the equity curve do what their formulas say."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.performance_quant_analyst import metrics

curves = st.lists(st.integers(1, 10**12), min_size=1, max_size=60)


@given(curves)
def test_max_drawdown_is_the_deepest_fall_from_an_earlier_peak(values: list[int]) -> None:
    """The online figure equals the one over all pairs."""
    curve = metrics.Curve()
    for value in values:
        curve.add(value)
    pairs = [(a - b) / a for i, a in enumerate(values) for b in values[i:]]
    assert curve.max_drawdown_ratio == pytest.approx(max(0.0, *pairs))


@settings(max_examples=50)
@given(st.lists(st.integers(10**6, 2 * 10**6), min_size=5, max_size=50))
def test_sharpe_is_mean_over_deviation_annualised(values: list[int]) -> None:
    """Equal to the textbook formula with sample deviation and 365 days."""
    returns = [b / a - 1 for a, b in itertools.pairwise(values)]
    deviation = statistics.stdev(returns)
    found = metrics.sharpe(values, 60.0, 4)
    if deviation == 0:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(
            statistics.mean(returns) / deviation * math.sqrt(365 * 24 * 60), rel=1e-6, abs=1e-6
        )


def test_sharpe_is_unknown_until_there_is_enough() -> None:
    """Too few returns, no movement and lost capital give NaN, never a number."""
    assert math.isnan(metrics.sharpe([100, 101, 102], 1.0, 3))
    assert math.isnan(metrics.sharpe([100] * 50, 1.0, 3))
    assert math.isnan(metrics.sharpe([100, 0, 100, 120], 1.0, 2))


def test_win_rate_and_turnover_are_unknown_without_evidence() -> None:
    """NaN before the first round trip and without equity."""
    assert math.isnan(metrics.win_rate(0, 0))
    assert metrics.win_rate(1, 4) == 0.25
    assert math.isnan(metrics.turnover_ratio(5, 0))
    assert metrics.turnover_ratio(50, 100) == 0.5


def test_the_curve_stays_bounded_and_even() -> None:
    """However long it runs, points stay within the limit and lie one stride apart."""
    curve = metrics.Curve()
    for value in range(1, 20_001):
        curve.add(value)
    assert len(curve.equity_usd) <= metrics.POINTS_KEPT
    gaps = {b - a for a, b in itertools.pairwise(curve.equity_usd)}
    assert gaps == {curve.stride}
