"""Closing everything: how far, how often, until when, and never twice for what may have been done already."""

from __future__ import annotations

import itertools

import pytest

from hats.execution_manager import ExecutionManager
from shared.ids import FLATTEN
from shared.messages import AnyMessage
from shared.messages.control import (
    Armed,
    Drained,
    DrainOrdered,
    KillLevel,
    KillOrdered,
    ResumeOrdered,
)
from shared.messages.market import FeedState, FeedStatus
from shared.messages.order import ActionKind, AnswerKind, SubmitOrder
from shared.messages.risk import DenyReason, OrderDenied, TradingState, TradingStateChanged
from shared.order import Side
from shared.units import SECOND, Ns
from tests.unit.hats.execution_manager.closing import closed, drained, holding, wishes
from tests.unit.hats.execution_manager.scene import (
    NOW,
    answer,
    approval,
    changes,
    features,
    fill,
    intent,
    manager,
    ms,
    oid_of,
    say,
    sent,
    snapshot_of,
    wake,
)


def tried(hat: ExecutionManager, order: AnyMessage, until_ms: int) -> tuple[list[tuple[int, int]], list[Drained]]:
    """(ms, price) of each closing order from `order` on, none of which finds a match, and all that is said of the end.

    The book is as it was, and the desk is woken every 100 ms.
    """
    tries: list[tuple[int, int]] = []
    words: list[Drained] = []
    for after in range(0, until_ms + 1, 100):
        at = NOW + ms(after)
        said = say(hat, order, at) if not after else say(hat, features(at=at), at) + wake(hat, at)
        words += [message for message in said if isinstance(message, Drained)]
        for wish in wishes(said):
            tries.append((after, wish.px))
            sent(hat, wish, at)
            no_match = "Order could not immediately match against any resting orders."
            say(hat, answer(wish, AnswerKind.REFUSED, error=no_match, at=at), at)
    return tries, words


@pytest.mark.parametrize("order", [DrainOrdered(flatten=True), KillOrdered(KillLevel.FLATTEN, "test")])
def test_what_nobody_buys_is_offered_further_down_and_never_given_up(order: AnyMessage) -> None:
    """Pauses double up to their bound, prices give way up to theirs, and every half minute it is said; then it closes.

    Best bid 999,900; the bounds are one and four per cent.
    """
    hat = holding(40, flatten_slippage_max_bps=400)
    tries, words = tried(hat, order, 61_000)
    assert [after for after, _ in tries[:7]] == [0, 1_000, 2_000, 3_000, 5_000, 9_000, 14_000]
    assert {b - a for (a, _), (b, _) in itertools.pairwise(tries[6:])} == {5_000}
    assert [px for _, px in tries[:4]] == [989_910, 979_910, 959_910, 959_910]
    assert min(px for _, px in tries) == 959_910
    assert len(tries) > 10
    assert [word.flat for word in words] == [False, False]
    assert "AAA 40 lots" in words[-1].detail
    assert "could not immediately match" in words[-1].detail
    at = NOW + ms(61_000)
    said: list[AnyMessage] = []
    while not (found := wishes(said)):
        at += ms(100)
        said = wake(hat, at)
    sent(hat, found[0], at)
    say(hat, answer(found[0], AnswerKind.FILLED, oid=oid_of(found[0]), filled_sz=40, at=at), at)
    say(hat, fill(found[0], 40, 1, start=40, at=at + 1), at)
    at += ms(600)
    wake(hat, at)
    assert drained(say(hat, snapshot_of(at=at + 1), at + 1)) == Drained(True, "nothing is left")


def test_what_trades_in_part_is_followed_at_once() -> None:
    """There are buyers, so the pause does not grow; there are too few, so the price gives way."""
    hat = holding(40)
    said = say(hat, DrainOrdered(flatten=True))
    pxs = []
    for second in range(1, 6):
        (wish,) = wishes(said)
        pxs.append(wish.px)
        assert wish.sz == 40 - (second - 1)
        closed(hat, wish, 1, wish.sz, second)
        said = wake(hat, NOW + second * SECOND)
    assert len(wishes(said)) == 1
    assert pxs[:3] == [989_910, 979_910, 959_910]


def test_a_price_that_the_venue_takes_for_wild_gives_way_no_further() -> None:
    """Further from the oracle it would be refused for ever."""
    hat = holding(40)
    said = say(hat, DrainOrdered(flatten=True))
    pxs = []
    for second, error in enumerate(("No liquidity available for market order.", "Order price too far from oracle"), 1):
        (wish,) = wishes(said)
        pxs.append(wish.px)
        sent(hat, wish)
        say(hat, answer(wish, AnswerKind.REFUSED, error=error))
        said = wake(hat, NOW + second * SECOND)
    pxs += [wish.px for wish in wishes(said)]
    assert pxs == [989_910, 979_910, 989_910]


