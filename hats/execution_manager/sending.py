"""From approval to order: what may be sent, once, and what a strategy no longer wants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from hats.execution_manager import life
from hats.execution_manager.records import DrainPhase, Order, Turn
from shared.ids import FLATTEN, PROTECT, StrategyId, is_child, strategy_number_of
from shared.messages import AnyMessage
from shared.messages.control import KillLevel
from shared.messages.order import SubmitOrder
from shared.messages.risk import OrderApproved, TradingState
from shared.messages.signal import CancelIntent, OrderIntent
from shared.order import OrderEvent, OrderState, is_open
from shared.units import MS, Ns

REPLACEABLE: Final = frozenset({OrderState.PENDING_SUBMIT, OrderState.RESTING, OrderState.PARTIALLY_FILLED})
"""States from which an order may be replaced: nothing else is under way and its fate is not in doubt."""
EARLY_CANCELS_KEPT: Final = 1_000
"""Most cancels that are remembered for orders which have not been approved yet."""


class Obstacle(NamedTuple):
    """Why an approved order is not sent, and how it ends."""

    event: OrderEvent
    reason: str


def approved(turn: Turn, approval: OrderApproved) -> Iterator[AnyMessage]:
    """Send the order that was approved; an approval is spent once, and its intent becomes at most one order."""
    state, intent = turn.state, approval.intent
    if approval.approval_id <= state.last_approval_id or state.find(intent.cloid, 0) is not None:
        return
    state.last_approval_id = approval.approval_id
    state.strategies[str(strategy_number_of(intent.cloid))] = intent.strategy
    expires_ns = Ns(min(approval.expires_ns, turn.now + turn.settings.order_ttl_ms * MS))
    order = _order_of(intent, expires_ns)
    order.begun_ns = turn.now
    parent = state.parent_awaiting(intent.cloid)
    if parent is not None:
        order.parent, parent.denials = parent.terms.parent, 0
    state.orders[order.cloid] = order
    obstacle = _obstacle(turn, approval)
    if obstacle is not None:
        yield from life.move(turn, order, obstacle.event, obstacle.reason)
        return
    instrument = state.instruments[intent.coin]
    yield SubmitOrder(
        intent.cloid,
        approval.approval_id,
        intent.coin,
        instrument.asset,
        instrument.sz_decimals,
        intent.side,
        intent.px,
        intent.sz,
        intent.tif,
        intent.reduce_only,
        intent.replaces,
        expires_ns,
        intent.how,
    )
    yield from life.move(turn, order, OrderEvent.SUBMIT, intent.reason)
    life.watch(turn, order, turn.now + turn.settings.answer_timeout_ms * MS)
    if intent.replaces is not None:
        old = state.orders[intent.replaces]
        old.replaced_by = intent.cloid
        yield from life.move(turn, old, OrderEvent.REQUEST_MODIFY, f"being replaced by {intent.cloid}")
        life.watch(turn, old, turn.now + turn.settings.answer_timeout_ms * MS)


def withdrawn(turn: Turn, cancel: CancelIntent) -> Iterator[AnyMessage]:
    """Cancel the order; a cancel that overtook its approval is remembered until that comes.

    Who drains cancels everything anyway, and may have to close before that.
    """
    state = turn.state
    order = state.find(cancel.cloid, 0)
    if order is None:
        state.early_cancels[cancel.cloid] = turn.now
        while len(state.early_cancels) > EARLY_CANCELS_KEPT:
            oldest = min(state.early_cancels, key=lambda cloid: (state.early_cancels[cloid], cloid))
            del state.early_cancels[oldest]
    elif is_open(order.state) and not state.drain.is_active:
        yield from life.want_gone(turn, order, cancel.reason)


def cancel_all(turn: Turn, reason: str, *, also_reducing: bool, also_guards: bool = True) -> Iterator[AnyMessage]:
    """Cancel every open order (closing orders of our own go on), or only those that may add to a position.

    `also_guards`: what protects positions at the venue, too.
    """
    for _, order in sorted(turn.state.orders.items()):
        is_meant = also_reducing if order.strategy != PROTECT else also_reducing and also_guards
        if order.strategy != FLATTEN and (is_meant or not order.reduce_only):
            yield from life.want_gone(turn, order, reason)


def _order_of(intent: OrderIntent, expires_ns: Ns) -> Order:
    return Order(
        intent.cloid,
        intent.strategy,
        intent.coin,
        intent.side,
        intent.px,
        intent.sz,
        intent.tif,
        intent.reduce_only,
        intent.replaces,
        expires_ns,
        intent.how,
    )


def _obstacle(turn: Turn, approval: OrderApproved) -> Obstacle | None:
    """Why the order must not be sent; None if it may."""
    state, intent = turn.state, approval.intent
    if state.early_cancels.pop(intent.cloid, None) is not None:
        return Obstacle(OrderEvent.CANCEL, "withdrawn before it was sent")
    if intent.strategy == FLATTEN and not (state.drain.is_active and state.drain.sent.get(intent.coin) == intent.cloid):
        return Obstacle(OrderEvent.CANCEL, "another closing order was asked for since, or none is wanted any more")
    if is_child(intent.cloid):
        parent = state.parent_awaiting(intent.cloid)
        if parent is None or parent.ending is not None or turn.now >= parent.terms.end_ns:
            return Obstacle(OrderEvent.CANCEL, "its parent went on without it")
        if intent.sz > parent.left_sz:
            return Obstacle(OrderEvent.CANCEL, "it is more than its parent has left")
    if turn.now >= approval.expires_ns:
        return Obstacle(OrderEvent.EXPIRE, "its approval came too late")
    why = forbidden(turn, intent.strategy, reduce_only=intent.reduce_only)
    if why is not None:
        return Obstacle(OrderEvent.REJECT, f"not sent: {why}")
    if intent.coin not in state.instruments:
        return Obstacle(OrderEvent.REJECT, f"not sent: {intent.coin} is not in the universe")
    if intent.replaces is None:
        return None
    old = state.find(intent.replaces, 0)
    if old is None or old.state not in REPLACEABLE or old.wants_cancel or old.ending is not None:
        stands = "is not known" if old is None else f"is {old.state}"
        return Obstacle(OrderEvent.REJECT, f"not sent: {intent.replaces}, which it replaces, {stands}")
    return None


def forbidden(turn: Turn, strategy: StrategyId, *, reduce_only: bool) -> str | None:
    """What was ordered since the approval that forbids such an order.

    Closing everything is never forbidden. What protects a position may be placed in any trading state, disarmed too,
    unless everything is to be closed, or the desk was never meant to act.
    """
    state = turn.state
    if strategy == FLATTEN:
        return None
    if strategy == PROTECT:
        return _forbids_guards(turn)
    if state.drain.phase is not DrainPhase.NONE:
        return "the run is draining"
    if state.kill is not None and not (state.kill is KillLevel.REDUCE and reduce_only):
        return f"kill ({state.kill})"
    if state.trading is TradingState.HALTED or (state.trading is TradingState.REDUCING and not reduce_only):
        return f"trading is {state.trading}"
    return None if state.is_armed else "the desk is not armed"


def _forbids_guards(turn: Turn) -> str | None:
    """A killed or halted desk holds what it holds, and needs stops the more; without prices none can be placed."""
    state = turn.state
    if state.drain.closes:
        return "everything is to be closed"
    if not state.is_feed_up:
        return "the feed is down"
    was_ordered = state.kill is not None or state.trading is not TradingState.ACTIVE
    return None if state.was_armed or was_ordered else "the desk is not armed"
