"""What may be done."""

from __future__ import annotations

from hats.quant_strategist.permission import Permission, Situation
from shared.messages.market import FeedState
from shared.messages.risk import TradingState


def test_nothing_until_all_was_heard() -> None:
    """A fresh start allows nothing, and says why."""
    situation = Situation()
    assert situation.obstacle() == "disarmed"
    situation.is_armed = True
    assert situation.obstacle() == "feed is unheard of"
    situation.feed = FeedState.UP
    assert situation.permission() is Permission.ALL


def test_each_obstacle_is_enough() -> None:
    """Stale feed, halt and drain each forbid all; REDUCING leaves reducing."""
    for change in ({"feed": FeedState.STALE}, {"trading": TradingState.HALTED}, {"is_draining": True}):
        situation = Situation(**{"is_armed": True, "feed": FeedState.UP, **change})  # type: ignore[arg-type]
        assert situation.permission() is Permission.NOTHING
    assert Situation(True, False, FeedState.UP, TradingState.REDUCING).permission() is Permission.REDUCE
