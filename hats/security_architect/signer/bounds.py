"""What bounds the orders that may add exposure, beyond each for itself: how many and how much in a rolling window, and
how far a price may lie from one that the engine has no hand in.

Orders that only reduce are counted nowhere and need no price: a bound must never stand in the way of a kill.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from hats.security_architect.actions import NO_ORACLE, OVER_CAP, Action, OrderEntry
from hats.security_architect.signer.oracle import DECIMALS, Oracle
from hats.security_architect.signer.tickets import judged_by
from shared.approval import Ticket
from shared.units import BPS, MINUTE, MS, USD, USD_DECIMALS, scaled_from_str, str_from_scaled

_SHIFT: Final[int] = 10 ** (2 * DECIMALS - USD_DECIMALS)


class Collar(Struct, frozen=True, kw_only=True):
    """How much worse than the oracle's an order's price may be, and how old the oracle's may be.

    A price on the safe side (a bid below, an offer above) is free: it costs nothing until somebody comes to it.
    """

    bps_max: int
    age_ms_max: int


class Limits(Struct, frozen=True, kw_only=True):
    """The bounds of one signer. `notional_usd_max` in micro-USDC, within the window like `orders_max`."""

    window_ms: int = MINUTE // MS
    orders_max: int = 1_000
    notional_usd_max: int = 1_000_000 * USD
    collar: Collar | None = None


class Added(NamedTuple):
    """What one signature may add: how many orders, worth how much (micro-USDC), at which time."""

    ms: int
    orders: int
    notional_usd: int


class Bounds:
    """The limits with what was signed of late, oldest first. Time that steps back frees nothing."""

    def __init__(self, limits: Limits, added: Iterable[Added] = ()) -> None:
        self._limits = limits
        self.oracle = Oracle()
        self._added: deque[Added] = deque()
        self._orders = self._notional_usd = 0
        for entry in added:
            self.add(entry)

    def judge(self, action: Action, now_ms: int, tickets: Sequence[Ticket] = ()) -> Added | str | None:
        """What signing the action, whose tickets hold, would add; None if nothing. Or, as text, why it must not be."""
        entries = [entry for entry in judged_by(action, tickets) if not entry.reduce_only]
        if not entries:
            return None
        notional_usd = 0
        for entry in entries:
            worth = self._worth(entry, now_ms)
            if isinstance(worth, str):
                return worth
            notional_usd += worth
        self._forget(now_ms)
        limits = self._limits
        if self._orders + len(entries) > limits.orders_max:
            return f"{OVER_CAP}: {self._orders} orders within {limits.window_ms} ms, at most {limits.orders_max}"
        if self._notional_usd + notional_usd > limits.notional_usd_max:
            sums = (str_from_scaled(usd, USD_DECIMALS) for usd in (self._notional_usd, notional_usd))
            most = str_from_scaled(limits.notional_usd_max, USD_DECIMALS)
            return f"{OVER_CAP}: notional {' and '.join(sums)} within {limits.window_ms} ms exceed {most}"
        return Added(now_ms, len(entries), notional_usd)

    def add(self, entry: Added) -> None:
        """It was signed."""
        self._added.append(entry)
        self._orders += entry.orders
        self._notional_usd += entry.notional_usd

    def _forget(self, now_ms: int) -> None:
        while self._added and self._added[0].ms + self._limits.window_ms <= now_ms:
            gone = self._added.popleft()
            self._orders -= gone.orders
            self._notional_usd -= gone.notional_usd

    def _worth(self, entry: OrderEntry, now_ms: int) -> int | str:
        """Micro-USDC at the worse of limit and oracle price, rounded up: a low offer sells at more than it says."""
        px, sz = scaled_from_str(entry.px, DECIMALS), scaled_from_str(entry.sz, DECIMALS)
        collar = self._limits.collar
        if collar is not None:
            oracle_px = self.oracle.px(entry.asset, collar.age_ms_max, now_ms)
            if isinstance(oracle_px, str):
                return f"{NO_ORACLE} of asset {entry.asset}: {oracle_px}"
            worse = px - oracle_px if entry.is_buy else oracle_px - px
            if worse * BPS > collar.bps_max * oracle_px:
                away = worse * BPS // oracle_px
                return (
                    f"{OVER_CAP}: price {entry.px} is {away} bps beyond the oracle's, at most {collar.bps_max} allowed"
                )
            px = max(px, oracle_px)
        return -(-px * sz // _SHIFT)


def full(limits: Limits, now_ms: int) -> Added:
    """As if the window had just been used up: what is right when nobody knows what was signed in it."""
    return Added(now_ms, limits.orders_max, limits.notional_usd_max)
