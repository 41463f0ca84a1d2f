"""The way to flat: cancel, close within the price bound, prove it, and say what is left when it can't be done."""

from __future__ import annotations

import msgspec
import pytest

from hats.execution_manager import ExecutionManager
from orchestrator.routes import ROUTES
from shared.ids import FLATTEN, FLATTEN_NUMBER, cloid_for
from shared.messages import AnyMessage
from shared.messages.control import (
    Armed,
    Disarmed,
    Drained,
    DrainOrdered,
    KillLevel,
    KillOrdered,
    ResumeOrdered,
)
from shared.messages.order import AllowanceTold, AnswerKind, QueryAccount, SubmitOrder, VenueOrderStatus
from shared.messages.risk import DenyReason, OrderDenied, TradingState, TradingStateChanged
from shared.messages.signal import CancelIntent
from shared.order import Side, Tif
from shared.units import SECOND, Ns
from tests.unit.hats.execution_manager.closing import closed, drained, holding, wishes
from tests.unit.hats.execution_manager.scene import (
    EM,
    NOW,
    RUN,
    STRATEGY,
    answer,
    approval,
    cancels,
    features,
    intent,
    manager,
    ms,
    resting,
    say,
    sent,
    snapshot_of,
    told,
    wake,
)


def test_it_hears_what_the_route_table_sends() -> None:
    """What it says that it hears is the table's column."""
    assert set(ExecutionManager.hears) == {kind for kind, route in ROUTES.items() if EM in route.heard_by}


@pytest.mark.parametrize(("net_sz", "side", "px"), [(40, Side.SELL, 989_910), (-40, Side.BUY, 1_010_100)])
def test_a_position_is_closed_and_proven_closed(net_sz: int, side: Side, px: int) -> None:
    """One reduce-only IOC of the whole position, no further than the bound, on a tick; then the venue is asked."""
    hat = holding(net_sz, flatten_slippage_bps=100)
    (wish,) = wishes(say(hat, DrainOrdered(flatten=True)))
    assert (wish.cloid, wish.strategy) == (cloid_for(RUN, FLATTEN_NUMBER, 1), FLATTEN)
    assert (wish.side, wish.sz, wish.tif, wish.reduce_only) == (side, 40, Tif.IOC, True)
    assert wish.px == px
    closed(hat, wish, 40, net_sz, 1)
    said = wake(hat, NOW + ms(100))
    assert drained(said) is None, "flat by our own books is not proof"
    assert hat.state.drain.phase == "verifying"
    found = drained(say(hat, snapshot_of(at=NOW + ms(200)), NOW + ms(200)))
    assert found == Drained(True, "nothing is left")


def test_orders_are_cancelled_before_their_coin_is_closed() -> None:
    """While an order of a coin is open its position is not closed; each wish to cancel is sent once."""
    hat = holding(40)
    wish = resting(hat, intent(1))
    said = say(hat, DrainOrdered(flatten=True))
    assert cancels(said) == [wish.cloid]
    assert not wishes(said)
    assert not cancels(wake(hat, NOW + ms(100)))
    said = say(hat, told(wish, VenueOrderStatus.CANCELLED, 20))
    assert [w.sz for w in wishes(said)] == [40]


def test_an_order_in_doubt_does_not_hold_up_the_close_for_ever() -> None:
    """After the patience is over a coin is closed although one of its orders is unknown."""
    hat = holding(40, flatten_patience_ms=1_000)
    say(hat, answer(sent(hat, intent(1)), AnswerKind.NO_ANSWER))
    assert not wishes(say(hat, DrainOrdered(flatten=True)))
    assert not wishes(wake(hat, NOW + ms(900)))
    assert len(wishes(wake(hat, NOW + ms(1_100)))) == 1


def test_without_a_price_nothing_is_closed_and_it_is_said() -> None:
    """A coin without a book can't be priced; that is said each time, and closed once there is a price."""
    hat = manager(is_open=False, drain_timeout_ms=5_000)
    say(hat, snapshot_of({"AAA": 40}))
    assert not wishes(say(hat, DrainOrdered(flatten=True)))
    for seconds in (5, 10):
        found = drained(wake(hat, NOW + seconds * SECOND))
        assert found is not None
        assert not found.flat
        assert "no price is known" in found.detail
        assert "not confirmed" in found.detail
    say(hat, features(at=NOW + 11 * SECOND), NOW + 11 * SECOND)
    assert [wish.sz for wish in wishes(wake(hat, NOW + 11 * SECOND))] == [40]


def test_a_drain_without_flatten_keeps_positions() -> None:
    """Orders go, positions stay, and the last word says what is held."""
    hat = holding(40)
    wish = resting(hat, intent(1))
    say(hat, DrainOrdered(flatten=False))
    said = say(hat, told(wish, VenueOrderStatus.CANCELLED, 20))
    assert not wishes(said)
    found = drained(say(hat, snapshot_of({"AAA": 40}, at=NOW + SECOND), NOW + SECOND))
    assert found is not None
    assert not found.flat
    assert "AAA 40 lots" in found.detail


