"""Transfers, withdrawals and sub-accounts: who has what afterwards, and the venue's texts."""

from __future__ import annotations

import pytest

from shared.units import USD as UNIT
from shared.units import Usd
from shared.venue.core.commands import IssueToken
from shared.venue.core.dealings import (
    CreateSubAccount,
    Dealing,
    MoveClass,
    MoveSubToken,
    MoveSubUsd,
    RenameSubAccount,
    SendAsset,
    SendToken,
    SendUsd,
    Withdraw,
)
from shared.venue.core.ledger_entries import ClassMoved, SubTransferred, Transferred, Withdrawn
from shared.venue.core.outcomes import Opened
from shared.venue.core.tokens import USDC
from tests.unit.shared.venue.core.floor import Floor

STRANGER = "0x" + "99" * 20
USD = Usd(UNIT)
MUST = "Must deposit before performing actions. User: z"


def said(floor: Floor, dealing: Dealing) -> str | None:
    """The error of a dealing."""
    return floor.do(dealing).error


def collateral(floor: Floor, user: str) -> int:
    """Collateral on the first dex, micro-USDC."""
    return floor.exchange.account(user).collateral_usd


def usdc(floor: Floor, user: str) -> int:
    """Spot USDC in wei."""
    account = floor.exchange._world.accounts.get(user)
    return 0 if account is None or 0 not in account.spot else account.spot[0].total_wei


def with_sub() -> tuple[Floor, str]:
    """ "a" traded enough and has a sub-account; its address."""
    floor = Floor()
    floor.exchange._world.accounts.by_user["a"].volume_usd = 100_000 * USD
    status = floor.do(CreateSubAccount("a", "scalper")).statuses[0]
    assert isinstance(status, Opened)
    return floor, status.user


def test_usd_goes_to_another_user_and_both_ledgers_say_so() -> None:
    """The full amount arrives; the entry is the same on both sides, with a positive amount."""
    floor = Floor()
    assert said(floor, SendUsd("a", "b", "1.5")) is None
    assert (collateral(floor, "a"), collateral(floor, "b")) == (99_998_500_000, 100_001_500_000)
    entry = Transferred(Usd(1_500_000), "a", "b", Usd(0))
    assert floor.exchange.ledger("a")[-1].entry == floor.exchange.ledger("b")[-1].entry == entry


def test_a_fresh_address_costs_one_usdc_more() -> None:
    """The activation fee comes on top and stays with the house."""
    floor = Floor()
    assert said(floor, SendUsd("a", STRANGER, "10")) is None
    assert (collateral(floor, "a"), collateral(floor, STRANGER)) == (99_989 * USD, 10 * USD)
    assert floor.exchange.house().gas_usd == USD
    assert said(floor, SendUsd("a", STRANGER, "10")) is None
    assert floor.exchange.house().gas_usd == USD


