"""From actions about later to commands of the core, and from their outcomes to the venue's replies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import UnitError
from shared.instrument import Instrument
from shared.venue.core import words
from shared.venue.core.commands import Command
from shared.venue.core.outcomes import Cancelled, Outcome, Refused, TwapRunning
from shared.venue.core.placing import unknown_asset
from shared.venue.core.timed_commands import (
    CancelTwap,
    PlaceTwap,
    ReserveRequests,
    ScheduleCancel,
    TwapSpec,
    TwapTrigger,
)
from shared.venue.door.actions import Action
from shared.venue.door.render import Json
from shared.venue.door.timed_actions import (
    ReserveRequestWeightAction,
    ScheduleCancelAction,
    TwapCancelAction,
    TwapOrderAction,
)

NO_STOP: Final = "This local exchange does not support the stop price of TWAP orders."
NOT_BY_AGENT: Final = "Request weight can only be reserved by the account itself."
"""Ours; the venue's own text is not known."""
_TWAP_KIND: Final[dict[type, str]] = {TwapOrderAction: "twapOrder", TwapCancelAction: "twapCancel"}


def timed_from_action(action: Action, user: str, instruments: Mapping[int, Instrument]) -> Command | Json | None:
    """The command, or the reply if there can be none; None for an action about something else."""
    match action:
        case TwapOrderAction():
            return _twap(action, user, instruments)
        case TwapCancelAction():
            return CancelTwap(user, action.asset, action.twap_id)
        case ScheduleCancelAction():
            return ScheduleCancel(user, action.time)
        case ReserveRequestWeightAction():
            return ReserveRequests(user, action.weight)
        case _:
            return None


def timed_reply(action: Action, outcome: Outcome) -> Json:
    """The venue's reply to an action whose command came to `outcome`."""
    if outcome.error is not None:
        return {"status": "err", "response": outcome.error}
    kind = _TWAP_KIND.get(type(action))
    if kind is None:
        return {"status": "ok", "response": {"type": "default"}}
    match outcome.statuses[0]:
        case TwapRunning(twap_id=twap_id):
            return _twap_reply(kind, {"running": {"twapId": twap_id}})
        case Refused(error=error):
            return _twap_reply(kind, {"error": error})
        case Cancelled():
            return _twap_reply(kind, "success")
        case status:
            raise TypeError(f"{type(status).__name__} is no status of a TWAP order")


def _twap(action: TwapOrderAction, user: str, instruments: Mapping[int, Instrument]) -> Command | Json:
    wire, details = action.twap, action.details
    if details is not None and details.stop_px is not None:
        return {"status": "err", "response": NO_STOP}
    instrument = instruments.get(wire.asset)
    if instrument is None:
        return {"status": "err", "response": unknown_asset(wire.asset)}
    try:
        sz = instrument.sz(wire.sz)
        asked = None if details is None else details.trigger
        trigger = None if asked is None else TwapTrigger(instrument.px(asked.px), asked.is_above)
    except UnitError:
        return _twap_reply("twapOrder", {"error": words.INVALID_SIZE})
    spec = TwapSpec(wire.asset, wire.is_buy, sz, wire.reduce_only, wire.minutes, wire.randomize, trigger)
    return PlaceTwap(user, spec)


def _twap_reply(kind: str, status: Any) -> Json:
    return {"status": "ok", "response": {"type": kind, "data": {"status": status}}}
