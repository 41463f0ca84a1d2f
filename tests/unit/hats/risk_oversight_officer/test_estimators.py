"""The estimators of one series, by hand and against closed forms."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from hats.risk_oversight_officer.estimators import (
    Risk,
    cornish_fisher,
    expanded,
    expanded_beyond,
    historical,
    is_in_domain,
    normal,
    normal_tail,
)
from shared.errors import DataError


def test_historical_is_linear_between_order_statistics() -> None:
    """The 2.5 % quantile of 0..-100 lies half-way between the third and fourth worst; the mean is of what is beyond."""
    returns = -np.arange(101.0)
    assert historical(returns, 0.025) == Risk(97.5, 99.0)


def test_normal_is_its_closed_form() -> None:
    """VaR = 1.645 and ES = 2.063 standard deviations at 5 %."""
    returns = np.array([-1.0, 1.0] * 500)
    sigma = float(returns.std(ddof=1))
    found = normal(returns, 0.05)
    assert found.var == pytest.approx(1.6448536 * sigma)
    assert found.shortfall == pytest.approx(2.0627128 * sigma)


def test_cornish_fisher_without_skew_and_kurtosis_is_normal() -> None:
    """On normal quantiles the corrections nearly vanish, for the shortfall too."""
    returns = np.array([NormalDist().inv_cdf((n + 0.5) / 20_000) for n in range(20_000)])
    found = cornish_fisher(returns, 0.05)
    assert found.var == pytest.approx(1.645, abs=0.01)
    assert found.shortfall == pytest.approx(2.063, abs=0.02)


def test_cornish_fisher_moves_with_kurtosis() -> None:
    """z = -2.326, excess kurtosis 1: the quantile is z + (z^3 - 3 z) / 24 = -2.560, worked by hand."""
    assert expanded(-2.3263479, 0.0, 1.0) == pytest.approx(-2.5601, abs=1e-4)
    assert expanded(-2.3263479, -0.5, 0.0) == pytest.approx(-2.3263479 - 0.367658 + 0.0941, abs=1e-3)


@pytest.mark.parametrize(("skew", "excess"), [(0.0, 0.0), (-0.6, 2.0), (0.5, 1.0), (0.0, 6.0)])
@pytest.mark.parametrize("tail", [0.01, 0.025, 0.05])
def test_the_mean_beyond_is_that_of_the_quantiles(tail: float, skew: float, excess: float) -> None:
    """The closed form is what a sum over the tail's quantiles comes to."""
    steps = [(n + 0.5) / 20_000 * tail for n in range(20_000)]
    summed = sum(expanded(NormalDist().inv_cdf(step), skew, excess) for step in steps) / len(steps)
    assert expanded_beyond(normal_tail(tail), skew, excess) == pytest.approx(summed, rel=1e-4)


@pytest.mark.parametrize(
    ("skew", "excess", "is_in"),
    [
        (0.0, 0.0, True),
        (0.0, 8.0, True),
        (0.0, 8.01, False),
        (0.0, -0.1, True),
        (0.0, -0.3, False),
        (0.5, 1.0, True),
        (3.0, 9.0, False),
    ],
)
def test_its_domain(skew: float, excess: float, is_in: bool) -> None:
    """Without skew up to an excess kurtosis of 8; beyond it the expansion falls somewhere: no quantile function."""
    assert is_in_domain(skew, excess) is is_in
    z = np.linspace(-6, 6, 4_001)
    slope = 1 + 5 * skew**2 / 36 - excess / 8 + skew / 3 * z + (excess / 8 - skew**2 / 6) * z**2
    assert bool((slope >= -1e-9).all()) is is_in


def test_outside_its_domain_it_refuses() -> None:
    """One crash in a quiet year is no case for an expansion."""
    with pytest.raises(DataError, match="no quantile function"):
        cornish_fisher(np.array([0.001, -0.001] * 125 + [-0.5]), 0.01)
    with pytest.raises(DataError, match="vary"):
        cornish_fisher(np.zeros(10), 0.01)
