"""The trend follower."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.quant_strategist.settings import TrendSettings
from hats.quant_strategist.strategies.decision import NOTHING, Holding, Row
from hats.quant_strategist.strategies.trend import cross_z, decide, params_from, target_net

SETTINGS = TrendSettings(id="trend", coin="BTC", capital_share=0.5)
PARAMS = params_from(SETTINGS)


def row(gap_bps: float, sigma_bps: float = 1.0, funding_bps: float = 0.0) -> Row:
    """A market at 100 whose fast average stands `gap_bps` above the slow one."""
    return Row(100.0, 100.0, 99.99, 100.01, sigma_bps, 0.0, funding_bps, 100.0 * (1 + gap_bps / 1e4), 100.0)


def test_the_cross_is_standard_normal_on_a_random_walk() -> None:
    """Over a long walk the mean square of z is near one: thresholds mean what they say."""
    rng, mid, fast, slow, squares, n = random.Random(2), 100.0, 100.0, 100.0, 0.0, 0
    for step in range(60_000):
        mid *= 1.0 + rng.gauss(0.0, 1e-4)
        fast += (mid - fast) / 10.0
        slow += (mid - slow) / 40.0
        if step > 1_000:
            z = cross_z(Row(mid, mid, mid, mid, 1.0, 0.0, 0.0, fast, slow), PARAMS)
            squares, n = squares + z * z, n + 1
    assert squares / n == pytest.approx(1.0, abs=0.15)


def test_a_strong_trend_is_followed_through_the_quote() -> None:
    """A cross beyond full_z takes the whole limit, priced at the best ask plus the collar."""
    wish = decide(row(20.0), Holding(0.0, 10.0), PARAMS)
    assert list(wish) == pytest.approx([100.01 * 1.0005, 10.0, 0.0, 0.0])
    wish = decide(row(-20.0), Holding(0.0, 10.0), PARAMS)
    assert list(wish) == pytest.approx([0.0, 0.0, 99.99 * 0.9995, 10.0])


def test_between_the_thresholds_a_position_is_kept() -> None:
    """Neither opened nor closed; below exit_z it is closed, and when the cross turns too."""
    holding = Holding(5.0, 10.0)
    between = row(2.0)
    assert PARAMS.exit_z < cross_z(between, PARAMS) < PARAMS.enter_z
    assert decide(between, holding, PARAMS) == NOTHING
    assert decide(between, Holding(0.0, 10.0), PARAMS) == NOTHING
    assert decide(row(0.1), holding, PARAMS).ask_sz == 5.0
    assert decide(row(-2.0), holding, PARAMS).ask_sz == 5.0


def test_size_shrinks_with_volatility() -> None:
    """At four times the target volatility the same z buys a quarter."""
    quiet = target_net(5.0, row(0.0, sigma_bps=2.0), Holding(0.0, 8.0), PARAMS)
    wild = target_net(5.0, row(0.0, sigma_bps=8.0), Holding(0.0, 8.0), PARAMS)
    assert (quiet, wild) == (8.0, 2.0)


def test_funding_is_taken_off_the_signal() -> None:
    """A long that pays is less attractive."""
    assert cross_z(row(5.0, funding_bps=10.0), PARAMS) < cross_z(row(5.0), PARAMS)


def test_young_averages_decide_nothing() -> None:
    """Zero averages mean not grown."""
    assert decide(Row(100.0, 100.0, 99.9, 100.1, 1.0, 0.0, 0.0, 0.0, 0.0), Holding(5.0, 10.0), PARAMS) == NOTHING


@given(st.floats(-200, 200), st.floats(0.05, 50), st.floats(-15, 15))
def test_the_position_goes_into_the_limit_and_stays(gap_bps: float, sigma_bps: float, net: float) -> None:
    """After the wish is filled the position is inside the limit, or nothing was wished and it is inside enough."""
    wish = decide(row(gap_bps, sigma_bps), Holding(net, 10.0), PARAMS)
    after = net + wish.bid_sz - wish.ask_sz
    assert min(wish.bid_sz, wish.ask_sz) == 0.0
    assert abs(after) <= 10.0 * (1 + PARAMS.rebalance_share) + 1e-9
    assert wish == NOTHING or abs(after) <= 10.0 + 1e-9
