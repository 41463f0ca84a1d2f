"""What became of an order that nobody has shown: sent again as it is, fenced off, or waited out; never placed anew.

The venue admits a nonce once. So a copy of the same bytes can't act twice; a noop that takes the nonce proves that the
order never acts; a nonce that is used proves that nothing more can arrive; and after its expiry nothing can either.
Source: fact sheet 2.1 and 2.5.
"""

from __future__ import annotations

from collections.abc import Iterator

from hats.execution_manager import life, sending
from hats.execution_manager.records import NEVER, Order, Turn
from shared.messages import AnyMessage
from shared.messages.order import ActionAnswered, AnswerKind, ResendOrder, VenueOrder
from shared.order import OrderEvent, OrderState
from shared.units import MS, Ns


def not_there(turn: Turn, order: Order, message: VenueOrder) -> Iterator[AnyMessage]:
    """The venue does not know an order that nobody has shown: send it again, fence it, until that proves something."""
    if any(mate.is_proven for mate in turn.state.mates_of(order)):
        order.decided_ns = min(order.decided_ns, turn.now)  # they came by one action: its nonce is spent
    settings, safe = turn.settings, life.safe_ns(turn, order)
    if message.recv_ns >= safe:
        order.absences += 1
        if order.absences >= settings.absences_needed:
            proof = f"never placed: unknown to the venue {order.absences} times after it could arrive"
            yield from life.end_at_venue(turn, order, OrderEvent.EXPIRE, 0, proof)
            return
        life.watch(turn, order, turn.now + settings.query_backoff_ms * MS)
        return
    if order.state is OrderState.UNKNOWN and order.decided_ns == NEVER:
        if _may_resend(turn, order):
            for one in (order, *turn.state.mates_of(order)):
                one.resends += 1  # a copy of the action is one of each
            yield ResendOrder(order.cloid)
        elif turn.now >= order.fence_ns:
            yield life.fence(turn, order)
    life.look_again(turn, order)


def fence_answered(turn: Turn, order: Order, message: ActionAnswered) -> Iterator[AnyMessage]:
    """The noop took the nonce, and the order can never act; or the nonce was used, and the venue knows by what."""
    match message.answer:
        case AnswerKind.FENCED if order.is_proven:
            yield from life.ask(turn, order)
        case AnswerKind.FENCED:
            yield from life.end_at_venue(turn, order, OrderEvent.EXPIRE, 0, "never placed: its nonce is spent")
        case AnswerKind.NONCE_USED:
            order.decided_ns = min(order.decided_ns, turn.now)
            if not order.is_proven:
                yield from life.ask(turn, order)
        case _:
            # no proof; the question or the expiry that is due next goes on from here
            return


def _may_resend(turn: Turn, order: Order) -> bool:
    """Is all of its action still wanted and allowed, and is there time for a copy to arrive?"""
    is_in_time = Ns(turn.now + turn.settings.query_backoff_ms * MS) < order.expires_ns
    return is_in_time and all(_is_wanted_again(turn, one) for one in (order, *turn.state.mates_of(order)))


def _is_wanted_again(turn: Turn, order: Order) -> bool:
    return (
        order.resends < turn.settings.resends_max
        and not order.wants_cancel
        and sending.forbidden(turn, order.strategy, reduce_only=order.reduce_only) is None
    )
