"""The venue's list of open orders against ours: whether each is what was asked for, and how much of it is left."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hats.execution_manager import ExecutionManager
from shared.messages import AnyMessage
from shared.messages.account import Reconciled
from shared.messages.control import Drained, DrainOrdered
from shared.messages.order import VenueOrder, VenueOrderStatus
from shared.order import Side, Trigger, TriggerKind
from shared.units import SECOND, Ns, Px
from tests.unit.hats.execution_manager import protection, scene
from tests.unit.hats.execution_manager.protection import SETTLED, asked, moved, protected, rests, wishes
from tests.unit.hats.execution_manager.scene import PX, cancels, intent, ms, resting, say, snapshot_of, told, wake


def found(hat: ExecutionManager, net_sz: int, *listed: VenueOrder) -> Reconciled:
    """The one conclusion of four looks at the same account, a second apart."""
    said: list[AnyMessage] = []
    for n in range(2, 6):
        at = SETTLED + n * SECOND
        said += say(hat, snapshot_of({"AAA": net_sz} if net_sz else {}, listed, at=at), at)
    (word,) = [m for m in said if isinstance(m, Reconciled)]
    return word


@pytest.mark.parametrize("changed", [{"px": PX + 100}, {"orig_sz": 21}, {"side": Side.SELL}])
def test_an_order_that_is_another_at_the_venue_is_a_difference(changed: dict[str, Any]) -> None:
    """Same id, but price, size or side are not what was sent: said after the confirming rounds, with both."""
    hat = scene.manager()
    wish = resting(hat, intent(1))
    word = found(hat, 0, msgspec.structs.replace(told(wish, VenueOrderStatus.OPEN, 20), **changed))
    assert not word.is_clean
    assert "at the venue, buy 20 AAA" in word.differences[0]


@pytest.mark.parametrize("is_by_oid", [False, True])
def test_two_orders_under_one_cloid_are_a_difference(is_by_oid: bool) -> None:
    """Each by itself is what was asked for, and there is one too many; also if the second is known by its id alone."""
    hat = scene.manager()
    wish = resting(hat, intent(1))
    listed = told(wish, VenueOrderStatus.OPEN, 20)
    other = msgspec.structs.replace(listed, **({"cloid": None} if is_by_oid else {"oid": 999_999}))
    word = found(hat, 0, listed, other)
    assert not word.is_clean
    assert f"as {listed.oid} and {other.oid}" in word.differences[0]


def test_a_stop_that_waits_and_was_clipped_covers_what_is_left_of_it() -> None:
    """Whether the venue does so is not known: it is no difference, and a larger one follows where it is too small."""
    hat = protection.manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    moved(hat, -10, SETTLED)
    at = SETTLED + ms(2_000)
    clipped = told(stop, VenueOrderStatus.OPEN, 10)
    said = say(hat, snapshot_of({"AAA": 10}, (clipped,), at=at), at) + wake(hat, at + ms(2_000))
    assert not wishes(said)
    moved(hat, 10, at)
    said = say(hat, snapshot_of({"AAA": 20}, (clipped,), at=at + ms(500)), at + ms(500))
    assert [m.is_clean for m in said if isinstance(m, Reconciled)] == [True]
    new = asked(hat, at + ms(1_500))
    assert new.sz == 20
    assert cancels(rests(hat, new, at + ms(1_500))) == [stop.cloid]


@pytest.mark.parametrize("changed", [{"reduce_only": False}, {"trigger": None}, {
    "trigger": Trigger(Px(500_000), TriggerKind.STOP_LOSS)
}, {"trigger": Trigger(Px(950_000), TriggerKind.TAKE_PROFIT)}])  # fmt: skip
def test_a_stop_that_is_another_at_the_venue_is_a_difference(changed: dict[str, Any]) -> None:
    """It may open, or fires elsewhere or not at all: whoever relies on it must know."""
    hat = protection.manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    word = found(hat, 20, msgspec.structs.replace(told(stop, VenueOrderStatus.OPEN, 20), **changed))
    assert not word.is_clean
    assert "sell 20 AAA at 855000 to reduce (sl at 950000) here" in word.differences[0]


def test_no_drain_is_proven_by_a_reading_without_the_stop_that_stays() -> None:
    """A position that is kept must keep its stop, and what is not listed is not known to be there."""
    hat = protection.manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    at = Ns(SETTLED + SECOND)
    say(hat, DrainOrdered(flatten=False), at)
    wake(hat, Ns(at + ms(100)))
    at = Ns(at + ms(200))
    assert not [m for m in say(hat, snapshot_of({"AAA": 20}, at=at), at) if isinstance(m, Drained)]
    at = Ns(at + ms(200))
    listed = told(stop, VenueOrderStatus.OPEN, 20)
    assert [m for m in say(hat, snapshot_of({"AAA": 20}, (listed,), at=at), at) if isinstance(m, Drained)]


def test_a_stop_that_has_fired_need_not_be_listed_with_its_trigger() -> None:
    """What it is to trade it may trade then, and the venue may tell it as any other order."""
    hat = protection.manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    say(hat, told(stop, VenueOrderStatus.TRIGGERED, 20), SETTLED)
    listed = msgspec.structs.replace(told(stop, VenueOrderStatus.OPEN, 20), trigger=None)
    for look in range(1, 7):
        at = Ns(SETTLED + look * ms(1_000))
        said = say(hat, snapshot_of({"AAA": 20}, (listed,), at=at), at)
        assert [m.is_clean for m in said if isinstance(m, Reconciled)] == [True]