def test_coins_that_were_refused_together_are_asked_for_apart() -> None:
    """What is asked for together is one action, which the venue may refuse for one coin in it."""
    hat = manager(is_open=False)
    say(hat, snapshot_of({"AAA": 40, "BBB": 40}))
    for coin in ("AAA", "BBB"):
        say(hat, features(coin))
    order: AnyMessage = KillOrdered(KillLevel.FLATTEN, "test")
    together = []
    for after in range(0, 5_000, 100):
        at = NOW + ms(after)
        said = wake(hat, at) if after else say(hat, order, at)
        together.append(len(wishes(said)))
        for wish in wishes(said):
            sent(hat, wish, at)
            say(hat, answer(wish, AnswerKind.REFUSED, error="Trading is halted", at=at), at)
    tries = [count for count in together if count]
    assert tries[:2] == [2, 2]
    assert set(tries[2:]) == {1}


def test_no_closing_order_follows_one_whose_fate_is_unknown() -> None:
    """Not after any pause, and not by a second kill after a resume: its proof comes first."""
    hat = holding(40)
    (wish,) = wishes(say(hat, KillOrdered(KillLevel.FLATTEN, "test")))
    say(hat, answer(sent(hat, wish), AnswerKind.NO_ANSWER))
    for second in range(1, 40):
        assert not wishes(wake(hat, NOW + second * SECOND))
    at = NOW + 40 * SECOND
    say(hat, ResumeOrdered("go"), at)
    say(hat, TradingStateChanged(TradingState.ACTIVE, "go"), at)
    assert not wishes(say(hat, KillOrdered(KillLevel.FLATTEN, "again"), at))
    assert not wishes(wake(hat, at + 10 * SECOND))
    at += 11 * SECOND
    said = say(hat, answer(wish, AnswerKind.FENCED, of=ActionKind.FENCE, at=at), at)
    assert [one.sz for one in wishes(said)] == [40]


def test_a_closing_order_that_was_overtaken_is_not_sent() -> None:
    """Its approval came when another had been asked for, or when the operator had let everything go on."""
    hat = holding(40)
    (first,) = wishes(say(hat, KillOrdered(KillLevel.FLATTEN, "test")))
    (second,) = wishes(wake(hat, NOW + SECOND))
    assert changes(say(hat, approval(first, 1, NOW + SECOND), NOW + SECOND)) == [("cancelled", 0)]
    assert [m for m in say(hat, approval(second, 2, NOW + SECOND), NOW + SECOND) if isinstance(m, SubmitOrder)]
    hat = holding(40)
    (first,) = wishes(say(hat, KillOrdered(KillLevel.FLATTEN, "test")))
    say(hat, ResumeOrdered("go"))
    say(hat, TradingStateChanged(TradingState.ACTIVE, "go"))
    assert changes(say(hat, approval(first, 1))) == [("cancelled", 0)]


def test_a_denied_close_is_tried_again_and_its_reason_is_said() -> None:
    """The Risk Officer's veto holds for closing orders too; what stood in the way is said, and no price moves."""
    hat = holding(40, drain_timeout_ms=2_500)
    said = say(hat, DrainOrdered(flatten=True))
    for attempt in range(2):
        (wish,) = wishes(said)
        assert wish.px == 989_910
        denial = OrderDenied(wish.cloid, FLATTEN, "AAA", DenyReason.PRICE_COLLAR, 200, 300, "bps away from our mid")
        assert not wishes(say(hat, denial))
        said = wake(hat, NOW + (attempt + 1) * SECOND)
    found = drained(wake(hat, NOW + ms(2_500)))
    assert found is not None
    assert "price_collar" in found.detail


def test_a_feed_that_comes_back_ends_the_pause() -> None:
    """Denied for stale data again and again, it closes at once when there are prices."""
    hat = holding(40)
    said = say(hat, KillOrdered(KillLevel.FLATTEN, "test"))
    at: int = NOW
    while at < NOW + 20 * SECOND:
        for wish in wishes(said):
            say(hat, OrderDenied(wish.cloid, FLATTEN, "AAA", DenyReason.STALE_DATA, 1, 2, "test"), at)
            asked_ns = at
        at += ms(100)
        said = wake(hat, at)
    while at < asked_ns + SECOND or wishes(said):
        at += ms(100)
        said = wake(hat, at)
        for wish in wishes(said):
            say(hat, OrderDenied(wish.cloid, FLATTEN, "AAA", DenyReason.STALE_DATA, 1, 2, "test"), at)
            asked_ns = at
    assert len(wishes(say(hat, FeedStatus(FeedState.UP, 2, "back", Ns(at)), at))) == 1


