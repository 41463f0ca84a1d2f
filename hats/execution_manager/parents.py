"""Parent orders at work: one child at a time, each approved for itself, until the parent is filled or given up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hats.execution_manager import life, sending
from hats.execution_manager.algorithms.child import View, Wanted
from hats.execution_manager.algorithms.styles import TWAP_GRACE_NS, twap_minutes, wanted
from hats.execution_manager.measures import SHORTFALL
from hats.execution_manager.records import NEVER, Order, Parent, Turn
from shared.ids import PROTECT, child_number, cloid_for, strategy_number_of
from shared.messages import AnyMessage
from shared.messages.order import Fill
from shared.messages.parent import Iceberg, NativeTwap, ParentChanged, ParentOrder, ParentState
from shared.messages.risk import OrderDenied
from shared.messages.signal import OrderIntent
from shared.order import Tif, Trigger, TriggerKind
from shared.rules.twap import MAX_MINUTES, MIN_MINUTES, MIN_VALUE_USD, is_duration
from shared.units import BPS, MS, SECOND, USD, Ns, Px, Sz, notional

TWAP_PAUSE_MS: Final = 5_000
"""Pause after a TWAP that came to nothing: what runs for minutes is in no hurry."""
ARRIVAL_AGE_NS: Final = 10 * SECOND
"""An older price is no benchmark, and none to judge by. The venue tells a book every 5 s if not asked for fast ones."""
BLIND_TWAP_NS: Final = 30 * SECOND
"""So long the venue's TWAP may work without a book of its coin: it trades each 30 s, and one late book ends nothing."""
DOUBLINGS_MAX: Final = 5
"""So often the pause doubles while one child after the other comes to nothing."""


def begin(turn: Turn, terms: ParentOrder) -> Iterator[AnyMessage]:
    """Take a parent on, with the mid of now as its benchmark, or refuse it; one that is known is not begun twice."""
    state = turn.state
    if terms.parent in state.parents or terms.parent in state.ended_parents:
        return
    feature = state.features.get(terms.coin)
    parent = Parent(terms, turn.now)
    if feature is not None:
        parent.arrival_mid, parent.traded_from = feature.mid, feature.traded_sz
    state.parents[terms.parent] = parent
    fault = _fault(turn, terms)
    if fault is not None:
        yield from _finish(turn, parent, ParentState.REFUSED, fault)
    else:
        yield word(turn, parent, ParentState.WORKING, terms.reason)


def _fault(turn: Turn, terms: ParentOrder) -> str | None:
    instrument = turn.state.instruments.get(terms.coin)
    if instrument is None:
        return f"{terms.coin} is not in the universe"
    feature = turn.state.features.get(terms.coin)
    if feature is None:
        return f"no price of {terms.coin} is known"
    age_ns = turn.now - feature.book_recv_ns
    if age_ns > ARRIVAL_AGE_NS:
        return f"the price of {terms.coin} is {age_ns // SECOND} s old"
    if terms.sz <= 0 or not instrument.is_on_tick(terms.limit_px):
        return f"expected lots to trade and a limit on its tick, got {terms.sz} at {terms.limit_px}"
    shown_sz = min(terms.algorithm.display_sz, terms.sz) if isinstance(terms.algorithm, Iceberg) else terms.sz
    if not _is_enough(turn, terms, terms.limit_px, shown_sz):
        return f"an order of {shown_sz} lots is below the venue's minimum"
    if terms.end_ns <= turn.now:
        return "its end has passed"
    if isinstance(terms.algorithm, NativeTwap):
        if not is_duration(twap_minutes(terms.end_ns - turn.now)):
            return f"the venue's TWAP takes {MIN_MINUTES} to {MAX_MINUTES} minutes"
        if notional(terms.limit_px, terms.sz) < MIN_VALUE_USD:
            return f"the venue's TWAP takes at least {MIN_VALUE_USD // USD} USDC"
        if _has_twap(turn, terms):
            return f"a TWAP of {terms.coin} is at work: two could not be told apart"
    return sending.forbidden(turn, terms.strategy, reduce_only=terms.reduce_only)


