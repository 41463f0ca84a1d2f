"""The venue's own TWAP: an order without a cloid or a price there, known by its id, its parts and its history."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hats.execution_manager import ExecutionManager, Settings
from shared.ids import Role, cloid_for
from shared.messages import AnyMessage
from shared.messages.account import Reconciled, RunningTwap
from shared.messages.control import KillLevel, KillOrdered, Started
from shared.messages.market import FeedState, FeedStatus
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    AnswerKind,
    CancelOrder,
    Fill,
    FillBooked,
    QueryAccount,
    QueryOrder,
    QueryTwap,
    SubmitOrder,
    VenueOrder,
    VenueOrderStatus,
)
from shared.messages.parent import NativeTwap, ParentChanged, ParentOrder, ParentState
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side, VenueTwap
from shared.units import MINUTE, SECOND, Ns, Px, Sz, Usd
from tests.unit.hats.execution_manager.scene import (
    NOW,
    PX,
    RUN,
    STRATEGY,
    answer,
    approval,
    features,
    fill,
    manager,
    ms,
    record,
    say,
    snapshot_of,
    told,
    wake,
)

PARENT = cloid_for(RUN, 3, 1)
ID = 77


def terms(number: int = 1, *, sz: int = 200, minutes: float = 10.5, limit_px: int = PX + 10_000) -> ParentOrder:
    """Buy 200 lots within ten minutes and a half."""
    ends = Ns(NOW + int(minutes * MINUTE))
    parent = cloid_for(RUN, 3, number)
    return ParentOrder(
        parent, STRATEGY, "AAA", Side.BUY, Sz(sz), Px(limit_px), NativeTwap(randomize=True), False, ends, "test"
    )


def sent(hat: ExecutionManager) -> OrderIntent:
    """The TWAP is approved and on its way."""
    say(hat, features())
    (wish,) = [m for m in say(hat, terms()) if isinstance(m, OrderIntent)]
    said = say(hat, approval(wish, 1))
    assert [m.how for m in said if isinstance(m, SubmitOrder)] == [VenueTwap(10, randomize=True)]
    return wish


def running(hat: ExecutionManager) -> OrderIntent:
    """The venue has taken it on."""
    wish = sent(hat)
    say(hat, answer(wish, AnswerKind.RESTING, of=ActionKind.TWAP, oid=ID))
    return wish


def part(wish: OrderIntent, sz: int, tid: int, start: int = 0) -> Fill:
    """A fill of one of its parts: an oid of its own, no cloid, the TWAP's id."""
    return msgspec.structs.replace(fill(wish, sz, tid, start=start, cloid=False), oid=5_000 + tid, twap_id=ID)


def word(wish: OrderIntent, status: VenueOrderStatus, left_sz: int, oid: int = ID) -> VenueOrder:
    """What its history says."""
    return msgspec.structs.replace(told(wish, status, left_sz), oid=oid, px=Px(0))


def cancelled(said: list[AnyMessage]) -> list[int | None]:
    """Ids of TWAPs that are asked to be ended."""
    return [m.twap_id for m in said if isinstance(m, CancelOrder)]


def test_all_of_the_parent_is_one_order_over_the_whole_minutes_that_are_left() -> None:
    """And its parts fill the parent."""
    hat = manager()
    wish = running(hat)
    assert (wish.sz, wish.px) == (200, PX + 10_000)
    assert record(hat, wish).state is OrderState.RESTING
    said = say(hat, part(wish, 150, 1))
    assert [m.fill.cloid for m in said if isinstance(m, FillBooked)] == [wish.cloid]
    assert not hat.state.strangers
    said = say(hat, part(wish, 50, 2, start=150))
    assert record(hat, wish).state is OrderState.FILLED
    assert [m.state for m in said if isinstance(m, ParentChanged)][-1] is ParentState.FILLED


