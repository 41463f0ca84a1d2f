"""One order's life: each fact moves it along the table, and it ends only when its end and all its fills are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.execution_manager.measures import CANCEL, DUPLICATES, REJECTED, UNKNOWN
from hats.execution_manager.records import NEVER, UNKNOWN_SZ, Order, Turn
from shared.ids import Cloid
from shared.messages import AnyMessage
from shared.messages.order import CancelOrder, FenceOrder, OrderChanged, QueryOrder, QueryTwap
from shared.order import TRANSITIONS, OrderEvent, OrderState, Side, is_open, next_state
from shared.units import MS, SECOND, Ns, Sz

QUIET: Final = frozenset({OrderState.RESTING, OrderState.PARTIALLY_FILLED, OrderState.TRIGGERED})
"""States in which nothing of ours is under way."""


TWAP_WEIGHT: Final = 10
"""The venue's history of TWAPs weighs as much as ten questions about an order (fact sheet 8.1), so it is asked less."""


def word(order: Order, reason: str) -> OrderChanged:
    """The order as it stands, for everybody."""
    return OrderChanged(
        order.cloid,
        order.strategy,
        order.coin,
        order.side,
        order.px,
        order.sz,
        Sz(order.filled_sz),
        order.reduce_only,
        order.state,
        reason,
    )


def move(turn: Turn, order: Order, event: OrderEvent, reason: str) -> Iterator[AnyMessage]:
    """Let `event` happen to the order: says so if its state changed; a failed replacement gives the old order back."""
    before = order.state
    after = next_state(before, event)
    if after is OrderState.RESTING and order.filled_sz:
        after = next_state(after, OrderEvent.PARTIAL_FILL)
    if after is before:
        return
    order.state, order.changed_ns = after, turn.now
    if before is OrderState.UNKNOWN:
        turn.state.samples.add(UNKNOWN.name, (turn.now - order.doubted_ns) / SECOND)
    if after is OrderState.UNKNOWN:
        order.doubted_ns = turn.now
    if not is_open(after):
        _retire(turn, order, was_sent=before is not OrderState.NEW)
    yield word(order, reason)
    if after in (OrderState.REJECTED, OrderState.EXPIRED):
        yield from _give_back(turn, order, reason)


def watch(turn: Turn, order: Order, at: int) -> None:
    """Look after the order at `at`."""
    order.deadline_ns = Ns(at)
    turn.state.soonest_ns = min(turn.state.soonest_ns, order.deadline_ns)


def bind(turn: Turn, order: Order, oid: int) -> None:
    """Remember the venue's id of the order. A second one for the same cloid means two orders: it must never happen."""
    if not oid or oid == order.oid:
        return
    order.is_doubled = order.is_doubled or order.oid != 0
    order.oid = oid
    known = turn.state.twaps if order.is_twap else turn.state.cloids
    known[str(oid)] = order.cloid


def accept(turn: Turn, order: Order, oid: int, reason: str) -> Iterator[AnyMessage]:
    """The venue has the order and it is open there."""
    bind(turn, order, oid)
    if order.ending is not None and order.final_sz == UNKNOWN_SZ:
        # a cancel was confirmed; the venue's lists may lag behind that, but not for long
        if turn.now - order.ending_ns <= turn.settings.account_lag_ms * MS:
            return
        order.ending = None
    order.is_proven, order.absences = True, 0
    yield from move(turn, order, OrderEvent.PARTIAL_FILL if order.filled_sz else OrderEvent.ACCEPT, reason)
    yield from calm(turn, order)


def calm(turn: Turn, order: Order) -> Iterator[AnyMessage]:
    """The order is alive: nothing to look after any more, unless it is wanted gone."""
    if order.state in QUIET and order.ending is None:
        order.deadline_ns, order.asks = NEVER, 0
    yield from pursue(turn, order)


def trigger(turn: Turn, order: Order, oid: int, reason: str) -> Iterator[AnyMessage]:
    """The venue says that the order's trigger fired."""
    bind(turn, order, oid)
    order.is_proven = True
    order.has_fired = True
    if OrderEvent.TRIGGER in TRANSITIONS[order.state]:
        yield from move(turn, order, OrderEvent.TRIGGER, reason)


