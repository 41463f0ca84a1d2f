"""What a parent order makes of children in vain: pauses, and when it is too late for one."""

from __future__ import annotations

import pytest

from hats.execution_manager import ExecutionManager
from shared.messages import AnyMessage
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.order import AnswerKind, OrderChanged, SubmitOrder, VenueOrderStatus
from shared.messages.parent import Chase, ParentState
from shared.messages.risk import DenyReason, OrderDenied
from shared.messages.signal import CancelIntent, OrderIntent
from shared.order import OrderState
from shared.units import MS, SECOND, Ns
from tests.unit.hats.execution_manager.scene import (
    NOW,
    PX,
    STRATEGY,
    answer,
    approval,
    cancels,
    features,
    manager,
    ms,
    next_wake,
    say,
    told,
    wake,
)
from tests.unit.hats.execution_manager.test_parents import PARENT, begun, child_of, last_word, parent, working

TOO_MUCH = "Insufficient margin to place order. asset=0"


def children(said: list[AnyMessage]) -> list[OrderIntent]:
    """The children that are asked for."""
    return [message for message in said if isinstance(message, OrderIntent)]


def refused(hat: ExecutionManager, child: OrderIntent, at: int) -> list[AnyMessage]:
    """The child is approved, and the venue does not take it."""
    say(hat, approval(child, hat.state.last_approval_id + 1, at), at)
    return say(hat, answer(child, AnswerKind.REFUSED, error=TOO_MUCH, at=at), at)


def next_child(hat: ExecutionManager, since_ns: int) -> tuple[OrderIntent, int]:
    """The next child and when it is asked for, with a look every 10 ms."""
    for at in range(since_ns, since_ns + 30 * SECOND, 10 * MS):
        found = children([*say(hat, features(at=at), at), *wake(hat, at)])
        if found:
            return found[0], at
    raise AssertionError("no child in 30 s")


def test_the_pause_doubles_while_the_venue_takes_no_child() -> None:
    """Each costs a request of the address: what is refused again and again is asked for less and less."""
    hat, said = begun(Chase(), end_ns=Ns(NOW + 600 * SECOND))
    child, at, pauses = child_of(said), int(NOW), []
    for _ in range(8):
        refused(hat, child, at)
        child, then = next_child(hat, at + 1)
        pauses.append((then - at) // (100 * MS))
        at = then
    assert pauses == [2, 4, 8, 16, 32, 64, 64, 64]


def test_a_child_that_the_venue_took_ends_the_row() -> None:
    """It rested and was taken back to follow the market: the next one in vain has the first pause again."""
    hat, said = begun(Chase(), end_ns=Ns(NOW + 600 * SECOND))
    child, at = child_of(said), int(NOW)
    for _ in range(3):
        refused(hat, child, at)
        child, at = next_child(hat, at + 1)
    working(hat, child, at)
    moved = at + SECOND
    assert cancels(say(hat, features(mid_px=PX + 100, at=moved), moved)) == [child.cloid]
    said = say(hat, told(child, VenueOrderStatus.CANCELLED, 100, at=moved), moved)
    refused(hat, child_of(said), moved)
    assert next_child(hat, moved + 1)[1] == pytest.approx(moved + 200 * MS, abs=10 * MS)


def test_a_child_that_the_venue_ends_by_itself_is_in_vain() -> None:
    """Another one at once would end the same way."""
    hat, said = begun(Chase(), end_ns=Ns(NOW + 600 * SECOND))
    child = child_of(said)
    working(hat, child, NOW)
    assert not children(say(hat, told(child, VenueOrderStatus.CANCELLED, 100, said="marginCanceled")))
    assert next_child(hat, NOW + 1)[1] == pytest.approx(NOW + 200 * MS, abs=10 * MS)


def test_denials_that_are_not_in_a_row_end_nothing() -> None:
    """The Risk Officer let one pass in between, though it has not traded."""
    hat = manager(child_denials_max=2)
    say(hat, features())
    child = child_of(say(hat, parent(Chase(), end_ns=Ns(NOW + 600 * SECOND))))
    at = int(NOW)
    for _ in range(3):
        said = say(hat, OrderDenied(child.cloid, STRATEGY, "AAA", DenyReason.ORDER_RATE, 1, 2, "x"), at)
        assert not [m for m in said if getattr(m, "state", None) is ParentState.REFUSED]
        child, at = next_child(hat, at + 1)
        refused(hat, child, at)
        child, at = next_child(hat, at + 1)


def test_a_child_that_is_approved_after_its_parents_time_is_not_sent() -> None:
    """It would only be taken back."""
    hat, said = begun(Chase(), end_ns=Ns(NOW + SECOND))
    at = NOW + SECOND
    said = say(hat, approval(child_of(said), 1, at), at)
    assert not [m for m in said if isinstance(m, SubmitOrder)]
    assert [m.state for m in said if isinstance(m, OrderChanged)] == [OrderState.CANCELLED]
    assert last_word([*said, *wake(hat, at + ms(250))]).state is ParentState.EXPIRED


@pytest.mark.parametrize("news", [CancelIntent(PARENT, STRATEGY, "test"), KillOrdered(KillLevel.PAUSE, "test")])
def test_a_parent_that_ends_between_two_children_leaves_no_wake_up(news: AnyMessage) -> None:
    """It was looked at four times a second; once the last is over, a time that has passed must not be waited for."""
    hat, said = begun(Chase())
    say(hat, OrderDenied(child_of(said).cloid, STRATEGY, "AAA", DenyReason.ORDER_RATE, 1, 2, "x"))
    assert last_word(say(hat, news, NOW + ms(100))).state is ParentState.CANCELLED
    said = wake(hat, NOW + ms(250))
    woken = next_wake(said)
    assert woken is not None
    assert woken > NOW + SECOND, "the manager spins"
