"""What users may leave behind for a later time: TWAP orders and scheduled cancels."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from shared.units import MS, Px, Sz
from shared.venue.core.commands import Command
from shared.venue.core.exchange import Exchange
from shared.venue.core.timed_commands import (
    CancelTwap,
    PlaceTwap,
    ReserveRequests,
    ScheduleCancel,
    TwapSpec,
    TwapTrigger,
)
from tests.property.whole.ground import PERPS, TICK
from tests.property.whole.trading_moves import near, who


def twap(exchange: Exchange, chance: Random) -> list[Command]:
    """A TWAP order, sometimes one that waits for a price."""
    asset, far = chance.choice(PERPS), chance.randint(-6, 6)
    trigger = None
    if chance.randint(0, 3) == 0:
        trigger = TwapTrigger(Px(max(near(exchange, asset) + far * TICK, TICK)), far > 0)
    spec = TwapSpec(
        asset, chance.random() < 0.5, Sz(chance.randint(100, 20_000)), chance.randint(0, 3) == 0,
        chance.choice((5, 5, 7, 30, 4, 2_000)), chance.random() < 0.5, trigger,
    )  # fmt: skip
    return [PlaceTwap(who(exchange, chance), spec)]


def end_twap(exchange: Exchange, chance: Random) -> list[Command]:
    """A TWAP order ends, its owner's or a stranger's wish."""
    active = list(exchange._world.twaps.active.values())
    if not active:
        return [CancelTwap(who(exchange, chance), 0, 7)]
    one = chance.choice(active)
    user = one.user if chance.random() < 0.8 else who(exchange, chance)
    return [CancelTwap(user, one.spec.asset, one.twap_id)]


def schedule(exchange: Exchange, chance: Random) -> list[Command]:
    """All orders are to go at a time, or not after all."""
    user, now_ms = who(exchange, chance), exchange.now_ns // MS
    if chance.randint(0, 9) == 0:
        return [ReserveRequests(user, chance.randint(1, 10_000))]
    return [ScheduleCancel(user, now_ms + chance.randint(4_000, 90_000) if chance.random() < 0.8 else None)]


TIMED: Final[tuple[Callable[[Exchange, Random], list[Command]], ...]] = (twap, twap, end_twap, schedule)
"""All of them, TWAP orders twice."""
