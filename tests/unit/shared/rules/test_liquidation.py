"""Liquidation's formulas, by hand (fact sheet 5.3)."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.rules.liquidation import (
    bankruptcy_px,
    deleveraging_rank,
    handover_px,
    is_for_backstop,
    is_liquidatable,
    liquidation_sz,
)
from shared.rules.margin import isolated_move_usd, transfer_floor_usd
from shared.units import USD

equities = st.integers(0, 10**9)
nets = st.integers(1, 10**6).flatmap(lambda sz: st.sampled_from((sz, -sz)))


def test_the_bounds_themselves() -> None:
    """Equity equal to maintenance holds; equity equal to two thirds of it still goes to the book."""
    assert not is_liquidatable(300, 300)
    assert is_liquidatable(299, 300)
    assert not is_for_backstop(200, 300)
    assert is_for_backstop(199, 300)


def test_a_fifth_of_a_large_position_rounded_up() -> None:
    """More than 100,000 USDC: 20 % first, whole while the user cools down; at the bound itself all of it."""
    bound = 100_000 * USD
    assert liquidation_sz(101, bound + 1, bound, False) == 21
    assert liquidation_sz(101, bound + 1, bound, True) == 101
    assert liquidation_sz(101, bound, bound, False) == 101


def test_the_recorded_backstop_fill() -> None:
    """A recorded vault fill of SOL: 67.5499 under a mark of 68.2, a margin of 0.953 %, below 2/3 of SOL's 2.5 %."""
    notional = 2_833 * 682_000
    equity = 2_833 * (682_000 - 675_499)
    assert handover_px(2_833, 682_000, equity, notional) == 675_499
    assert is_for_backstop(equity, notional // 40)


def test_rank_of_a_long_is_as_documented() -> None:
    """(mark / entry) x (notional / account value) = 110 / 100 x 1100 / 200; a short's gain is the other way round."""
    assert deleveraging_rank(10, 110, 1_000, 200, False) == Fraction(11, 10) * Fraction(1_100, 200)
    assert deleveraging_rank(-10, 110, -1_000, 200, False) == Fraction(10, 11) * Fraction(1_100, 200)
    assert deleveraging_rank(-10, 110, -1_000, 200, True) == Fraction(11, 10) * Fraction(1_100, 200)


def test_margin_of_an_opening_and_of_a_closing_fill() -> None:
    """Opening: notional / leverage less the fee. Closing half: half comes back; a larger loss stays with the rest."""
    assert isolated_move_usd(0, 0, 10, 100, 5, 0, 3) == 197
    assert isolated_move_usd(200, 10, -5, 100, 5, 40, 3) == -100
    assert isolated_move_usd(200, 10, -5, 100, 5, -150, 3) == -153
    assert isolated_move_usd(200, 10, -15, 100, 5, 0, 3) == -200 + 100


def test_the_floor_of_a_transfer() -> None:
    """The larger of initial margin and a tenth of the positions, rounded up."""
    assert transfer_floor_usd(50, 499) == 50
    assert transfer_floor_usd(50, 501) == 51


@given(nets, st.integers(1, 10**7), equities, st.integers(0, 10**6))
def test_at_the_bankruptcy_price_nothing_is_left(net: int, mark: int, equity: int, fee_e9: int) -> None:
    """Closing all there, fee paid, the equity is gone exactly."""
    px = bankruptcy_px(net, mark, equity, fee_e9)
    assert equity + net * (px - mark) - abs(net) * px * Fraction(fee_e9, 10**9) == 0


@given(nets, st.integers(1, 10**7), equities)
def test_a_handover_leaves_no_debt(net: int, mark: int, equity: int) -> None:
    """The one who gives a position up is left with less than a price unit for each lot, and never owes."""
    px = handover_px(net, mark, equity, abs(net) * mark)
    left = equity + net * (px - mark)
    assert left >= 0
    assert left < abs(net) or px == 1
