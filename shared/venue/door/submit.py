"""From an action on the wire to a command of the core, and from its outcome to the venue's reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import UnitError, VenueError
from shared.instrument import Instrument
from shared.units import USD, scaled_from_str
from shared.venue.core import words
from shared.venue.core.commands import (
    BuilderTerms,
    CancelOrder,
    CancelOrders,
    Command,
    Grouping,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PlaceOrders,
    Tif,
    TopUpIsolatedMargin,
    TriggerSpec,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.outcomes import Awaiting, Cancelled, Filled, Outcome, Refused, Resting, Status
from shared.venue.core.placing import unknown_asset
from shared.venue.door.actions import (
    MAX_DECIMALS,
    BatchModifyAction,
    CancelAction,
    CancelByCloidAction,
    ModifyAction,
    OrderAction,
    OrderWire,
    PriorityGrouping,
    Supported,
    TopUpIsolatedOnlyMarginAction,
    TriggerKind,
    UpdateIsolatedMarginAction,
    UpdateLeverageAction,
)
from shared.venue.door.render import Json, number

DONE: Final[Json] = {"status": "ok", "response": {"type": "default"}}
_PER_E6: Final = 10**MAX_DECIMALS // USD
_LIST_KIND: Final[dict[type, str]] = {
    OrderAction: "order",
    BatchModifyAction: "order",
    CancelAction: "cancel",
    CancelByCloidAction: "cancel",
}


class Unfit(VenueError):  # noqa: N818 - a door's answer, named as such
    """Answer with `said`: the action can't become a command. `is_payload_fault` puts it where a status would stand."""

    def __init__(self, said: str, is_payload_fault: bool = False) -> None:
        super().__init__("unfit action", said)
        self.is_payload_fault = is_payload_fault


def refused(error: str) -> Json:
    """The reply to an action that is refused as a whole."""
    return {"status": "err", "response": error}


def unsupported(name: str) -> Json:
    """The reply to an action that the venue knows and this exchange does not play."""
    return refused(f"This local exchange does not support the action {name}.")


def weight(action: Supported) -> int:
    """How many requests the action counts for in its user's budget."""
    match action:
        case OrderAction():
            return max(len(action.orders), 1)
        case CancelAction() | CancelByCloidAction():
            return max(len(action.cancels), 1)
        case BatchModifyAction():
            return max(len(action.modifies), 1)
        case _:
            return 1


def is_cancel(action: Supported) -> bool:
    """Does the wider budget of cancels hold for it?"""
    return isinstance(action, CancelAction | CancelByCloidAction)


def command_from_action(action: Supported, user: str, instruments: Mapping[int, Instrument]) -> Command:
    """The core's command; Unfit when units or features do not allow one. Only for trading actions."""
    match action:
        case OrderAction():
            asked = action.builder
            builder = None if asked is None else BuilderTerms(asked.address, asked.fee)
            orders = tuple(_spec(order, instruments, builder) for order in action.orders)
            if isinstance(action.grouping, PriorityGrouping):
                return PlaceOrders(user, orders, Grouping.PRIORITY, action.grouping.rate)
            return PlaceOrders(user, orders, Grouping(action.grouping))
        case CancelAction():
            return CancelOrders(user, tuple(CancelOrder(one.asset, oid=one.oid) for one in action.cancels))
        case CancelByCloidAction():
            return CancelOrders(user, tuple(CancelOrder(one.asset, cloid=one.cloid) for one in action.cancels))
        case ModifyAction():
            spec = ModifySpec(action.oid, _spec(action.order, instruments))
            return ModifyOrders(user, (spec,), action.always_place)
        case BatchModifyAction():
            specs = (ModifySpec(one.oid, _spec(one.order, instruments)) for one in action.modifies)
            return ModifyOrders(user, tuple(specs), action.always_place)
        case UpdateLeverageAction():
            return UpdateLeverage(user, action.asset, action.leverage, action.is_cross)
        case UpdateIsolatedMarginAction():
            return UpdateIsolatedMargin(user, action.asset, action.ntli)
        case TopUpIsolatedOnlyMarginAction():
            return TopUpIsolatedMargin(user, action.asset, _leverage_e6(action.leverage))
        case _:
            raise TypeError(f"{type(action).__name__} is no trading action")


def reply_from_unfit(action: Supported, unfit: Unfit) -> Json:
    """The venue's reply to an action that can't become a command: one status for a whole batch, or an error."""
    kind = _LIST_KIND.get(type(action))
    if kind is None or not unfit.is_payload_fault:
        return refused(unfit.said)
    return _listed(kind, [{"error": unfit.said}])


def reply_from_outcome(action: Supported, outcome: Outcome, instruments: Mapping[int, Instrument]) -> Json:
    """The venue's reply to an action whose command came to `outcome`."""
    if outcome.error is not None:
        return refused(outcome.error)
    match action:
        case OrderAction():
            assets = [order.asset for order in action.orders]
        case BatchModifyAction():
            assets = [entry.order.asset for entry in action.modifies]
        case CancelAction() | CancelByCloidAction():
            assets = [cancel.asset for cancel in action.cancels]
        case _:
            return next((refused(status.error) for status in outcome.statuses if isinstance(status, Refused)), DONE)
    shown = [_status(*pair, instruments) for pair in zip(outcome.statuses, assets or [0], strict=False)]
    return _listed(_LIST_KIND[type(action)], shown)


def _spec(order: OrderWire, instruments: Mapping[int, Instrument], builder: BuilderTerms | None = None) -> OrderSpec:
    """The order in the core's units. A number that the coin can't hold is a fault of the payload."""
    instrument = instruments.get(order.asset)
    if instrument is None:
        raise Unfit(unknown_asset(order.asset))
    fault = words.INVALID_SIZE
    try:
        sz = instrument.sz(order.sz)
        fault = words.for_asset(words.TICK, order.asset)
        px = instrument.px(order.px)
        trigger = None if order.kind.trigger is None else _trigger(order.kind.trigger, instrument)
    except UnitError as error:
        raise Unfit(fault, is_payload_fault=True) from error
    if order.kind.limit is not None:
        tif = Tif(order.kind.limit.tif)
    else:
        tif = Tif.IOC if trigger is not None and trigger.is_market else Tif.GTC
    return OrderSpec(order.asset, order.is_buy, px, sz, order.reduce_only, tif, order.cloid, builder, trigger)


def _trigger(kind: TriggerKind, instrument: Instrument) -> TriggerSpec:
    """The trigger in the core's units; UnitError for a price that the coin can't hold."""
    return TriggerSpec(instrument.px(kind.trigger_px), kind.is_market, kind.tpsl == "tp")


def _leverage_e6(text: str) -> int:
    """A leverage x 10^6, digits beyond cut off."""
    return scaled_from_str(text, MAX_DECIMALS) // _PER_E6


def _listed(kind: str, statuses: list[Any]) -> Json:
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": statuses}}}


def _status(status: Status, asset: int, instruments: Mapping[int, Instrument]) -> Any:
    match status:
        case Resting():
            return {"resting": _with_cloid({"oid": status.oid}, status.cloid)}
        case Filled():
            size = number(instruments[asset].sz_text(status.total_sz))
            shown = {"totalSz": size, "avgPx": number(status.avg_px_text), "oid": status.oid}
            return {"filled": _with_cloid(shown, status.cloid)}
        case Refused():
            return {"error": status.error}
        case Cancelled():
            return "success"
        case Awaiting():
            return status.phase


def _with_cloid(shown: Json, cloid: str | None) -> Json:
    return shown if cloid is None else shown | {"cloid": cloid}
