"""What is heard of our own orders and fills, taken into the desk's books and into the measures."""

from __future__ import annotations

from typing import Final

from hats.quant_strategist.desk import Desk, StrategyState
from hats.quant_strategist.judgement import PENDING_MAX, PendingMarkout
from hats.quant_strategist.measures import DENIED, FILL_RATE
from hats.quant_strategist.settings import Settings
from hats.quant_strategist.working import SETTLED, adopted_from
from shared.ids import StrategyId, is_child
from shared.messages.order import FillBooked, OrderChanged
from shared.messages.risk import DenyReason, OrderDenied
from shared.order import TERMINAL, OrderState, Tif
from shared.units import MS, Ns

_PASSING: Final = frozenset({DenyReason.STALE_DATA, DenyReason.SELF_MATCH, DenyReason.PRICE_COLLAR})
"""Reasons that the next book usually takes away: the pause does not grow."""
OWN_FAULTS: Final = frozenset(
    {
        DenyReason.UNKNOWN_COIN,
        DenyReason.BAD_PRICE,
        DenyReason.BAD_SIZE,
        DenyReason.BELOW_MIN_NOTIONAL,
        DenyReason.PRICE_COLLAR,
        DenyReason.ORDER_NOTIONAL,
        DenyReason.DUPLICATE,
    }
)
"""Reasons that the strategist could have known. The others rest on what only the Risk Officer counts or hears."""


def record_change(desk: Desk, change: OrderChanged) -> None:
    """The order stands as the Execution Manager says; one that ended leaves the books."""
    order = desk.working.get(change.cloid)
    if order is None:
        if change.state in TERMINAL or change.strategy not in desk.strategies or is_child(change.cloid):
            return
        order = desk.working[change.cloid] = adopted_from(change)
    elif order.state is OrderState.NEW:
        desk.samples.add(DENIED.name, 0.0)
    order.follow(change)
    if order.state in SETTLED or order.filled_sz:
        desk.strategies[order.strategy].denials_in_a_row = 0
    if order.state in TERMINAL:
        del desk.working[order.cloid]
        if order.tif is not Tif.IOC:
            desk.samples.add(FILL_RATE.name, float(order.filled_sz > 0))


def record_denial(desk: Desk, denied: OrderDenied, settings: Settings, now: Ns) -> None:
    """The intent is gone and its strategy pauses, longer with each veto in a row."""
    order = desk.working.pop(denied.cloid, None)
    if order is None:
        return
    desk.samples.add(DENIED.name, float(denied.reason in OWN_FAULTS))
    state = desk.strategies[order.strategy]
    state.last_denial = denied.reason
    pause_ms = settings.deny_pause_ms
    if denied.reason not in _PASSING:
        pause_ms = min(pause_ms << min(state.denials_in_a_row, 16), settings.deny_pause_max_ms)
        state.denials_in_a_row += 1
    state.paused_until_ns = Ns(now + pause_ms * MS)


def is_own_fault(state: StrategyState) -> bool:
    """Was the strategy's last veto one that it could have known of?"""
    return state.last_denial in OWN_FAULTS


def record_fill(desk: Desk, booked: FillBooked, on_coin: list[StrategyId], markout_ns: int) -> None:
    """The position moves, and a fill of ours waits to be judged."""
    desk.take_fill(booked, on_coin)
    fill = booked.fill
    instrument = desk.instruments.get(fill.coin)
    if booked.strategy in desk.strategies and instrument and len(desk.markouts) < PENDING_MAX:
        due_ns = Ns(fill.recv_ns + markout_ns)
        desk.markouts.append(PendingMarkout(due_ns, fill.coin, fill.side, instrument.px_float(fill.px)))
