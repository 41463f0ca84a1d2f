"""Every position keeps a stop and a take-profit at the venue: placed, moved, taken over, and never left behind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hats.execution_manager import ExecutionManager
from shared.ids import PROTECT, PROTECT_NUMBER, Cloid, cloid_for
from shared.messages import AnyMessage
from shared.messages.control import Disarmed, Drained, DrainOrdered, KillLevel, KillOrdered
from shared.messages.order import AnswerKind, Fill, FillBooked, SubmitOrder, VenueOrder, VenueOrderStatus
from shared.messages.risk import DenyReason, OrderDenied, TradingState, TradingStateChanged
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side, Tif, Trigger, TriggerKind
from shared.units import Ns, Px, Sz, Usd
from tests.unit.hats.execution_manager import scene
from tests.unit.hats.execution_manager.scene import (
    NOW,
    PX,
    RUN,
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

SETTLED = NOW + ms(1_000)
TIDS = iter(range(1_000_000))


def manager(**changed: Any) -> ExecutionManager:
    """One that protects at five per cent and knows the market."""
    hat = scene.manager(**{"protect_stop_bps": 500} | changed)
    say(hat, features())
    return hat


def moved(hat: ExecutionManager, signed_sz: int, at: int = NOW, px: int = PX) -> list[AnyMessage]:
    """A fill moves the position of AAA."""
    side = Side.BUY if signed_sz > 0 else Side.SELL
    start = hat.state.positions.get("AAA", 0)
    tid = next(TIDS)
    fill = Fill(
        "AAA", side, Px(px), Sz(abs(signed_sz)), 5, cloid_for(RUN, 1, 900_000), tid, False, Usd(0), Usd(0), start,
        Ns(at + 1), Ns(at + 1),
    )  # fmt: skip
    return say(hat, fill, at)


def wishes(said: list[AnyMessage]) -> list[OrderIntent]:
    """Stops that are asked for in what was said."""
    return [m for m in said if isinstance(m, OrderIntent) and m.strategy == PROTECT]


def asked(hat: ExecutionManager, at: int) -> OrderIntent:
    """The one stop that is asked for when the deadline comes."""
    (wish,) = wishes(wake(hat, at))
    return wish


def protected(hat: ExecutionManager, at: int) -> OrderIntent:
    """The same, and it rests at the venue."""
    wish = asked(hat, at)
    say(hat, approval(wish, hat.state.last_approval_id + 1, at), at)
    say(hat, scene.answer(wish, AnswerKind.RESTING, oid=oid_of(wish), at=at), at)
    return wish


def trigger_px(wish: OrderIntent) -> int:
    """What wakes it."""
    assert isinstance(wish.how, Trigger)
    return wish.how.px


def left_over(number: int, side: Side, sz: int, kind: TriggerKind = TriggerKind.STOP_LOSS) -> VenueOrder:
    """What an earlier run left at the venue, as that lists it."""
    cloid = cloid_for(RUN - 1, PROTECT_NUMBER, number)
    return VenueOrder(
        cloid, 70 + number, "AAA", side, Px(850_000), Sz(sz), Sz(sz), VenueOrderStatus.OPEN, "open", NOW, NOW,
        reduce_only=True, trigger=Trigger(Px(950_000 if kind is TriggerKind.STOP_LOSS else 1_100_000), kind),
    )  # fmt: skip


@pytest.mark.parametrize(("signed_sz", "side", "trigger_px", "px"), [
    (20, Side.SELL, 950_000, 855_000), (-20, Side.BUY, 1_050_000, 1_155_000),
])  # fmt: skip
def test_a_position_gets_a_stop_of_its_size(signed_sz: int, side: Side, trigger_px: int, px: int) -> None:
    """Once the position has stood for the settling time: reduce-only, all of it, at the configured distances."""
    hat = manager()
    assert not wishes(moved(hat, signed_sz))
    assert not wishes(wake(hat, SETTLED - 1))
    wish = asked(hat, SETTLED)
    assert (wish.side, wish.sz, wish.px, wish.tif, wish.reduce_only) == (side, 20, px, Tif.IOC, True)
    assert wish.how == Trigger(Px(trigger_px), TriggerKind.STOP_LOSS)
    submitted = next(m for m in say(hat, approval(wish, 1, SETTLED), SETTLED) if isinstance(m, SubmitOrder))
    assert submitted.how == wish.how
    assert not wishes(wake(hat, SETTLED + ms(60_000)))


def test_a_larger_position_gets_the_new_stop_before_the_old_one_goes() -> None:
    """There is no moment without one: the old is cancelled when the new is proven."""
    hat = manager()
    moved(hat, 20)
    old = protected(hat, SETTLED)
    moved(hat, 10, SETTLED)
    new = asked(hat, SETTLED + ms(1_000))
    assert new.sz == 30
    said = say(hat, approval(new, 2, SETTLED), SETTLED)
    assert not cancels(said)
    said = say(hat, scene.answer(new, AnswerKind.RESTING, oid=oid_of(new)), SETTLED)
    assert cancels(said) == [old.cloid]


def test_a_smaller_position_keeps_its_stop() -> None:
    """The venue clips it when it fires, so there is nothing to do."""
    hat = manager()
    moved(hat, 20)
    protected(hat, SETTLED)
    said = moved(hat, -5, SETTLED) + wake(hat, SETTLED + ms(5_000))
    assert not cancels(said)
    assert not wishes(said)


@pytest.mark.parametrize("then", [0, -10])
def test_a_stop_whose_position_is_gone_is_cancelled(then: int) -> None:
    """Flat, or held the other way: what is left at the venue goes, after the settling time."""
    hat = manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    assert not cancels(moved(hat, then - 20, SETTLED))
    said = wake(hat, SETTLED + ms(1_000))
    assert cancels(said) == [stop.cloid]
    assert [wish.side for wish in wishes(said)] == ([Side.BUY] if then else [])


def test_a_stop_that_fires_closes_the_position_and_is_booked_as_the_houses() -> None:
    """Triggered, filled, flat; and nothing is asked for any more."""
    hat = manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    say(hat, told(stop, VenueOrderStatus.TRIGGERED, 20), SETTLED)
    assert record(hat, stop).state is OrderState.TRIGGERED
    said = say(hat, scene.fill(stop, 20, next(TIDS), start=20, at=SETTLED + 2), SETTLED)
    assert [m.strategy for m in said if isinstance(m, FillBooked)] == [PROTECT]
    assert record(hat, stop).state is OrderState.FILLED
    assert not wishes(wake(hat, SETTLED + ms(5_000)))
    assert not any(hat.state.guards.values())


def test_a_denied_stop_is_asked_for_again_after_a_doubling_pause() -> None:
    """The position stays unprotected meanwhile, and the questions do not become a flood."""
    hat = manager()
    moved(hat, 20)
    at, pauses, wish = SETTLED, [], asked(hat, SETTLED)
    for _ in range(3):
        say(hat, OrderDenied(wish.cloid, PROTECT, "AAA", DenyReason.STALE_DATA, 0, 0, "test"), at)
        began = at
        while not (again := wishes(wake(hat, at))):
            at += ms(500)
        (wish,) = again
        pauses.append((at - began) // ms(1_000))
    assert pauses == [2, 4, 8]


def test_a_stop_is_counted_from_the_average_entry_price() -> None:
    """Not from the market as it stands when the stop is placed; a part that is closed leaves the average as it is."""
    hat = manager()
    moved(hat, 20)
    moved(hat, 20, px=1_100_000)
    moved(hat, -10, px=1_080_000)
    say(hat, features(mid_px=1_090_000))
    assert trigger_px(asked(hat, SETTLED)) == 1_050_000 * 95 // 100


def test_what_was_held_at_the_start_cost_what_the_venue_says() -> None:
    """The market has moved since; the venue tells the entry price."""
    hat = manager(is_open=False)
    say(hat, features(mid_px=1_040_000))
    say(hat, snapshot_of({"AAA": 20}))
    assert trigger_px(asked(hat, SETTLED)) == 950_000


def test_without_an_entry_price_the_mid_stands_in() -> None:
    """A position that the venue tells no price of is protected all the same."""
    hat = manager(is_open=False)
    say(hat, features(mid_px=1_100_000))
    untold = tuple(msgspec.structs.replace(one, cost_usd=Usd(0)) for one in snapshot_of({"AAA": 20}).positions)
    say(hat, msgspec.structs.replace(snapshot_of(), positions=untold))
    assert trigger_px(asked(hat, SETTLED)) == 1_045_000


@pytest.mark.parametrize(("signed_sz", "mid_px", "near_px", "level_px"), [
    (20, 900_000, 895_500, 950_000), (-20, 1_100_000, 1_105_500, 1_050_000),
])  # fmt: skip
def test_a_stop_whose_level_the_market_has_passed_lies_just_beyond_the_market(
    signed_sz: int, mid_px: int, near_px: int, level_px: int
) -> None:
    """It can't be placed at its level; there it goes when the market comes back, and a worse market leaves it alone."""
    hat = manager()
    moved(hat, signed_sz)
    say(hat, features(mid_px=mid_px))
    stop = protected(hat, SETTLED)
    assert trigger_px(stop) == near_px
    say(hat, features(mid_px=(mid_px + near_px) // 2), SETTLED)
    assert not wishes(wake(hat, SETTLED + ms(6_000)) + wake(hat, SETTLED + ms(8_000)))
    say(hat, features(), SETTLED)
    say(hat, told(stop, VenueOrderStatus.OPEN, 20), SETTLED + ms(9_000))
    assert trigger_px(asked(hat, SETTLED + ms(10_000))) == level_px


def test_a_stop_far_from_the_market_is_moved_after_it() -> None:
    """At more than twice its distance another one is placed there, and this one goes then; small steps are left out."""
    hat = manager()
    moved(hat, 20)
    old = protected(hat, SETTLED)
    say(hat, features(mid_px=1_060_000), SETTLED)
    said = say(hat, told(old, VenueOrderStatus.OPEN, 20), SETTLED) + wake(hat, SETTLED + ms(6_000))
    assert not wishes(said)
    say(hat, features(mid_px=1_100_000), SETTLED)
    say(hat, told(old, VenueOrderStatus.OPEN, 20), SETTLED + ms(6_000))
    new = protected(hat, SETTLED + ms(7_000))
    assert trigger_px(new) == 990_000
    assert record(hat, old).wants_cancel


@pytest.mark.parametrize("order", [
    KillOrdered(KillLevel.PAUSE, "test"), TradingStateChanged(TradingState.HALTED, "test"),
])  # fmt: skip
def test_what_stops_trading_leaves_the_stops_and_lets_new_ones_be_placed(order: AnyMessage) -> None:
    """A position is most in need of one then."""
    hat = manager()
    moved(hat, 20)
    protected(hat, SETTLED)
    assert not cancels(say(hat, order, SETTLED))
    moved(hat, 5, SETTLED)
    assert protected(hat, SETTLED + ms(1_000)).sz == 25


def test_a_disarmed_desk_places_none() -> None:
    """Its books may be wrong."""
    hat = manager()
    moved(hat, 20)
    say(hat, Disarmed("test"))
    assert not wishes(wake(hat, SETTLED))


def test_flattening_takes_the_stops_away() -> None:
    """A kill that closes everything leaves nothing behind."""
    hat = manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    said = say(hat, KillOrdered(KillLevel.FLATTEN, "test"), SETTLED)
    assert cancels(said) == [stop.cloid]


def test_a_drain_that_keeps_its_positions_keeps_their_stops() -> None:
    """They are named in its last word, and the next run takes them over."""
    hat = manager()
    moved(hat, 20)
    stop = protected(hat, SETTLED)
    said = say(hat, DrainOrdered(flatten=False), SETTLED)
    listed = told(stop, VenueOrderStatus.OPEN, 20, at=SETTLED)
    at = SETTLED + ms(200)
    said += wake(hat, at)
    said += say(hat, snapshot_of({"AAA": 20}, (listed,), at=at + 1), at + 1)
    assert not cancels(said)
    (word,) = [m for m in said if isinstance(m, Drained)]
    assert not word.flat
    assert "1 stops and take-profits stay at the venue" in word.detail


def test_the_stop_of_an_earlier_run_is_taken_over_with_its_position() -> None:
    """It covers what is held: no difference, no second stop."""
    hat = manager(is_open=False)
    said = say(hat, snapshot_of({"AAA": 20}, (left_over(1, Side.SELL, 20),)))
    said += wake(hat, SETTLED)
    assert not cancels(said)
    assert not wishes(said)
    (order,) = hat.state.orders.values()
    assert (order.strategy, order.how) == (PROTECT, Trigger(Px(950_000), TriggerKind.STOP_LOSS))
    moved(hat, 5, SETTLED)
    assert asked(hat, SETTLED + ms(1_000)).sz == 25


def test_an_orphan_stop_of_an_earlier_run_is_found_and_cancelled() -> None:
    """Nothing is held: what an earlier run left at the venue would only open surprises."""
    hat = manager(is_open=False)
    orphan = left_over(1, Side.SELL, 20)
    said = say(hat, snapshot_of({}, (orphan,)))
    assert cancels(said) == [Cloid(str(orphan.cloid))]


def test_without_the_setting_nothing_is_placed_and_what_was_left_goes() -> None:
    """Zero means none."""
    hat = manager(protect_stop_bps=0, is_open=False)
    said = say(hat, snapshot_of({"AAA": 20}, (left_over(1, Side.SELL, 20),)))
    assert len(cancels(said)) == 1
    assert not wishes(wake(hat, SETTLED))


# ------------------------------------------------------------------------------------------------ take-profits


def placed(hat: ExecutionManager, at: int) -> dict[TriggerKind, OrderIntent]:
    """Everything that is asked for when the deadline comes rests at the venue."""
    found = {}
    for wish in wishes(wake(hat, at)):
        assert isinstance(wish.how, Trigger)
        found[wish.how.kind] = wish
        say(hat, approval(wish, hat.state.last_approval_id + 1, at), at)
        say(hat, scene.answer(wish, AnswerKind.RESTING, oid=oid_of(wish), at=at), at)
    return found


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
