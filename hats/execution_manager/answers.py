"""What became of what we sent: on the wire, answered, not answered, not even signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.execution_manager import life, proof
from hats.execution_manager.measures import ACK
from hats.execution_manager.records import UNKNOWN_SZ, Order, Turn
from shared.messages import AnyMessage
from shared.messages.order import ActionAnswered, ActionKind, ActionSent, AnswerKind, SignatureRefused
from shared.order import OrderEvent, OrderState, Tif
from shared.units import MS

GONE: Final = (
    "Order was never placed, already canceled, or filled.",
    "TWAP was never placed, already canceled, or filled.",
)
"""The venue's refusals of a cancel that came too early or too late; they do not say which."""


def hear(turn: Turn, message: ActionSent | ActionAnswered | SignatureRefused) -> Iterator[AnyMessage]:
    """What follows from one word on an action of ours, for each of its orders. Ended orders have heard enough."""
    for cloid in (message.cloid,) if isinstance(message, ActionAnswered) else message.cloids:
        order = turn.state.orders.get(cloid)
        if order is not None:
            yield from _hear_of(turn, order, message)


def _hear_of(turn: Turn, order: Order, message: ActionSent | ActionAnswered | SignatureRefused) -> Iterator[AnyMessage]:
    match message:
        case ActionSent():
            _sent(turn, order, message)
        case SignatureRefused() if message.kind.cancels:
            yield from _cancel_refused(turn, order, f"not signed: {message.reason}")
        case SignatureRefused(kind=ActionKind.FENCE):
            return
        case SignatureRefused() if message.is_doubtful or order.sent_ns:
            yield from _undecided(turn, order, f"not signed: {message.reason}")
        case SignatureRefused():
            yield from _order_refused(turn, order, f"not signed: {message.reason}")
        case ActionAnswered() if message.kind.cancels:
            yield from _cancel_answered(turn, order, message)
        case ActionAnswered(kind=ActionKind.FENCE):
            yield from proof.fence_answered(turn, order, message)
        case ActionAnswered():
            yield from _order_answered(turn, order, message)


def _sent(turn: Turn, order: Order, message: ActionSent) -> None:
    """The bytes are on the wire: the time for an answer runs from now. The first action of an order places it."""
    if not order.sent_ns:
        order.sent_ns = message.sent_ns
    if not order.mates and not order.is_proven:
        order.mates = tuple(cloid for cloid in message.cloids if cloid != order.cloid)
    settings = turn.settings
    if order.state is OrderState.PENDING_SUBMIT and order.wants_cancel:
        life.watch(turn, order, turn.now + settings.fence_retry_ms * MS)
    elif order.state is OrderState.PENDING_SUBMIT or order.is_cancel_under_way:
        life.watch(turn, order, turn.now + settings.answer_timeout_ms * MS)


def _order_answered(turn: Turn, order: Order, message: ActionAnswered) -> Iterator[AnyMessage]:
    if order.sent_ns and message.answer is not AnswerKind.NO_ANSWER:
        turn.state.samples.add(ACK.name, (message.recv_ns - order.sent_ns) / MS)
    match message.answer:
        case AnswerKind.RESTING:
            yield from life.accept(turn, order, message.oid, "accepted")
            _expect_end_of_replaced(turn, order)
        case AnswerKind.FILLED:
            yield from _filled(turn, order, message)
            _expect_end_of_replaced(turn, order)
        case AnswerKind.REFUSED if order.resends:  # of one copy; the other may be on its way
            yield from _undecided(turn, order, message.error)
        case AnswerKind.REFUSED:
            yield from _order_refused(turn, order, message.error)
        case AnswerKind.NONCE_USED:
            order.decided_ns = min(order.decided_ns, turn.now)
            yield from _undecided(turn, order, f"{message.answer} {message.error}".rstrip())
        case AnswerKind.NO_ANSWER | AnswerKind.CANCELLED | AnswerKind.FENCED:
            yield from _undecided(turn, order, f"{message.answer} {message.error}".rstrip())


def _filled(turn: Turn, order: Order, message: ActionAnswered) -> Iterator[AnyMessage]:
    """It traded at once. Less than its size ends an IOC; of any other order the rest may rest."""
    life.bind(turn, order, message.oid)
    order.is_proven = True
    if message.filled_sz >= order.sz:
        yield from life.end_at_venue(turn, order, OrderEvent.FILL, order.sz, "filled")
    elif order.tif is Tif.IOC:
        yield from life.end_at_venue(turn, order, OrderEvent.CANCEL, message.filled_sz, "the rest of an IOC")
    else:
        yield from life.accept(turn, order, message.oid, "accepted")


def _order_refused(turn: Turn, order: Order, reason: str) -> Iterator[AnyMessage]:
    """A definite no. If the venue has shown the order before, the two words disagree and it is asked."""
    if order.is_proven or order.filled_sz:
        yield from life.ask(turn, order)
    else:
        yield from life.end_at_venue(turn, order, OrderEvent.REJECT, 0, reason)


def _undecided(turn: Turn, order: Order, reason: str) -> Iterator[AnyMessage]:
    """No definite answer: unknown, unless the venue has shown the order already. So is the order that it replaces."""
    if not order.is_proven:
        yield from life.doubt(turn, order, reason)
    old = life.being_replaced(turn, order)
    if old is not None:
        yield from life.doubt(turn, old, f"its replacement has no answer: {reason}")


def _expect_end_of_replaced(turn: Turn, order: Order) -> None:
    """The replacement lives, so the venue is about to say that the old order is cancelled; soon it is asked."""
    old = life.being_replaced(turn, order)
    if old is not None:
        life.watch(turn, old, turn.now + turn.settings.settle_ms * MS)


def _cancel_answered(turn: Turn, order: Order, message: ActionAnswered) -> Iterator[AnyMessage]:
    """Cancelled is definite, how much had traded by then is not: that comes with the venue's last word on the order."""
    order.is_cancel_under_way = False
    match message.answer:
        case AnswerKind.CANCELLED:
            yield from life.end_at_venue(turn, order, OrderEvent.CANCEL, UNKNOWN_SZ, order.wants_cancel or "cancelled")
        case AnswerKind.REFUSED if message.error.startswith(GONE):
            yield from life.ask(turn, order)
        case AnswerKind.REFUSED:
            yield from _cancel_refused(turn, order, message.error)
        case _:
            if order.state is OrderState.PENDING_CANCEL:
                yield from life.doubt(turn, order, f"cancel: {message.answer}")


def _cancel_refused(turn: Turn, order: Order, reason: str) -> Iterator[AnyMessage]:
    """The cancel was not carried out, so the order stands; the cancel is tried again after a pause."""
    order.is_cancel_under_way = False
    if order.state is OrderState.PENDING_CANCEL:
        yield from life.move(turn, order, OrderEvent.REFUSE_CHANGE, f"not cancelled: {reason}")
    if order.ending is None:
        order.asks += 1
        life.watch(turn, order, turn.now + life.pause_ns(turn, order))
