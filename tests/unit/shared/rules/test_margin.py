"""Margin: tiers, deductions and the liquidation price, against the fact sheet's numbers."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.rules.margin import (
    MAINNET_TABLES,
    MarginTiers,
    deductions,
    exceeds_tier,
    initial_margin_usd,
    liquidation_px,
    maintenance_usd,
    single_tier,
    tier_index,
    withdrawable_usd,
)
from shared.units import USD

BTC = MAINNET_TABLES[56]
tables = st.sampled_from(sorted(MAINNET_TABLES)).map(MAINNET_TABLES.__getitem__)
notionals = st.integers(0, 10**9 * USD)


def test_worked_maintenance_of_a_large_btc_long() -> None:
    """200M of BTC: deduction 1.875M, maintenance 3.125M (fact sheet 5.2)."""
    assert list(deductions(BTC)) == [0, 1_875_000 * USD]
    assert maintenance_usd(BTC, 200_000_000 * USD) == 3_125_000 * USD


def test_worked_liquidation_price_of_the_documented_position() -> None:
    """0.0335 ETH at 2985.9 with margin 4.967826 and 50x is liquidated at 2866.26936529 (fact sheet 1.5, 5.4)."""
    px = liquidation_px(single_tier(50), 335, 298_590, 4_967_826)
    assert px is not None
    assert px * 10**6 // 1 == 2866_26936529


def test_a_long_that_can_lose_everything_has_no_liquidation_price() -> None:
    """With more equity than the position is worth, the price would be below zero."""
    assert liquidation_px(single_tier(50), 100, 1_000, 200_000) is None
    assert liquidation_px(single_tier(50), 0, 1_000, 200_000) is None


def test_margin_used_is_truncated() -> None:
    """100.02765 at 20x uses 5.001382, the sixth decimal cut (fact sheet 1.5)."""
    assert initial_margin_usd(single_tier(50), 100_027_650, 20) == 5_001_382


def test_initial_margin_grows_with_the_tier() -> None:
    """Above 150M BTC's part counts at 20x although the leverage is 40x, and such a position may not be opened."""
    assert initial_margin_usd(BTC, 150_000_000 * USD, 40) == 3_750_000 * USD
    assert initial_margin_usd(BTC, 200_000_000 * USD, 40) == 6_250_000 * USD
    assert exceeds_tier(BTC, 200_000_000 * USD, 40)
    assert not exceeds_tier(BTC, 200_000_000 * USD, 20)
    assert not exceeds_tier(BTC, 150_000_000 * USD, 40)


def test_withdrawable_keeps_the_larger_floor() -> None:
    """Value less the larger of initial margin and a tenth of the positions, never below zero (fact sheet 1.5)."""
    assert withdrawable_usd(1_000, 100, 500) == 900
    assert withdrawable_usd(1_000, 100, 2_001) == 799
    assert withdrawable_usd(100, 200, 0) == 0


@given(tables, notionals, notionals)
def test_maintenance_is_continuous_and_rises(tiers: MarginTiers, one: int, other: int) -> None:
    """More notional never needs less margin, and no step is larger than the steepest rate allows."""
    low, high = sorted((one, other))
    rise = maintenance_usd(tiers, high) - maintenance_usd(tiers, low)
    assert 0 <= rise <= (high - low) // (2 * tiers[-1].max_leverage) + 1


@given(tables, st.integers(1, 10**7), st.booleans(), st.integers(1, 10**6), st.integers(1, 10**13))
def test_at_the_liquidation_price_equity_is_maintenance(
    tiers: MarginTiers, sz: int, is_long: bool, mark: int, equity: int
) -> None:
    """The price solves equity = maintenance up to the truncated micro-USDC, in whichever tier it falls."""
    net = sz if is_long else -sz
    px = liquidation_px(tiers, net, mark, equity)
    assume(px is not None)
    assert px is not None
    index = tier_index(tiers, px * sz)
    maintenance = px * sz * Fraction(1, 2 * tiers[index].max_leverage) - deductions(tiers)[index]
    assert abs(equity + net * (px - mark) - maintenance) < 1


@given(tables, st.integers(1, 10**7), st.integers(1, 10**6), st.integers(1, 10**13))
def test_every_short_has_a_liquidation_price(tiers: MarginTiers, sz: int, mark: int, equity: int) -> None:
    """A short can always lose what it has, however the tiers lie."""
    assert liquidation_px(tiers, -sz, mark, equity) is not None
