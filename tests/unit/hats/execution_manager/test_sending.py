"""From approval to order: what is sent once, what is not sent and why, and how orders are withdrawn and replaced."""

from __future__ import annotations

import pytest

from shared.messages import AnyMessage
from shared.messages.control import Disarmed, DrainOrdered, KillLevel, KillOrdered
from shared.messages.order import (
    ActionKind,
    AnswerKind,
    OrderChanged,
    QueryOrder,
    SubmitOrder,
    VenueOrderStatus,
)
from shared.messages.risk import OrderApproved, TradingState, TradingStateChanged
from shared.messages.signal import CancelIntent
from shared.order import OrderState
from shared.units import SECOND, Ns
from tests.unit.hats.execution_manager.scene import (
    NOW,
    STRATEGY,
    answer,
    approval,
    cancels,
    changes,
    features,
    fill,
    intent,
    manager,
    ms,
    oid_of,
    record,
    resting,
    say,
    sent,
    told,
    wake,
)


def submitted(said: list[AnyMessage]) -> list[SubmitOrder]:
    """The orders that are sent in what was said."""
    return [message for message in said if isinstance(message, SubmitOrder)]


def test_an_approval_becomes_one_order() -> None:
    """The order carries what was approved and the earlier of both expiries; the same approval again does nothing."""
    hat, wish = manager(order_ttl_ms=500), intent(1)
    said = say(hat, approval(wish, 1))
    (order,) = submitted(said)
    assert said[0] is order, "the order leaves before anything is told about it"
    assert (order.cloid, order.approval_id, order.px, order.sz, order.tif) == (
        wish.cloid,
        1,
        wish.px,
        wish.sz,
        wish.tif,
    )
    assert order.expires_ns == NOW + ms(500)
    assert changes(said) == [("pending_submit", 0)]
    assert not say(hat, approval(wish, 1))
    assert not say(hat, approval(intent(1), 2)), "a second approval of the same intent"


def test_the_approvals_expiry_may_come_first() -> None:
    """An order expires with its approval if that is sooner."""
    hat, wish = manager(order_ttl_ms=60_000), intent(1)
    (order,) = submitted(say(hat, approval(wish, 1)))
    assert order.expires_ns == NOW + 2 * SECOND


def test_an_approval_that_comes_too_late_expires() -> None:
    """At its expiry an approval is void; the order ends without having been sent."""
    hat, wish = manager(), intent(1)
    said = say(hat, approval(wish, 1), NOW + 2 * SECOND)
    assert not submitted(said)
    assert changes(said) == [("expired", 0)]


@pytest.mark.parametrize(
    ("order", "plain", "reducing"),
    [
        (Disarmed("test"), False, False),
        (DrainOrdered(flatten=False), False, False),
        (KillOrdered(KillLevel.PAUSE, "test"), False, False),
        (KillOrdered(KillLevel.REDUCE, "test"), False, True),
        (KillOrdered(KillLevel.FLATTEN, "test"), False, False),
        (TradingStateChanged(TradingState.HALTED, "test"), False, False),
        (TradingStateChanged(TradingState.REDUCING, "test"), False, True),
        (TradingStateChanged(TradingState.ACTIVE, "test"), True, True),
    ],
)
def test_a_later_order_overrules_an_approval(order: AnyMessage, plain: bool, reducing: bool) -> None:
    """What was approved before a kill, a halt, a drain or disarming and comes after it is not sent."""
    hat = manager()
    say(hat, order)
    for number, (wish, passes) in enumerate(((intent(1), plain), (intent(2, reduce_only=True), reducing)), 1):
        said = say(hat, approval(wish, number))
        assert bool(submitted(said)) is passes
        assert passes or changes(said) == [("rejected", 0)]


def test_an_unknown_coin_is_not_sent() -> None:
    """Without its instrument an order can't be written."""
    said = say(manager(), approval(intent(1, coin="ZZZ"), 1))
    assert changes(said) == [("rejected", 0)]


def test_a_cancel_that_overtakes_its_approval() -> None:
    """A wish that was withdrawn before its approval came is never sent."""
    hat, wish = manager(), intent(1)
    assert not changes(say(hat, CancelIntent(wish.cloid, STRATEGY, "test")))
    said = say(hat, approval(wish, 1))
    assert not submitted(said)
    assert changes(said) == [("cancelled", 0)]


def test_a_cancel_waits_until_the_venue_has_the_order() -> None:
    """Before the answer a cancel would come too early: it is remembered, and sent with the acceptance, once."""
    hat = manager()
    wish = sent(hat, intent(1))
    assert not cancels(say(hat, CancelIntent(wish.cloid, STRATEGY, "test")))
    said = say(hat, answer(wish, AnswerKind.RESTING, oid=oid_of(wish)))
    assert cancels(said) == [wish.cloid]
    assert changes(said) == [("resting", 0), ("pending_cancel", 0)]
    assert not cancels(say(hat, CancelIntent(wish.cloid, STRATEGY, "again")))