def _is_enough(turn: Turn, terms: ParentOrder, px: Px, sz: int) -> bool:
    """Would the venue take an order of so many lots: is it worth its minimum, or does it close the whole position?

    Source: fact sheet 4.3.
    """
    to_close_sz = -terms.side.value * turn.state.positions.get(terms.coin, 0)
    closes_all = terms.reduce_only and 0 < to_close_sz <= sz
    return closes_all or turn.state.instruments[terms.coin].is_tradable_sz(px, Sz(sz))


def _has_twap(turn: Turn, terms: ParentOrder) -> bool:
    """Is a TWAP of the coin at work, or to come of another parent that waits for its approval or its price?"""
    if any(order.is_twap and order.coin == terms.coin for order in turn.state.orders.values()):
        return True
    others = (other.terms for cloid, other in turn.state.parents.items() if cloid != terms.parent)
    return any(isinstance(other.algorithm, NativeTwap) and other.coin == terms.coin for other in others)


def stop(turn: Turn, parent: Parent, state: ParentState, why: str) -> Iterator[AnyMessage]:
    """No more children; the parent ends once the one at work is proven gone."""
    if parent.ending is None:
        parent.ending, parent.why = state, why
    yield from _advance(turn, parent)


def stop_all(turn: Turn, why: str, *, also_reducing: bool) -> Iterator[AnyMessage]:
    """Stop every parent, or only those that may add to a position."""
    for _, parent in sorted(turn.state.parents.items()):
        if also_reducing or not parent.terms.reduce_only:
            yield from stop(turn, parent, ParentState.CANCELLED, why)


def stop_fired(turn: Turn, order: Order) -> Iterator[AnyMessage]:
    """A stop closes the coin's position: a parent that went on would open it again, or turn it around."""
    if order.strategy != PROTECT or not isinstance(order.how, Trigger) or order.how.kind is not TriggerKind.STOP_LOSS:
        return
    for _, parent in sorted(turn.state.parents.items()):
        if parent.terms.coin == order.coin:
            yield from stop(turn, parent, ParentState.CANCELLED, f"the stop of {order.coin} fired")


def denied(turn: Turn, denial: OrderDenied) -> Iterator[AnyMessage]:
    """The Risk Officer did not let a child pass: a pause that doubles, and after too many of them the end."""
    parent = turn.state.parent_awaiting(denial.cloid)
    if parent is None:
        return
    parent.child, parent.denials = None, parent.denials + 1
    parent.retry_ns = Ns(turn.now + (turn.settings.child_pause_ms << min(parent.denials, 10)) * MS)
    if parent.denials >= turn.settings.child_denials_max:
        yield from stop(turn, parent, ParentState.REFUSED, f"denied {parent.denials} times: {denial.reason}")


def filled(turn: Turn, order: Order, fill: Fill) -> Iterator[AnyMessage]:
    """A child of a parent has traded."""
    parent = None if order.parent is None else turn.state.parents.get(order.parent)
    if parent is None:
        return
    parent.filled_sz += fill.sz
    parent.paid += notional(fill.px, fill.sz)
    parent.denials = 0
    yield word(turn, parent, ParentState.WORKING, f"{fill.sz} lots at {fill.px}")


def advance(turn: Turn) -> Iterator[AnyMessage]:
    """The next step of every parent; looked at again after every message and every tick."""
    for _, parent in sorted(turn.state.parents.items()):
        yield from _advance(turn, parent)
    tick_ns = Ns(turn.now + turn.settings.parent_tick_ms * MS)
    turn.state.parents_ns = tick_ns if turn.state.parents else NEVER
    turn.state.soonest_ns = min(turn.state.soonest_ns, turn.state.parents_ns)


