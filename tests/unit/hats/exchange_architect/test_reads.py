"""What it reads, in which order, and what pays for it."""

from __future__ import annotations

import msgspec

from hats.exchange_architect.budget import Priority
from hats.exchange_architect.logic import ExchangeArchitect
from shared.ids import Cloid
from shared.messages import AnyMessage
from shared.messages.control import WakeAt, Woke
from shared.messages.market import QueryCandles, ReadCandles
from shared.messages.order import (
    ActionKind,
    AnswerKind,
    PostAction,
    QueryAccount,
    QueryOrder,
    QueryTwap,
    ReadAccount,
    ReadOrder,
    ReadTwaps,
)
from shared.order import Side
from shared.units import MINUTE, MS, SECOND, Ns, Sz
from tests.unit.hats.exchange_architect.scene import CLOID, T0, T0_MS
from tests.unit.hats.exchange_architect.talk import EA, answered, hat, of, said, signed


def follow(architect: ExchangeArchitect, told: list[AnyMessage]) -> list[AnyMessage]:
    """What it says in all if it is woken whenever it wants to be, until it reads nothing more."""
    told = list(told)
    while wakes := [one for one in told if isinstance(one, WakeAt) and one.timer == "reads"]:
        told = [one for one in told if one not in wakes]
        more = said(architect, Woke(EA, "reads", wakes[-1].ns), wakes[-1].ns)
        assert more
        told += more
    return told


def test_an_order_is_read_at_once_and_later_when_the_budget_is_low() -> None:
    """Reads wait for room in the order they were asked, each once; nothing is forgotten."""
    architect = hat(weight_per_minute=100)
    cloids = [Cloid(f"0x{number:032x}") for number in range(50)]
    reads: list[AnyMessage] = []
    for cloid in [*cloids, *cloids[45:]]:
        reads += said(architect, QueryOrder(cloid))
    assert 0 < len(of(ReadOrder, reads)) < 50
    assert [read.cloid for read in of(ReadOrder, follow(architect, reads))] == cloids


def test_a_question_that_decides_is_paid_by_what_is_held_for_it() -> None:
    """At the limit an order is proven although nothing else is read: what it left with was kept for this."""
    architect = hat(weight_per_minute=100)
    said(architect, signed(expires_after_ms=T0_MS + 2_000))
    architect.state.budget.charge(95, T0)
    late = T0 + 5 * SECOND
    assert not of(ReadOrder, said(architect, QueryOrder(CLOID), late))
    for _ in range(2):
        assert of(ReadOrder, said(architect, QueryOrder(CLOID, decides=True), late)) == [ReadOrder(CLOID)]
    assert not of(ReadOrder, said(architect, QueryOrder(CLOID, decides=True), late))


