"""What may be done now: everything, only reducing, or nothing, and why."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.messages.market import FeedState
from shared.messages.risk import TradingState


class Permission(StrEnum):
    """How much a strategy may do."""

    ALL = "all"
    REDUCE = "reduce"
    NOTHING = "nothing"


class Situation(msgspec.Struct):
    """What was last heard of the things that allow trading. Unheard is not allowed, except the trading state.

    The Risk Officer speaks of the trading state when it changes; it begins ACTIVE.
    """

    is_armed: bool = False
    is_draining: bool = False
    feed: FeedState | None = None
    trading: TradingState = TradingState.ACTIVE
    stale_coins: tuple[str, ...] = ()

    def permission(self) -> Permission:
        """What the situation allows."""
        if self.obstacle():
            return Permission.NOTHING
        return Permission.REDUCE if self.trading is TradingState.REDUCING else Permission.ALL

    def obstacle(self) -> str | None:
        """Why nothing may be quoted, in words; None if something may."""
        if self.is_draining:
            return "the run is ending"
        if not self.is_armed:
            return "disarmed"
        if self.feed is not FeedState.UP:
            return f"feed is {self.feed or 'unheard of'}"
        return "trading is halted" if self.trading is TradingState.HALTED else None
