"""Our books against the venue's: what is explained, what is looked at again, what is said to differ."""

from __future__ import annotations

import msgspec
import pytest

from hats.execution_manager import ExecutionManager
from hats.execution_manager.measures import DIFFERENCES
from shared.hat import restore, snapshot
from shared.ids import FOREIGN, Cloid, cloid_for
from shared.messages import AnyMessage
from shared.messages.account import NetPosition, Reconciled
from shared.messages.control import ResumeOrdered, Started
from shared.messages.market import FeedState, FeedStatus
from shared.messages.order import (
    AnswerKind,
    Fill,
    FillBooked,
    OrderChanged,
    QueryAccount,
    QueryOrder,
    VenueOrder,
    VenueOrderStatus,
)
from shared.messages.signal import OrderIntent
from shared.order import OrderState
from shared.units import SECOND, Ns
from tests.unit.hats.execution_manager.scene import (
    EM,
    NOW,
    RUN,
    answer,
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
    snapshot_of,
    told,
)


def asks(said: list[AnyMessage]) -> list[QueryAccount]:
    """The questions about the account in what was said."""
    return [message for message in said if isinstance(message, QueryAccount)]


def conclusion(said: list[AnyMessage]) -> Reconciled | None:
    """The Reconciled in what was said."""
    return next((message for message in said if isinstance(message, Reconciled)), None)


def looked_at(
    hat: ExecutionManager, positions: dict[str, int], *orders: VenueOrder, times: int = 4, from_s: int = 2
) -> list[AnyMessage]:
    """What the manager says in all when the venue shows the same again and again, a second apart."""
    said: list[AnyMessage] = []
    for n in range(times):
        at = NOW + (n + from_s) * SECOND
        said += say(hat, snapshot_of(positions, tuple(orders), at=at), at)
    return said


def test_the_start_asks_and_the_first_look_opens_the_books() -> None:
    """At the start the account is asked for; what it shows is held from then on and said to everybody."""
    hat = ExecutionManager(manager()._settings)
    assert [q.fills_since_ns for q in asks(say(hat, Started(EM, RUN, NOW)))] == [NOW]
    found = conclusion(say(hat, snapshot_of({"AAA": -30})))
    assert found == Reconciled(True, 0, 0, (), (NetPosition("AAA", -30),))


def test_a_new_connection_and_a_return_from_silence_ask() -> None:
    """A feed that comes up anew, or comes back, may have missed events; one that stays up has not."""
    hat = manager()
    for n, (state, epoch, expected) in enumerate(
        [(FeedState.UP, 1, 0), (FeedState.UP, 2, 1), (FeedState.STALE, 2, 0), (FeedState.UP, 2, 1)], 1
    ):
        at = Ns(NOW + n * 10 * SECOND)
        hat.state.account.wanted_ns = Ns(at + SECOND)
        assert len(asks(say(hat, FeedStatus(state, epoch, "test", at), at))) == expected


def test_what_the_feed_read_by_itself_is_not_read_again() -> None:
    """A new connection comes up once the account was read on it: that was compared, if no fill can be missing."""
    for since, expected in ((NOW, 0), (NOW + 20 * SECOND, 1)):
        hat = manager()
        say(hat, snapshot_of(at=NOW + SECOND), NOW + SECOND)
        say(hat, FeedStatus(FeedState.STALE, 2, "connected", Ns(NOW + 30 * SECOND)), NOW + 30 * SECOND)
        account = msgspec.structs.replace(snapshot_of(at=NOW + 31 * SECOND), fills_since_ns=Ns(since))
        assert conclusion(say(hat, account, NOW + 31 * SECOND)) is not None
        up = FeedStatus(FeedState.UP, 2, "", Ns(NOW + 31 * SECOND))
        asked = asks(say(hat, up, NOW + 31 * SECOND))
        assert len(asked) == expected
        assert [one.fills_since_ns for one in asked] == [NOW][:expected], "from where the fills are known without a gap"


def test_a_difference_is_looked_at_again_before_it_is_said() -> None:
    """One look proves nothing; the same in the last round is said, and the venue's position holds from then on."""
    hat = manager(confirm_rounds=3)
    assert conclusion(looked_at(hat, {"AAA": 7}, times=2)) is None
    found = conclusion(looked_at(hat, {"AAA": 7}, times=1, from_s=4))
    assert found is not None
    assert (found.is_clean, found.positions) == (False, (NetPosition("AAA", 7),))
    assert "AAA" in found.differences[0]
    assert hat.state.samples.values[DIFFERENCES.name][-1] == 1.0
    again = conclusion(looked_at(hat, {"AAA": 7}, times=1, from_s=5))
    assert again is not None
    assert again.is_clean


