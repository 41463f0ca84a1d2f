"""Spot rules: worked fees, the band, asset ids."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.rules.spot import (
    base_fee_wei,
    is_px_in_spot_band,
    is_spot_asset,
    quote_fee_wei,
    spot_asset_of,
    usd_from_e8,
)

TAKER_E9 = 700_000
MAKER_E9 = 400_000


@pytest.mark.parametrize(
    ("gross_wei", "rate_e9", "fee_wei"),
    [
        (100 * 10**8, TAKER_E9, 7_000_000),
        (1_000_000_001, TAKER_E9, 700_000),
        (1_427, TAKER_E9, 0),
        (1_429, TAKER_E9, 1),
        (24_999 * 10**6, TAKER_E9, 17_499_300),
        (3 * 10**6, 600_000, 1_799),
        (100 * 10**8, MAKER_E9, 4_000_000),
        (100 * 10**8, -10_000, -100_000),
    ],
)
def test_the_quote_fee_is_the_floor_of_a_product_of_doubles(gross_wei: int, rate_e9: int, fee_wei: int) -> None:
    """Fact sheet 1.4: floor(gross_in_quote_wei x rate as f64).

    249.99 and 100 are recorded trades (spotClearinghouseState), the others follow from the formula.
    0.03 at 0.06 % is 1800 wei exactly and 1799.9999999999998 in doubles: the venue's way keeps 1799.
    """
    assert quote_fee_wei(gross_wei, rate_e9) == fee_wei


@pytest.mark.parametrize(
    ("quote_fee_e8", "px", "px_decimals", "base_wei", "fee_wei"),
    [
        (17_499_300, 249_990, 3, 8, 70_000),
        (17_499_299, 249_990, 3, 8, 69_999),
        (700_000, 300_000, 6, 8, 2_333_333),
        (700_000, 12_345_678, 8, 5, 5_670),
        (-100_000, 100_000_000, 6, 8, -1_000),
    ],
)
def test_a_buyer_s_fee_is_converted_by_the_price_and_truncated(
    quote_fee_e8: int, px: int, px_decimals: int, base_wei: int, fee_wei: int
) -> None:
    """Fact sheet 1.4: divided by the price, truncated to the base token's wei (8 for HYPE, 5 for PURR)."""
    assert base_fee_wei(quote_fee_e8, px, px_decimals, base_wei) == fee_wei


@given(st.integers(0, 10**16), st.integers(-30_000, 1_000_000))
@settings(max_examples=50)
def test_a_fee_is_never_more_than_one_wei_or_a_rounding_from_the_exact_one(gross_wei: int, rate_e9: int) -> None:
    """Doubles have 53 bits: the error is below one wei plus 2^-51 of the fee, and signs are kept."""
    exact = abs(gross_wei * rate_e9) / 10**9
    fee = quote_fee_wei(gross_wei, rate_e9)
    assert abs(abs(fee) - exact) <= 1 + exact / 2**51
    assert fee * rate_e9 >= 0


@pytest.mark.parametrize(
    ("px", "inside"), [(20_000, False), (20_001, True), (100_000, True), (500_000, True), (500_001, False)]
)
def test_the_band_is_measured(px: int, inside: bool) -> None:
    """0.2 x mark < limit <= 5 x mark (fact sheet 4.7); without a mark everything is inside."""
    assert is_px_in_spot_band(px, 100_000, 80) is inside
    assert is_px_in_spot_band(px, 0, 80)


def test_asset_ids() -> None:
    """10000 + index is spot, 100000 and more is a builder's perp (fact sheet 4.1)."""
    assert [is_spot_asset(asset) for asset in (0, 9_999, 10_000, 99_999, 110_000)] == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("coin", "asset"),
    [("PURR/USDC", 10_000), ("@1", 10_001), ("@107", 10_107), ("@89999", 99_999), ("@90000", None), ("@0", None),
     ("@", None), ("@1a", None), ("@-1", None), ("@" + "9" * 5_000, None), ("107", None), ("BTC", None),
     ("xyz:GOLD", None), ("#20", None)],
)  # fmt: skip
def test_a_pair_s_id_follows_from_its_name(coin: str, asset: int | None) -> None:
    """Fact sheet 1.1: `PURR/USDC` for index 0, otherwise `@` and the index; 3.1: the id is 10000 more."""
    assert spot_asset_of(coin) == asset


def test_e8_is_truncated_to_micro_usdc_toward_zero() -> None:
    """Statistics in micro-USDC never overstate."""
    assert (usd_from_e8(199), usd_from_e8(-199)) == (1, -1)
