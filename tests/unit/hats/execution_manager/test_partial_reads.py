"""Readings of the account that reach less far than they seem to: they prove less, and put off no look that is due."""

from __future__ import annotations

import msgspec

from shared.messages import AnyMessage
from shared.messages.account import AccountSnapshot, Reconciled
from shared.messages.order import ActionKind, AnswerKind, QueryAccount, VenueOrderStatus
from shared.messages.signal import CancelIntent
from shared.order import OrderState
from shared.units import SECOND, Ns
from tests.unit.hats.execution_manager.scene import (
    NOW,
    STRATEGY,
    answer,
    fill,
    intent,
    manager,
    ms,
    record,
    resting,
    say,
    snapshot_of,
    told,
    wake,
)


def reaching_back(snapshot: AccountSnapshot, since_ns: int) -> AccountSnapshot:
    """The same reading, with fills since then only."""
    return msgspec.structs.replace(snapshot, fills_since_ns=Ns(since_ns))


def asks(said: list[AnyMessage]) -> list[QueryAccount]:
    """The questions about the account in what was said."""
    return [message for message in said if isinstance(message, QueryAccount)]


def test_an_order_does_not_end_by_a_reading_that_may_lack_its_fills() -> None:
    """The feed reads fills since it was cut; what was pushed before and lost on the way is not among them."""
    hat = manager()
    wish = resting(hat, intent(1))
    lost = fill(wish, 5, 1, at=NOW + ms(100))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "test"), NOW + ms(200))
    say(hat, answer(wish, AnswerKind.CANCELLED, of=ActionKind.CANCEL, at=NOW + ms(300)), NOW + ms(300))
    say(hat, told(wish, VenueOrderStatus.CANCELLED, 15, at=NOW + ms(300)), NOW + ms(300))
    at = NOW + 3 * SECOND
    say(hat, reaching_back(snapshot_of({"AAA": 5}, at=at), NOW + ms(200)), at)
    assert record(hat, wish).state is OrderState.PENDING_CANCEL
    say(hat, reaching_back(snapshot_of({"AAA": 5}, fills=(lost,), at=at + 1), NOW), at + 1)
    assert (record(hat, wish).state, record(hat, wish).filled_sz) == (OrderState.CANCELLED, 5)


def test_an_order_that_nobody_knows_any_more_does_not_end_by_such_a_reading() -> None:
    """It is not listed and not known, but what it traded by then is not among the fills."""
    hat = manager()
    wish = resting(hat, intent(1))
    at = NOW + 3 * SECOND
    say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=at), at)
    say(hat, reaching_back(snapshot_of(at=at), NOW + SECOND), at)
    assert record(hat, wish).state is OrderState.RESTING
    say(hat, reaching_back(snapshot_of(at=at + 1), NOW), at + 1)
    assert record(hat, wish).state is OrderState.CANCELLED


def test_a_reading_that_began_before_a_look_was_wanted_does_not_put_it_off() -> None:
    """A fill shows that one before it is missing; an account that was being read then can't have it."""
    hat = manager()
    wish = resting(hat, intent(1))
    began, at = NOW + SECOND, NOW + SECOND + ms(300)
    say(hat, fill(wish, 5, 2, start=3, at=began + ms(100)), began + ms(100))
    said = say(hat, snapshot_of(at=began), at)
    assert not asks(said)
    assert asks(wake(hat, began + ms(100) + ms(500)))


def test_no_difference_is_concluded_from_readings_that_may_lack_fills() -> None:
    """Taken over from them, a position would hold the missing fill, and once more when that is read."""
    hat = manager()
    wish = resting(hat, intent(1))
    lost = fill(wish, 5, 1, at=NOW + ms(100))
    for second in range(2, 8):
        at = NOW + second * SECOND
        said = say(hat, reaching_back(snapshot_of({"AAA": 5}, at=at), at - SECOND), at)
        assert not [message for message in said if isinstance(message, Reconciled)]
    at = NOW + 9 * SECOND
    said = say(hat, reaching_back(snapshot_of({"AAA": 5}, fills=(lost,), at=at), NOW), at)
    assert [message.is_clean for message in said if isinstance(message, Reconciled)] == [True]
    assert hat.state.positions == {"AAA": 5}


def test_a_position_is_taken_over_only_if_it_differs_by_the_same_as_before() -> None:
    """Fills that come and are read at different times make a difference that changes: it is said, and not booked."""
    hat, said = manager(), list[AnyMessage]()
    for second, held in enumerate((5, 3, 7, 4), 1):
        at = NOW + second * SECOND
        said = say(hat, snapshot_of({"AAA": held}, at=at), at)
    assert [message.is_clean for message in said if isinstance(message, Reconciled)] == [False]
    assert hat.state.positions.get("AAA", 0) == 0
    for second in range(6, 10):
        at = NOW + second * SECOND
        say(hat, snapshot_of({"AAA": 4}, at=at), at)
    assert hat.state.positions == {"AAA": 4}
