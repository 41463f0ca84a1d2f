"""Each statistic is what its name says, on data small enough to check by hand or random enough to know."""

from __future__ import annotations

import math
from random import Random

import pytest

from shared.units import SECOND
from shared.venue.flow.statistics import (
    BookSample,
    ImpactPoint,
    Observed,
    TradeSample,
    autocorrelation,
    impact_exponent,
    kurtosis,
    table_of,
)


def observed(mids: list[float], trades: list[tuple[float, bool, float]]) -> Observed:
    """One book a second with a spread of 0.02 and known depth; trades as (second, is_buy, usd)."""
    books = [BookSample(n * SECOND, mid - 0.01, mid + 0.01, (10.0, 20.0, None)) for n, mid in enumerate(mids)]
    samples = [TradeSample(int(at * SECOND), is_buy, usd) for at, is_buy, usd in trades]
    return Observed(SECOND, books, samples, updates=30)


def test_a_hand_made_market_has_the_figures_computed_by_hand() -> None:
    """Spread 2 bps of 100, depth as given or unknown, one trade a second, and moves toward the taker."""
    mids = [100.0, 100.1, 100.0, 100.2, 100.2, 100.0, 99.9]
    trades = [(0.5, True, 50.0), (1.5, False, 50.0), (2.5, True, 90.0), (4.5, False, 90.0), (5.5, False, 40.0)]
    table = table_of(observed(mids, trades))
    assert table.seconds == 6.0
    assert table.spread_bps[1] == pytest.approx(2.0, rel=0.01)
    assert table.depth_usd[:2] == (10.0, 20.0)
    assert math.isnan(table.depth_usd[2])
    assert table.trades_per_s == pytest.approx(5 / 6)
    assert table.trade_usd == 50.0
    assert table.updates_per_s == 5.0
    assert [point.usd for point in table.impact] == [40.0, 50.0, 50.0, 90.0, 90.0]
    assert table.impact[0].move_bps == pytest.approx(10.0, rel=0.01)
    assert table.impact[-1].move_bps == pytest.approx(20.0, rel=0.01)
    assert table.count_dispersion[0] == pytest.approx((5 / 36) / (5 / 6))


def test_known_distributions_are_recognised() -> None:
    """Normal returns have kurtosis 3 and no memory; an alternating series has memory -1 and +1."""
    chance = Random(2)
    normal = [chance.gauss(0.0, 1.0) for _ in range(50_000)]
    assert kurtosis(normal) == pytest.approx(3.0, abs=0.1)
    assert abs(autocorrelation(normal, 1)) < 0.02
    swing = [1.0, -1.0] * 50
    assert autocorrelation(swing, 1) == pytest.approx(-0.99)
    assert autocorrelation(swing, 2) == pytest.approx(0.98)


def test_too_little_data_is_not_a_number() -> None:
    """Nothing is made up from nothing."""
    assert math.isnan(autocorrelation([1.0, 2.0], 5))
    assert math.isnan(autocorrelation([1.0] * 20, 1))
    assert math.isnan(kurtosis([1.0]))
    assert math.isnan(impact_exponent(()))
    assert table_of(observed([100.0, 100.1, 100.2], [])).impact == ()


def test_the_exponent_of_a_square_root_is_a_half() -> None:
    """A curve of the form move = c volume^(1/2)."""
    curve = [ImpactPoint(usd, 0.3 * math.sqrt(usd)) for usd in (10.0, 100.0, 1000.0)]
    assert impact_exponent(curve) == pytest.approx(0.5)