def test_looks_in_quick_succession_are_one() -> None:
    """Several snapshots that come at once do not confirm each other."""
    hat = manager(confirm_rounds=2, confirm_ms=500)
    said = [message for _ in range(5) for message in say(hat, snapshot_of({"AAA": 7}, at=NOW + 1), NOW + SECOND)]
    assert conclusion(said) is None
    assert hat.state.account.wanted_ns == NOW + SECOND + ms(500)


def test_the_last_look_keeps_its_distance_too() -> None:
    """A fill may lag behind the third look and the fourth alike, if that comes a millisecond later."""
    hat = manager(confirm_rounds=4, confirm_ms=500)
    found = [
        conclusion(say(hat, snapshot_of({"AAA": 7}, at=NOW + ms(after)), NOW + ms(after)))
        for after in (1_000, 1_600, 2_200, 2_201, 2_699, 2_700)
    ]
    assert [one is not None for one in found] == [False] * 5 + [True]
    assert hat.state.positions == {"AAA": 7}


def test_what_agrees_again_is_said_at_once() -> None:
    """Only differences keep a distance; the rounds begin anew after it."""
    hat = manager(confirm_rounds=2, confirm_ms=500)
    assert conclusion(looked_at(hat, {"AAA": 7}, times=1)) is None
    at = NOW + 2 * SECOND + 1
    word = conclusion(say(hat, snapshot_of({}, at=at), at))
    assert word is not None
    assert word.is_clean
    assert conclusion(say(hat, snapshot_of({"AAA": 7}, at=at + SECOND), at + SECOND)) is None


def test_a_fill_after_the_snapshot_is_no_difference() -> None:
    """A fill that the snapshot could not contain yet is explained by its time; one that it should contain is not."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, fill(wish, 5, 1, at=NOW + ms(700)))
    open_order = told(wish, VenueOrderStatus.OPEN, 15)
    found = conclusion(say(hat, snapshot_of({}, (open_order,), at=NOW + ms(600)), NOW + SECOND))
    assert found is not None
    assert found.is_clean
    assert conclusion(say(hat, snapshot_of({}, (open_order,), at=NOW + ms(800)), NOW + 2 * SECOND)) is None


def test_missing_fills_are_booked_and_then_it_is_clean() -> None:
    """A fill that the feed lost is found in the snapshot, booked once, and the positions agree."""
    hat = manager()
    wish = resting(hat, intent(1))
    lost = fill(wish, 20, 1)
    said = say(hat, snapshot_of({"AAA": 20}, fills=(lost,), at=NOW + SECOND), NOW + SECOND)
    assert changes(said) == [("filled", 20)]
    found = conclusion(said)
    assert found is not None
    assert found.is_clean
    assert not changes(say(hat, lost, NOW + SECOND))


def test_an_order_that_the_venue_does_not_list_is_in_doubt() -> None:
    """It is asked about, counted as unknown, no difference; unknown to the venue altogether, it is over."""
    hat = manager()
    wish = resting(hat, intent(1))
    said = looked_at(hat, {}, times=1)
    assert QueryOrder(wish.cloid) in said
    assert not asks(said), "its answer ends the doubt, not another look at the account"
    found = conclusion(said)
    assert found is not None
    assert (found.is_clean, found.unknown_orders) == (True, 1)
    assert record(hat, wish).state is OrderState.RESTING
    say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=NOW + 6 * SECOND), NOW + 6 * SECOND)
    at = NOW + 8 * SECOND
    assert changes(say(hat, snapshot_of(at=at), at)) == [("cancelled", 0)]


def believed_gone(hat: ExecutionManager, wish: OrderIntent) -> int:
    """Neither listed nor known: the order has ended here, at the time that is returned, by no word of the venue."""
    looked_at(hat, {}, times=1)
    at = NOW + 8 * SECOND
    say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=NOW + 6 * SECOND), NOW + 6 * SECOND)
    said = say(hat, snapshot_of(at=at), at)
    assert changes(said) == [("cancelled", 0)]
    return at


def test_an_order_that_was_believed_gone_is_cancelled_once_it_is_heard_of() -> None:
    """That it is nowhere was our conclusion. One word that it is open, and it goes at once, and the books are read."""
    hat = manager()
    wish = resting(hat, intent(1))
    at = believed_gone(hat, wish)
    said = say(hat, told(wish, VenueOrderStatus.OPEN, 20, at=at), at + SECOND)
    assert cancels(said) == [wish.cloid]
    assert len(asks(said)) == 1


def test_old_news_of_an_order_that_the_venue_ended_are_nothing() -> None:
    """Its end was the venue's own word; that it was open came late."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, told(wish, VenueOrderStatus.CANCELLED, 20))
    said = say(hat, told(wish, VenueOrderStatus.OPEN, 20), NOW + SECOND)
    assert not cancels(said)
    assert not asks(said)


