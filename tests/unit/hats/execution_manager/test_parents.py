"""A parent order at work: its benchmark, its end, and what stops it."""

from __future__ import annotations

from typing import Any

import pytest

from hats.execution_manager import ExecutionManager
from hats.execution_manager.answers import GONE
from shared.ids import Cloid, cloid_for, is_child, strategy_number_of
from shared.messages import AnyMessage
from shared.messages.control import Disarmed, DrainOrdered, KillLevel, KillOrdered
from shared.messages.order import (
    ActionKind,
    AnswerKind,
    CancelOrder,
    FenceOrder,
    OrderChanged,
    QueryOrder,
    SubmitOrder,
    VenueOrderStatus,
)
from shared.messages.parent import (
    Algorithm,
    Chase,
    Iceberg,
    ParentChanged,
    ParentOrder,
    ParentState,
    PassiveThenCross,
    Twap,
)
from shared.messages.risk import DenyReason, OrderDenied
from shared.messages.signal import CancelIntent, OrderIntent
from shared.order import OrderState, Side, Tif, TriggerKind
from shared.units import SECOND, Ns, Px, Sz
from tests.unit.hats.execution_manager import protection
from tests.unit.hats.execution_manager.closing import holding
from tests.unit.hats.execution_manager.scene import (
    NOW,
    PX,
    RUN,
    STRATEGY,
    answer,
    approval,
    cancels,
    features,
    fill,
    manager,
    ms,
    say,
    told,
    wake,
)

PARENT = cloid_for(RUN, 3, 1)


def parent(algorithm: Algorithm, sz: int = 100, limit_px: int = PX + 1_000, **changed: Any) -> ParentOrder:
    """Buy 100 lots within 20 s, through the mid by no more than ten ticks."""
    terms: dict[str, Any] = {"reduce_only": False, "end_ns": Ns(NOW + 20 * SECOND), "reason": "test"} | changed
    return ParentOrder(PARENT, STRATEGY, "AAA", Side.BUY, Sz(sz), Px(limit_px), algorithm, **terms)


def begun(algorithm: Algorithm, **changed: Any) -> tuple[ExecutionManager, list[AnyMessage]]:
    """A manager that has just taken the parent on, and what it said."""
    hat = manager()
    say(hat, features())
    return hat, say(hat, parent(algorithm, **changed))


def child_of(said: list[AnyMessage]) -> OrderIntent:
    """The one child that is asked for."""
    (child,) = [message for message in said if isinstance(message, OrderIntent)]
    return child


def working(hat: ExecutionManager, child: OrderIntent, at: int) -> None:
    """The child is approved and rests."""
    say(hat, approval(child, hat.state.last_approval_id + 1, at), at)
    say(hat, answer(child, AnswerKind.RESTING, at=at), at)


def last_word(said: list[AnyMessage]) -> ParentChanged:
    """The newest word on the parent."""
    return [message for message in said if isinstance(message, ParentChanged)][-1]


def test_a_child_is_an_intent_of_its_parents_strategy() -> None:
    """Its id tells the run and the strategy and that it is a child; it waits for approval like any other."""
    _, said = begun(Chase())
    child = child_of(said)
    assert is_child(child.cloid)
    assert strategy_number_of(child.cloid) & 0x7FFF == 3
    assert (child.strategy, child.px, child.sz, child.tif) == (STRATEGY, PX - 100, 100, Tif.ALO)
    assert not [message for message in said if isinstance(message, SubmitOrder)]


@pytest.mark.parametrize("kind", list(TriggerKind))
@pytest.mark.parametrize("is_heard_first", [False, True])
def test_a_stop_that_fires_ends_the_parents_of_its_coin(kind: TriggerKind, *, is_heard_first: bool) -> None:
    """They would open again what it closes, or sell what is gone; a take-profit is no reason."""
    hat = protection.manager(protect_take_bps=500)
    protection.moved(hat, 20)
    guard = protection.placed(hat, protection.SETTLED)[kind]
    said = say(hat, parent(Chase(), end_ns=Ns(NOW + 60 * SECOND)), protection.SETTLED)
    working(hat, child_of(said), protection.SETTLED)
    if is_heard_first:
        said = say(hat, told(guard, VenueOrderStatus.TRIGGERED, 20), protection.SETTLED)
    else:
        said = say(hat, fill(guard, 20, 1, start=20), protection.SETTLED)
    taken_back = {message.cloid for message in said if isinstance(message, CancelOrder)}
    assert (child_of_parent(hat) in taken_back) is (kind is TriggerKind.STOP_LOSS)


