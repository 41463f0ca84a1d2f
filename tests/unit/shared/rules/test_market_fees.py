"""What a market does to rates, worked by hand from the documented formula (fact sheet 7)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from shared.rules.fees import FeeRates
from shared.rules.market_fees import MarketFees

BASE = FeeRates(450_000, 150_000)
REBATE = FeeRates(240_000, -30_000)


@pytest.mark.parametrize(
    ("fees", "base", "taker_e9", "maker_e9"),
    [
        (MarketFees(), BASE, 450_000, 150_000),
        (MarketFees(10_000), BASE, 900_000, 300_000),
        (MarketFees(5_000), BASE, 675_000, 225_000),
        (MarketFees(10_000, is_growth=True), BASE, 90_000, 30_000),
        (MarketFees(10_000), REBATE, 480_000, -30_000),
        (MarketFees(10_000, is_growth=True), REBATE, 48_000, -3_000),
        (MarketFees(is_stable_pair=True), BASE, 90_000, 30_000),
        (MarketFees(is_aligned=True), BASE, 360_000, 150_000),
        (MarketFees(is_aligned=True), REBATE, 192_000, -45_000),
        (MarketFees(10_000, is_aligned=True), BASE, 810_000, 300_000),
        (MarketFees(10_000, is_aligned=True), REBATE, 432_000, -37_500),
    ],
)
def test_worked_rates(fees: MarketFees, base: FeeRates, taker_e9: int, maker_e9: int) -> None:
    """Scale, growth, stable pair and aligned token do to fees and to rebates what the formula says."""
    assert fees.rates(base) == FeeRates(taker_e9, maker_e9)


def test_the_deployer_gets_half_at_most() -> None:
    """Below a scale of one the deployer's share is scale / (1 + scale), from one on a half."""
    assert MarketFees(2_500).deployer_share() == Fraction(1, 5)
    assert MarketFees(10_000).deployer_share() == Fraction(1, 2)
    assert MarketFees(30_000).deployer_share() == Fraction(1, 2)
    assert MarketFees().deployer_share() == 0