@pytest.mark.parametrize("is_proven", [True, False])
def test_what_was_closed_stays_closed(*, is_proven: bool) -> None:
    """A fill that is heard after the proof, or while it is awaited, is closed at once, and the end is said again."""
    hat = holding(0)
    say(hat, KillOrdered(KillLevel.FLATTEN, "test"), NOW + SECOND)
    if is_proven:
        assert drained(say(hat, snapshot_of(at=NOW + 2 * SECOND), NOW + 2 * SECOND)) is not None
    late = fill(intent(1), 20, 1, at=NOW + 2 * SECOND + 1)
    said = say(hat, late, NOW + 3 * SECOND)
    (wish,) = wishes(said)
    assert (wish.side, wish.sz) == (Side.SELL, 20)
    at = NOW + 3 * SECOND
    sent(hat, wish, at)
    say(hat, answer(wish, AnswerKind.FILLED, oid=oid_of(wish), filled_sz=20, at=at), at)
    say(hat, fill(wish, 20, 2, start=20, at=at + 1), at)
    wake(hat, at + ms(600))
    at += SECOND
    assert drained(say(hat, snapshot_of(at=at), at)) == Drained(True, "nothing is left")


@pytest.mark.parametrize("last_sz", [20, 15])
def test_a_coin_that_was_closed_begins_at_the_first_slippage_again(last_sz: int) -> None:
    """However far it gave way, and whether its last closing order or another one brought it to zero."""
    hat = holding(40)
    said = say(hat, KillOrdered(KillLevel.FLATTEN, "test"))
    pxs, at = [], int(NOW)
    for held, sz in ((40, 10), (30, 10), (20, last_sz)):
        (wish,) = wishes(said)
        pxs.append(wish.px)
        closed(hat, wish, sz, held, held)
        at += SECOND
        said = wake(hat, at) if held > 20 else []
    assert pxs == [989_910, 979_910, 959_910]
    if last_sz < 20:
        say(hat, fill(intent(1, Side.SELL), 20 - last_sz, 1, start=20 - last_sz, at=at), at)
    at += SECOND
    wake(hat, at)
    assert drained(say(hat, snapshot_of(at=at), at)) == Drained(True, "nothing is left")
    at += 3_600 * SECOND
    say(hat, features(at=at), at)
    (wish,) = wishes(say(hat, fill(intent(2), 20, 9, at=at), at))
    assert (wish.px, wish.sz) == (989_910, 20)


def test_a_drain_that_keeps_positions_does_not_undo_a_kill_that_has_ended() -> None:
    """The run ends after a kill that closed everything: a fill that is heard late is closed, and gets no stop."""
    hat = holding(0, protect_stop_bps=500)
    say(hat, KillOrdered(KillLevel.FLATTEN, "test"), NOW + SECOND)
    assert drained(say(hat, snapshot_of(at=NOW + 2 * SECOND), NOW + 2 * SECOND)) is not None
    at = NOW + 3 * SECOND
    say(hat, DrainOrdered(flatten=False), at)
    assert drained(say(hat, snapshot_of(at=at + 1), at + 1)) == Drained(True, "nothing is left")
    said = say(hat, fill(intent(1), 20, 1, at=at + 2), at + 2)
    for after in range(100, 2_000, 100):
        said += wake(hat, at + ms(after))
    assert {(wish.strategy, wish.side, wish.sz) for wish in wishes(said)} == {(FLATTEN, Side.SELL, 20)}


def test_a_resume_that_is_delayed_or_refused_lifts_no_kill() -> None:
    """The operator's word and the arming that follows it end nothing; what the Risk Officer makes of the word does."""
    hat = holding(40)
    said = say(hat, TradingStateChanged(TradingState.HALTED, "kill"))
    (wish,) = wishes(said + say(hat, KillOrdered(KillLevel.FLATTEN, "test")))
    for message in (ResumeOrdered("go"), Armed("all ready"), TradingStateChanged(TradingState.HALTED, "not resumed")):
        say(hat, message)
    closed(hat, wish, 0, 40, 1)
    assert [one.sz for one in wishes(wake(hat, NOW + SECOND))] == [40]
    assert not [m for m in say(hat, approval(intent(1), 2)) if isinstance(m, SubmitOrder)]


def test_a_kill_while_a_resume_takes_effect_stands() -> None:
    """The Risk Officer loosened before it heard of the kill: that is lifted by the next resume alone."""
    hat = holding(40)
    for message in (KillOrdered(KillLevel.PAUSE, "1"), ResumeOrdered("go"), KillOrdered(KillLevel.FLATTEN, "2")):
        say(hat, message)
    say(hat, TradingStateChanged(TradingState.ACTIVE, "resumed: go"))
    assert hat.state.kill is KillLevel.FLATTEN
    assert hat.state.drain.is_active