def end_at_venue(turn: Turn, order: Order, event: OrderEvent, final_sz: int, reason: str) -> Iterator[AnyMessage]:
    """The venue's word that the order is over, having traded `final_sz` in all; it ends here once that is booked.

    Every such claim is an upper bound (the venue keeps the original size of an order that it clipped), so the
    smallest one holds. What is unknown, or missing for too long, is settled by the next look at the account.
    """
    if event is OrderEvent.REJECT and (order.is_proven or order.filled_sz):
        event = OrderEvent.CANCEL
    if order.ending is None:
        order.ending_ns = turn.now
    order.ending, order.ending_why = event, reason
    order.is_cancel_under_way = False
    order.is_proven = order.is_proven or event in (OrderEvent.FILL, OrderEvent.CANCEL)
    if final_sz != UNKNOWN_SZ:
        order.final_sz = final_sz if order.final_sz == UNKNOWN_SZ else min(final_sz, order.final_sz)
    yield from settle(turn, order)
    if is_open(order.state):
        watch(turn, order, turn.now + turn.settings.settle_ms * MS)


def settle(turn: Turn, order: Order) -> Iterator[AnyMessage]:
    """End the order if all of it is traded, or if it is over at the venue and every fill of it is booked."""
    if order.filled_sz >= order.sz:
        yield from move(turn, order, OrderEvent.FILL, "filled")
    elif order.ending is not None and UNKNOWN_SZ < order.final_sz <= order.filled_sz:
        event = OrderEvent.CANCEL if order.ending is OrderEvent.FILL else order.ending
        yield from move(turn, order, event, order.ending_why)


def safe_ns(turn: Turn, order: Order) -> Ns:
    """From when on the venue not knowing the order means that it never will.

    After its expiry, or once its nonce was refused as used, nothing can arrive; what did may be held back, then shown.
    """
    return Ns(min(order.expires_ns, order.decided_ns) + turn.settings.expiry_margin_ms * MS)


def ask(turn: Turn, order: Order) -> Iterator[AnyMessage]:
    """Ask the venue what became of the order, and again after a pause that doubles."""
    order.asks += 1
    order.asked_ns = turn.now
    look_again(turn, order)
    decides = order.state is OrderState.UNKNOWN and (order.is_proven or turn.now >= safe_ns(turn, order))
    if order.is_twap:
        terms = (order.coin, order.side, order.sz)
        alike = [oid for oid, cloid in turn.state.twaps.items() if _terms_of(turn, cloid) == terms]
        others = () if order.oid else tuple(sorted(int(oid) for oid in alike))
        yield QueryTwap(order.cloid, order.oid or None, *terms, order.begun_ns, others, decides)
    else:
        yield QueryOrder(order.cloid, decides)


def _terms_of(turn: Turn, cloid: Cloid) -> tuple[str, Side, Sz] | None:
    order = turn.state.find(cloid, 0)
    return None if order is None else (order.coin, order.side, order.sz)


def pause_ns(turn: Turn, order: Order) -> int:
    """How long to wait after so many questions about the order."""
    settings = turn.settings
    first_ms = settings.query_backoff_ms * (TWAP_WEIGHT if order.is_twap else 1)
    return min(first_ms << min(max(order.asks - 1, 0), 16), settings.query_backoff_max_ms) * MS


def look_again(turn: Turn, order: Order) -> None:
    """Look again after its pause, or once an answer is a proof: the question before may still wait for weight."""
    look_ns, safe = turn.now + pause_ns(turn, order), safe_ns(turn, order)
    watch(turn, order, look_ns if turn.now >= safe else min(look_ns, safe))


def doubt(turn: Turn, order: Order, reason: str) -> Iterator[AnyMessage]:
    """What was sent has no definite answer: the order is UNKNOWN, counts in full, and the venue is asked.

    Who doubts already asks already.
    """
    order.is_cancel_under_way = False
    if order.state is not OrderState.UNKNOWN:
        yield from move(turn, order, OrderEvent.NO_ANSWER, reason)
        yield from ask(turn, order)
    yield from keep_away(turn, order)


def want_gone(turn: Turn, order: Order, reason: str) -> Iterator[AnyMessage]:
    """Cancel the order now, or as soon as the venue has it; keep one from it that nobody has shown.

    Wanting it again changes nothing: a cancel that was refused follows after its pause, however often it is wanted.
    """
    is_new = not order.wants_cancel
    if is_new:
        order.wants_cancel, order.cancel_wanted_ns = reason, turn.now
        if order.state is OrderState.PENDING_SUBMIT and order.ending is None:
            watch(turn, order, min(order.deadline_ns, turn.now + turn.settings.fence_retry_ms * MS))
    yield from keep_away(turn, order)
    if is_new:
        yield from pursue(turn, order)