def test_what_the_venue_still_holds_is_closed_too() -> None:
    """If the proof shows a position that we did not know, work goes on."""
    hat = holding(0, confirm_rounds=2)
    say(hat, DrainOrdered(flatten=True))
    said: list[AnyMessage] = []
    for n in (1, 2):
        at = NOW + n * SECOND
        said += say(hat, snapshot_of({"AAA": 5}, at=at), at)
    assert drained(said) is None
    assert [w.sz for w in wishes(wake(hat, NOW + 3 * SECOND))] == [5]


def test_disarming_alone_cancels_nothing() -> None:
    """Disarmed, what rests is left where it is."""
    hat = manager()
    resting(hat, intent(1))
    assert not cancels(say(hat, Disarmed("test")))


@pytest.mark.parametrize(
    "order",
    [
        KillOrdered(KillLevel.PAUSE, "test"),
        KillOrdered(KillLevel.REDUCE, "test"),
        TradingStateChanged(TradingState.HALTED, "test"),
        TradingStateChanged(TradingState.REDUCING, "test"),
    ],
)
def test_kills_and_halts_cancel_what_may_add(order: AnyMessage) -> None:
    """Orders that may add to a position are cancelled, those that only reduce stay."""
    hat = manager()
    adding, reducing = resting(hat, intent(1)), resting(hat, intent(2, reduce_only=True))
    assert cancels(say(hat, order)) == [adding.cloid]
    assert reducing.cloid in hat.state.orders


def test_kill_flatten_closes_everything_until_the_operator_resumes() -> None:
    """Flatten cancels and closes all; a resume that took effect ends it, but not the drain at the end of a run."""
    hat = holding(40)
    assert len(wishes(say(hat, KillOrdered(KillLevel.FLATTEN, "test")))) == 1
    say(hat, ResumeOrdered("go"))
    say(hat, TradingStateChanged(TradingState.ACTIVE, "go"))
    assert not wishes(wake(hat, NOW + 2 * SECOND))
    assert [m for m in say(hat, approval(intent(1), 1)) if isinstance(m, SubmitOrder)]
    hat = holding(40)
    say(hat, DrainOrdered(flatten=True))
    say(hat, ResumeOrdered("go"))
    say(hat, TradingStateChanged(TradingState.ACTIVE, "go"))
    assert hat.state.drain.is_active
    say(hat, Armed("again"))
    assert not hat.state.drain.is_active


def test_a_kill_near_the_end_of_a_drain_has_its_own_time() -> None:
    """The end of a run hung on a cancel without an answer; asked again for less, it gets no more time."""
    hat = holding(40, drain_timeout_ms=10_000, flatten_patience_ms=1_000)
    resting(hat, intent(1))
    say(hat, DrainOrdered(flatten=False))
    late, after = NOW + 9 * SECOND, NOW + 11 * SECOND
    say(hat, features(at=late), late)
    said = say(hat, KillOrdered(KillLevel.FLATTEN, "test"), late)
    said += wake(hat, after)
    assert len(wishes(said)) == 1
    assert drained(said) is None
    say(hat, DrainOrdered(flatten=False), after)
    assert drained(wake(hat, late + 10 * SECOND)) is not None


def test_a_milder_kill_does_not_loosen() -> None:
    """After a pause, "reduce" does not let reducing orders pass."""
    hat = manager()
    say(hat, KillOrdered(KillLevel.PAUSE, "test"))
    say(hat, KillOrdered(KillLevel.REDUCE, "test"))
    said = say(hat, approval(intent(1, reduce_only=True), 1))
    assert not [m for m in said if isinstance(m, SubmitOrder)]


def test_a_drain_with_nothing_to_do_is_quick() -> None:
    """Flat and without orders only the proof is needed."""
    hat = holding(0)
    assert [m.decides for m in say(hat, DrainOrdered(flatten=True), NOW + SECOND) if isinstance(m, QueryAccount)] == [
        True
    ]
    at = NOW + SECOND + 1
    assert drained(say(hat, snapshot_of(at=at), at)) == Drained(True, "nothing is left")
    assert hat.state.drain.phase == "done"


def test_what_was_read_before_the_proof_was_asked_for_proves_nothing() -> None:
    """A snapshot that is older than the last step of the drain may not show what that step left."""
    hat = holding(0)
    say(hat, DrainOrdered(flatten=True), NOW + SECOND)
    assert drained(say(hat, snapshot_of(at=NOW + SECOND - 1), NOW + SECOND + 1)) is None
    assert drained(say(hat, snapshot_of(at=NOW + SECOND), NOW + SECOND + 2)) is not None


def test_a_position_that_grows_while_the_end_is_proven_is_closed() -> None:
    """A difference that is another one in each round is not gone: it is taken over once it stands still."""
    hat = holding(0, confirm_ms=500)
    at = NOW + SECOND
    said = say(hat, DrainOrdered(flatten=True), at)
    for net_sz in (5, 5, 5, 7, 7, 7, 7, 7):
        at += ms(600)
        said += say(hat, snapshot_of({"AAA": net_sz}, at=at), at)
    assert drained(said) is None
    assert [wish.sz for wish in wishes(said)] == [7]