def _advance(turn: Turn, parent: Parent) -> Iterator[AnyMessage]:
    if parent.child is not None:
        order = turn.state.orders.get(parent.child)
        if order is not None:
            yield from _watch_child(turn, parent, order)
            return
        ended = turn.state.ended.get(parent.child)
        if ended is None and turn.now < parent.asked_ns + turn.settings.child_answer_ms * MS:
            return  # not judged yet
        if ended is not None:
            _learn_of(turn, parent, ended)
        parent.child = None
    yield from _next_child(turn, parent)


def _watch_child(turn: Turn, parent: Parent, order: Order) -> Iterator[AnyMessage]:
    """Take the child back when the parent is over, when it could trade more than is left, or another one is wanted."""
    end_ns = parent.terms.end_ns + (TWAP_GRACE_NS if order.is_twap else 0)
    if parent.ending is not None or turn.now >= end_ns:
        yield from life.want_gone(turn, order, parent.why or "its parent's time is over")
        return
    if order.left_sz > parent.left_sz:
        # a fill of an earlier child was heard late; whatever its kind, and however young it is
        yield from life.want_gone(turn, order, "it is more than its parent has left")
        return
    age_ns = turn.now - parent.asked_ns
    if order.tif is Tif.IOC or order.wants_cancel or age_ns < turn.settings.child_keep_ms * MS:
        return
    view = _view(turn, parent)
    wish = wanted(parent.terms.algorithm, view)
    if order.is_twap:
        # its minutes run out while it works: only a market that is, or may be, beyond the limit takes it back
        if not _is_priced(turn, parent.terms.coin, BLIND_TWAP_NS):
            yield from life.want_gone(turn, order, "nobody knows whether the market is within its limit")
        elif not view.can_cross:
            yield from life.want_gone(turn, order, "the market is beyond its limit")
        return
    if wish is None or wish.px != order.px or wish.tif is not order.tif:
        yield from life.want_gone(turn, order, "its parent wants another child")


def _next_child(turn: Turn, parent: Parent) -> Iterator[AnyMessage]:
    """With no child at work: the end, a pause, or the next child."""
    terms, view = parent.terms, _view(turn, parent)
    instrument = turn.state.instruments[terms.coin]
    if not view.left_sz:
        yield from _finish(turn, parent, ParentState.FILLED, "filled")
    elif parent.ending is not None:
        yield from _finish(turn, parent, parent.ending, parent.why)
    elif turn.now >= terms.end_ns:
        yield from _finish(turn, parent, ParentState.EXPIRED, "its time is over")
    elif turn.now >= parent.retry_ns and _may_ask(turn, terms):
        wish = wanted(terms.algorithm, view)
        if wish is None:
            return
        rest_sz = view.left_sz - wish.sz
        if rest_sz and not instrument.is_tradable_sz(wish.px, Sz(rest_sz)):
            wish = wish._replace(sz=Sz(view.left_sz))  # the rest alone would be too small for the venue
        if _is_enough(turn, terms, wish.px, wish.sz):
            yield _ask(turn, parent, wish)


def _may_ask(turn: Turn, terms: ParentOrder) -> bool:
    """Is a child allowed now, and is there a price to judge it by?"""
    is_allowed = sending.forbidden(turn, terms.strategy, reduce_only=terms.reduce_only) is None
    return is_allowed and turn.state.is_feed_up and _is_priced(turn, terms.coin)


def _is_priced(turn: Turn, coin: str, age_ns: int = ARRIVAL_AGE_NS) -> bool:
    """Is the coin's price young enough to be the market's? A short cut of the feed alone makes it no older."""
    return turn.now - turn.state.features[coin].book_recv_ns <= age_ns