def keep_away(turn: Turn, order: Order) -> Iterator[AnyMessage]:
    """Fence an order in doubt that is wanted gone, without asking first."""
    is_in_doubt = order.state is OrderState.UNKNOWN and not order.is_proven and order.ending is None
    if order.wants_cancel and is_in_doubt and order.decided_ns == NEVER and turn.now >= order.fence_ns:
        yield fence(turn, order)


def fence(turn: Turn, order: Order) -> FenceOrder:
    """The request to spend the order's nonce on a noop; another one follows no sooner than after a pause."""
    order.fence_ns = Ns(turn.now + turn.settings.fence_retry_ms * MS)
    watch(turn, order, min(order.deadline_ns, order.fence_ns))
    return FenceOrder(order.cloid)


def pursue(turn: Turn, order: Order) -> Iterator[AnyMessage]:
    """Send the cancel that is wanted, if none is under way and the venue has the order."""
    can_cancel = order.state in QUIET or order.state in (OrderState.PENDING_CANCEL, OrderState.PENDING_MODIFY)
    if not order.wants_cancel or order.is_cancel_under_way or order.ending is not None or not can_cancel:
        return
    if not order.is_proven:
        return
    if order.is_twap and not order.oid:
        yield from ask(turn, order)  # it can be cancelled by its id alone
        return
    order.is_cancel_under_way = True
    yield cancel_order(turn, order)
    yield from move(turn, order, OrderEvent.REQUEST_CANCEL, order.wants_cancel)
    watch(turn, order, turn.now + turn.settings.answer_timeout_ms * MS)


def cancel_order(turn: Turn, order: Order) -> CancelOrder:
    """The request to cancel; sending it twice does no harm."""
    instrument = turn.state.instruments[order.coin]
    expires_ns = Ns(turn.now + turn.settings.cancel_ttl_ms * MS)
    return CancelOrder(order.cloid, order.coin, instrument.asset, expires_ns, order.oid if order.is_twap else None)


def being_replaced(turn: Turn, order: Order) -> Order | None:
    """The order that `order` is about to replace, while that is open and nothing is known of it."""
    old = turn.state.orders.get(order.replaces) if order.replaces is not None else None
    if old is None or old.state is not OrderState.PENDING_MODIFY or old.replaced_by != order.cloid:
        return None
    return old


def _give_back(turn: Turn, order: Order, reason: str) -> Iterator[AnyMessage]:
    """The replacement failed: what it was to replace may still be open, and the venue is asked for the truth.

    Not if it was refused before it left: then nothing has happened, and where that was for want of weight, questions
    would use up what the next one needs.
    """
    old = being_replaced(turn, order)
    if old is None:
        return
    if old.is_proven:
        yield from move(turn, old, OrderEvent.REFUSE_CHANGE, f"not replaced: {reason}")
        never_left = order.state is OrderState.REJECTED and not order.sent_ns
        yield from calm(turn, old) if never_left else ask(turn, old)
    else:
        yield from doubt(turn, old, f"not answered yet, and not replaced: {reason}")


def _retire(turn: Turn, order: Order, *, was_sent: bool) -> None:
    """Move the order to the ended ones, forgetting the oldest of them, and take its samples."""
    state = turn.state
    order.deadline_ns = NEVER
    state.ended[order.cloid] = state.orders.pop(order.cloid)
    state.ended_queue.append(order.cloid)
    while len(state.ended_queue) > turn.settings.ended_orders_kept:
        gone = state.ended.pop(state.ended_queue.pop(0))
        (state.twaps if gone.is_twap else state.cloids).pop(str(gone.oid), None)
    if was_sent:
        failed = order.state in (OrderState.REJECTED, OrderState.EXPIRED)
        state.samples.add(REJECTED.name, float(failed))
        state.samples.add(DUPLICATES.name, float(order.is_doubled))
    if order.cancel_wanted_ns and order.state is OrderState.CANCELLED:
        state.samples.add(CANCEL.name, (turn.now - order.cancel_wanted_ns) / MS)