def child_of_parent(hat: ExecutionManager) -> Cloid:
    """The child that works for the one parent."""
    (one,) = hat.state.parents.values()
    assert one.child is not None
    return one.child


def test_a_child_that_is_approved_after_its_parent_was_stopped_is_not_sent() -> None:
    """The operator's cancel may overtake the approval; what would only be taken back must not leave."""
    hat, said = begun(Chase())
    child = child_of(said)
    say(hat, CancelIntent(PARENT, STRATEGY, "test"))
    said = say(hat, approval(child, 1))
    assert not [message for message in said if isinstance(message, SubmitOrder)]
    assert last_word(said).state is ParentState.CANCELLED


def test_a_parent_that_was_filled_beyond_its_size_ends() -> None:
    """A fill that comes after its order's end may overlap with the next child: that is over, and not worked on."""
    hat, said = begun(Chase())
    child = child_of(said)
    working(hat, child, NOW)
    said = say(hat, fill(child, 120, 1))
    assert (last_word(said).state, last_word(said).filled_sz) == (ParentState.FILLED, 120)
    assert not hat.state.parents


def followed(hat: ExecutionManager, child: OrderIntent) -> tuple[OrderIntent, int]:
    """The child that follows the market after `child`, of 100 lots too, and when it is asked for."""
    working(hat, child, NOW)
    at = NOW + SECOND
    assert cancels(say(hat, features(mid_px=PX + 200, at=at), at)) == [child.cloid]
    nxt = child_of(say(hat, told(child, VenueOrderStatus.CANCELLED, 100, at=at), at))
    assert nxt.sz == 100
    return nxt, at


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_child_that_is_more_than_what_is_left_is_taken_back_at_once(*, is_answered: bool) -> None:
    """A fill of the one before is heard after its end; the one in doubt can't be cancelled, so its nonce is fenced."""
    hat, said = begun(Chase())
    first = child_of(said)
    child, at = followed(hat, first)
    say(hat, approval(child, 2, at), at)
    say(hat, answer(child, AnswerKind.RESTING if is_answered else AnswerKind.NO_ANSWER, at=at), at)
    said = say(hat, fill(first, 40, 1, at=at + 1), at + 1)
    assert cancels(said) == ([child.cloid] if is_answered else [])
    assert [m.cloid for m in said if isinstance(m, FenceOrder)] == ([] if is_answered else [child.cloid])
    gone = told(child, VenueOrderStatus.CANCELLED, 100, at=at + 2)
    assert child_of(say(hat, gone, at + 2)).sz == 60


def test_a_child_that_is_more_than_what_is_left_is_not_sent() -> None:
    """The late fill came while the Risk Officer judged it."""
    hat, said = begun(Chase())
    first = child_of(said)
    child, at = followed(hat, first)
    say(hat, fill(first, 40, 1, at=at + 1), at + 1)
    said = say(hat, approval(child, 2, at), at + 2)
    assert not [message for message in said if isinstance(message, SubmitOrder)]
    assert child_of(wake(hat, at + ms(300))).sz == 60


def test_shortfall_is_against_the_mid_at_arrival() -> None:
    """Mid 1.0: 40 of 100 lots at 1.01 cost 100 bps; the mid ends at 1.02, so 60 lots missed 200 bps: 160 in all."""
    hat, said = begun(Chase())
    child = child_of(said)
    working(hat, child, NOW + ms(10))
    bought = fill(child, 40, 1, at=NOW + ms(20))
    bought = type(bought)(**{f: getattr(bought, f) for f in bought.__struct_fields__} | {"px": Px(1_010_000)})
    say(hat, bought, NOW + ms(20))
    book = features(mid_px=1_020_000, at=NOW + ms(30))
    book = type(book)(**{f: getattr(book, f) for f in book.__struct_fields__} | {"mid": 1.02})
    say(hat, book, NOW + ms(30))
    say(hat, KillOrdered(KillLevel.PAUSE, "x"), NOW + ms(40))
    gone = say(hat, told(child, VenueOrderStatus.CANCELLED, 60, at=NOW + ms(50)), NOW + ms(50))
    word = last_word(gone)
    assert (word.state, word.filled_sz, word.arrival_mid) == (ParentState.CANCELLED, 40, 1.0)
    assert word.average_px == pytest.approx(1.01)
    assert word.executed_bps == pytest.approx(100)
    assert word.shortfall_bps == pytest.approx(160)


