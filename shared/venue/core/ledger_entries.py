"""What a user's ledger says of money that came, went or moved, funding and fees apart. Money in micro-USDC."""

from __future__ import annotations

import msgspec

from shared.units import Usd


class Deposited(msgspec.Struct, frozen=True, tag="deposit"):
    """Collateral came from outside."""

    usd: Usd


class RewardsClaimed(msgspec.Struct, frozen=True, tag="rewardsClaim"):
    """Rewards became collateral."""

    usd: Usd


class Liquidation(msgspec.Struct, frozen=True, tag="liquidation"):
    """Positions were taken: their notional, the account's value, and (asset, signed lots) of each."""

    notional_usd: Usd
    value_usd: Usd
    is_cross: bool
    positions: tuple[tuple[int, int], ...]


LedgerEntry = Deposited | RewardsClaimed | Liquidation


class LedgerChanged(msgspec.Struct, frozen=True, tag=True):
    """One user's ledger has one more entry."""

    user: str
    entry: LedgerEntry
    hash: str
    time_ms: int
