"""Money and identity at the door: shapes, feeds, and what the doors refuse."""

from __future__ import annotations

from typing import Any

import pytest

from shared.venue.door.dealing_submit import tenths_bp_from_rate
from shared.venue.door.door import Door
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, Socket, make_door
from tests.unit.shared.venue.door.wire_client import post


def ask(door: Door, kind: str, user: str, **rest: Any) -> Any:
    """One /info answer."""
    return post(door, "/info", {"type": kind, "user": user, **rest})


def test_portfolio_has_eight_windows_in_the_recorded_order() -> None:
    """The names and the inner shape are the recorded ones."""
    names = ["day", "week", "month", "allTime", "perpDay", "perpWeek", "perpMonth", "perpAllTime"]
    rows = ask(make_door(), "portfolio", ALICE.address)
    assert [row[0] for row in rows] == names
    assert list(rows[0][1]) == ["accountValueHistory", "pnlHistory", "vlm"]
    assert rows[0][1]["accountValueHistory"][-1][1] == "100000.0"
    assert rows[0][1]["pnlHistory"][-1][1] == "0.0"


def test_a_deposit_is_in_the_ledger_and_its_feed() -> None:
    """The snapshot of the feed has what /info tells."""
    door = make_door()
    rows = ask(door, "userNonFundingLedgerUpdates", ALICE.address, startTime=0)
    assert [row["delta"] for row in rows] == [{"type": "deposit", "usdc": "100000.0"}]
    assert set(rows[0]) == {"time", "hash", "delta"}
    frames = Socket(door).subscribe("userNonFundingLedgerUpdates", user=ALICE.address)
    snapshot = {"user": ALICE.address, "nonFundingLedgerUpdates": rows, "isSnapshot": True}
    assert frames[-1] == {"channel": "userNonFundingLedgerUpdates", "data": snapshot}


def test_user_fees_have_the_whole_schedule() -> None:
    """Six tiers above the first, three rebates, seven stakes; every number is a text."""
    fees = ask(make_door(), "userFees", BOB.address)
    schedule = fees["feeSchedule"]
    assert (schedule["cross"], schedule["add"], schedule["spotCross"], schedule["spotAdd"]) == (
        "0.00045",
        "0.00015",
        "0.0007",
        "0.0004",
    )
    assert [tier["ntlCutoff"] for tier in schedule["tiers"]["vip"]][:2] == ["5000000.0", "25000000.0"]
    assert schedule["tiers"]["mm"][0] == {"makerFractionCutoff": "0.005", "add": "-0.00001"}
    assert schedule["stakingDiscountTiers"][1] == {"bpsOfMaxSupply": "0.0001", "discount": "0.05"}
    assert (fees["dailyUserVlm"][-1]["date"], len(fees["dailyUserVlm"])) == ("2023-11-14", 15)


def test_roles_and_sub_accounts_of_nobody() -> None:
    """A stranger has neither."""
    door = make_door()
    assert ask(door, "subAccounts", ALICE.address) is None
    assert ask(door, "subAccounts2", ALICE.address) is None
    assert ask(door, "approvedBuilders", ALICE.address) == []
    assert ask(door, "maxBuilderFee", ALICE.address, builder=BOB.address) == 0
    referral = ask(door, "referral", ALICE.address)
    assert referral["referredBy"] is None
    assert referral["referrerState"] == {"stage": "needToTrade", "data": {"required": "10000.0"}}


def test_a_sub_account_needs_volume() -> None:
    """The text has both amounts."""
    reply = ALICE.send(make_door(), {"type": "createSubAccount", "name": "x"})
    text = "Cannot create sub-accounts until enough volume traded. Required: $100000. Traded: $0."
    assert reply == {"status": "err", "response": text}


@pytest.mark.parametrize(
    ("text", "tenths"), [("0.001%", 1), ("0.1%", 100), ("1%", 1_000), ("0.0001%", None), ("1", None), ("-1%", -1)]
)
def test_builder_rates_are_percents(text: str, tenths: int | None) -> None:
    """A tenth of a basis point is 0.001 %; finer rates and other spellings are none."""
    assert tenths_bp_from_rate(text) == tenths


def test_an_unsigned_class_of_network_is_refused() -> None:
    """A transfer signed for the other network, and one whose time is not its nonce."""
    door = make_door()
    action = {
        "type": "usdSend",
        "signatureChainId": "0x66eee",
        "hyperliquidChain": "Mainnet",
        "destination": BOB.address,
        "amount": "1",
        "time": 5,
    }
    body = ALICE.body({"type": "noop"}) | {"action": action}
    assert post(door, "/exchange", body | {"nonce": 6})["response"] == "Nonce mismatch."
    text = "Mainnet and testnet require different signature."
    assert post(door, "/exchange", body | {"nonce": 5})["response"] == text
