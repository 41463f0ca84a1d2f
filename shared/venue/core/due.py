"""Commands about later, and who does what is on the agenda."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from shared.venue.core import requests, scheduling, twaps
from shared.venue.core.block import Block
from shared.venue.core.timed_commands import CancelTwap, FireDue, PlaceTwap, ReserveRequests, ScheduleCancel
from shared.venue.core.world import Answer, World

FIRES: Final[dict[str, Callable[[World, Any, Block], None]]] = {
    twaps.KIND: twaps.fire,
    scheduling.KIND: scheduling.fire,
}
"""A new kind of entry is one more line here."""


def fire_due(world: World, _: FireDue, block: Block) -> Answer:
    """Everything done that the agenda has for the block's time."""
    while (entry := world.agenda.take(block.now_ns)) is not None:
        kind, subject = entry
        FIRES[kind](world, subject, block)
    return ()


ANSWERS: Final[dict[type, Callable[[World, Any, Block], Answer]]] = {
    PlaceTwap: twaps.place,
    CancelTwap: twaps.cancel,
    ScheduleCancel: scheduling.set_cancel,
    ReserveRequests: requests.reserve,
    FireDue: fire_due,
}
"""Who answers which command."""