def test_cancelled_ends_only_when_it_is_known_how_much_traded() -> None:
    """The answer to a cancel does not say what traded before it: the order ends with the venue's word and its fills."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "test"))
    assert not changes(say(hat, answer(wish, AnswerKind.CANCELLED, of=ActionKind.CANCEL)))
    assert not changes(say(hat, told(wish, VenueOrderStatus.CANCELLED, 15)))
    assert changes(say(hat, fill(wish, 5, 1))) == [("cancelled", 5)]
    assert not say(hat, CancelIntent(wish.cloid, STRATEGY, "ended"))


def test_a_cancel_that_came_too_late_asks_for_the_truth() -> None:
    """Refused as already gone, the order stays as it is until the venue says what became of it."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "test"))
    error = "Order was never placed, already canceled, or filled. asset=0"
    said = say(hat, answer(wish, AnswerKind.REFUSED, of=ActionKind.CANCEL, error=error))
    assert QueryOrder(wish.cloid) in said
    assert not changes(said)
    assert record(hat, wish).state is OrderState.PENDING_CANCEL
    say(hat, fill(wish, 20, 1))
    assert record(hat, wish).state is OrderState.FILLED


def test_a_cancel_that_came_too_early_is_sent_again() -> None:
    """If the order turns out to be open after all, it is cancelled again."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "test"))
    error = "Order was never placed, already canceled, or filled. asset=0"
    say(hat, answer(wish, AnswerKind.REFUSED, of=ActionKind.CANCEL, error=error))
    assert cancels(say(hat, told(wish, VenueOrderStatus.OPEN, 20))) == [wish.cloid]


def test_a_replacement_counts_beside_the_old_order_until_that_is_gone() -> None:
    """Both are open until the venue says which lives."""
    hat = manager()
    old = resting(hat, intent(1))
    new = intent(2, replaces=old.cloid)
    said = say(hat, approval(new, 2))
    assert submitted(said)[0].replaces == old.cloid
    assert changes(said) == [("pending_submit", 0), ("pending_modify", 0)]
    say(hat, answer(new, AnswerKind.RESTING, of=ActionKind.MODIFY, oid=oid_of(new)))
    assert record(hat, old).state is OrderState.PENDING_MODIFY
    say(hat, told(old, VenueOrderStatus.CANCELLED, 20))
    assert (record(hat, old).state, record(hat, new).state) == (OrderState.CANCELLED, OrderState.RESTING)


def test_a_refused_replacement_gives_the_old_order_back() -> None:
    """The new order never existed; the old one counts as open, and the venue is asked whether it is."""
    hat = manager()
    old = resting(hat, intent(1))
    new = sent(hat, intent(2, replaces=old.cloid))
    error = "Cannot modify canceled or filled order"
    said = say(hat, answer(new, AnswerKind.REFUSED, of=ActionKind.MODIFY, error=error))
    assert changes(said) == [("rejected", 0), ("resting", 0)]
    assert QueryOrder(old.cloid) in said


def test_nobody_asks_after_what_was_to_be_replaced_by_bytes_that_never_left() -> None:
    """For want of weight it was kept back: questions would use up what the next replacement needs, for ever."""
    hat = manager()
    old = resting(hat, intent(1))
    new = intent(2, replaces=old.cloid)
    say(hat, approval(new, 2))
    error = "local: weight budget of this minute is used up"
    said = say(hat, answer(new, AnswerKind.REFUSED, of=ActionKind.MODIFY, error=error))
    assert changes(said) == [("rejected", 0), ("resting", 0)]
    said += wake(hat, NOW + ms(10_000))
    assert not [question for question in said if isinstance(question, QueryOrder)]


def test_a_replacement_without_an_answer_makes_both_unknown() -> None:
    """Nobody knows which of the two lives: both count, both are asked for."""
    hat = manager()
    old = resting(hat, intent(1))
    new = sent(hat, intent(2, replaces=old.cloid))
    said = say(hat, answer(new, AnswerKind.NO_ANSWER, of=ActionKind.MODIFY))
    assert [m.state for m in said if isinstance(m, OrderChanged)] == [OrderState.UNKNOWN, OrderState.UNKNOWN]
    assert {m.cloid for m in said if isinstance(m, QueryOrder)} == {old.cloid, new.cloid}


@pytest.mark.parametrize("state", ["unknown id", "ended", "in doubt", "being cancelled", "being replaced"])
def test_what_may_not_be_replaced(state: str) -> None:
    """Only an order whose fate is not in question is replaced; the replacement of any other is not sent."""
    hat = manager()
    old = intent(1)
    if state == "in doubt":
        say(hat, answer(sent(hat, old), AnswerKind.NO_ANSWER))
    elif state != "unknown id":
        resting(hat, old)
    if state == "ended":
        say(hat, told(old, VenueOrderStatus.CANCELLED, 20))
    if state == "being cancelled":
        say(hat, CancelIntent(old.cloid, STRATEGY, "test"))
    if state == "being replaced":
        sent(hat, intent(2, replaces=old.cloid))
    said = say(hat, OrderApproved(intent(9, replaces=old.cloid), 9, Ns(NOW + SECOND)))
    assert changes(said) == [("rejected", 0)]
    assert not submitted(said)


def test_a_drains_cancel_that_is_refused_waits_for_its_pause() -> None:
    """A drain looks at every order after every message; without a pause a refused cancel would spin."""
    hat = manager()
    wish = resting(hat, intent(1))
    assert cancels(say(hat, KillOrdered(KillLevel.FLATTEN, "test"))) == [wish.cloid]
    said = say(hat, answer(wish, AnswerKind.REFUSED, of=ActionKind.CANCEL, error="Too many cumulative requests sent"))
    assert not cancels([*said, *say(hat, features(), NOW + 1)])
    assert cancels(wake(hat, NOW + ms(200))) == [wish.cloid]