@pytest.mark.parametrize(
    ("dealing", "text"),
    [
        (SendUsd("a", "b", "0"), "Send amount cannot be zero"),
        (SendUsd("a", "b", "-1"), "Invalid decimal number"),
        (SendUsd("a", "b", "abc"), "Invalid decimal number"),
        (SendUsd("a", "b", "nan"), "Invalid decimal number"),
        (SendUsd("a", "b", "1e99"), "Invalid decimal number"),
        (SendUsd("a", "b", "0.0000001"), "Invalid number of decimals"),
        (SendUsd("a", "b", "100000.000001"), "Insufficient balance for withdrawal"),
        (SendUsd("a", STRANGER, "100000"), "Insufficient balance for withdrawal"),
        (SendUsd("a", "a", "1"), "Invalid send"),
        (SendUsd("z", "a", "1"), MUST),
        (Withdraw("a", "1", 1), "Insufficient balance for withdrawal"),
        (Withdraw("a", "100001", 1), "Insufficient balance for withdrawal"),
        (Withdraw("z", "5", 1), MUST),
        (MoveClass("a", "1", True), "Insufficient balance for token transfer"),
        (MoveClass("a", "100001", False), "Insufficient balance for withdrawal"),
        (MoveClass("z", "1", False), MUST),
        (MoveClass("a", "1", False, "b"), "Invalid sub-account transfer from a to b"),
        (SendToken("a", "b", "NOPE:0x1", "1", 1), "Unknown token NOPE:0x1"),
        (SendToken("a", "b", "USDC", "1", 1), "Insufficient balance for token transfer"),
        (SendToken("a", "b", "USDC", "0.000000001", 1), "Invalid send"),
        (SendToken("a", "a", "USDC", "1", 1), "Invalid send"),
        (SendAsset("a", "b", "", "nope", "USDC", "1", 1), "Invalid perp DEX"),
        (SendAsset("a", "a", "", "", "USDC", "1", 1), "Invalid send"),
        (SendAsset("a", "b", "", "spot", "USDC", "0.00000001", 1), "Invalid send"),
        (
            SendAsset("a", "b", "", "", "USDC", "1", 1, None, True),
            "Agent can only send asset to same user or their sub-accounts.",
        ),
        (
            CreateSubAccount("a", "x"),
            "Cannot create sub-accounts until enough volume traded. Required: $100000. Traded: $0.",
        ),
        (MoveSubUsd("a", "b", True, 1), "Invalid sub-account transfer from a to b"),
        (MoveSubUsd("a", "b", False, 1), "Invalid sub-account transfer from b to a"),
        (MoveSubToken("a", "b", False, "USDC", "1"), "Invalid sub-account transfer from b to a"),
    ],
)
def test_refusals_change_nothing(dealing: Dealing, text: str) -> None:
    """The venue's words, and everybody has what they had."""
    floor = Floor()
    before = floor.exchange.house(), [floor.exchange.account(user) for user in "abc"]
    assert said(floor, dealing) == text
    assert (floor.exchange.house(), [floor.exchange.account(user) for user in "abc"]) == before


def test_scientific_notation_is_an_amount() -> None:
    """Transfers take exact scientific notation (measured; fact sheet 0.4)."""
    floor = Floor()
    assert said(floor, SendUsd("a", "b", "1.5e2")) is None
    assert collateral(floor, "b") == 100_150 * USD


def test_a_withdrawal_costs_one_usdc() -> None:
    """Ten go off, nine arrive outside, one is kept."""
    floor = Floor()
    assert said(floor, Withdraw("a", "10", 77)) is None
    house = floor.exchange.house()
    assert (collateral(floor, "a"), house.withdrawn_usd, house.gas_usd) == (99_990 * USD, 9 * USD, USD)
    assert floor.exchange.ledger("a")[-1].entry == Withdrawn(Usd(9 * USD), 77, USD)


def test_margin_in_use_can_not_leave() -> None:
    """A position of 100 ETH at 100 with 20x holds back the larger of its margin and 10 % of its value."""
    floor = Floor()
    floor.sell("b", "100", "100")
    floor.buy("a", "100", "100")
    free = floor.exchange.account("a").withdrawable_usd
    assert free == 100_000 * USD - floor.exchange.account("a").fees_usd - 1_000 * USD
    assert said(floor, Withdraw("a", f"{free // USD + 1}", 1)) == "Insufficient balance for withdrawal"
    assert said(floor, Withdraw("a", f"{free // USD}", 1)) is None


def test_usdc_goes_to_spot_and_back() -> None:
    """Both sides move by the same amount; the house knows what is over there."""
    floor = Floor()
    assert said(floor, MoveClass("a", "100", False)) is None
    assert (collateral(floor, "a"), usdc(floor, "a")) == (99_900 * USD, 100 * 10**8)
    assert floor.exchange.house().spot_usd == 100 * USD
    assert floor.exchange.ledger("a")[-1].entry == ClassMoved(Usd(100 * USD), False)
    assert said(floor, MoveClass("a", "40", True)) is None
    assert (collateral(floor, "a"), usdc(floor, "a")) == (99_940 * USD, 60 * 10**8)


