"""Who an account is to others: master or sub-account, referrer or referred, builder or client of builders, staker."""

from __future__ import annotations

import msgspec

from shared.venue.core.dealings import Mode


class DayVolume(msgspec.Struct, frozen=True, array_like=True):
    """One UTC day (days since 1970) of a user: volume as taker and as maker, spot weighted, micro-USDC."""

    day: int
    cross_usd: int
    add_usd: int


class Identity:
    """One per account. Rewards are the account's own money that the exchange keeps until they are claimed."""

    __slots__ = (
        "builder_usd",
        "builders",
        "claimed_usd",
        "claimed_wei",
        "code",
        "given_usd",
        "joined_ms",
        "master",
        "mode",
        "name",
        "referral_usd",
        "referred",
        "signers",
        "stake",
        "subs",
        "threshold",
        "unclaimed_usd",
        "unclaimed_wei",
    )

    def __init__(self) -> None:
        self.name = ""
        self.master: str | None = None
        self.subs: list[str] = []
        self.mode = Mode.DEFAULT
        self.stake = 0
        self.signers: tuple[str, ...] = ()
        """Who signs for a multi-sig user, in rising order; nobody for a normal one."""
        self.threshold = 0
        """How many of them must."""
        self.code: str | None = None
        self.referred: list[str] = []
        self.builders: dict[str, int] = {}
        self.builder_usd = 0
        self.referral_usd = 0
        self.unclaimed_usd = 0
        self.claimed_usd = 0
        self.unclaimed_wei: dict[int, int] = {}
        """Rewards of spot fills, by token."""
        self.claimed_wei: dict[int, int] = {}
        self.joined_ms = 0
        """When a referrer was set."""
        self.given_usd = 0
        """What of the user's perp fees went to the referrer."""
