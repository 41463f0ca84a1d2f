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


class TokenRewardsClaimed(msgspec.Struct, frozen=True, tag="tokenRewardsClaim"):
    """Rewards of spot fills became tokens; the amount is text."""

    token: str
    amount: str


class Liquidation(msgspec.Struct, frozen=True, tag="liquidation"):
    """Positions were taken: their notional, the account's value, and (asset, signed lots) of each."""

    notional_usd: Usd
    value_usd: Usd
    is_cross: bool
    positions: tuple[tuple[int, int], ...]


class Withdrawn(msgspec.Struct, frozen=True, tag="withdraw"):
    """Collateral left; `usd` arrived outside, the fee came off before."""

    usd: Usd
    nonce: int
    fee_usd: Usd


class Transferred(msgspec.Struct, frozen=True, tag="internalTransfer"):
    """Collateral went from one user to another."""

    usd: Usd
    user: str
    destination: str
    fee_usd: Usd


class SubTransferred(msgspec.Struct, frozen=True, tag="subAccountTransfer"):
    """Collateral went between master and sub-account."""

    usd: Usd
    user: str
    destination: str


class ClassMoved(msgspec.Struct, frozen=True, tag="accountClassTransfer"):
    """USDC went between spot and perps."""

    usd: Usd
    to_perp: bool


class TokenMove(msgspec.Struct, frozen=True):
    """So much of a token from one user to another, what it was worth, and the gas that a new address cost."""

    token: str
    amount: str
    value_usd: Usd
    user: str
    destination: str
    fee_usd: Usd
    nonce: int | None


class TokenTransferred(msgspec.Struct, frozen=True, tag="spotTransfer"):
    """Tokens went from one user's spot balance to another's."""

    move: TokenMove


class AssetSent(msgspec.Struct, frozen=True, tag="send"):
    """Something went from one dex or spot to another, between users or not."""

    move: TokenMove
    source_dex: str
    destination_dex: str


class VaultCreated(msgspec.Struct, frozen=True, tag="vaultCreate"):
    """A vault was opened with so much; the fee came on top."""

    vault: str
    usd: Usd
    fee_usd: Usd


class VaultDeposited(msgspec.Struct, frozen=True, tag="vaultDeposit"):
    """Collateral went into a vault."""

    vault: str
    usd: Usd


class VaultWithdrawn(msgspec.Struct, frozen=True, tag="vaultWithdraw"):
    """Collateral came out of a vault: what was asked, the leader's share of the gain, what the part had cost."""

    vault: str
    user: str
    usd: Usd
    commission_usd: Usd
    basis_usd: Usd


class VaultDistributed(msgspec.Struct, frozen=True, tag="vaultDistribution"):
    """A vault paid its owners."""

    vault: str
    usd: Usd


class VaultCommission(msgspec.Struct, frozen=True, tag="vaultLeaderCommission"):
    """A leader's share of what somebody gained."""

    user: str
    usd: Usd


LedgerEntry = (
    Deposited
    | RewardsClaimed
    | TokenRewardsClaimed
    | Liquidation
    | Withdrawn
    | Transferred
    | SubTransferred
    | ClassMoved
    | TokenTransferred
    | AssetSent
    | VaultCreated
    | VaultDeposited
    | VaultWithdrawn
    | VaultDistributed
    | VaultCommission
)


class LedgerChanged(msgspec.Struct, frozen=True, tag=True):
    """One user's ledger has one more entry."""

    user: str
    entry: LedgerEntry
    hash: str
    time_ms: int
