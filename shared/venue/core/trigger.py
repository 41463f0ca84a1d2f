"""What makes an order wait: its trigger, and the family of parent and children in which it was placed."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.units import Px
from shared.venue.core.commands import TriggerSpec


class Phase(StrEnum):
    """What a trigger order waits for, in the venue's words; FIRED is an ordinary order from then on."""

    PARENT = "waitingForFill"
    PRICE = "waitingForTrigger"
    FIRED = "triggered"


class Trigger(msgspec.Struct, eq=False):
    """Mutable on purpose, as its order is. `fires_above`: when mark >= px, else when mark <= px.

    `is_position` is tied to the position and ends with it; `is_whole` is for all of it, whatever that is on firing.
    `hides_condition` once it fired and is no more to be told what it waited for.
    """

    px: Px
    is_market: bool
    is_tp: bool
    fires_above: bool
    phase: Phase = Phase.PRICE
    is_position: bool = False
    is_whole: bool = False
    hides_condition: bool = False

    def is_satisfied(self, px: int) -> bool:
        """Would a mark of `px` fire it?"""
        return px >= self.px if self.fires_above else px <= self.px


class Family(msgspec.Struct, eq=False):
    """Orders that live by each other: children wait for the parent (0: there is none), one child's fill ends the rest.

    `child_oids` are those that have not ended. Shared by its members; all are the same user's on the same asset.
    """

    parent_oid: int
    child_oids: list[int]


def trigger_from_spec(spec: TriggerSpec, is_buy: bool) -> Trigger:
    """A trigger that waits for the price. Sell-TP and buy-SL fire above, sell-SL and buy-TP below."""
    return Trigger(spec.px, spec.is_market, spec.is_tp, spec.is_tp != is_buy)
