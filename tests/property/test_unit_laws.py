"""Laws of exact numbers: text and back, ticks, notional and positions lose nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UnitError
from shared.instrument import Instrument
from shared.order import Side
from shared.position import Position
from shared.units import (
    Px,
    Rounding,
    Sz,
    notional,
    px_from_str,
    px_to_str,
    round_ratio,
    scaled_from_float,
    scaled_from_str,
    str_from_scaled,
    sz_from_str,
    tick_at,
    truncate_ratio,
    usd_from_str,
)

sz_decimals = st.integers(0, 5)


@given(st.integers(-(10**18), 10**18), st.integers(0, 8))
def test_text_and_back_is_exact(value: int, decimals: int) -> None:
    """Writing an integer out and reading it again gives the same integer, in the canonical form."""
    text = str_from_scaled(value, decimals)
    assert scaled_from_str(text, decimals) == value
    assert Decimal(text) == Decimal(value).scaleb(-decimals)
    assert not ("." in text and text.endswith(("0", ".")))
    assert text != "-0"


@pytest.mark.parametrize("text", ["", "-", ".5", "1.", "1e3", "+1", " 1", "1_0", "nan", "inf", "0x1", "--1", "١"])
def test_only_plain_decimals_are_read(text: str) -> None:
    """Anything but sign, digits and one point is refused with the text that came."""
    with pytest.raises(UnitError, match="plain decimal"):
        scaled_from_str(text, 2)


def test_digits_that_do_not_fit_are_refused_and_zeros_are_not() -> None:
    """A finer number than the unit is an error; trailing zeros beyond it are not."""
    assert usd_from_str("1.500000000") == 1_500_000
    with pytest.raises(UnitError, match="at most 6 decimals"):
        usd_from_str("1.0000001")
    with pytest.raises(UnitError, match="unsigned"):
        sz_from_str("-1", 3)


@given(st.integers(1, 10**9), st.integers(1, 10**9), sz_decimals)
def test_price_times_size_is_exact_micro_usd(px: int, sz: int, decimals: int) -> None:
    """The integer product is the decimal product in micro-USDC."""
    exact = Decimal(px_to_str(Px(px), decimals)) * Decimal(sz).scaleb(-decimals)
    assert Decimal(notional(px, sz)).scaleb(-6) == exact


@given(st.floats(0.001, 2_000_000), sz_decimals, st.sampled_from([Rounding.DOWN, Rounding.UP]))
def test_a_price_on_tick_obeys_the_venues_rule(value: float, decimals: int, rounding: Rounding) -> None:
    """At most five significant figures or an integer, within the coin's decimals, on the side asked for."""
    instrument = Instrument("X", 0, decimals, 10)
    px = instrument.px_on_tick(value, rounding)
    if px <= 0:
        assert rounding is Rounding.DOWN
        return
    text = px_to_str(px, decimals)
    assert px_from_str(text, decimals) == px
    assert instrument.is_on_tick(px)
    digits = text.replace(".", "").strip("0")
    assert "." not in text or len(digits) <= 5
    exact = Decimal(repr(value))
    assert Decimal(text) <= exact if rounding is Rounding.DOWN else Decimal(text) >= exact


@pytest.mark.parametrize(
    ("px", "decimals", "is_valid"),
    [("1234.5", 1, True), ("1234.56", 1, False), ("123456", 1, True), ("12345.6", 1, False), ("0.01234", 1, True)],
)
def test_the_documents_own_examples(px: str, decimals: int, is_valid: bool) -> None:
    """Hyperliquid's documented examples of valid and invalid prices come out as documented."""
    instrument = Instrument("X", 0, decimals, 10)
    assert instrument.is_on_tick(px_from_str(px, decimals)) is is_valid


def test_ticks_grow_with_the_price_up_to_one_usd() -> None:
    """The tick is ten times coarser at each power of ten, never coarser than one USDC."""
    assert [tick_at(px, 1) for px in (99_999, 100_000, 999_999, 1_000_000)] == [1, 10, 10, 100]
    assert tick_at(10**9, 1) == 10**5


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_roundings_bracket_the_ratio(numerator: int, denominator: int) -> None:
    """DOWN <= exact <= UP, NEAREST within half, truncation toward zero."""
    down, up, near = (round_ratio(numerator, denominator, rounding) for rounding in Rounding)
    assert down * denominator <= numerator <= up * denominator
    assert up - down <= 1
    assert abs(2 * (near * denominator - numerator)) <= denominator
    assert truncate_ratio(numerator, denominator) == int(Decimal(numerator) / Decimal(denominator))


@given(st.decimals(0, 10**6, places=6, allow_nan=False))
def test_a_floats_shortest_spelling_is_what_is_rounded(value: Decimal) -> None:
    """A float that spells a representable number becomes exactly it."""
    assert scaled_from_float(float(value), 6) == int(value.scaleb(6))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused(value: float) -> None:
    """NaN and infinity never become a number of ours."""
    with pytest.raises(UnitError, match="finite"):
        scaled_from_float(value, 2)


fills = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 10**7), st.integers(1, 10**6)), min_size=1, max_size=30
)


@given(fills, st.integers(1, 10**7))
def test_a_position_conserves_money(trades: list[tuple[Side, int, int]], mark: int) -> None:
    """Realised + unrealised = what the fills are worth at the mark, exactly, whatever their order."""
    position, realised, worth = Position(), 0, 0
    for side, px, sz in trades:
        realised += position.apply(side, Px(px), Sz(sz))
        worth += side.value * sz * (mark - px)
    assert realised + position.unrealised_usd(Px(mark)) == worth
    assert position.net_sz == sum(side.value * sz for side, _, sz in trades)
    if position.net_sz == 0:
        assert position.cost_usd == 0


@given(fills)
def test_opening_realises_nothing(trades: list[tuple[Side, int, int]]) -> None:
    """Fills of one side only never realise PnL, and the entry lies between the prices paid."""
    position = Position()
    prices = []
    for _, px, sz in trades:
        assert position.apply(Side.BUY, Px(px), Sz(sz)) == 0
        prices.append(px)
    assert min(prices) <= position.entry_px() <= max(prices)
