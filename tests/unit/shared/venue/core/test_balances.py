"""Balances: totals, holds, what tokens cost, and the house's side of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.units import str_from_scaled
from shared.venue.core.balances import Balance, Balances, Treasury, available_wei, balance_of, move


def test_the_recorded_entry_notional_is_met_to_the_digit() -> None:
    """0.5 HYPE bought at 100 (fee 0.07 % in HYPE), 0.25 sold: the venue told total 0.24965 and entryNtl 24.982487."""
    hype = Balance()
    hype.credit(49_965_000, entry_e8=50 * 10**8)
    hype.debit(25_000_000)
    assert str_from_scaled(hype.total_wei, 8) == "0.24965"
    assert str_from_scaled(hype.entry_e8 // 100, 6) == "24.982487"


def test_what_is_held_can_t_leave() -> None:
    """Only free tokens can be held or taken."""
    usdc = Balance()
    usdc.credit(100)
    usdc.hold(70)
    assert usdc.available_wei == 30
    for take in (usdc.debit, usdc.hold):
        with pytest.raises(AssertionError):
            take(31)
    usdc.release(70)
    assert usdc.debit(100) == 0
    assert usdc.state() == (0, 0, 0)


def test_a_token_never_held_has_no_row() -> None:
    """Asking what is free makes no row; touching the balance does."""
    balances: Balances = {}
    assert available_wei(balances, 3) == 0
    assert not balances
    balance_of(balances, 3).credit(5)
    assert available_wei(balances, 3) == 5


def test_a_move_carries_its_cost_unless_another_is_given() -> None:
    """The receiver's entry notional is the sender's share, or what the caller says."""
    one: Balances = {}
    two: Balances = {}
    treasury = Treasury()
    treasury.issue(one, 7, 100, entry_e8=1_000)
    move(one, two, 7, 25)
    move(one, two, 7, 25, entry_e8=9)
    assert (one[7].state(), two[7].state()) == ((50, 0, 500), (50, 0, 259))


amounts = st.integers(0, 10**12)


@settings(max_examples=50)
@given(amounts, amounts, amounts, st.integers(0, 10**12), st.integers(-(10**6), 10**6))
def test_the_house_s_law_holds_to_the_wei(given_wei: int, moved: int, gone: int, entry: int, fee: int) -> None:
    """Issued = totals + fees after any issue, move, redemption and fee; entry notional is never lost or made."""
    one: Balances = {}
    two: Balances = {}
    treasury = Treasury()
    treasury.issue(one, 1, given_wei, entry)
    move(one, two, 1, min(moved, given_wei))
    assert balance_of(one, 1).entry_e8 + balance_of(two, 1).entry_e8 == entry
    treasury.redeem(two, 1, min(gone, available_wei(two, 1)))
    kept = min(fee, available_wei(one, 1))
    if kept > 0:
        one[1].debit(kept)
    else:
        one[1].credit(-kept)
    treasury.keep_fee(1, kept)
    totals = sum(balances[1].total_wei for balances in (one, two))
    assert treasury.issued_wei[1] == totals + treasury.fees_wei[1]
