"""Limits: open orders, smallest value, price band, largest market order."""

from __future__ import annotations

import pytest

from shared.rules.limits import (
    is_px_in_band,
    max_market_order_usd,
    may_open_another,
    meets_min_notional,
    open_order_limit,
)
from shared.units import USD


@pytest.mark.parametrize(("volume_musd", "limit"), [(0, 1_000), (4, 1_000), (5, 1_001), (10**6, 5_000)])
def test_open_orders_grow_with_volume(volume_musd: int, limit: int) -> None:
    """1000, one more per 5M of volume, 5000 at most (fact sheet 4.7)."""
    assert open_order_limit(volume_musd * 10**6 * USD) == limit


def test_beyond_a_thousand_no_reduce_only() -> None:
    """The extra orders that volume earns may not be reduce-only (fact sheet 4.7)."""
    rich = 50 * 10**6 * USD
    assert may_open_another(999, 0, reduce_only=True)
    assert may_open_another(1_005, rich, reduce_only=False)
    assert not may_open_another(1_005, rich, reduce_only=True)
    assert not may_open_another(1_010, rich, reduce_only=False)


def test_ten_dollars_or_the_whole_position() -> None:
    """$10 at the limit; below it only what closes everything, clipped or exact (fact sheet 4.3)."""
    assert meets_min_notional(1_000_000, 10, True, False, 0)
    assert not meets_min_notional(999_999, 10, True, False, 0)
    assert meets_min_notional(1_000, 5, False, False, 5)
    assert meets_min_notional(1_000, 9, False, True, 5)
    assert not meets_min_notional(1_000, 9, False, False, 5)
    assert not meets_min_notional(1_000, 4, False, True, 5)
    assert not meets_min_notional(1_000, 5, True, False, 5)


def test_price_band_has_an_open_and_a_closed_end() -> None:
    """5 % of the reference is outside, twenty times it is inside (fact sheet 4.7)."""
    assert not is_px_in_band(50, 1_000, 95)
    assert is_px_in_band(51, 1_000, 95)
    assert is_px_in_band(20_000, 1_000, 95)
    assert not is_px_in_band(20_001, 1_000, 95)


@pytest.mark.parametrize(("leverage", "musd"), [(40, 30), (25, 30), (20, 5), (10, 2)])
def test_largest_market_order(leverage: int, musd: int) -> None:
    """By the asset's maximum leverage (fact sheet 4.3)."""
    assert max_market_order_usd(leverage) == musd * 10**6 * USD
    assert max_market_order_usd(3) == 500_000 * USD
