"""An order without an answer: its own bytes again, a noop on its nonce, and never a second order."""

from __future__ import annotations

import pytest

from hats.execution_manager import ExecutionManager
from hats.execution_manager.measures import DUPLICATES
from shared.messages import AnyMessage
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.order import (
    ActionKind,
    ActionSent,
    AnswerKind,
    FenceOrder,
    QueryOrder,
    ResendOrder,
    VenueOrderStatus,
)
from shared.messages.signal import CancelIntent, OrderIntent
from shared.order import OrderState, Tif
from tests.unit.hats.execution_manager.scene import (
    NOW,
    STRATEGY,
    answer,
    approval,
    cancels,
    changes,
    fill,
    intent,
    manager,
    ms,
    record,
    resting,
    say,
    sent,
    told,
    wake,
)


def doubtful(hat: ExecutionManager, wish: OrderIntent) -> OrderIntent:
    """An order whose answer was lost."""
    sent(hat, wish)
    say(hat, answer(wish, AnswerKind.NO_ANSWER))
    assert record(hat, wish).state is OrderState.UNKNOWN
    return wish


def unknown(hat: ExecutionManager, wish: OrderIntent, at: int) -> list[AnyMessage]:
    """The venue does not know the order."""
    return say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=at), at)


def fence(wish: OrderIntent, kind: AnswerKind, at: int) -> AnyMessage:
    """The venue's answer to the noop."""
    return answer(wish, kind, of=ActionKind.FENCE, at=at)


def test_the_same_bytes_go_out_once_more_then_the_nonce_is_fenced() -> None:
    """Unknown to the venue and still good: the copy; unknown again: the noop, and another after a pause."""
    hat = manager(order_ttl_ms=10_000, resends_max=1, fence_retry_ms=500)
    wish = doubtful(hat, intent(1))
    assert unknown(hat, wish, NOW + ms(10))[:1] == [ResendOrder(wish.cloid)]
    say(hat, answer(wish, AnswerKind.NO_ANSWER, at=NOW + ms(20)), NOW + ms(20))
    assert FenceOrder(wish.cloid) in unknown(hat, wish, NOW + ms(30))
    assert FenceOrder(wish.cloid) not in unknown(hat, wish, NOW + ms(40))
    assert FenceOrder(wish.cloid) in unknown(hat, wish, NOW + ms(530))


def test_an_order_that_is_no_longer_wanted_or_allowed_is_not_sent_again() -> None:
    """A cancel or a kill turns the copy into a fence, at once."""
    for news in (CancelIntent(intent(1).cloid, STRATEGY, "x"), KillOrdered(KillLevel.PAUSE, "x")):
        hat = manager(order_ttl_ms=10_000)
        wish = doubtful(hat, intent(1))
        assert FenceOrder(wish.cloid) in say(hat, news, NOW + ms(5))
        assert not [m for m in unknown(hat, wish, NOW + ms(10)) if isinstance(m, ResendOrder)]


def test_close_to_its_expiry_nothing_is_sent_again() -> None:
    """A copy that could only arrive late is not worth its weight."""
    hat = manager(order_ttl_ms=1_000, query_backoff_ms=200)
    wish = doubtful(hat, intent(1))
    assert unknown(hat, wish, NOW + ms(800))[:1] == [FenceOrder(wish.cloid)]


def test_a_fence_that_holds_is_proof_at_once() -> None:
    """The noop took the nonce: the order ends, whatever its expiry, and is never placed anew."""
    hat = manager(order_ttl_ms=10_000, resends_max=0)
    wish = doubtful(hat, intent(1))
    unknown(hat, wish, NOW + ms(10))
    assert changes(say(hat, fence(wish, AnswerKind.FENCED, NOW + ms(20)), NOW + ms(20))) == [("expired", 0)]


