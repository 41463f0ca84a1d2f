"""Laws of one order's facts: in whatever order they are heard, and however often, they come to the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hats.execution_manager import ExecutionManager
from shared.hat import restore, snapshot
from shared.messages import AnyMessage
from shared.messages.order import ActionKind, AnswerKind, FillBooked, VenueOrderStatus
from shared.messages.signal import CancelIntent
from shared.order import OrderState, Tif
from shared.units import MS
from tests.unit.hats.execution_manager.scene import (
    NOW,
    STRATEGY,
    answer,
    fill,
    intent,
    manager,
    oid_of,
    record,
    say,
    sent,
    told,
)


@st.composite
def fates(draw: st.DrawFn) -> tuple[Tif, list[AnyMessage], OrderState, int]:
    """(tif, all the facts of one order's life, how it must end, what it traded) for an order of 20 lots."""
    tif = draw(st.sampled_from([Tif.GTC, Tif.IOC]))
    order = intent(1, tif=tif)
    parts = draw(st.lists(st.integers(1, 6), max_size=3))
    traded, start, facts = sum(parts), 0, list[AnyMessage]()
    for tid, sz in enumerate(parts, 1):
        facts.append(fill(order, sz, tid, start=start, at=NOW + tid, cloid=draw(st.booleans())))
        start += sz
    end = draw(st.sampled_from(["filled", "cancelled", "ended", "refused", "lost"]))
    if end == "refused" and not parts:
        refused = answer(order, AnswerKind.REFUSED, error="Insufficient margin")
        return tif, [refused, told(order, VenueOrderStatus.REJECTED, 20)], OrderState.REJECTED, 0
    if end == "filled":
        facts.append(fill(order, 20 - traded, 9, start=start, at=NOW + 9))
        facts.append(told(order, VenueOrderStatus.FILLED, 0))
        facts.append(answer(order, AnswerKind.FILLED, oid=oid_of(order), filled_sz=20))
        return tif, facts, OrderState.FILLED, 20
    facts.append(told(order, VenueOrderStatus.CANCELLED, 20 - traded))
    if tif is Tif.IOC and traded:
        facts.append(answer(order, AnswerKind.FILLED, oid=oid_of(order), filled_sz=traded))
        return tif, facts, OrderState.CANCELLED, traded
    lost = AnswerKind.NO_ANSWER if end == "lost" else AnswerKind.RESTING
    facts += [told(order, VenueOrderStatus.OPEN, 20), answer(order, lost, oid=oid_of(order))]
    if end == "cancelled":
        facts += [CancelIntent(order.cloid, STRATEGY, "test")]
        facts += [answer(order, AnswerKind.CANCELLED, of=ActionKind.CANCEL)]
    return tif, facts, OrderState.CANCELLED, traded


def check_delivery(fate: tuple[Tif, list[AnyMessage], OrderState, int], data: st.DataObject) -> None:
    """However the facts of an order are permuted and repeated, it ends the same, and so does the position."""
    tif, facts, state, traded = fate
    hat = manager()
    wish = sent(hat, intent(1, tif=tif))
    repeats = data.draw(st.lists(st.sampled_from(facts), max_size=4))
    booked: list[int] = []
    for message in data.draw(st.permutations([*facts, *repeats])):
        booked += [m.fill.tid for m in say(hat, message, NOW + MS) if isinstance(m, FillBooked)]
    assert (record(hat, wish).state, record(hat, wish).filled_sz) == (state, traded)
    assert hat.state.positions.get("AAA", 0) == traded
    assert len(booked) == len(set(booked))


@settings(max_examples=300)
@given(fates(), st.data())
def test_facts_in_any_order_end_the_same(
    fate: tuple[Tif, list[AnyMessage], OrderState, int], data: st.DataObject
) -> None:
    """However the facts of an order are permuted and repeated, it ends the same, and so does the position."""
    check_delivery(fate, data)


def drive(hat: ExecutionManager, facts: list[AnyMessage]) -> list[list[AnyMessage]]:
    """What the manager says to each fact."""
    return [say(hat, fact, NOW + n * MS) for n, fact in enumerate(facts)]


@settings(max_examples=100)
@given(fates(), st.data())
def test_a_restored_manager_goes_on_the_same(
    fate: tuple[Tif, list[AnyMessage], OrderState, int], data: st.DataObject
) -> None:
    """Cut anywhere, snapshot and restore change nothing of what is said afterwards."""
    tif, facts, _, _ = fate
    order = data.draw(st.permutations(facts))
    cut = data.draw(st.integers(0, len(order)))
    whole, first, second = manager(), manager(), manager()
    for hat in (whole, first):
        sent(hat, intent(1, tif=tif))
        drive(hat, order[:cut])
    restore(second, snapshot(first))
    assert drive(whole, order[cut:]) == drive(second, order[cut:])
    assert snapshot(whole) == snapshot(second)