def test_who_believes_an_order_gone_looks_again_soon() -> None:
    """List and lookup may both lag behind: they are read again when they can be relied on, not with the next round."""
    hat = manager()
    wish = resting(hat, intent(1))
    at = believed_gone(hat, wish)
    assert hat.state.account.wanted_ns <= at + 2 * SECOND
    listed = told(wish, VenueOrderStatus.OPEN, 20)
    soon = at + 2 * SECOND
    assert cancels(say(hat, snapshot_of(orders=(listed,), at=soon), soon)) == [wish.cloid]


def test_an_unknown_order_that_the_venue_lists_is_found() -> None:
    """The list of open orders is as good as an answer."""
    hat = manager()
    wish = sent(hat, intent(1))
    listed = told(wish, VenueOrderStatus.OPEN, 20)
    assert changes(say(hat, snapshot_of({}, (listed,), at=NOW + SECOND), NOW + SECOND)) == [("resting", 0)]


def test_leftovers_of_older_runs_are_cancelled() -> None:
    """An order of an earlier run is taken in, cancelled, and the books are clean once it is gone."""
    hat = ExecutionManager(manager()._settings)
    hat.state.instruments = manager().state.instruments
    say(hat, Started(EM, RUN, NOW))
    old = told(intent(1), VenueOrderStatus.OPEN, 12)
    old = VenueOrder(
        cloid_for(RUN - 1, 1, 1), old.oid, old.coin, old.side, old.px, old.sz, old.orig_sz, old.status, "open", NOW, NOW
    )
    said = say(hat, snapshot_of({}, (old,)))
    assert cancels(said) == [old.cloid]
    assert conclusion(said) is None
    adopted = [m for m in said if isinstance(m, OrderChanged)]
    assert (adopted[0].strategy, adopted[0].filled_sz) == (FOREIGN, 8)
    gone = VenueOrder(
        old.cloid, old.oid, old.coin, old.side, old.px, old.sz, old.orig_sz, VenueOrderStatus.CANCELLED, "canceled",
        NOW, NOW,
    )  # fmt: skip
    assert changes(say(hat, gone)) == [("cancelled", 8)]
    found = conclusion(say(hat, snapshot_of(at=NOW + SECOND), NOW + SECOND))
    assert found is not None
    assert found.is_clean


def test_an_order_of_this_run_that_is_not_known_is_adopted_and_counted() -> None:
    """Our memory lost it: it is exposure again, and a difference in the measure."""
    hat = manager()
    listed = told(intent(5), VenueOrderStatus.OPEN, 20)
    say(hat, snapshot_of({}, (listed,), at=NOW + SECOND), NOW + SECOND)
    assert record(hat, intent(5)).state is OrderState.RESTING
    assert max(hat.state.samples.values[DIFFERENCES.name]) == 1.0


def test_orders_of_others_are_a_difference_unless_tolerated() -> None:
    """Somebody else trades on the account: the books are not clean, and nothing of theirs is touched."""
    other = told(intent(5), VenueOrderStatus.OPEN, 20)
    other = VenueOrder(
        None, 5, other.coin, other.side, other.px, other.sz, other.orig_sz, other.status, "open", NOW, NOW
    )
    for tolerated in (False, True):
        hat = manager(tolerate_foreign_orders=tolerated)
        said = looked_at(hat, {}, other)
        found = conclusion(said)
        assert found is not None
        assert found.is_clean is tolerated
        assert not cancels(said)


