"""The /exchange schemas about later: TWAP orders, scheduled cancels, requests bought ahead."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct, field

from shared.venue.door.actions import U32, U64, Action, Address, Number, canonical_address, canonical_number


class TwapWire(Struct, frozen=True):
    """One TWAP order."""

    asset: U32 = field(name="a")
    is_buy: bool = field(name="b")
    sz: Number = field(name="s")
    reduce_only: bool = field(name="r")
    minutes: U32 = field(name="m")
    randomize: bool = field(name="t")


class TwapTriggerWire(Struct, frozen=True):
    """The mark at which it begins, from above or below."""

    px: Number = field(name="p")
    is_above: bool = field(name="a")


class TwapDetails(Struct, frozen=True):
    """What may be said beside the order; both are hashed, null too."""

    trigger: TwapTriggerWire | None = field(name="t")
    stop_px: Number | None = field(name="s")

    def canonical(self) -> TwapDetails:
        """Prices in canonical form."""
        trigger = self.trigger and TwapTriggerWire(canonical_number(self.trigger.px), self.trigger.is_above)
        return TwapDetails(trigger, self.stop_px and canonical_number(self.stop_px))


class TwapOrderAction(Action, frozen=True, tag="twapOrder"):
    """Trade a size in suborders over a time."""

    twap: TwapWire
    details: TwapDetails | None = None

    def canonical(self) -> TwapOrderAction:
        """Size and prices in canonical form."""
        twap = msgspec.structs.replace(self.twap, sz=canonical_number(self.twap.sz))
        return TwapOrderAction(twap, self.details and self.details.canonical())


class TwapCancelAction(Action, frozen=True, tag="twapCancel", rename={"asset": "a", "twap_id": "t"}):
    """End a TWAP order."""

    asset: U32
    twap_id: U64


class ScheduleCancelAction(Action, frozen=True, tag="scheduleCancel"):
    """Cancel all open orders at a time in milliseconds; without one, take that back."""

    time: U64 | None = None


class ReserveRequestWeightAction(Action, frozen=True, tag="reserveRequestWeight"):
    """Buy requests, for somebody else if so said."""

    weight: U32
    destination: Address | None = None

    def canonical(self) -> ReserveRequestWeightAction:
        """The address in canonical form."""
        return ReserveRequestWeightAction(self.weight, self.destination and canonical_address(self.destination))


TYPES: Final[dict[str, type[Action]]] = {
    "twapOrder": TwapOrderAction,
    "twapCancel": TwapCancelAction,
    "scheduleCancel": ScheduleCancelAction,
    "reserveRequestWeight": ReserveRequestWeightAction,
}