def test_a_used_nonce_shortens_the_wait_for_proof() -> None:
    """By the noop or by the order: nothing can arrive any more, so absences count a margin later, before its expiry."""
    hat = manager(order_ttl_ms=10_000, resends_max=0, expiry_margin_ms=1_000, absences_needed=2)
    wish = doubtful(hat, intent(1))
    unknown(hat, wish, NOW + ms(10))
    assert QueryOrder(wish.cloid) in say(hat, fence(wish, AnswerKind.NONCE_USED, NOW + ms(20)), NOW + ms(20))
    assert not changes(unknown(hat, wish, NOW + ms(900)))
    assert QueryOrder(wish.cloid, decides=True) in wake(hat, NOW + ms(1_020))
    assert not changes(unknown(hat, wish, NOW + ms(1_030)))
    wake(hat, NOW + ms(1_300))
    assert changes(unknown(hat, wish, NOW + ms(1_310))) == [("expired", 0)]


@pytest.mark.parametrize("is_resent", [True, False])
def test_a_used_nonce_is_waited_out_as_long_as_an_expired_one(is_resent: bool) -> None:
    """Its bytes may be held back for 0.76 s after their nonce was taken, and the index lags behind by another second.

    Asked in that time, the venue knows nothing of an order that then trades.
    """
    hat = manager(order_ttl_ms=10_000, resends_max=int(is_resent))
    wish = doubtful(hat, intent(1, tif=Tif.IOC))
    unknown(hat, wish, NOW + ms(10))
    kind = ActionKind.ORDER if is_resent else ActionKind.FENCE
    say(hat, answer(wish, AnswerKind.NONCE_USED, of=kind, at=NOW + ms(20)), NOW + ms(20))
    for at in range(NOW + ms(200), NOW + ms(20 + 760 + 1_000 + 70), ms(200)):
        wake(hat, at)
        unknown(hat, wish, at)
    assert record(hat, wish).state is OrderState.UNKNOWN
    traded = answer(wish, AnswerKind.FILLED, filled_sz=20)
    assert not changes(say(hat, traded, NOW + ms(1_900)))
    assert changes(say(hat, fill(wish, 20, 1), NOW + ms(1_900))) == [("filled", 20)]
    assert 1.0 not in hat.state.samples.values.get(DUPLICATES.name, [])


def test_a_used_nonce_may_be_the_orders_own() -> None:
    """The venue then shows the order, and it is cancelled if it is not wanted."""
    hat = manager(order_ttl_ms=10_000)
    wish = doubtful(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "x"), NOW + ms(5))
    say(hat, fence(wish, AnswerKind.NONCE_USED, NOW + ms(20)), NOW + ms(20))
    said = say(hat, told(wish, VenueOrderStatus.OPEN, 20, at=NOW + ms(30)), NOW + ms(30))
    assert cancels(said) == [wish.cloid]


@pytest.mark.parametrize("kind", [AnswerKind.NO_ANSWER, AnswerKind.REFUSED])
def test_a_fence_without_proof_changes_nothing(kind: AnswerKind) -> None:
    """It stays unknown, counts in full and is asked about again."""
    hat = manager(order_ttl_ms=10_000, resends_max=0)
    wish = doubtful(hat, intent(1))
    unknown(hat, wish, NOW + ms(10))
    assert not changes(say(hat, fence(wish, kind, NOW + ms(20)), NOW + ms(20)))
    assert record(hat, wish).state is OrderState.UNKNOWN
    assert QueryOrder(wish.cloid, decides=True) in wake(hat, NOW + ms(5_000))


def test_an_order_wanted_gone_before_its_answer_is_not_waited_for() -> None:
    """After the pause of a fence it counts as unknown and is fenced, long before the answer's time is up."""
    hat = manager(answer_timeout_ms=5_000, fence_retry_ms=500)
    wish = sent(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "x"), NOW + ms(10))
    said = wake(hat, NOW + ms(510))
    assert changes(said) == [("unknown", 0)]
    assert FenceOrder(wish.cloid) in said