@pytest.mark.parametrize(("asked", "minutes"), [(5, 5), (10, 10), (10.9, 10), (10_080, 10_080), (10_080.9, 10_080)])
def test_what_was_asked_for_a_moment_ago_is_as_long_as_was_asked(asked: float, minutes: int) -> None:
    """The word takes some milliseconds to the desk; the shortest and the longest that the venue takes are taken on."""
    hat = manager()
    say(hat, features(at=NOW + ms(5)))
    said = say(hat, terms(minutes=asked), NOW + ms(5))
    assert [m.how for m in said if isinstance(m, OrderIntent)] == [VenueTwap(minutes, randomize=True)]


def test_its_last_part_is_waited_for() -> None:
    """It was begun a moment after its parent, and ends so much later; what it has not traded by then is taken back."""
    hat = manager()
    running(hat)
    ends = terms().end_ns
    for at, gone in ((ends, []), (ends + 4 * SECOND, []), (ends + 5 * SECOND, [ID])):
        assert cancelled(say(hat, features(at=at), at)) == gone


@pytest.mark.parametrize(
    ("changed", "why"), [({"minutes": 4.9}, "minutes"), ({"minutes": 10_081}, "minutes"), ({"sz": 99}, "at least 100")]
)
def test_what_the_venue_would_not_take_is_refused(changed: dict[str, Any], why: str) -> None:
    """Too short, too long, or worth too little."""
    hat = manager()
    say(hat, features())
    (last,) = [m for m in say(hat, terms(**changed)) if isinstance(m, ParentChanged)]
    assert last.state is ParentState.REFUSED
    assert why in last.reason


def test_two_of_one_coin_could_not_be_told_apart() -> None:
    """The second waits for nobody: it is refused."""
    hat = manager()
    running(hat)
    (last,) = [m for m in say(hat, terms(2)) if isinstance(m, ParentChanged)]
    assert last.state is ParentState.REFUSED


def test_a_kill_ends_it_by_its_id() -> None:
    """The venue knows no cloid of it."""
    hat = manager()
    running(hat)
    assert cancelled(say(hat, KillOrdered(KillLevel.FLATTEN, "x"))) == [ID]


def test_beyond_the_limit_it_is_taken_back() -> None:
    """The venue takes no limit price, so the desk watches it."""
    hat = manager()
    running(hat)
    at = NOW + 2 * SECOND
    say(hat, features(mid_px=PX + 9_000), at)
    assert not cancelled(wake(hat, at))
    said = say(hat, features(mid_px=PX + 11_000, at=at), at) + wake(hat, at + ms(300))
    assert cancelled(said) == [ID]


def test_without_a_feed_it_is_taken_back_once_the_price_is_old() -> None:
    """It would trade on at any price, for nobody sees when the market leaves the limit; a short cut ends it not."""
    hat = manager()
    running(hat)
    at = Ns(NOW + 2 * SECOND)
    assert not cancelled(say(hat, FeedStatus(FeedState.DOWN, 1, "cut", at), at) + wake(hat, at + ms(300)))
    assert not cancelled(wake(hat, NOW + 30 * SECOND))
    assert cancelled(wake(hat, NOW + 31 * SECOND)) == [ID]


def test_of_a_coin_without_a_new_book_it_is_taken_back_and_begun_again_with_one() -> None:
    """The feed is up, but not for this coin; until there is a book no child is asked for."""
    hat = manager()
    wish = running(hat)
    at = NOW + 31 * SECOND
    assert not cancelled(wake(hat, NOW + 30 * SECOND))
    assert cancelled(wake(hat, at)) == [ID]
    said = say(hat, word(wish, VenueOrderStatus.CANCELLED, 200), at)
    for after in range(1, 10):
        said += wake(hat, at + after * SECOND)
    assert record(hat, wish).state is OrderState.CANCELLED
    assert not [m for m in said if isinstance(m, OrderIntent)]
    at += 10 * SECOND
    assert [m.how for m in say(hat, features(at=at), at) if isinstance(m, OrderIntent)] == [
        VenueTwap(9, randomize=True)
    ]


