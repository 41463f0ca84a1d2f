"""Funding: impact prices, the clamp, the cap, and who pays."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.book import Level
from shared.rules.funding import (
    HOURLY_CAP_E10,
    RATE_SCALE,
    FundingTerms,
    deployed_premium_e10,
    hourly_rate_e10,
    hyperp_premium_e10,
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


@pytest.mark.parametrize(
    ("coin", "oracle", "bid", "ask", "premium"),
    [
        ("BTC", 1_131_060, 1_130_790, 1_130_800, "-0.0002298729"),
        ("ETH", 430_290, 430_600, 430_610, "0.0007204444"),
        ("ATOM", 44_160, 44_114, 44_136, "-0.0005434783"),
    ],
)
def test_recorded_premiums(coin: str, oracle: int, bid: int, ask: int, premium: str) -> None:
    """Oracle, impact prices and premium as mainnet told them in August 2025 (recorded metaAndAssetCtxs)."""
    assert premium_e10(oracle, Fraction(bid), Fraction(ask)) == round(float(premium) * RATE_SCALE), coin


@pytest.mark.parametrize(
    ("coin", "oracle", "bid", "ask", "premium"),
    [
        ("xyz:XYZ100", 2_465_700, 2_465_500, 2_465_700, "-0.0000405564"),
        ("xyz:TSLA", 399_600, 399_288, 399_542, "-0.000462963"),
        ("xyz:EUR", 117_900, 117_934, 117_956, "0.0003816794"),
    ],
)
def test_recorded_premiums_of_deployed_perps(coin: str, oracle: int, bid: int, ask: int, premium: str) -> None:
    """The same of the dex `xyz` in February 2026: impact prices around the oracle count too."""
    assert deployed_premium_e10(oracle, Fraction(bid), Fraction(ask)) == round(float(premium) * RATE_SCALE), coin


def test_the_recorded_floor_of_a_dex_that_halves_its_rates() -> None:
    """0.00000625 an hour on `xyz`, half of the first dex's floor."""
    assert hourly_rate_e10(0, FundingTerms(multiplier_e6=500_000)) == 62_500


def test_a_multiplier_acts_before_the_cap_and_an_interest_pulls() -> None:
    """Ten times 1 % / 8 is capped at 4 %; no interest and no premium is no funding (fact sheet 6)."""
    assert hourly_rate_e10(10**9, FundingTerms(multiplier_e6=10_000_000)) == HOURLY_CAP_E10
    assert hourly_rate_e10(0, FundingTerms(interest_e10=0)) == 0
    assert hourly_rate_e10(10**8, FundingTerms(multiplier_e6=0)) == 0


def test_a_hyperps_premium_counts_one_percent() -> None:
    """50 % over its average is 0.5 % (fact sheet 5.5)."""
    assert hyperp_premium_e10(RATE_SCALE // 2) == RATE_SCALE // 200
