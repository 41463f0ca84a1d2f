"""What an entry of the user's non-funding ledger did to the cash of the perps account (the venue's first dex).

Source: fact sheet 2.4, `userNonFundingLedgerUpdates`: amounts are positive in both parties' ledgers, so the addresses
tell the direction; fees of a transfer are the sender's and come on top.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hats.exchange_architect.numbers import usd_near
from shared.errors import DataError
from shared.units import Usd

LIQUIDATION: Final = "liquidation"
ELSEWHERE: Final = frozenset(
    {"spotTransfer", "spotGenesis", "cStakingTransfer", "deployGasAuction", "borrowLend", LIQUIDATION}
)
"""Entries that tell of no cash of the perps account that moved: spot, staking; a liquidation's is told by its fills."""
FIRST_DEX: Final = ""
_USDC: Final = "USDC"


class TakenPosition(msgspec.Struct):
    """A position that a liquidation took."""

    coin: str
    szi: str


class Delta(msgspec.Struct, rename="camel"):
    """An entry's `delta`, whatever its type; texts of numbers are read only where they count."""

    type: str
    usdc: str = ""
    fee: str = "0"
    user: str = ""
    destination: str = ""
    to_perp: bool = False
    source_dex: str = "spot"
    destination_dex: str = "spot"
    token: str = _USDC
    amount: str = ""
    net_withdrawn_usd: str = ""
    vault: str = ""
    account_value: str = ""
    liquidated_positions: list[TakenPosition] = []


def cash_usd(delta: Delta, user: str) -> Usd | None:
    """Micro-USDC that came (> 0) or went; None if the entry moves none of that account's cash.

    DataError for a type that is not documented, for what a vault's own ledger says (nobody wrote its signs down), and
    for amounts that are missing or none.
    """
    if _is(delta.vault, user):
        raise DataError(f"expected the ledger of a vault's owner, got {delta.type[:40]!r} in the vault's own")
    match delta.type:
        case "deposit" | "vaultDistribution" | "vaultLeaderCommission":
            return _amount(delta.usdc)
        case "withdraw" | "vaultCreate" | "vaultDeposit":
            return Usd(-_amount(delta.usdc) - _amount(delta.fee))
        case "vaultWithdraw":
            return _amount(delta.net_withdrawn_usd) if _is(delta.user, user) else None
        case "accountClassTransfer":
            return Usd(_amount(delta.usdc) * (1 if delta.to_perp else -1))
        case "internalTransfer" | "subAccountTransfer":
            return _between(delta, user, _amount(delta.usdc), leaves=True, comes=True)
        case "send":
            leaves, comes = delta.source_dex == FIRST_DEX, delta.destination_dex == FIRST_DEX
            return _between(delta, user, _amount(delta.amount), leaves=leaves, comes=comes) if leaves or comes else None
        case "rewardsClaim":
            return _amount(delta.amount) if delta.token == _USDC else None
        case kind if kind in ELSEWHERE:
            return None
    raise DataError(f"expected a documented kind of ledger entry, got {delta.type[:40]!r}")


def _between(delta: Delta, user: str, usd: int, *, leaves: bool, comes: bool) -> Usd | None:
    """A transfer as its giver, its taker, or both."""
    is_giver, is_taker = _is(delta.user, user), _is(delta.destination, user)
    if not (is_giver or is_taker):
        raise DataError(
            f"expected a transfer of {user}, got one between {delta.user[:42]!r} and {delta.destination[:42]!r}"
        )
    if not (is_giver and leaves) and not (is_taker and comes):
        return None
    went = usd + _amount(delta.fee) if is_giver and leaves else 0
    return Usd((usd if is_taker and comes else 0) - went)


def _amount(text: str) -> Usd:
    """A positive amount, or a fee that may be 0."""
    usd = usd_near(text)
    if usd < 0:
        raise DataError(f"expected an amount of money, got {text!r}")
    return usd


def _is(address: str, user: str) -> bool:
    return address.lower() == user.lower()