def test_a_difference_that_is_seen_too_soon_to_be_counted_is_one() -> None:
    """A moment ago another one had passed."""
    hat = holding(0, confirm_ms=500)
    at = NOW + SECOND
    say(hat, snapshot_of({"AAA": 5}, at=at), at)
    say(hat, snapshot_of(at=at + ms(100)), at + ms(100))
    say(hat, DrainOrdered(flatten=True), at + ms(150))
    assert drained(say(hat, snapshot_of({"AAA": 20}, at=at + ms(300)), at + ms(300))) is None
    assert drained(say(hat, snapshot_of(at=at + ms(800)), at + ms(800))) == Drained(True, "nothing is left")


def test_a_strangers_order_takes_no_weight_from_what_closes_for_long() -> None:
    """It keeps the end from being proven; after a while the readings for that go like any other comparison."""
    hat = holding(0)
    at = NOW + SECOND
    listed = msgspec.structs.replace(told(intent(1), VenueOrderStatus.OPEN, 20), cloid=None, oid=77)
    say(hat, DrainOrdered(flatten=True), at)
    urgent: list[bool] = []
    for _ in range(600):
        at += ms(250)
        for query in [m for m in wake(hat, at) if isinstance(m, QueryAccount)]:
            urgent.append(query.decides)
            assert drained(say(hat, snapshot_of({}, (listed,), at=at), at)) is None
    assert urgent[0]
    assert not urgent[-1]
    assert sorted(urgent, reverse=True) == urgent


@pytest.mark.parametrize("held", [{}, {"AAA": 20}])
def test_a_reading_that_may_lack_fills_proves_nothing(held: dict[str, int]) -> None:
    """The feed's own reading begins where it was cut: the desk asks for another one, and soon."""
    hat = holding(0)
    at = NOW + 70 * SECOND
    say(hat, DrainOrdered(flatten=True), at)
    at += SECOND
    partial = msgspec.structs.replace(snapshot_of(held, at=at), fills_since_ns=Ns(at - 10 * SECOND))
    said = say(hat, partial, at)
    assert drained(said) is None
    at += 2 * SECOND
    assert [m for m in said + wake(hat, at) if isinstance(m, QueryAccount)]
    assert drained(say(hat, snapshot_of(at=at), at)) == Drained(True, "nothing is left")


def test_a_cancel_is_not_sent_ahead_of_its_order() -> None:
    """An order that is being replaced before the venue answered is cancelled once the venue has shown it."""
    hat = manager()
    old = sent(hat, intent(1))
    sent(hat, intent(2, replaces=old.cloid))
    assert not cancels(say(hat, DrainOrdered(flatten=False)))
    assert cancels(say(hat, told(old, VenueOrderStatus.OPEN, 20))) == [old.cloid]


def short_of_requests(left: int) -> ExecutionManager:
    """A manager that holds 30 lots, has three orders resting and may send so many requests more."""
    hat = holding(30)
    for number in (1, 2, 3):
        resting(hat, intent(number))
    say(hat, AllowanceTold(10_000 - left, 10_000, NOW))
    return hat


def test_with_few_requests_left_it_closes_before_it_cancels() -> None:
    """Cancels count too and would leave nothing for closing; they follow when that is answered, or a second later."""
    hat = short_of_requests(4)
    said = say(hat, KillOrdered(KillLevel.FLATTEN, "test"))
    assert (len(wishes(said)), cancels(said)) == (1, [])
    assert cancels(say(hat, TradingStateChanged(TradingState.HALTED, "kill (flatten): test"))) == []
    for cloid in sorted(hat.state.orders):
        assert cancels(say(hat, CancelIntent(cloid, STRATEGY, "disarmed"))) == []
    assert cancels(say(hat, KillOrdered(KillLevel.PAUSE, "a second, milder one"))) == []
    assert cancels(wake(hat, NOW + ms(500))) == []
    assert len(cancels(wake(hat, NOW + ms(1_100)))) == 3
    hat = short_of_requests(4)
    (wish,) = wishes(say(hat, KillOrdered(KillLevel.FLATTEN, "test")))
    said = say(hat, OrderDenied(wish.cloid, FLATTEN, "AAA", DenyReason.STALE_DATA, 1, 0, "test"))
    assert len(cancels(said)) == 3


def test_with_enough_requests_it_cancels_first() -> None:
    """Nothing is closed while an order of the coin may still trade."""
    for left in (5, 50):
        said = say(short_of_requests(left), KillOrdered(KillLevel.FLATTEN, "test"))
        assert (wishes(said), len(cancels(said))) == ([], 3)


def test_what_it_sends_is_counted_off() -> None:
    """Until the venue tells again."""
    hat = short_of_requests(50)
    say(hat, KillOrdered(KillLevel.FLATTEN, "test"))
    assert hat.state.requests_left == 47
    say(hat, AllowanceTold(1, 10, NOW))
    assert hat.state.requests_left == 9
