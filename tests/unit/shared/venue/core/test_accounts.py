"""Accounts: what margin lets through, and money that never gets lost."""

from __future__ import annotations

from shared.rules.fees import PERP_SCHEDULE
from shared.units import USD, Px, Sz, Usd
from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.clearing import Holding, MarkedPrices
from shared.venue.core.listing import list_perp
from tests.unit.shared.venue.core.floor import ETH


def funded(usd: int, mark: int = 1_000_000) -> tuple[Accounts, Account, Holding]:
    """One account with one empty holding at a mark of 100 USDC."""
    accounts, prices = Accounts(PERP_SCHEDULE), MarkedPrices()
    prices.mark_px = Px(mark)
    account = accounts.deposit("a", Usd(usd * USD))
    holding = account.holding(list_perp(ETH), prices)
    return accounts, account, holding


def test_an_order_may_use_the_whole_margin_and_no_lot_more() -> None:
    """100 USDC at 20x carry 20 ETH at 100."""
    _, account, holding = funded(100)
    assert account.house().can_place(holding, holding.worst_sz(), holding.worst_sz(2_000, 0))
    assert not account.house().can_place(holding, holding.worst_sz(), holding.worst_sz(2_001, 0))


def test_what_does_not_raise_margin_is_always_allowed() -> None:
    """Even without equity a position may be closed, and flipped to no more than it was."""
    _, account, holding = funded(100)
    holding.fill(True, Px(1_000_000), Sz(2_000))
    holding.prices.mark_px = Px(900_000)
    assert account.house().value_usd() == -100 * USD
    assert account.house().can_place(holding, holding.worst_sz(), holding.worst_sz(0, 4_000))
    assert not account.house().can_place(holding, holding.worst_sz(), holding.worst_sz(0, 4_001))
    assert not account.house().can_place(holding, holding.worst_sz(), holding.worst_sz(1, 0))
    assert account.house().can_fill(holding, -4_000, 900_000, 0)
    assert not account.house().can_fill(holding, -4_001, 900_000, 0)


def test_a_fill_pays_its_fee_and_its_slippage_from_the_same_margin() -> None:
    """What the mark does not cover must be there in cash."""
    _, account, holding = funded(100)
    assert account.house().can_fill(holding, 2_000, 1_000_000, 0)
    assert not account.house().can_fill(holding, 2_000, 1_000_000, 1)
    assert not account.house().can_fill(holding, 2_000, 1_000_001, 0)
    assert account.house().can_fill(holding, -2_000, 1_000_001, 2_000)


def test_funding_sums_restart_where_the_venues_do() -> None:
    """`since change` at every fill, `since open` at a new position, `all time` never (fact sheet 1.5)."""
    accounts, account, holding = funded(100)
    holding.fill(True, Px(1_000_000), Sz(10))
    accounts.pay_funding(account, holding, -5)
    holding.fill(True, Px(1_000_000), Sz(10))
    assert (holding.funding_since_change_usd, holding.funding_since_open_usd) == (0, -5)
    holding.fill(False, Px(1_000_000), Sz(30))
    assert (holding.funding_since_open_usd, holding.funding_all_usd) == (0, -5)
    assert accounts.house_funding_usd == 5
