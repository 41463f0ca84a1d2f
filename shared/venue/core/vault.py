"""One account that several people own in parts, and that one of them leads."""

from __future__ import annotations

from typing import Final

SHARE_SCALE: Final = 10**6
"""Shares that a vault's first micro-USDC buys."""


class Part:
    """What one user has of a vault: shares, and what they cost, in micro-USDC."""

    __slots__ = ("basis_usd", "entered_ms", "gained_usd", "locked_until_ms", "shares")

    def __init__(self, now_ms: int) -> None:
        self.shares = 0
        self.basis_usd = 0
        self.entered_ms = now_ms
        self.locked_until_ms = 0
        self.gained_usd = 0
        """What was gained with parts already taken out, and got by distributions."""


class Vault:
    """Who owns how much of an account. What a part is worth follows the account's value; shares only tell the ratio."""

    __slots__ = (
        "address",
        "always_closes",
        "created_ms",
        "description",
        "is_closed",
        "leader",
        "lock_ms",
        "name",
        "parts",
        "profit_share_percent",
        "shares",
        "takes_deposits",
    )

    def __init__(
        self,
        address: str,
        leader: str,
        name: str,
        description: str,
        lock_ms: int,
        profit_share_percent: int,
        created_ms: int,
    ) -> None:
        self.address = address
        self.leader = leader
        self.name = name
        self.description = description
        self.lock_ms = lock_ms
        self.profit_share_percent = profit_share_percent
        self.created_ms = created_ms
        self.parts: dict[str, Part] = {}
        self.shares = 0
        self.takes_deposits = True
        self.always_closes = False
        self.is_closed = False

    def equity_usd(self, user: str, value_usd: int) -> int:
        """What the user's part of a vault of that value is worth, rounded down; 0 for a stranger or a ruin."""
        part = self.parts.get(user)
        return 0 if part is None or not self.shares else part.shares * max(value_usd, 0) // self.shares

    def put_in(self, user: str, usd: int, value_usd: int, now_ms: int) -> None:
        """Give the user the shares that `usd` buys at the value before it came."""
        part = self.parts.get(user)
        if part is None:
            part = self.parts[user] = Part(now_ms)
        bought = usd * self.shares // value_usd if self.shares else usd * SHARE_SCALE
        part.shares += bought
        self.shares += bought
        part.basis_usd += usd
        part.locked_until_ms = now_ms + self.lock_ms

    def take_out(self, user: str, usd: int, value_usd: int) -> int:
        """Take the shares that `usd` are worth, rounded up; what these had cost."""
        part = self.parts[user]
        sold = min(-(-usd * self.shares // value_usd), part.shares)
        basis = part.basis_usd * sold // part.shares
        part.shares -= sold
        self.shares -= sold
        part.basis_usd -= basis
        part.gained_usd += usd - basis
        if not part.shares:
            del self.parts[user]
        return basis
