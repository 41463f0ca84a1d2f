"""Fees: the recorded truncation, the tiers, and rebates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.fees import (
    HYPE,
    PERP_SCHEDULE,
    RATE_SCALE,
    SPOT_SCHEDULE,
    FeeRates,
    FeeStanding,
    builder_fee_usd,
    charged_rates,
    maker_rebate_e9,
    referrer_share_usd,
    shown_rates,
    staking_percent,
    weighted_spot_usd,
)
from shared.units import USD

BASE = PERP_SCHEDULE.rates_at(0)


def test_recorded_taker_fee_is_truncated() -> None:
    """0.0025 ETH at 4307.4 costs 0.004845, not 0.004846 (fact sheet 1.4, recorded)."""
    assert BASE.fee_usd(430_740 * 25, is_taker=True) == 4_845


def test_base_tier_is_taker_0_045_and_maker_0_015_percent() -> None:
    """A million USDC costs 450 as a taker and 150 as a maker (fact sheet 7)."""
    assert BASE.fee_usd(10**6 * USD, is_taker=True) == 450 * USD
    assert BASE.fee_usd(10**6 * USD, is_taker=False) == 150 * USD


@pytest.mark.parametrize(
    ("volume_musd", "taker_e9", "maker_e9"),
    [(0, 450_000, 150_000), (5, 450_000, 150_000), (6, 400_000, 120_000), (101, 300_000, 40_000), (9_000, 240_000, 0)],
)
def test_tiers(volume_musd: int, taker_e9: int, maker_e9: int) -> None:
    """The highest tier that the volume exceeds holds; a cutoff itself is still below it (fact sheet 7)."""
    assert PERP_SCHEDULE.rates_at(volume_musd * 10**6 * USD) == FeeRates(taker_e9, maker_e9)


def test_a_rebate_is_truncated_toward_zero() -> None:
    """A maker rate below zero pays the user, never more than the exact amount."""
    assert FeeRates(240_000, -10_000).fee_usd(199_999, is_taker=False) == -1


@given(st.integers(0, 10**18), st.integers(-30_000, 1_000_000))
def test_a_fee_is_never_further_from_zero_than_exact(notional: int, rate_e9: int) -> None:
    """Truncation moves a fee toward zero by less than one micro-USDC."""
    fee = FeeRates(rate_e9, 0).fee_usd(notional, is_taker=True)
    exact = notional * rate_e9
    assert abs(fee) * RATE_SCALE <= abs(exact) < (abs(fee) + 1) * RATE_SCALE


def test_spot_costs_more() -> None:
    """The first tier of spot is 0.070 % and 0.040 % (fact sheet 7)."""
    assert SPOT_SCHEDULE.rates_at(0) == FeeRates(700_000, 400_000)


@pytest.mark.parametrize(
    ("share_bps", "rebate"), [(50, None), (51, -10_000), (150, -10_000), (151, -20_000), (300, -20_000), (301, -30_000)]
)
def test_rebates_go_by_share_of_the_maker_volume(share_bps: int, rebate: int | None) -> None:
    """More than 0.5, 1.5 and 3 % of the maker volume earn 0.001, 0.002 and 0.003 % (fact sheet 7)."""
    assert maker_rebate_e9(share_bps * USD, 10_000 * USD) == rebate


@pytest.mark.parametrize(
    ("hype", "percent"), [(0, 0), (10, 0), (11, 5), (101, 10), (1_001, 15), (10_001, 20), (100_001, 30), (500_001, 40)]
)
def test_stake_takes_percents_off(hype: int, percent: int) -> None:
    """More than 10, 100, 1k, 10k, 100k and 500k HYPE (fact sheet 7)."""
    assert staking_percent(hype * HYPE) == percent


def test_stake_and_referral_multiply() -> None:
    """A referred staker of 1,001 HYPE in the first tier pays 0.045 % x 0.85 x 0.96; shown without the last."""
    standing = FeeStanding(stake=1_001 * HYPE, is_referred=True)
    assert shown_rates(PERP_SCHEDULE, standing) == FeeRates(382_500, 127_500)
    assert charged_rates(PERP_SCHEDULE, standing) == FeeRates(367_200, 122_400)


def test_discounts_leave_a_rebate_alone() -> None:
    """Discounts are on positive fees only: 0.024 % x 0.6 x 0.96 as a taker, the full 0.003 % back as a maker."""
    standing = FeeStanding(8 * 10**9 * USD, 4 * USD, 100 * USD, 600_000 * HYPE, True)
    assert charged_rates(PERP_SCHEDULE, standing) == FeeRates(138_240, -30_000)


def test_builders_and_referrers_take_whole_micro_units() -> None:
    """10 tenths of a bp of 10.7685 USDC is 0.001076 (truncated); the referrer has a tenth of 0.004845."""
    assert builder_fee_usd(10_768_500, 10) == 1_076
    assert referrer_share_usd(4_845) == 484
    assert referrer_share_usd(-100) == 0


def test_spot_volume_counts_twice_its_cents() -> None:
    """Measured: 2 x the gross truncated to cents (fact sheet 7)."""
    assert weighted_spot_usd(12_349_999) == 24_680_000
