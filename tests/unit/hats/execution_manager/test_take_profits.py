"""Every position keeps a take-profit at the venue beside its stop; each has a life of its own."""

from __future__ import annotations

import pytest

from shared.ids import PROTECT
from shared.messages.order import AnswerKind, VenueOrderStatus
from shared.messages.risk import DenyReason, OrderDenied
from shared.order import OrderState, Side, Tif, Trigger, TriggerKind
from shared.units import Px
from tests.unit.hats.execution_manager import scene
from tests.unit.hats.execution_manager.protection import (
    SETTLED,
    TIDS,
    left_over,
    manager,
    moved,
    placed,
    trigger_px,
    wishes,
)
from tests.unit.hats.execution_manager.scene import (
    PX,
    approval,
    cancels,
    features,
    ms,
    oid_of,
    record,
    say,
    snapshot_of,
    told,
    wake,
)


@pytest.mark.parametrize(("signed_sz", "side", "px"), [(20, Side.SELL, 1_100_000), (-20, Side.BUY, 900_000)])
def test_a_position_gets_a_take_profit_beside_its_stop(signed_sz: int, side: Side, px: int) -> None:
    """Of its size, on the other side of the entry price, and it never trades at a loss, however far it may reach."""
    hat = manager(protect_take_bps=1_000, protect_reach_bps=1_500)
    moved(hat, signed_sz)
    both = placed(hat, SETTLED)
    assert set(both) == set(TriggerKind)
    assert {wish.side for wish in both.values()} == {side}
    take = both[TriggerKind.TAKE_PROFIT]
    assert take.how == Trigger(Px(px), TriggerKind.TAKE_PROFIT)
    assert (take.px, take.sz, take.tif, take.reduce_only) == (PX, 20, Tif.IOC, True)
    assert not wishes(wake(hat, SETTLED + ms(60_000)))


def test_a_take_profit_alone_is_kept_without_a_stop() -> None:
    """Each kind has a setting of its own."""
    hat = manager(protect_stop_bps=0, protect_take_bps=1_000)
    moved(hat, 20)
    assert set(placed(hat, SETTLED)) == {TriggerKind.TAKE_PROFIT}


@pytest.mark.parametrize("fired", list(TriggerKind))
def test_when_one_fires_the_other_is_cancelled(fired: TriggerKind) -> None:
    """The venue does not do it, for the two know nothing of each other there."""
    hat = manager(protect_take_bps=1_000)
    moved(hat, 20)
    both = placed(hat, SETTLED)
    one, other = both.pop(fired), both.popitem()[1]
    say(hat, told(one, VenueOrderStatus.TRIGGERED, 20), SETTLED)
    say(hat, scene.fill(one, 20, next(TIDS), start=20, at=SETTLED + 2), SETTLED)
    assert record(hat, one).state is OrderState.FILLED
    assert cancels(wake(hat, SETTLED + ms(1_000))) == [other.cloid]
    say(hat, told(other, VenueOrderStatus.CANCELLED, 20), SETTLED + ms(1_500))
    assert not any(hat.state.guards.values())


