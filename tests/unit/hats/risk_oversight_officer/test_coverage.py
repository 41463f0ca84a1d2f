"""The backtests of a risk forecast, against published cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hats.risk_oversight_officer.coverage import (
    acerbi_szekely,
    conditional_coverage,
    independence,
    independence_of,
    kupiec,
    transitions,
)

CRITICAL_95 = 3.841


def test_kupiec_of_jp_morgan_1998() -> None:
    """20 exceedances in 252 days at 95 %: LR 3.91, rejected. Source: Jorion (2007), "Value at Risk", chapter 6."""
    found = kupiec(20, 252, 0.05)
    assert found.statistic == pytest.approx(3.91, abs=0.005)
    assert found.p_value == pytest.approx(0.048, abs=0.0005)


@pytest.mark.parametrize(
    ("tail", "observations", "below", "above"),
    [
        (0.01, 255, 0, 7),  # N < 7
        (0.01, 510, 1, 11),
        (0.01, 1_000, 4, 17),
        (0.025, 255, 2, 12),
        (0.025, 510, 6, 21),
        (0.025, 1_000, 15, 36),
        (0.05, 255, 6, 21),
        (0.05, 510, 16, 36),
        (0.05, 1_000, 37, 65),
    ],
)
def test_kupiecs_regions(tail: float, observations: int, below: int, above: int) -> None:
    """Strictly between the bounds the forecast is not rejected at 95 %, at them it is. Source: Kupiec (1995)."""
    kept = [n for n in range(observations) if kupiec(n, observations, tail).statistic < CRITICAL_95]
    assert kept == list(range(below + 1 if below else kept[0], above))
    assert below or kept[0] <= 1


def test_christoffersen_of_jp_morgan_1998() -> None:
    """Of the same 20, six followed another: LR 9.53, and 13.44 with coverage. Source: Jorion (2007), chapter 6."""
    alone = independence_of(218, 14, 14, 6)
    assert alone.statistic == pytest.approx(9.53, abs=0.005)
    assert alone.statistic + kupiec(20, 252, 0.05).statistic == pytest.approx(13.44, abs=0.01)


def test_both_at_once_is_their_sum() -> None:
    """Conditional coverage adds the two ratios, with two degrees of freedom."""
    hits = np.zeros(500, dtype=bool)
    hits[[10, 11, 12, 200, 201, 400]] = True
    both, one, other = conditional_coverage(hits, 0.01), kupiec(6, 500, 0.01), independence(hits)
    assert both.statistic == pytest.approx(one.statistic + other.statistic)
    assert both.p_value == pytest.approx(math.exp(-both.statistic / 2))
    assert transitions(hits) == (490, 3, 3, 3)


def test_nothing_and_everything_are_numbers() -> None:
    """No exceedance, only exceedances and no day at all have a ratio, as 0 ln 0 is 0."""
    assert kupiec(0, 250, 0.01).statistic == pytest.approx(-2 * 250 * math.log(0.99))
    assert kupiec(5, 5, 0.5).statistic == pytest.approx(2 * 5 * math.log(2))
    assert independence(np.zeros(10, dtype=bool)) == (0.0, 1.0)
    assert kupiec(0, 0, 0.01).statistic == 0.0


def test_acerbi_szekely_by_hand() -> None:
    """Two exceedances where one was promised, each twice the shortfall: Z2 = 1 - 4."""
    losses = np.array([10.0, 10.0] + [0.0] * 98)
    assert acerbi_szekely(losses, np.full(100, 4.0), np.full(100, 5.0), 0.01) == pytest.approx(-3.0)


@pytest.mark.parametrize("freedom", [0, 3, 10])
def test_acerbi_szekely_s_published_critical_value(freedom: int) -> None:
    """Under a right forecast about 5 % of 250-day samples have Z2 below -0.70 at 2.5 %, for normal and Student tails.

    Source: Acerbi & Szekely (2014), table 4: -0.82 for t(3), -0.71 for t(10), -0.70 for the normal.
    """
    chance = np.random.Generator(np.random.PCG64(freedom + 11))
    shape = (20_000, 250)
    losses = chance.standard_t(freedom, shape) if freedom else chance.standard_normal(shape)
    var = {0: 1.95996, 3: 3.18245, 10: 2.22814}[freedom]
    beyond = losses[losses > var].mean()
    z2 = 1.0 - np.where(losses > var, losses / beyond, 0.0).sum(axis=1) / (250 * 0.025)
    one = acerbi_szekely(losses[0], np.full(250, var), np.full(250, beyond), 0.025)
    assert one == pytest.approx(float(z2[0]))
    critical = {0: -0.70, 3: -0.82, 10: -0.71}[freedom]
    assert float(np.quantile(z2, 0.05)) == pytest.approx(critical, abs=0.03)
