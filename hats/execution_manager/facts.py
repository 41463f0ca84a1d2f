"""What the venue says of orders and fills, pushed or asked, in any order and more than once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from hats.execution_manager import life, parents, proof
from hats.execution_manager.measures import DUPLICATES
from hats.execution_manager.records import NEVER, UNKNOWN_SZ, Move, Order, Turn
from shared.ids import FOREIGN, Cloid, StrategyId, is_ours, run_of, strategy_number_of
from shared.messages import AnyMessage
from shared.messages.order import Fill, FillBooked, VenueOrder, VenueOrderStatus
from shared.order import OrderEvent, OrderState, is_open
from shared.position import Position
from shared.units import MS, Ns

MOVES_KEPT: Final = 1_000
"""Booked fills that are remembered to say what a position was a moment ago."""

NEVER_TRADED: Final = frozenset({OrderState.REJECTED, OrderState.EXPIRED})
"""Ends after which the venue has nothing of the order; if it has, our proof was wrong."""

_ENDINGS: Final = {
    VenueOrderStatus.FILLED: OrderEvent.FILL,
    VenueOrderStatus.CANCELLED: OrderEvent.CANCEL,
    VenueOrderStatus.REJECTED: OrderEvent.REJECT,
}


def hear(turn: Turn, message: VenueOrder | Fill) -> Iterator[AnyMessage]:
    """What follows from one fact."""
    match message:
        case Fill():
            yield from book(turn, message)
        case VenueOrder():
            yield from venue_order(turn, message)


def venue_order(turn: Turn, message: VenueOrder) -> Iterator[AnyMessage]:
    """Move the order to where the venue says that it is. One of ours that we do not know is looked up."""
    order = turn.state.find(message.cloid, message.oid)
    if order is not None and order.is_twap and turn.state.twaps.get(str(message.oid), order.cloid) != order.cloid:
        return  # another one of ours that looks the same
    if order is None:
        if is_ours(message.cloid) and message.status is VenueOrderStatus.OPEN:
            want_account(turn, turn.now, "the venue has an order of ours that we do not know")
    elif not is_open(order.state):
        yield from _afterlife(turn, order, message)
    elif message.status is VenueOrderStatus.OPEN:
        yield from life.accept(turn, order, message.oid, "open at the venue")
    elif message.status is VenueOrderStatus.TRIGGERED:
        yield from life.trigger(turn, order, message.oid, "triggered")
        yield from parents.stop_fired(turn, order)
    elif message.status is VenueOrderStatus.UNKNOWN_OID:
        yield from _not_there(turn, order, message)
    elif message.status is VenueOrderStatus.OTHER:
        # a word that we do not know proves no more than that the venue has the order: whether it lives its list decides
        life.bind(turn, order, message.oid)
        order.is_proven = True
        _let_the_list_decide(turn, order, f"{order.cloid} is {message.said!r} at the venue")
    else:
        life.bind(turn, order, message.oid)
        yield from life.end_at_venue(turn, order, _ENDINGS[message.status], _final_sz(message), message.said)


def book(turn: Turn, fill: Fill) -> Iterator[AnyMessage]:
    """Take a fill into the books, once: the position first, then the order that it belongs to, if that is ours."""
    state = turn.state
    if not state.is_opened:
        state.held_fills.append(fill)
        del state.held_fills[: -turn.settings.held_fills_kept]
        return
    if fill.exch_ns <= state.opened_ns or not state.fills.take(fill, turn.settings.fills_kept):
        return
    order = state.find_by_fill(fill)
    if order is None and _may_be_ours(turn, fill):
        state.unbound_fills.append(fill)
    else:
        yield from _take(turn, fill, order)


def bind_fills(turn: Turn) -> Iterator[AnyMessage]:
    """Book the fills that waited to learn whose they are, as far as that is known now."""
    waiting, turn.state.unbound_fills = turn.state.unbound_fills, []
    for fill in waiting:
        order = turn.state.find_by_fill(fill)
        if order is None and _may_be_ours(turn, fill):
            turn.state.unbound_fills.append(fill)
        else:
            yield from _take(turn, fill, order)


def _take(turn: Turn, fill: Fill, order: Order | None) -> Iterator[AnyMessage]:
    _move_position(turn, fill)
    if order is None:
        if turn.settings.foreign_fills == "halt" and not is_ours(fill.cloid):
            what = f"{fill.direction or fill.side.name.lower()} of {fill.sz} lots of {fill.coin} at {fill.px}"
            turn.state.strangers.append(f"fill {fill.tid} is of no order of ours: {what}")
        yield FillBooked(fill, _strategy_of(turn, fill.cloid))
        return
    yield FillBooked(msgspec.structs.replace(fill, cloid=order.cloid), order.strategy)
    yield from _fill_order(turn, order, fill)


def want_account(turn: Turn, at: int, reason: str) -> None:
    """Compare the books with the venue's at `at`, or sooner if that is planned already."""
    account = turn.state.account
    if at < account.wanted_ns:
        account.wanted_ns, account.why, account.raised_ns = Ns(at), reason, turn.now
        turn.state.soonest_ns = min(turn.state.soonest_ns, account.wanted_ns)


