"""What may be asked of the exchange about later: TWAP orders, the dead man's switch, requests bought ahead."""

from __future__ import annotations

import msgspec

from shared.units import Px, Sz


class TwapTrigger(msgspec.Struct, frozen=True):
    """The mark price at which a TWAP order begins: at or above it, or at or below it."""

    px: Px
    is_above: bool


class TwapSpec(msgspec.Struct, frozen=True):
    """One TWAP order as placed: all that the user decides."""

    asset: int
    is_buy: bool
    sz: Sz
    reduce_only: bool
    minutes: int
    randomize: bool
    trigger: TwapTrigger | None = None


class PlaceTwap(msgspec.Struct, frozen=True, tag=True):
    """Trade a size in suborders over a time."""

    user: str
    twap: TwapSpec


class CancelTwap(msgspec.Struct, frozen=True, tag=True):
    """End a TWAP order."""

    user: str
    asset: int
    twap_id: int


class ScheduleCancel(msgspec.Struct, frozen=True, tag=True):
    """Cancel all open orders at a time unless it is moved before; None takes the schedule back."""

    user: str
    time_ms: int | None


class ReserveRequests(msgspec.Struct, frozen=True, tag=True):
    """Pay for requests beyond the budget; the door keeps count of them."""

    user: str
    count: int


class FireDue(msgspec.Struct, frozen=True, tag=True):
    """The exchange's own: do what its agenda has for this time."""


TimedCommand = PlaceTwap | CancelTwap | ScheduleCancel | ReserveRequests | FireDue
