"""Who an account is to others: master or sub-account, referrer or referred, builder or client of builders, staker."""

from __future__ import annotations

import msgspec


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
        "code",
        "master",
        "name",
        "referral_usd",
        "referred",
        "stake",
        "subs",
        "unclaimed_usd",
    )

    def __init__(self) -> None:
        self.name = ""
        self.master: str | None = None
        self.subs: list[str] = []
        self.stake = 0
        self.code: str | None = None
        self.referred: list[str] = []
        self.builders: dict[str, int] = {}
        self.builder_usd = 0
        self.referral_usd = 0
        self.unclaimed_usd = 0
        self.claimed_usd = 0
