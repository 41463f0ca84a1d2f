"""What may be asked about money and identity; users and other accounts are lower-case 0x addresses."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class SetStake(msgspec.Struct, frozen=True, tag=True):
    """What the user has staked, in the smallest unit of HYPE; staking itself is not played here."""

    user: str
    stake: int


class RegisterReferrer(msgspec.Struct, frozen=True, tag=True):
    """Make a referral code of one's own."""

    user: str
    code: str


class SetReferrer(msgspec.Struct, frozen=True, tag=True):
    """Say whose code brought one here."""

    user: str
    code: str


class ApproveBuilderFee(msgspec.Struct, frozen=True, tag=True):
    """Let a builder take up to so many tenths of a basis point of one's fills."""

    user: str
    builder: str
    tenths_bp: int


class ClaimRewards(msgspec.Struct, frozen=True, tag=True):
    """Take what builders' fees and referrals have brought."""

    user: str


class CreateSubAccount(msgspec.Struct, frozen=True, tag=True):
    """Open an account of one's own under another address."""

    user: str
    name: str


class RenameSubAccount(msgspec.Struct, frozen=True, tag=True):
    """Give a sub-account another name."""

    user: str
    sub: str
    name: str


class MoveSubUsd(msgspec.Struct, frozen=True, tag=True):
    """Move collateral to a sub-account (`is_deposit`) or back."""

    user: str
    sub: str
    is_deposit: bool
    usd: int


class MoveSubToken(msgspec.Struct, frozen=True, tag=True):
    """Move tokens to a sub-account (`is_deposit`) or back; token and amount as spelled by the user."""

    user: str
    sub: str
    is_deposit: bool
    token: str
    amount: str


class SendUsd(msgspec.Struct, frozen=True, tag=True):
    """Give collateral to another user."""

    user: str
    destination: str
    amount: str


class Withdraw(msgspec.Struct, frozen=True, tag=True):
    """Take collateral out of the exchange."""

    user: str
    amount: str
    nonce: int


class MoveClass(msgspec.Struct, frozen=True, tag=True):
    """Move USDC between spot and perps; `sub` names a sub-account whose money it is."""

    user: str
    amount: str
    to_perp: bool
    sub: str | None = None


class SendToken(msgspec.Struct, frozen=True, tag=True):
    """Give tokens to another user."""

    user: str
    destination: str
    token: str
    amount: str
    nonce: int


class SendAsset(msgspec.Struct, frozen=True, tag=True):
    """Move between dexs, spot, users and sub-accounts. A dex is named; "" is the first and "spot" is spot."""

    user: str
    destination: str
    source_dex: str
    destination_dex: str
    token: str
    amount: str
    nonce: int
    sub: str | None = None
    is_by_agent: bool = False


class SetSigners(msgspec.Struct, frozen=True, tag=True):
    """Let so many of these users sign for one from now on, and nobody else; none of them makes a normal user again."""

    user: str
    signers: tuple[str, ...]
    threshold: int


class Mode(StrEnum):
    """How an account's money is kept, in the venue's words."""

    DEFAULT = "default"
    """Nobody chose: as DISABLED."""
    DISABLED = "disabled"
    """Each dex and spot keep their own."""
    UNIFIED = "unifiedAccount"
    """One balance of USDC, spot's included, answers for all cross positions in it."""
    DEX = "dexAbstraction"
    """The first dex's USDC answers for all dexs in it; spot keeps its own. Discontinued by the venue."""
    PORTFOLIO = "portfolioMargin"
    """Not played here."""


class SetMode(msgspec.Struct, frozen=True, tag=True):
    """Keep the money of `owner`, who is the user or their sub-account, in another way from now on.

    `is_first` asks for a change that only an account can have whose mode nobody chose, as agents may.
    """

    user: str
    owner: str
    mode: Mode
    is_first: bool = False


class CreateVault(msgspec.Struct, frozen=True, tag=True):
    """Open a vault that the user leads with `usd` of their own.

    `address` and `lock_ms` are the house's to choose; `profit_share_percent` of what others gain is the leader's.
    """

    user: str
    name: str
    description: str
    usd: int
    address: str | None = None
    lock_ms: int = 86_400_000
    profit_share_percent: int = 10


class MoveVaultUsd(msgspec.Struct, frozen=True, tag=True):
    """Put collateral into a vault (`is_deposit`) or take one's part of it out."""

    user: str
    vault: str
    is_deposit: bool
    usd: int


class DistributeVault(msgspec.Struct, frozen=True, tag=True):
    """Pay so much of a vault to everybody in it; 0 closes the vault and pays all."""

    user: str
    vault: str
    usd: int


class ModifyVault(msgspec.Struct, frozen=True, tag=True):
    """Change whether a vault takes deposits, and whether a withdrawal closes its part of positions; None: as it is."""

    user: str
    vault: str
    takes_deposits: bool | None
    always_closes: bool | None


Dealing = (
    SetStake
    | RegisterReferrer
    | SetReferrer
    | ApproveBuilderFee
    | ClaimRewards
    | CreateSubAccount
    | RenameSubAccount
    | MoveSubUsd
    | MoveSubToken
    | SendUsd
    | Withdraw
    | MoveClass
    | SendToken
    | SendAsset
    | SetSigners
    | SetMode
    | CreateVault
    | MoveVaultUsd
    | DistributeVault
    | ModifyVault
)