def test_a_fenced_replacement_gives_the_old_order_back() -> None:
    """The modify can never act: what it was to replace stands, as the venue says when it is asked."""
    hat = manager(order_ttl_ms=10_000, resends_max=0)
    old = resting(hat, intent(1))
    wish = doubtful(hat, intent(2, replaces=old.cloid))
    unknown(hat, wish, NOW + ms(10))
    said = say(hat, fence(wish, AnswerKind.FENCED, NOW + ms(20)), NOW + ms(20))
    assert changes(said) == [("expired", 0)]
    assert QueryOrder(old.cloid, decides=True) in wake(hat, NOW + ms(200))
    assert changes(say(hat, told(old, VenueOrderStatus.OPEN, 20), NOW + ms(210))) == [("resting", 0)]


def batch(hat: ExecutionManager, *numbers: int) -> list[OrderIntent]:
    """Orders that went out as one action, whose answer was lost."""
    wishes = [intent(number) for number in numbers]
    for number, wish in enumerate(wishes, hat.state.last_approval_id + 1):
        say(hat, approval(wish, number))
    first, *mates = (wish.cloid for wish in wishes)
    say(hat, ActionSent(first, 1, NOW, tuple(mates)))
    for wish in wishes:
        say(hat, answer(wish, AnswerKind.NO_ANSWER))
    return wishes


def test_the_doubt_of_a_batch_is_the_doubt_of_each_and_one_copy_serves_all() -> None:
    """Every order of it is UNKNOWN; the copy that one asks for counts as the copy of all."""
    hat = manager(order_ttl_ms=10_000, resends_max=1)
    first, second, third = batch(hat, 1, 2, 3)
    assert {record(hat, wish).state for wish in (first, second, third)} == {OrderState.UNKNOWN}
    assert unknown(hat, second, NOW + ms(10))[:1] == [ResendOrder(second.cloid)]
    said = [*unknown(hat, first, NOW + ms(20)), *unknown(hat, third, NOW + ms(20))]
    assert not [m for m in said if isinstance(m, ResendOrder)]


def test_a_batch_is_not_sent_again_for_one_when_another_is_no_longer_wanted() -> None:
    """The copy would place both."""
    hat = manager(order_ttl_ms=10_000, resends_max=1)
    first, second = batch(hat, 1, 2)
    say(hat, CancelIntent(second.cloid, STRATEGY, "x"), NOW + ms(5))
    said = unknown(hat, first, NOW + ms(10))
    assert not [m for m in said if isinstance(m, ResendOrder)]
    assert FenceOrder(first.cloid) in said


def test_a_fence_of_a_batch_ends_all_that_nobody_has_shown() -> None:
    """Its nonce is spent on the noop: each hears so, and none can act any more."""
    hat = manager(order_ttl_ms=10_000, resends_max=0)
    wishes = batch(hat, 1, 2)
    for wish in wishes:
        say(hat, fence(wish, AnswerKind.FENCED, NOW + ms(20)), NOW + ms(20))
    assert {record(hat, wish).state for wish in wishes} == {OrderState.EXPIRED}


def test_one_order_of_a_batch_at_the_venue_proves_that_the_nonce_of_all_is_spent() -> None:
    """What the venue does not know after that never comes: no copy, no fence, and an end after the margin."""
    hat = manager(order_ttl_ms=60_000, expiry_margin_ms=1_000, absences_needed=1)
    first, second = batch(hat, 1, 2)
    say(hat, told(first, VenueOrderStatus.OPEN, 20, at=NOW + ms(10)), NOW + ms(10))
    said = unknown(hat, second, NOW + ms(20))
    assert not [m for m in said if isinstance(m, ResendOrder | FenceOrder)]
    wake(hat, NOW + ms(1_100))
    unknown(hat, second, NOW + ms(1_200))
    assert record(hat, second).state is OrderState.EXPIRED
    assert record(hat, first).state is OrderState.RESTING