def test_a_lost_answer_is_looked_up_in_the_history_and_never_by_cloid() -> None:
    """Found there, its id is known; until then a part of it is held back and not foreign."""
    hat = manager()
    wish = sent(hat)
    said = say(hat, answer(wish, AnswerKind.NO_ANSWER, of=ActionKind.TWAP))
    assert [(m.twap_id, m.since_ns) for m in said if isinstance(m, QueryTwap)] == [(None, NOW)]
    assert not [m for m in said if isinstance(m, QueryOrder)]
    assert not [m for m in say(hat, part(wish, 20, 1)) if isinstance(m, FillBooked)]
    said = say(hat, word(wish, VenueOrderStatus.OPEN, 200))
    assert [m.fill.sz for m in said if isinstance(m, FillBooked)] == [20]
    assert not hat.state.strangers
    assert record(hat, wish).oid == ID


def test_an_earlier_one_that_looks_the_same_is_not_taken_for_it() -> None:
    """Its word would hide for good that the other one is not there."""
    hat = manager()
    wish = running(hat)
    said = say(hat, word(wish, VenueOrderStatus.CANCELLED, 200))
    at: int = NOW
    while not (again := [m for m in said if isinstance(m, OrderIntent)]):
        at += ms(200)
        said = say(hat, features(at=at), at) + wake(hat, at)
    say(hat, approval(again[0], 2, at), at)
    said = say(hat, answer(again[0], AnswerKind.NO_ANSWER, of=ActionKind.TWAP, at=at), at)
    assert [(m.cloid, m.twap_id, m.others) for m in said if isinstance(m, QueryTwap)] == [(again[0].cloid, None, (ID,))]


def test_a_cancel_that_comes_too_late_asks_the_history() -> None:
    """It ended meanwhile; how much it traded is told there, and its parts are booked before it ends here."""
    hat = manager()
    wish = running(hat)
    say(hat, KillOrdered(KillLevel.PAUSE, "x"))
    late = ActionAnswered(
        ActionKind.TWAP_CANCEL, wish.cloid, 2, AnswerKind.REFUSED, 0, Sz(0),
        "TWAP was never placed, already canceled, or filled.", NOW,
    )  # fmt: skip
    assert [m.twap_id for m in say(hat, late) if isinstance(m, QueryTwap)] == [ID]
    say(hat, word(wish, VenueOrderStatus.CANCELLED, 180))
    assert record(hat, wish).state is not OrderState.CANCELLED
    say(hat, part(wish, 20, 1))
    assert record(hat, wish).state is OrderState.CANCELLED
    assert record(hat, wish).filled_sz == 20


def test_each_comparison_asks_whether_it_still_works() -> None:
    """No list of open orders has it, and that is no proof of anything."""
    hat = manager()
    wish = running(hat)
    at = NOW + 30 * SECOND
    say(hat, features(at=at), at)
    said = say(hat, snapshot_of({}, at=at), at)
    assert [m.twap_id for m in said if isinstance(m, QueryTwap)] == [ID]
    assert record(hat, wish).state is OrderState.RESTING


# ---------------------------------------------------------------------------- what an earlier run left at work

LEFT = RunningTwap(ID, "AAA", Side.BUY, Sz(200), Sz(20), 10, False, True)


def left_part(sz: int, tid: int, start: int) -> Fill:
    """A part of it: no cloid, the TWAP's id."""
    return Fill(
        "AAA", Side.BUY, PX, Sz(sz), 5_000 + tid, None, tid, True, Usd(0), Usd(0), start, Ns(NOW + tid), Ns(NOW + tid),
        twap_id=ID,
    )  # fmt: skip


def found(hat: ExecutionManager, **more: Any) -> list[AnyMessage]:
    """What follows from the account with it, as read at the start."""
    return say(hat, snapshot_of({"AAA": 20}, twaps=(LEFT,), **more))


