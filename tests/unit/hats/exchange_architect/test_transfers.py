"""What each documented ledger entry does to the perps cash, and what the feed says of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hats.exchange_architect.transfers import ELSEWHERE, Delta, cash_usd
from shared.errors import DataError, UnitError
from shared.messages.account import AccountLiquidated, BalanceChanged
from shared.messages.market import BadData, BadKind
from shared.units import MS, USD, Ns, Usd
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import T0, T0_MS, USER
from tests.unit.hats.exchange_architect.test_session import made, up

OTHER = "0x" + "b" * 40
SEND = {"token": "USDC", "amount": "7", "usdcValue": "7", "fee": "1", "nativeTokenFee": "0", "nonce": 1}


def _usd(delta: dict[str, Any]) -> int | None:
    """What the entry does to USER."""
    return cash_usd(msgspec.convert(delta, Delta), USER)


@pytest.mark.parametrize(
    ("delta", "usd"),
    [
        ({"type": "deposit", "usdc": "100.5"}, 100_500_000),
        ({"type": "withdraw", "usdc": "10", "nonce": 1, "fee": "1"}, -11_000_000),
        ({"type": "internalTransfer", "usdc": "3", "user": OTHER, "destination": USER.upper(), "fee": "1"}, 3 * USD),
        ({"type": "internalTransfer", "usdc": "3", "user": USER, "destination": OTHER, "fee": "1"}, -4 * USD),
        ({"type": "subAccountTransfer", "usdc": "3", "user": USER, "destination": OTHER}, -3 * USD),
        ({"type": "subAccountTransfer", "usdc": "3", "user": OTHER, "destination": USER}, 3 * USD),
        ({"type": "accountClassTransfer", "usdc": "3", "toPerp": True}, 3 * USD),
        ({"type": "accountClassTransfer", "usdc": "3", "toPerp": False}, -3 * USD),
        (
            {"type": "send", "user": USER, "destination": USER, "sourceDex": "", "destinationDex": "xyz"} | SEND,
            -8 * USD,
        ),
        ({"type": "send", "user": USER, "destination": USER, "sourceDex": "xyz", "destinationDex": ""} | SEND, 7 * USD),
        ({"type": "send", "user": OTHER, "destination": USER, "sourceDex": "", "destinationDex": ""} | SEND, 7 * USD),
        ({"type": "send", "user": OTHER, "destination": USER, "sourceDex": "", "destinationDex": "spot"} | SEND, None),
        ({"type": "send", "user": USER, "destination": OTHER, "sourceDex": "spot", "destinationDex": ""} | SEND, None),
        ({"type": "vaultCreate", "vault": OTHER, "usdc": "100", "fee": "100"}, -200 * USD),
        ({"type": "vaultDeposit", "vault": OTHER, "usdc": "5"}, -5 * USD),
        ({"type": "vaultDistribution", "vault": OTHER, "usdc": "5"}, 5 * USD),
        ({"type": "vaultLeaderCommission", "user": OTHER, "usdc": "5"}, 5 * USD),
        ({"type": "vaultWithdraw", "vault": OTHER, "user": USER, "requestedUsd": "9", "netWithdrawnUsd": "8"}, 8 * USD),
        ({"type": "rewardsClaim", "amount": "2", "token": "USDC"}, 2 * USD),
        ({"type": "rewardsClaim", "amount": "2", "token": "HYPE"}, None),
        *(({"type": kind}, None) for kind in sorted(ELSEWHERE)),
    ],
)
def test_cash_moves_as_the_entry_says(delta: dict[str, Any], usd: int | None) -> None:
    """Fees go with what is sent; what stays on spot or on another dex moves nothing here."""
    assert _usd(delta) == usd


@pytest.mark.parametrize(
    "delta",
    [
        {"type": "somethingNew", "usdc": "5"},
        {"type": "deposit"},
        {"type": "deposit", "usdc": "-5"},
        {"type": "internalTransfer", "usdc": "3", "user": OTHER, "destination": OTHER, "fee": "0"},
        {"type": "vaultDeposit", "vault": USER, "usdc": "5"},
    ],
)
def test_what_is_not_documented_is_refused(delta: dict[str, Any]) -> None:
    """No sign is guessed."""
    with pytest.raises((DataError, UnitError)):
        _usd(delta)


def _frame(*deltas: dict[str, Any], time_ms: int = T0_MS, snapshot: bool = False) -> bytes:
    entries = [{"time": time_ms + n, "hash": f"0x{n}", "delta": delta} for n, delta in enumerate(deltas)]
    data: dict[str, Any] = {"user": USER, "nonFundingLedgerUpdates": entries}
    return scene.frame("userNonFundingLedgerUpdates", data | ({"isSnapshot": True} if snapshot else {}))


def test_a_transfer_is_said_once_and_what_can_not_be_read_is_reported() -> None:
    """A snapshot after a reconnection repeats it; spot transfers say nothing; an unknown kind is BadData."""
    session = made()
    up(session)
    frame = _frame(
        {"type": "deposit", "usdc": "5"}, {"type": "spotTransfer"}, {"type": "withdraw", "usdc": "1", "fee": "1"}
    )
    said = session.received(frame, Ns(T0 + 1))
    assert said == [
        BalanceChanged("deposit", 5 * USD, "0x0", T0, Ns(T0 + 1)),  # type: ignore[arg-type]
        BalanceChanged("withdraw", -2 * USD, "0x2", Ns(T0 + 2 * MS), Ns(T0 + 1)),  # type: ignore[arg-type]
    ]
    again = _frame({"type": "deposit", "usdc": "5"}, snapshot=True)
    assert not session.received(again, Ns(T0 + 2))
    (bad,) = session.received(_frame({"type": "somethingNew", "usdc": "5"}), Ns(T0 + 3))
    assert isinstance(bad, BadData)
    assert (bad.channel, bad.kind) == ("userNonFundingLedgerUpdates", BadKind.DRIFT)


def test_a_liquidation_is_said_once_with_what_it_took() -> None:
    """Its sizes are lots of listed coins; what of another coin is taken can't be read."""
    session = made()
    up(session)
    taken = {
        "type": "liquidation",
        "liquidatedNtlPos": "10.0",
        "accountValue": "-0.5",
        "leverageType": "Cross",
        "liquidatedPositions": [{"coin": "BTC", "szi": "-0.001"}],
    }
    said = session.received(_frame(taken), Ns(T0 + 1))
    assert said == [AccountLiquidated(Usd(-500_000), (("BTC", -100),), "0x0", T0, Ns(T0 + 1))]
    assert not session.received(_frame(taken, snapshot=True), Ns(T0 + 2))
    strange = taken | {"liquidatedPositions": [{"coin": "NONE", "szi": "1"}]}
    (bad,) = session.received(_frame(strange, time_ms=T0_MS + 1), Ns(T0 + 3))
    assert isinstance(bad, BadData)


def test_the_first_snapshot_tells_no_history() -> None:
    """What was before our time is in the account that is read; what came since it began is said."""
    session = made()
    session.connected(T0)
    old = _frame({"type": "deposit", "usdc": "5"}, time_ms=T0_MS - 1_000, snapshot=True)
    assert not session.received(old, T0)
    other = made()
    other.connected(T0)
    assert len(other.received(_frame({"type": "deposit", "usdc": "5"}, snapshot=True), T0)) == 1