def test_a_larger_position_gets_both_anew_and_then_both_old_ones_go() -> None:
    """Each kind for itself: an old one is cancelled when the new one of its kind is proven."""
    hat = manager(protect_take_bps=1_000)
    moved(hat, 20)
    old = placed(hat, SETTLED)
    moved(hat, 20, SETTLED, px=1_060_000)
    wanted = wishes(wake(hat, SETTLED + ms(1_000)))
    assert {trigger_px(wish) for wish in wanted} == {1_030_000 * 95 // 100, 1_030_000 * 110 // 100}
    for wish in wanted:
        assert isinstance(wish.how, Trigger)
        say(hat, approval(wish, hat.state.last_approval_id + 1, SETTLED), SETTLED)
        said = say(hat, scene.answer(wish, AnswerKind.RESTING, oid=oid_of(wish)), SETTLED)
        assert cancels(said) == [old[wish.how.kind].cloid]


@pytest.mark.parametrize(("bought_px", "is_moved"), [(1_010_000, False), (1_060_000, True)])
def test_both_go_with_the_entry_price(bought_px: int, is_moved: bool) -> None:
    """Sold and bought again to the same size: large enough, but one may be too far by now and the other too near."""
    hat = manager(protect_take_bps=1_000)
    moved(hat, 20)
    old = placed(hat, SETTLED)[TriggerKind.TAKE_PROFIT]
    moved(hat, -19, SETTLED)
    moved(hat, 19, SETTLED, px=bought_px)
    found = placed(hat, SETTLED + ms(1_000))
    assert set(found) == (set(TriggerKind) if is_moved else set())
    assert bool(record(hat, old).wants_cancel) is is_moved


def test_a_profit_that_is_there_already_is_taken_at_the_next_step() -> None:
    """Its level can't be placed any more; it lies just beyond the market, and at its level once that is possible."""
    hat = manager(protect_take_bps=1_000)
    say(hat, features(mid_px=1_200_000))
    moved(hat, 20)
    take = placed(hat, SETTLED)[TriggerKind.TAKE_PROFIT]
    assert trigger_px(take) == 1_212_000
    say(hat, features(mid_px=1_090_000), SETTLED)
    say(hat, told(take, VenueOrderStatus.OPEN, 20), SETTLED + ms(1_000))
    assert trigger_px(placed(hat, SETTLED + ms(2_000))[TriggerKind.TAKE_PROFIT]) == 1_100_900


def test_a_take_profit_does_not_follow_a_market_that_runs_away() -> None:
    """Nearer to the market it would take a loss."""
    hat = manager(protect_stop_bps=0, protect_take_bps=300)
    moved(hat, 20)
    take = placed(hat, SETTLED)[TriggerKind.TAKE_PROFIT]
    say(hat, features(mid_px=800_000), SETTLED)
    said = say(hat, told(take, VenueOrderStatus.OPEN, 20), SETTLED) + wake(hat, SETTLED + ms(6_000))
    assert not wishes(said)
    assert not cancels(said)


def test_what_an_earlier_run_left_is_taken_over_kind_by_kind() -> None:
    """A stop and a take-profit are told apart; none of either kind is placed a second time."""
    hat = manager(protect_take_bps=1_000, is_open=False)
    listed = tuple(left_over(n, Side.SELL, 20, kind) for n, kind in enumerate(TriggerKind))
    said = say(hat, snapshot_of({"AAA": 20}, listed)) + wake(hat, SETTLED)
    assert not cancels(said)
    assert not wishes(said)
    assert {order.how for order in hat.state.orders.values()} == {one.trigger for one in listed}


def test_a_kind_that_is_switched_off_is_not_taken_over() -> None:
    """This run keeps stops alone: the take-profit of the last one goes."""
    hat = manager(is_open=False)
    listed = tuple(left_over(n, Side.SELL, 20, kind) for n, kind in enumerate(TriggerKind))
    said = say(hat, snapshot_of({"AAA": 20}, listed)) + wake(hat, SETTLED)
    assert cancels(said) == [one.cloid for one in listed if one.trigger and one.trigger.kind is TriggerKind.TAKE_PROFIT]
    assert not wishes(said)


def test_a_denied_take_profit_leaves_the_stop_alone() -> None:
    """The pause is the one kind's."""
    hat = manager(protect_take_bps=1_000)
    moved(hat, 20)
    wanted = {wish.how.kind: wish for wish in wishes(wake(hat, SETTLED)) if isinstance(wish.how, Trigger)}
    take = wanted[TriggerKind.TAKE_PROFIT]
    say(hat, OrderDenied(take.cloid, PROTECT, "AAA", DenyReason.BAD_TRIGGER, 0, 0, "test"), SETTLED)
    denials = {kind: guards["AAA"].denials for kind, guards in hat.state.guards.items()}
    assert denials == {TriggerKind.STOP_LOSS: 0, TriggerKind.TAKE_PROFIT: 1}