def test_the_next_child_waits_for_the_proven_end_of_the_last() -> None:
    """A child in doubt holds its parent up: it may still trade in full."""
    hat, said = begun(PassiveThenCross(patience_ms=1_000))
    child = child_of(said)
    say(hat, approval(child, 1, NOW))
    say(hat, answer(child, AnswerKind.NO_ANSWER))
    later = NOW + ms(1_500)
    assert not [m for m in [*say(hat, features(at=later), later), *wake(hat, later)] if isinstance(m, OrderIntent)]
    rests = say(hat, told(child, VenueOrderStatus.OPEN, 100, at=later), later)
    assert [m.cloid for m in rests if isinstance(m, CancelOrder)] == [child.cloid]
    nxt = say(hat, told(child, VenueOrderStatus.CANCELLED, 100, at=later + ms(10)), later + ms(10))
    assert (child_of(nxt).px, child_of(nxt).tif, child_of(nxt).sz) == (PX + 100, Tif.IOC, 100)


def test_a_child_approved_after_its_parent_went_on_is_not_sent() -> None:
    """The parent gave it up when nobody judged it; the late approval changes nothing."""
    hat, said = begun(Chase(), end_ns=Ns(NOW + 60 * SECOND))
    child = child_of(said)
    late = NOW + ms(3_000)
    assert child_of(wake(hat, late)).cloid != child.cloid
    said = say(hat, approval(child, 1, late), late)
    assert [m.state for m in said if isinstance(m, OrderChanged)] == [OrderState.CANCELLED]
    assert not [m for m in said if isinstance(m, SubmitOrder)]


def test_denials_pause_and_then_end_it() -> None:
    """The pause doubles; after the last denial that is allowed the parent is refused with the reason."""
    hat = manager(child_denials_max=2, child_pause_ms=100)
    say(hat, features())
    child = child_of(say(hat, parent(Chase())))
    say(hat, OrderDenied(child.cloid, STRATEGY, "AAA", DenyReason.ORDER_RATE, 1, 2, "x"), NOW)
    assert not [m for m in wake(hat, NOW + ms(199)) if isinstance(m, OrderIntent)]
    child = child_of(wake(hat, NOW + ms(450)))
    said = say(hat, OrderDenied(child.cloid, STRATEGY, "AAA", DenyReason.HALTED, 1, 2, "x"), NOW + ms(460))
    assert (last_word(said).state, last_word(said).reason) == (ParentState.REFUSED, "denied 2 times: halted")


@pytest.mark.parametrize("news", [KillOrdered(KillLevel.FLATTEN, "x"), DrainOrdered(flatten=False)])
def test_kills_and_drains_end_parents(news: AnyMessage) -> None:
    """No child after them, and the one at work is cancelled."""
    hat, said = begun(Chase())
    child = child_of(said)
    working(hat, child, NOW)
    said = say(hat, news, NOW + ms(10))
    assert [m.cloid for m in said if isinstance(m, CancelOrder)] == [child.cloid]
    said = say(hat, told(child, VenueOrderStatus.CANCELLED, 100, at=NOW + ms(20)), NOW + ms(20))
    assert last_word(said).state is ParentState.CANCELLED
    assert not hat.state.parents


def test_a_disarmed_desk_takes_on_no_parent_and_makes_no_child() -> None:
    """Disarmed while at work, the parent waits; disarmed before, it is refused."""
    hat, said = begun(Twap(slices=2))
    say(hat, OrderDenied(child_of(said).cloid, STRATEGY, "AAA", DenyReason.DISARMED, 0, 1, "x"))
    say(hat, Disarmed("x"), NOW + ms(10))
    assert not [m for m in wake(hat, NOW + ms(900)) if isinstance(m, OrderIntent)]
    assert PARENT in hat.state.parents
    other = manager()
    say(other, features())
    say(other, Disarmed("x"))
    assert last_word(say(other, parent(Chase()))).state is ParentState.REFUSED


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"limit_px": PX + 1}, "on its tick"),
        ({"sz": 5}, "minimum"),
        ({"end_ns": NOW}, "passed"),
    ],
)
def test_what_can_not_work_is_refused(changed: dict[str, Any], why: str) -> None:
    """With the reason, at once, without a child."""
    _, said = begun(Chase(), **changed)
    assert last_word(said).state is ParentState.REFUSED
    assert why in last_word(said).reason
    assert not [m for m in said if isinstance(m, OrderIntent)]


