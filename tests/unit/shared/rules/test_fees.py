"""Fees: the recorded truncation, the tiers, and rebates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.fees import PERP_SCHEDULE, RATE_SCALE, FeeRates
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