def _may_be_ours(turn: Turn, fill: Fill) -> bool:
    """Could a fill without a cloid belong to an order whose oid we have not heard yet? It overtook the answer then."""
    return fill.cloid is None and any(
        not order.oid
        and order.is_twap == (fill.twap_id is not None)
        and (order.coin, order.side) == (fill.coin, fill.side)
        for order in turn.state.orders.values()
    )


def _move_position(turn: Turn, fill: Fill) -> None:
    state = turn.state
    signed_sz = fill.side.value * fill.sz
    held = state.positions.get(fill.coin, 0)
    if held != fill.start_net_sz:
        # a fill is missing or comes later; if it does not come soon, the account is read
        want_account(turn, turn.now + turn.settings.confirm_ms * MS, f"a fill of {fill.coin} is missing")
    position = Position(held, state.costs.get(fill.coin, 0))
    position.apply(fill.side, fill.px, fill.sz)
    state.positions[fill.coin], state.costs[fill.coin] = position.net_sz, position.cost_usd
    state.recent_moves.append(Move(fill.exch_ns, fill.coin, signed_sz))
    del state.recent_moves[:-MOVES_KEPT]


def _fill_order(turn: Turn, order: Order, fill: Fill) -> Iterator[AnyMessage]:
    """The order has traded. A fill after its end is recorded against it; more than its size must never happen."""
    life.bind(turn, order, fill.oid if fill.twap_id is None else fill.twap_id)
    order.is_proven = True
    order.is_doubled = order.is_doubled or fill.sz > order.left_sz
    order.filled_sz = min(order.filled_sz + fill.sz, order.sz)
    yield from parents.filled(turn, order, fill)
    yield from parents.stop_fired(turn, order)
    if not is_open(order.state):
        if order.state in NEVER_TRADED:
            turn.state.samples.add(DUPLICATES.name, 1.0)
        yield life.word(order, "a fill came after the end")
        return
    before = order.state
    yield from life.settle(turn, order)
    if not is_open(order.state):
        return
    yield from life.move(turn, order, OrderEvent.PARTIAL_FILL, "partly filled")
    if order.state is before:
        yield life.word(order, "partly filled")
    yield from life.calm(turn, order)


def _final_sz(message: VenueOrder) -> int:
    """What the order traded in all, by the venue's last word on it; unknown where the word contradicts itself."""
    if message.status is VenueOrderStatus.REJECTED:
        return 0
    if message.status is VenueOrderStatus.CANCELLED and message.sz == 0:
        return UNKNOWN_SZ
    return max(message.orig_sz - message.sz, 0)


def _not_there(turn: Turn, order: Order, message: VenueOrder) -> Iterator[AnyMessage]:
    """The venue does not know the order. Of one that it has shown, its list of open orders decides."""
    if not order.is_proven:
        yield from proof.not_there(turn, order, message)
        return
    # the venue's lookup lags behind its events and forgets old orders
    _let_the_list_decide(turn, order, f"the venue does not know {order.cloid} any more")


def _let_the_list_decide(turn: Turn, order: Order, reason: str) -> None:
    """The order counts in full until the venue's list of open orders is read: one that is not in it is over."""
    order.absences += 1
    want_account(turn, turn.now, reason)
    life.watch(turn, order, turn.now + life.pause_ns(turn, order))


def _afterlife(turn: Turn, order: Order, message: VenueOrder) -> Iterator[AnyMessage]:
    """An ended order is heard of again. Old news are nothing; one that we concluded is gone is cancelled at once."""
    life.bind(turn, order, message.oid)
    was_never = order.state in NEVER_TRADED and not order.is_proven
    if message.status is VenueOrderStatus.OPEN and (was_never or order.absences):
        if was_never:
            turn.state.samples.add(DUPLICATES.name, 1.0)
        want_account(turn, turn.now, f"{order.cloid} is open at the venue and {order.state} here")
        yield life.cancel_order(turn, order)


def _strategy_of(turn: Turn, cloid: Cloid | None) -> StrategyId:
    """Whose fill it is when its order is forgotten: an earlier run's and anybody else's are foreign."""
    if cloid is None or not is_ours(cloid) or run_of(cloid) != turn.state.run:
        return FOREIGN
    return turn.state.strategies.get(str(strategy_number_of(cloid)), FOREIGN)


def due(turn: Turn, order: Order) -> Iterator[AnyMessage]:
    """The order's deadline has passed: say that its fate is unknown, read what is missing, or ask (again)."""
    order.deadline_ns = NEVER
    timeout = f"no answer within {turn.settings.answer_timeout_ms} ms"
    if order.state is OrderState.PENDING_SUBMIT and order.ending is None:
        yield from life.doubt(turn, order, timeout)
    elif order.is_cancel_under_way and order.state is OrderState.PENDING_CANCEL:
        yield from life.doubt(turn, order, f"cancel: {timeout}")
    elif order.ending is not None and order.final_sz != UNKNOWN_SZ:
        order.asks += 1
        want_account(turn, turn.now, f"fills of {order.cloid} are missing")
        life.watch(turn, order, turn.now + life.pause_ns(turn, order))
    elif order.wants_cancel and order.is_proven and order.state in life.QUIET:
        yield from life.pursue(turn, order)
    else:
        yield from life.ask(turn, order)