def test_spot_usdc_to_a_fresh_address_pays_gas() -> None:
    """One USDC more than what is sent must be there."""
    floor = Floor()
    floor.do(MoveClass("a", "10", False))
    gas = "Insufficient quote token (e.g., 1 USDC or USDT) balance for token transfer gas."
    assert said(floor, SendToken("a", STRANGER, USDC.wire_name, "9.5", 1)) == gas
    assert said(floor, SendToken("a", STRANGER, USDC.wire_name, "9", 1)) is None
    assert (usdc(floor, "a"), usdc(floor, STRANGER), floor.exchange.house().gas_usd) == (0, 9 * 10**8, USD)


def test_assets_go_between_perps_and_spot_of_two_users() -> None:
    """From collateral to another's spot balance."""
    floor = Floor()
    assert said(floor, SendAsset("a", "b", "", "spot", "USDC", "7", 1)) is None
    assert (collateral(floor, "a"), usdc(floor, "b")) == (99_993 * USD, 7 * 10**8)
    assert said(floor, SendAsset("b", "b", "spot", "", "USDC", "7", 2)) is None
    assert (collateral(floor, "b"), usdc(floor, "b")) == (100_007 * USD, 0)


def test_a_sub_account_is_fed_and_emptied_by_its_master() -> None:
    """Collateral and tokens go both ways, and both ledgers have them."""
    floor, sub = with_sub()
    assert said(floor, MoveSubUsd("a", sub, True, 500 * USD)) is None
    assert (collateral(floor, "a"), collateral(floor, sub)) == (99_500 * USD, 500 * USD)
    entry = SubTransferred(Usd(500 * USD), "a", sub)
    assert floor.exchange.ledger("a")[-1].entry == floor.exchange.ledger(sub)[-1].entry == entry
    assert said(floor, MoveSubUsd("a", sub, False, 501 * USD)) == "Insufficient balance for withdrawal"
    assert said(floor, MoveSubUsd("a", sub, False, 0)) == "Send amount cannot be zero"
    assert said(floor, MoveSubUsd("a", sub, False, 100 * USD)) is None
    assert said(floor, MoveClass("a", "50", False, sub)) is None
    assert said(floor, MoveSubToken("a", sub, False, "USDC", "30")) is None
    assert (usdc(floor, "a"), usdc(floor, sub), collateral(floor, sub)) == (30 * 10**8, 20 * 10**8, 350 * USD)
    assert said(floor, MoveSubToken("a", sub, False, "USDC", "30")) == "Insufficient balance for token transfer"
    assert said(floor, MoveSubToken("a", sub, False, "X", "30")) == "Unknown token X"
    assert said(floor, SendAsset("a", "a", "spot", "", "USDC", "20", 1, sub, True)) is None
    assert said(floor, MoveSubUsd("b", sub, False, 1)) == f"Invalid sub-account transfer from {sub} to b"


def test_sub_accounts_have_names_and_an_end() -> None:
    """Names are short, a sub-account has none below it, and ten are enough."""
    floor, sub = with_sub()
    assert floor.exchange.master_of(sub) == "a"
    assert said(floor, RenameSubAccount("a", sub, "other")) is None
    assert floor.exchange.identity(sub).name == "other"
    assert said(floor, RenameSubAccount("a", sub, "")) == "Invalid sub-account name"
    assert said(floor, RenameSubAccount("b", sub, "mine")) == f"Invalid sub-account transfer from b to {sub}"
    assert said(floor, CreateSubAccount(sub, "x")) == "Sub-accounts cannot have sub-accounts"
    assert said(floor, CreateSubAccount("a", "x" * 17)) == "Invalid sub-account name"
    assert said(floor, CreateSubAccount("z", "x")) == MUST
    for number in range(9):
        assert said(floor, CreateSubAccount("a", f"sub {number}")) is None
    assert said(floor, CreateSubAccount("a", "eleventh")) == "Too many sub-accounts"
    assert len(set(floor.exchange.sub_accounts("a"))) == 10


def test_issued_tokens_are_not_collateral() -> None:
    """What is issued on the spot side does not change what the house says went over."""
    floor = Floor()
    floor.do(IssueToken("a", 0, 10**8))
    assert (usdc(floor, "a"), floor.exchange.house().spot_usd) == (10**8, 0)
