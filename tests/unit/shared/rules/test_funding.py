"""Funding: impact prices, the clamp, the cap, and who pays."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.book import Level
from shared.rules.funding import (
    HOURLY_CAP_E10,
    RATE_SCALE,
    hourly_rate_e10,
    impact_notional_usd,
    impact_px,
    mean_premium_e10,
    payment_usd,
    premium_e10,
)
from shared.units import USD, Px, Sz


def test_no_premium_gives_the_floor_rate() -> None:
    """P = 0 gives 0.01 % for eight hours, 0.0000125 an hour (fact sheet 6)."""
    assert hourly_rate_e10(0) == 125_000


def test_small_premiums_do_not_matter_and_large_ones_do() -> None:
    """Between -0.04 % and 0.06 % the interest pulls all the way; beyond, by 0.05 % only (fact sheet 6)."""
    assert hourly_rate_e10(6_000_000) == hourly_rate_e10(-4_000_000) == 125_000
    assert hourly_rate_e10(14_000_000) == (14_000_000 - 5_000_000) // 8
    assert hourly_rate_e10(-12_000_000) == (-12_000_000 + 5_000_000) // 8


def test_the_rate_is_capped_at_four_percent_an_hour() -> None:
    """A premium of half the price still costs 4 % an hour (fact sheet 6)."""
    assert hourly_rate_e10(RATE_SCALE // 2) == HOURLY_CAP_E10
    assert hourly_rate_e10(-RATE_SCALE // 2) == -HOURLY_CAP_E10


def test_recorded_payment() -> None:
    """Long 40.1333 at -0.00029319 received 0.145796 (fact sheet 6, recorded; 12.3906 is the oracle that fits)."""
    assert payment_usd(401_333, 123_906, -2_931_900) // 100 == 145_796
    assert payment_usd(-401_333, 123_906, -2_931_900) < 0


def test_impact_notional_by_coin() -> None:
    """20,000 USDC for BTC and ETH, 6,000 for others (fact sheet 6)."""
    assert [impact_notional_usd(coin) for coin in ("BTC", "ETH", "SOL")] == [20_000 * USD, 20_000 * USD, 6_000 * USD]


def test_impact_price_is_the_average_of_the_sweep() -> None:
    """Half the notional at 100 and half at 200 buys 1 + 0.5 lots: average 133 1/3; a thinner book has none."""
    levels = [Level(Px(100), Sz(1), 1), Level(Px(200), Sz(5), 1)]
    assert impact_px(levels, 200) == Fraction(400, 3)
    assert impact_px(levels, 1_100) == Fraction(1_100, 6)
    assert impact_px(levels, 1_101) is None


def test_premium_needs_an_impact_price_beyond_the_oracle() -> None:
    """The oracle inside the impact spread means no premium; outside, the distance over the oracle (fact sheet 6)."""
    assert premium_e10(1_000, Fraction(999), Fraction(1_001)) == 0
    assert premium_e10(1_000, Fraction(1_002), Fraction(1_003)) == 2 * RATE_SCALE // 1_000
    assert premium_e10(1_000, Fraction(996), Fraction(997)) == -3 * RATE_SCALE // 1_000


def test_mean_premium() -> None:
    """Nearest integer of the mean; no samples, no premium."""
    assert mean_premium_e10(5, 2) == 3
    assert mean_premium_e10(0, 0) == 0


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8), st.integers(1, 10**7), st.integers(-(10**8), 10**8)
)
def test_funding_is_zero_sum_up_to_a_unit_each(nets: list[int], oracle: int, rate: int) -> None:
    """Positions that sum to zero pay each other; truncation leaves less than a micro-USDC a head."""
    nets = [*nets, -sum(nets)]
    assert abs(sum(payment_usd(net, oracle, rate) for net in nets)) < len(nets)


@given(st.integers(-(10**10), 10**10), st.integers(0, 10**9))
def test_the_rate_rises_with_the_premium(premium: int, more: int) -> None:
    """A higher premium never gives a lower rate."""
    assert hourly_rate_e10(premium + more) >= hourly_rate_e10(premium)
