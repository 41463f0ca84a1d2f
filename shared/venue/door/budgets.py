"""How many actions an address may still send: the venue's budget of one request per USDC traded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.units import USD, Usd, usd_to_str

INITIAL_BUDGET: Final = 10_000
CANCEL_EXTRA: Final = 100_000
STALE_COST: Final = 5
"""Requests that one with a stale expiry counts for. Source: fact sheet 8.2."""
GRACE_MS: Final = 10_000
"""An address over its budget may still send one action in this time. Source: fact sheet 8.2."""


class AddressBudgets:
    """Requests used by each address since inception; `initial` None means that nobody is ever refused."""

    def __init__(self, initial: int | None) -> None:
        self._initial = initial
        self._used: dict[str, int] = {}
        self._grace_ms: dict[str, int] = {}
        self._reserved: dict[str, int] = {}

    def has_acted(self, user: str) -> bool:
        """Was an action ever admitted for `user`, refused in the end or not?"""
        return user in self._used

    def used(self, user: str) -> int:
        """Requests that count for `user` so far, those that were bought taken off."""
        return max(self._used.get(user, 0) - self._reserved.get(user, 0), 0)

    def surplus(self, user: str) -> int:
        """Requests bought and not used yet."""
        return max(self._reserved.get(user, 0) - self._used.get(user, 0), 0)

    def reserve(self, user: str, count: int) -> None:
        """Requests were bought for `user`."""
        self._reserved[user] = self._reserved.get(user, 0) + count

    def cap(self, volume_usd: Usd) -> int:
        """Requests allowed in all after trading `volume_usd`."""
        return (INITIAL_BUDGET if self._initial is None else self._initial) + volume_usd // USD

    def charge(self, user: str, count: int, is_cancel: bool, volume: Callable[[], Usd], now_ms: int) -> str | None:
        """None, and `count` requests are counted; or the venue's refusal, and nothing changed.

        `volume` tells what the user traded since inception; it is asked only when the initial budget is used up.
        """
        sent = self._used.get(user, 0) + count
        used = max(sent - self._reserved.get(user, 0), 0)
        if self._initial is not None and used > self._initial:
            refusal = self._refusal(user, used, is_cancel, volume(), now_ms)
            if refusal is not None:
                return refusal
        self._used[user] = sent
        return None

    def _refusal(self, user: str, used: int, is_cancel: bool, volume_usd: Usd, now_ms: int) -> str | None:
        cap = self.cap(volume_usd)
        allowed = min(cap + CANCEL_EXTRA, 2 * cap) if is_cancel else cap
        if used <= allowed:
            return None
        if now_ms - self._grace_ms.get(user, -GRACE_MS) >= GRACE_MS:
            self._grace_ms[user] = now_ms
            return None
        return (
            f"Too many cumulative requests sent ({used} > {allowed}) for cumulative volume traded "
            f"${usd_to_str(volume_usd)}. Place taker orders to free up 1 request per USDC traded."
        )

    def owe(self, user: str, count: int) -> None:
        """Count requests that were refused, but not for nothing."""
        self._used[user] = self._used.get(user, 0) + count

    def refund(self, user: str, count: int) -> None:
        """Uncount requests of an action that was refused as a whole."""
        self._used[user] -= count