def test_the_books_open_on_an_account_that_was_asked_for_twaps() -> None:
    """The feed's own reading of the account tells none, and is waited beyond."""
    hat = ExecutionManager(Settings())
    said = say(hat, Started(Role.EXECUTION_MANAGER, RUN, NOW))
    assert [m.with_twaps for m in said if isinstance(m, QueryAccount)] == [True]
    assert not [m for m in say(hat, snapshot_of(twaps=None)) if isinstance(m, Reconciled)]
    assert [m.is_clean for m in say(hat, snapshot_of()) if isinstance(m, Reconciled)] == [True]
    asked = wake(hat, NOW + 30 * SECOND)
    assert [m.with_twaps for m in asked if isinstance(m, QueryAccount)] == [False]


def test_a_twap_of_an_earlier_run_is_ended_and_waited_for() -> None:
    """Its parts are booked and halt nobody; no comparison is clean until the venue says that it has ended."""
    hat = manager(is_open=False)
    say(hat, left_part(10, 1, 20))  # it came before the account was read
    said = found(hat)
    assert cancelled(said) == [ID]
    assert [m.fill.tid for m in said if isinstance(m, FillBooked)] == [1]
    at: int = NOW
    for _ in range(8):
        at += ms(500)
        said += wake(hat, at) + say(hat, snapshot_of({"AAA": 30}, at=at), at)
    assert not hat.state.strangers
    assert {m.is_clean for m in said if isinstance(m, Reconciled)} == {False}
    (cloid,) = hat.state.orders
    say(hat, ActionAnswered(ActionKind.TWAP_CANCEL, cloid, 1, AnswerKind.CANCELLED, 0, Sz(0), "", Ns(at)), at)
    order = hat.state.orders[cloid]
    ended = VenueOrder(
        cloid, ID, "AAA", Side.BUY, Px(0), Sz(170), Sz(200), VenueOrderStatus.CANCELLED, "terminated", Ns(at), Ns(at)
    )  # fmt: skip
    say(hat, ended, at)
    assert order.state is OrderState.CANCELLED
    said = say(hat, snapshot_of({"AAA": 30}, at=at + SECOND), at + SECOND)
    assert [m.is_clean for m in said if isinstance(m, Reconciled)] == [True]
    said = say(hat, msgspec.structs.replace(left_part(5, 2, 30), exch_ns=Ns(at + SECOND)), at + SECOND)
    assert [m.fill.tid for m in said if isinstance(m, FillBooked)] == [2]
    assert not hat.state.strangers


def test_who_shares_the_account_keeps_the_others_twaps() -> None:
    """Nothing at the venue says whose one is."""
    hat = manager(is_open=False, tolerate_foreign_orders=True)
    said = found(hat)
    assert not cancelled(said)
    assert [m.is_clean for m in said if isinstance(m, Reconciled)] == [True]


def test_two_parents_with_a_twap_of_one_coin_are_not_taken_on() -> None:
    """The first may be waiting for its approval, or for its price: its TWAP is still to come."""
    hat = manager()
    say(hat, features())
    say(hat, terms())
    (word,) = [m for m in say(hat, terms(2)) if isinstance(m, ParentChanged)]
    assert (word.state, "two could not be told apart" in word.reason) == (ParentState.REFUSED, True)


def test_what_is_left_is_no_twap_below_the_venues_minimum() -> None:
    """It would be refused again and again, for as long as the parent lasts."""
    hat = manager()
    wish = running(hat)
    say(hat, part(wish, 150, 1))
    ended = told(wish, VenueOrderStatus.CANCELLED, 50, at=NOW + SECOND)
    said = say(hat, msgspec.structs.replace(ended, oid=ID), NOW + SECOND)
    at = NOW + 20 * SECOND
    said += [*say(hat, features(at=at), at), *wake(hat, at)]
    assert hat.state.parents
    assert not [m for m in said if isinstance(m, OrderIntent)]
