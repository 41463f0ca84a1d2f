"""What the exchange remembers about later: TWAP orders and scheduled cancels."""

from __future__ import annotations

from collections import deque

import msgspec

from shared.units import Sz
from shared.venue.core.events import TwapChanged, TwapView
from shared.venue.core.timed_commands import TwapSpec


class Twap(msgspec.Struct):
    """One TWAP order that has not ended. `start_ns` is 0 while it waits for its trigger."""

    twap_id: int
    user: str
    spec: TwapSpec
    placed_ms: int
    start_ns: int = 0
    slices: int = 0
    executed_sz: int = 0
    executed_usd: int = 0

    def view(self) -> TwapView:
        """The order as others may see it now."""
        spec = self.spec
        return TwapView(
            self.twap_id,
            self.user,
            spec.asset,
            spec.is_buy,
            spec.sz,
            Sz(self.executed_sz),
            self.executed_usd,
            spec.minutes,
            spec.reduce_only,
            spec.randomize,
            self.placed_ms,
        )


class Twaps:
    """Every TWAP order that runs or waits, by its id, and what became of each user's."""

    __slots__ = ("active", "histories", "next_id")

    def __init__(self) -> None:
        self.active: dict[int, Twap] = {}
        self.histories: dict[str, deque[TwapChanged]] = {}
        self.next_id = 1


class Schedule(msgspec.Struct):
    """When one user's orders are to go, and how often they went on which day (UTC, counted from 1970)."""

    time_ms: int | None = None
    day: int = 0
    fired: int = 0