def test_an_ended_order_that_the_venue_lists_is_cancelled() -> None:
    """Long after its end an order must not be open at the venue: it is cancelled and counted."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, told(wish, VenueOrderStatus.CANCELLED, 20))
    listed = told(wish, VenueOrderStatus.OPEN, 20)
    assert not cancels(say(hat, snapshot_of({}, (listed,), at=NOW + ms(500)), NOW + ms(500))), "the list may lag"
    assert cancels(looked_at(hat, {}, listed, times=1)) == [wish.cloid]
    assert max(hat.state.samples.values[DIFFERENCES.name]) == 1.0


def test_it_asks_regularly_and_again_without_an_answer() -> None:
    """The next look is planned with each; without an answer it is asked again, and never twice at once."""
    hat = manager(reconcile_every_ms=10_000, account_timeout_ms=2_000, confirm_ms=500)
    say(hat, snapshot_of(at=NOW))
    assert hat.state.account.wanted_ns == NOW + ms(10_000)
    assert len(asks(say(hat, FeedStatus(FeedState.UP, 9, "test", NOW), NOW))) == 1
    assert not asks(say(hat, FeedStatus(FeedState.UP, 10, "test", NOW), NOW + ms(100)))
    assert hat.state.account.wanted_ns == NOW + ms(500)
    assert len(asks(say(hat, told(intent(1), VenueOrderStatus.OTHER), NOW + ms(500)))) == 1
    assert hat.state.account.wanted_ns == NOW + ms(2_500)


def test_a_restart_asks_sends_nothing_and_forgets_nothing() -> None:
    """Restored and started again, the manager compares its books; open orders and unknown ones are still there."""
    hat = manager()
    wish = sent(hat, intent(1))
    say(hat, answer(wish, AnswerKind.NO_ANSWER))
    again = manager()
    restore(again, snapshot(hat))
    said = say(again, Started(EM, RUN, Ns(NOW + SECOND)), NOW + SECOND)
    assert len(asks(said)) == 1
    assert not changes(said)
    assert record(again, wish).state is OrderState.UNKNOWN


@pytest.mark.parametrize(("reach_s", "asked_s"), [(60, 0), (300, 240)])
def test_fills_that_a_reading_did_not_reach_are_still_asked_for(reach_s: int, asked_s: int) -> None:
    """The feed reads from its own cut on, and a new process of it knows of none before its start."""
    hat, now = manager(), Ns(NOW + 300 * SECOND)
    told_by_feed = msgspec.structs.replace(snapshot_of(at=now), fills_since_ns=Ns(now - reach_s * SECOND))
    say(hat, told_by_feed, now)
    (asked,) = asks(say(hat, FeedStatus(FeedState.UP, 2, "test", now), now))
    assert asked.fills_since_ns == NOW + asked_s * SECOND


@pytest.mark.parametrize(("reach_s", "is_lost"), [(100, True), (-1, False)])
def test_fills_that_nobody_can_read_any_more_stop_trading(reach_s: int, is_lost: bool) -> None:
    """What the venue has dropped before it was read is lost, and is said; what was read before that is not."""
    hat, now = manager(), Ns(NOW + 300 * SECOND)
    cut = msgspec.structs.replace(snapshot_of(at=now), fills_since_ns=Ns(NOW + reach_s * SECOND), is_cut=True)
    word = conclusion(say(hat, cut, now))
    assert word is not None
    assert word.is_clean is not is_lost
    assert ["fills" in what for what in word.differences] == [True] * is_lost
    assert hat.state.account.covered_ns == now, "said once, it is not asked for again and again"
    say(hat, ResumeOrdered("looked at it"), now)
    later = Ns(now + SECOND)
    again = conclusion(say(hat, msgspec.structs.replace(snapshot_of(at=later), fills_since_ns=now), later))
    assert again is not None
    assert again.is_clean


def test_a_cloid_that_is_none_of_anybodys_is_foreign() -> None:
    """It begins like ours and is no number: a fill is a fill, and no word of the venue may stop the books."""
    hat = manager()
    strange = msgspec.structs.replace(fill(intent(1), 5, 3), cloid=Cloid("0x4a75" + "z" * 28))
    assert [m.strategy for m in say(hat, strange) if isinstance(m, FillBooked)] == [FOREIGN]


def foreign_fill(direction: str, tid: int = 77) -> Fill:
    """A fill that no order of ours explains."""
    bought = fill(intent(1), 30, tid, at=NOW + 1, cloid=False)
    return msgspec.structs.replace(bought, oid=999, direction=direction)


@pytest.mark.parametrize("direction", ["Open Long", "Liquidated Cross Short", "Auto-Deleveraging", "Settlement"])
def test_a_fill_that_is_not_ours_stops_trading_at_once(direction: str) -> None:
    """It is booked to nobody of ours, the books count as different for it, and only the operator lets trading go on."""
    hat = manager()
    said = say(hat, foreign_fill(direction))
    assert [(m.fill.tid, m.strategy) for m in said if isinstance(m, FillBooked)] == [(77, FOREIGN)]
    (word,) = [m for m in said if isinstance(m, Reconciled)]
    assert not word.is_clean
    assert direction in word.differences[0]
    assert hat.state.positions == {"AAA": 30}
    later = NOW + ms(60_000)
    again = say(hat, snapshot_of({"AAA": 30}, at=later), later)
    assert [m.is_clean for m in again if isinstance(m, Reconciled)] == [False]
    say(hat, ResumeOrdered("looked at it"), later)
    clean = say(hat, snapshot_of({"AAA": 30}, at=later + ms(10)), later + ms(10))
    assert [m.is_clean for m in clean if isinstance(m, Reconciled)] == [True]


def test_a_fill_that_is_not_ours_may_be_adopted() -> None:
    """By setting it is booked and trading goes on."""
    hat = manager(foreign_fills="adopt")
    said = say(hat, foreign_fill("Open Long"))
    assert [m.strategy for m in said if isinstance(m, FillBooked)] == [FOREIGN]
    assert not [m for m in said if isinstance(m, Reconciled)]