def test_a_question_that_decides_does_not_wait_for_the_minute_to_pass() -> None:
    """Nothing was held for it, and what reduces would still find room: it is read, and others go on waiting."""
    architect = hat(weight_per_minute=1_200)
    architect.state.budget.charge(1_079, T0)
    other, late = Cloid("0x" + "1" * 32), T0 + 5 * SECOND
    assert not of(ReadOrder, said(architect, QueryOrder(other), late))
    (wake,) = said(architect, QueryOrder(CLOID, decides=True), late)
    assert isinstance(wake, WakeAt)
    architect.state.budget.slots = [(T0 // SECOND, 1_078)]
    assert of(ReadOrder, said(architect, QueryOrder(CLOID, decides=True), late)) == [ReadOrder(CLOID)]


def test_what_decides_is_read_first() -> None:
    """Of questions that wait, those that prove something go first, then the oldest."""
    architect = hat(weight_per_minute=100)
    architect.state.budget.charge(90, T0)
    first, second, third = (Cloid(f"0x{number:032x}") for number in range(3))
    told = said(architect, QueryOrder(first)) + said(architect, QueryOrder(second))
    told += said(architect, QueryOrder(third, decides=True))
    assert [read.cloid for read in of(ReadOrder, follow(architect, told))] == [third, first, second]


def twap(number: int, *, decides: bool = False) -> QueryTwap:
    """A question about one of the venue's own TWAPs."""
    return QueryTwap(Cloid(f"0x{number:032x}"), number, "BTC", Side.BUY, Sz(7), Ns(T0), decides=decides)


def test_one_read_answers_for_all_twaps() -> None:
    """The first question is read at once; those that follow within the pause are one more read."""
    architect = hat(account_pause_ms=500)
    told = [one for number in range(10) for one in said(architect, twap(number))]
    first, second = of(ReadTwaps, follow(architect, told))
    assert first.queries == (twap(0),)
    assert second.queries == tuple(twap(number) for number in range(1, 10))
    assert architect.state.budget.spent(T0) == 2 * 20


def test_a_twap_is_proven_at_the_limit() -> None:
    """Two reads are held for it, and whoever else asks is answered by them."""
    architect = hat(weight_per_minute=200)
    order = signed(ActionKind.TWAP, expires_after_ms=T0_MS + 2_000)
    assert of(PostAction, said(architect, order))
    assert architect.state.budget.holds[CLOID].weight == 40
    architect.state.budget.charge(150, T0)
    late = T0 + 5 * SECOND
    assert not of(ReadTwaps, said(architect, twap(1), late))
    mine = msgspec.structs.replace(twap(2, decides=True), cloid=CLOID)
    assert of(ReadTwaps, said(architect, mine, late)) == [ReadTwaps((twap(1), mine))]
    told = said(architect, mine, late + 200 * MS)
    assert of(WakeAt, told)[-1].ns == late + 500 * MS
    assert of(ReadTwaps, said(architect, Woke(EA, "reads", Ns(late)), late + 500 * MS)) == [ReadTwaps((mine,))]


def test_a_proof_that_is_answered_lets_others_be_read() -> None:
    """What was held for it is free, and a question that waits is asked then and not later."""
    architect = hat(weight_per_minute=100)
    said(architect, signed())
    architect.state.budget.charge(76, T0)
    other = Cloid("0x" + "1" * 32)
    assert not of(ReadOrder, said(architect, QueryOrder(other)))
    assert of(ReadOrder, said(architect, answered(AnswerKind.RESTING))) == [ReadOrder(other)]


def test_account_reads_close_together_become_one() -> None:
    """Two questions within the pause are one read that covers both."""
    architect = hat(account_pause_ms=500)
    assert of(ReadAccount, said(architect, QueryAccount(Ns(50), "start"))) == [ReadAccount(Ns(50))]
    first = said(architect, QueryAccount(Ns(30), "unknown order"), T0 + 100 * MS)
    second = said(architect, QueryAccount(Ns(20), "unknown order"), T0 + 200 * MS)
    assert not of(ReadAccount, first + second)
    (wake,) = of(WakeAt, second)
    assert wake.ns == T0 + 500 * MS
    assert of(ReadAccount, said(architect, Woke(EA, "reads", wake.ns), wake.ns)) == [ReadAccount(Ns(20))]


def test_candles_wait_for_their_turn_and_leave_room_for_what_matters_more() -> None:
    """One coin a second, asked twice read once, and never beyond the share of plain reading."""
    architect = hat(weight_per_minute=200)
    query = QueryCandles("A", "1m", Ns(T0 - 501 * MINUTE), T0)
    assert of(ReadCandles, said(architect, query)) == [ReadCandles(query)]
    assert architect.state.budget.spent(T0) == 29, "20, and one for each 60 candles"
    others = [QueryCandles(coin, "1m", query.since_ns, T0) for coin in "BCDD"]
    waits = [message for one in others for message in said(architect, one)]
    assert not of(ReadCandles, waits)
    now, reads = T0, []
    while architect.state.reads.candles:
        now = min(wake.ns for wake in of(WakeAt, waits))
        assert architect.state.budget.try_spend(1, Priority.RECONCILE, now), "an account's read never waits for them"
        waits = said(architect, Woke(EA, "reads", now), now)
        reads += [(now, read.query.coin) for read in of(ReadCandles, waits)]
    assert [coin for _, coin in reads] == ["B", "C", "D"]
    assert [ns for ns, _ in reads] == sorted({ns for ns, _ in reads})
    assert reads[0][0] == T0 + SECOND
    assert reads[-1][0] > T0 + MINUTE


def test_candles_beyond_the_whole_share_are_cut_to_the_newest() -> None:
    """A desk with little weight asks for what fits, and for nothing if nothing does."""
    query = QueryCandles("A", "1m", Ns(T0 - 4_000 * MINUTE), T0)
    (read,) = of(ReadCandles, said(hat(weight_per_minute=100), query))
    assert read.query == QueryCandles("A", "1m", Ns(T0 - 30 * 60 * MINUTE), T0)
    assert not said(hat(weight_per_minute=100, weight_elsewhere=60), query)


def test_the_proof_of_an_end_finds_room_where_entries_left_none() -> None:
    """A minute is longer than a drain waits; cancels and kills keep theirs, and the next question is as any other."""
    architect = hat(weight_per_minute=1_200)
    architect.state.budget.charge(960, T0)
    (wake,) = said(architect, QueryAccount(Ns(50), "the feed is up"))
    assert isinstance(wake, WakeAt)
    assert of(ReadAccount, said(architect, QueryAccount(Ns(60), "to prove", decides=True))) == [ReadAccount(Ns(50))]
    assert architect.state.budget.room(Priority.CANCEL, T0) >= 60
    late = T0 + SECOND
    assert not of(ReadAccount, said(architect, QueryAccount(Ns(70), "unknown order"), late))