@pytest.mark.parametrize(("display_sz", "sz"), [(9, 100), (100, 9)])
def test_an_iceberg_that_shows_less_than_the_minimum_is_refused(display_sz: int, sz: int) -> None:
    """The venue would take none of its parts, so it would do nothing until its end."""
    _, said = begun(Iceberg(display_sz), sz=sz)
    word = last_word(said)
    assert (word.state, word.reason) == (ParentState.REFUSED, "an order of 9 lots is below the venue's minimum")


def closing(sz: int, side: Side = Side.SELL, *, reduce_only: bool = True) -> ParentOrder:
    """Sell so much across at once, within 20 s."""
    px = Px(PX + side.value * 1_000)
    ends = Ns(NOW + 20 * SECOND)
    return ParentOrder(PARENT, STRATEGY, "AAA", side, Sz(sz), px, PassiveThenCross(0), reduce_only, ends, "test")


def test_a_whole_position_below_the_minimum_is_closed() -> None:
    """The venue exempts it."""
    child = child_of(say(holding(5), closing(5)))
    assert (child.side, child.sz, child.reduce_only) == (Side.SELL, 5, True)


@pytest.mark.parametrize(
    ("held", "terms"),
    [
        (6, closing(5)),
        (5, closing(5, reduce_only=False)),
        (5, closing(5, Side.BUY)),
        (0, closing(5)),
    ],
)
def test_what_closes_no_whole_position_needs_the_minimum(held: int, terms: ParentOrder) -> None:
    """A part of one, what may turn it round, what adds to it, and what closes nothing."""
    assert last_word(say(holding(held), terms)).state is ParentState.REFUSED


def test_a_rest_below_the_minimum_that_is_the_whole_position_is_closed() -> None:
    """Of 95 lots the market took 90; five are below the minimum, and all that is held."""
    hat = holding(95)
    child = child_of(say(hat, closing(95)))
    say(hat, approval(child, 1))
    say(hat, answer(child, AnswerKind.FILLED, filled_sz=90))
    said = say(hat, fill(child, 90, 1, start=95))
    at = NOW + SECOND
    assert child_of(said + say(hat, features(at=at), at)).sz == 5


def test_no_rest_below_the_minimum_is_left_behind() -> None:
    """Of 15 lots, slices of 7 and 8 are too small for the venue, which takes no less than 10: one child takes all."""
    _, said = begun(Twap(slices=2), sz=15)
    assert child_of(said).sz == 15


def test_a_childs_cancel_that_is_refused_waits_for_its_pause() -> None:
    """A parent looks at its child after every message; what was refused is not asked for again at once."""
    hat, said = begun(Chase())
    child = child_of(said)
    working(hat, child, NOW)
    at = NOW + ms(600)
    said = say(hat, CancelIntent(PARENT, STRATEGY, "test"), at)
    assert cancels(said) == [child.cloid]
    budget = "local: weight budget of this minute is used up"
    said = say(hat, answer(child, AnswerKind.REFUSED, of=ActionKind.CANCEL, error=budget, at=at), at)
    assert not cancels(said)
    assert not cancels(say(hat, features(at=at + 1), at + 1))
    assert cancels(wake(hat, at + ms(200))) == [child.cloid]


def test_a_child_that_was_gone_when_it_was_cancelled_is_asked_about_once() -> None:
    """It filled or was never there: the question decides, and no second cancel is spent on it."""
    hat, said = begun(Chase())
    child = child_of(said)
    working(hat, child, NOW)
    at = NOW + ms(600)
    say(hat, CancelIntent(PARENT, STRATEGY, "test"), at)
    said = say(hat, answer(child, AnswerKind.REFUSED, of=ActionKind.CANCEL, error=GONE[0], at=at), at)
    assert [m.cloid for m in said if isinstance(m, QueryOrder)] == [child.cloid]
    assert not cancels([*said, *say(hat, features(at=at + 1), at + 1)])


def test_a_parent_is_not_measured_against_an_old_price() -> None:
    """Its benchmark is the mid at its arrival; of a coin whose book has stood still for long nobody knows it."""
    hat = manager()
    say(hat, features())
    at = NOW + 11 * SECOND
    said = say(hat, parent(Chase()), at)
    assert last_word(said).state is ParentState.REFUSED
    assert "11 s old" in last_word(said).reason
    assert not [m for m in said if isinstance(m, OrderIntent)]
