"""Every position keeps one stop at the venue: placed, moved, taken over, and never left behind."""

from __future__ import annotations

import msgspec
import pytest

from hats.execution_manager.measures import UNPROTECTED
from shared.ids import PROTECT, Cloid
from shared.messages import AnyMessage
from shared.messages.control import Disarmed, Drained, DrainOrdered, KillLevel, KillOrdered
from shared.messages.market import FeedState, FeedStatus
from shared.messages.order import AnswerKind, FillBooked, SubmitOrder, VenueOrderStatus
from shared.messages.risk import DenyReason, OrderDenied, TradingState, TradingStateChanged
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side, Tif, Trigger, TriggerKind
from shared.units import Ns, Px, Usd
from tests.unit.hats.execution_manager import scene
from tests.unit.hats.execution_manager.protection import (
    SETTLED,
    TIDS,
    asked,
    left_over,
    manager,
    moved,
    protected,
    rests,
    trigger_px,
    wishes,
)
from tests.unit.hats.execution_manager.scene import (
    NOW,
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


def test_a_position_that_grows_while_its_stop_is_on_its_way_gets_a_larger_one_soon() -> None:
    """The smaller one was no denial: however often it happens, the next follows after the settling time."""
    hat = manager()
    moved(hat, 20)
    at, wish = SETTLED, asked(hat, SETTLED)
    for sz in range(30, 80, 10):
        moved(hat, 10, at)
        assert not wishes(rests(hat, wish, at))
        assert not wishes(wake(hat, at + ms(999)))
        at += ms(1_000)
        wish = asked(hat, at)
        assert wish.sz == sz
    rests(hat, wish, at)
    assert hat.state.samples.values[UNPROTECTED.name] == [5.0 + 1.0], "from the first moment, until all is covered"


def test_while_a_position_grows_stops_do_not_pile_up() -> None:
    """No stop ever covers all of it; each larger one that rests makes the smaller one before it go."""
    hat = manager()
    moved(hat, 20)
    at, wish, before = SETTLED, asked(hat, SETTLED), list[OrderIntent]()
    for _ in range(5):
        moved(hat, 10, at)
        assert cancels(rests(hat, wish, at)) == [old.cloid for old in before]
        for old in before:
            say(hat, told(old, VenueOrderStatus.CANCELLED, old.sz), at)
        assert list(hat.state.orders) == [wish.cloid], "one is always there"
        before, at = [wish], at + ms(1_000)
        wish = asked(hat, at)


def test_without_an_answer_stops_do_not_pile_up_in_doubt() -> None:
    """Fills go on coming, answers do not: the pause between two doubles, as after any that came to nothing."""
    hat = manager()
    said: list[AnyMessage] = []
    for half_seconds in range(120):
        at = NOW + half_seconds * ms(500)
        say(hat, features(at=at), at)
        new = moved(hat, 20, at) + wake(hat, at)
        for wish in wishes(new):
            new += say(hat, approval(wish, hat.state.last_approval_id + 1, at), at)
        said += new
    assert 2 <= len(wishes(said)) <= 8


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
    KillOrdered(KillLevel.PAUSE, "test"), KillOrdered(KillLevel.REDUCE, "test"),
    TradingStateChanged(TradingState.HALTED, "test"), TradingStateChanged(TradingState.REDUCING, "test"),
    Disarmed("test"), DrainOrdered(flatten=False),
])  # fmt: skip
def test_what_stops_trading_leaves_the_stops_and_lets_new_ones_be_placed(order: AnyMessage) -> None:
    """A position is most in need of one then; a kill disarms as well."""
    hat = manager()
    moved(hat, 20)
    protected(hat, SETTLED)
    assert not cancels(say(hat, order, SETTLED) + say(hat, Disarmed("kill"), SETTLED))
    moved(hat, 5, SETTLED)
    assert protected(hat, SETTLED + ms(1_000)).sz == 25


def test_a_desk_that_was_never_armed_places_none() -> None:
    """It only looks on, unless it was killed (as it begins latched): then it holds what it holds for long."""
    hat = manager()
    moved(hat, 20)
    hat.state.is_armed = hat.state.was_armed = False
    assert not wishes(wake(hat, SETTLED))
    say(hat, KillOrdered(KillLevel.PAUSE, "latched since run 6"), SETTLED)
    assert len(wishes(wake(hat, SETTLED + ms(5_000)))) == 1


def test_without_a_feed_none_is_asked_for_and_then_at_once() -> None:
    """Nobody knows a price; when the feed is back no pause of an earlier denial is waited out."""
    hat = manager()
    moved(hat, 20)
    down, up = (FeedStatus(state, 2, "test", Ns(SETTLED)) for state in (FeedState.DOWN, FeedState.UP))
    wish = asked(hat, SETTLED)
    say(hat, OrderDenied(wish.cloid, PROTECT, "AAA", DenyReason.STALE_DATA, 0, 0, "test"), SETTLED)
    say(hat, down, SETTLED)
    assert not wishes(wake(hat, SETTLED + ms(2_500)))
    (wish,) = wishes(say(hat, up, SETTLED + ms(2_600)))
    say(hat, OrderDenied(wish.cloid, PROTECT, "AAA", DenyReason.STALE_DATA, 0, 0, "test"), SETTLED + ms(2_600))
    assert not wishes(wake(hat, SETTLED + ms(2_700)))
    assert len(wishes(say(hat, up, SETTLED + ms(2_800)))) == 1


def test_a_drain_that_keeps_positions_waits_for_their_stops() -> None:
    """What traded as everything was cancelled is not left bare; it is said if no stop can be had."""
    hat = manager(drain_timeout_ms=10_000)
    moved(hat, 20)
    said = say(hat, DrainOrdered(flatten=False), SETTLED)
    at = SETTLED + ms(200)
    said += wake(hat, at) + say(hat, snapshot_of({"AAA": 20}, at=at + 1), at + 1)
    assert not [m for m in said if isinstance(m, Drained)]
    (word,) = [m for m in wake(hat, SETTLED + ms(10_000)) if isinstance(m, Drained)]
    assert "no stop covers AAA" in word.detail
    (wish,) = wishes(said)
    at = SETTLED + ms(10_100)
    say(hat, approval(wish, 1, at), at)
    say(hat, scene.answer(wish, AnswerKind.RESTING, oid=oid_of(wish), at=at), at)
    wake(hat, at + ms(100))
    at += ms(200)
    said = say(hat, snapshot_of({"AAA": 20}, (told(wish, VenueOrderStatus.OPEN, 20),), at=at), at)
    (word,) = [m for m in said if isinstance(m, Drained)]
    assert word.detail == "1 stops and take-profits stay at the venue; held: AAA 20 lots"


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
