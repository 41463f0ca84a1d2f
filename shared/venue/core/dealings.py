"""What may be asked about money and identity; users and other accounts are lower-case 0x addresses."""

from __future__ import annotations

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


Dealing = SetStake | RegisterReferrer | SetReferrer | ApproveBuilderFee | ClaimRewards