def _ask(turn: Turn, parent: Parent, wish: Wanted) -> OrderIntent:
    """The child as an intent, to be approved like any other."""
    state, terms = turn.state, parent.terms
    assert 0 < wish.sz <= parent.left_sz, "a child is never more than what is left"
    assert terms.side.value * (terms.limit_px - wish.px) >= 0, "a child is never beyond the limit"
    state.child_count += 1
    parent.children += 1
    parent.child = cloid_for(state.run, child_number(strategy_number_of(terms.parent)), state.child_count)
    parent.asked_ns = turn.now
    return OrderIntent(
        cloid=parent.child,
        strategy=terms.strategy,
        coin=terms.coin,
        side=terms.side,
        px=wish.px,
        sz=wish.sz,
        tif=wish.tif,
        reduce_only=terms.reduce_only,
        replaces=None,
        book_recv_ns=state.features[terms.coin].book_recv_ns,
        reason=f"child {parent.children} of {terms.parent}",
        how=wish.how,
    )


def _finish(turn: Turn, parent: Parent, state: ParentState, why: str) -> Iterator[AnyMessage]:
    del turn.state.parents[parent.terms.parent]
    if not turn.state.parents:
        turn.state.parents_ns = NEVER  # nobody looks at them any more, and a time that has passed is waited for at once
    turn.state.ended_parents[parent.terms.parent] = turn.now
    while len(turn.state.ended_parents) > turn.settings.ended_orders_kept:
        del turn.state.ended_parents[min(turn.state.ended_parents, key=turn.state.ended_parents.__getitem__)]
    said = word(turn, parent, state, why)
    if said.executed_bps is not None:
        turn.state.samples.add(SHORTFALL.name, said.executed_bps)
    yield said


def word(turn: Turn, parent: Parent, state: ParentState, reason: str) -> ParentChanged:
    """The parent as it stands, against the mid at its arrival."""
    terms, filled_sz = parent.terms, parent.filled_sz
    average_px = executed_bps = shortfall_bps = None
    feature = turn.state.features.get(terms.coin)
    if filled_sz:
        average_px = turn.state.instruments[terms.coin].px_float(1) * parent.paid / filled_sz
        executed_bps = _cost_bps(parent, average_px)
        if feature is not None:
            done = filled_sz / terms.sz
            shortfall_bps = done * executed_bps + (1 - done) * _cost_bps(parent, feature.mid)
    return ParentChanged(
        parent=terms.parent,
        strategy=terms.strategy,
        coin=terms.coin,
        side=terms.side,
        sz=terms.sz,
        filled_sz=Sz(filled_sz),
        children=parent.children,
        arrival_mid=parent.arrival_mid,
        average_px=average_px,
        executed_bps=executed_bps,
        shortfall_bps=shortfall_bps,
        state=state,
        reason=reason,
    )


def _cost_bps(parent: Parent, px: float) -> float:
    """How much worse than the arrival's mid a price is."""
    return parent.terms.side.value * (px - parent.arrival_mid) / parent.arrival_mid * BPS


def _view(turn: Turn, parent: Parent) -> View:
    terms, feature = parent.terms, turn.state.features[parent.terms.coin]
    return View(
        terms.side,
        terms.sz,
        parent.filled_sz,
        terms.limit_px,
        parent.began_ns,
        terms.end_ns,
        turn.now,
        feature.best_bid_px,
        feature.best_ask_px,
        max(feature.traded_sz - parent.traded_from, 0),
    )


def _learn_of(turn: Turn, parent: Parent, ended: Order) -> None:
    """A child that ended without trading though nobody took it back costs a pause, which doubles from one to the next.

    Each takes a request of the address, whatever comes of it.
    """
    if ended.filled_sz or ended.wants_cancel:
        parent.vain = 0
        return
    first_ms = TWAP_PAUSE_MS if ended.is_twap else turn.settings.child_pause_ms
    parent.retry_ns = Ns(turn.now + (first_ms << min(parent.vain, DOUBLINGS_MAX)) * MS)
    parent.vain += 1
