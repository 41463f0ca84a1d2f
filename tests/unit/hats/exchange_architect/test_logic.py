"""The Hat itself: what it lets out, what it reads, when it tells the time of funding."""

from __future__ import annotations

import msgspec
import pytest

from hats.exchange_architect.budget import Priority
from hats.exchange_architect.logic import ExchangeArchitect
from hats.exchange_architect.measures import MEASURES
from orchestrator.routes import check
from shared.hat import restore, snapshot
from shared.ids import FLATTEN_NUMBER, Cloid, cloid_for
from shared.mailbox import BATCH_LETTERS_MAX
from shared.messages import AnyMessage
from shared.messages.account import AccountReadBegun
from shared.messages.control import KillLevel, KillOrdered, Measured, ResumeOrdered, Started, WakeAt, Woke
from shared.messages.market import AssetContext, FeedState, FeedStatus, FundingClock, UniverseUpdate
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    AllowanceTold,
    AnswerKind,
    DropWaiting,
    PostAction,
    QueryAccount,
    QueryOrder,
    ReadAllowance,
    ResendOrder,
    SignedAction,
)
from shared.succession import REPEAT_TIMER
from shared.units import HOUR, MINUTE, SECOND, Ns, Sz
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import CLOID, T0, T0_MS
from tests.unit.hats.exchange_architect.talk import EA, answered, hat, of, said, signed


def test_it_hears_what_the_table_sends() -> None:
    """The route table and the Hat agree."""
    check([hat()], [])


def test_a_signed_action_goes_out_byte_for_byte() -> None:
    """The body is the one that was signed."""
    assert said(hat(), signed()) == [PostAction(ActionKind.ORDER, CLOID, 7, signed().body, priority=Priority.ENTER)]


@pytest.mark.parametrize("level", list(KillLevel))
def test_a_kill_drops_what_waits_at_the_gateway(level: KillLevel) -> None:
    """Whatever its level: entries that were signed before it must not leave after it."""
    (drop,) = said(hat(), KillOrdered(level, "test"))
    assert isinstance(drop, DropWaiting)
    assert level in drop.reason


def test_a_signature_that_comes_again_is_a_copy() -> None:
    """After a restart the signer's answer may be said twice: what refuses the second copy proves nothing of the first.

    A fence has the nonce of the order that it holds off, and is not that order again.
    """
    architect, order = hat(), signed(expires_after_ms=T0_MS + 2_000)
    assert [one.is_resent for one in of(PostAction, said(architect, order))] == [False]
    assert [one.is_resent for one in of(PostAction, said(architect, order))] == [True]
    assert [one.kind for one in of(PostAction, said(architect, signed(ActionKind.FENCE)))] == [ActionKind.FENCE]
    architect.state.address.learn(100, 100)
    assert said(architect, order) == []


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_signature_that_comes_again_after_its_answer_is_nothing(is_kept: bool) -> None:
    """The order ended by that answer: bytes that never left, or whose nonce the venue did not take, must not go now."""
    architect, order = hat(weight_per_minute=100), signed(expires_after_ms=T0_MS + 2_000)
    if is_kept:
        architect.state.budget.charge(90, T0)
        (refused,) = of(ActionAnswered, said(architect, order))
        assert refused.error.startswith("local")
        architect.state.budget.slots.clear()
    else:
        said(architect, order)
        said(architect, answered(AnswerKind.REFUSED))
    assert said(architect, order) == []
    restored = hat(weight_per_minute=100)
    restore(restored, snapshot(architect))
    assert said(restored, order, T0 + SECOND) == []
    said(architect, Woke(EA, "measures", T0), T0 + 3 * SECOND)
    assert not architect.state.decided, "what has expired need not be remembered"


@pytest.mark.parametrize("level", list(KillLevel))
def test_nothing_enters_that_was_signed_before_a_kill(level: KillLevel) -> None:
    """Whether it reaches the gateway after the kill or is asked for once more; what is signed after its end leaves.

    The nonces of one batch may run ahead of the time, so until that end nothing at all enters.
    """
    architect, nonce = hat(), T0_MS - 1_000
    order = signed(nonce=nonce, expires_after_ms=T0_MS + 5_000)
    assert of(PostAction, said(architect, order, T0 - SECOND))
    said(architect, KillOrdered(level, "test"))
    assert said(architect, ResendOrder(CLOID)) == []
    for late_nonce in (T0_MS, T0_MS + 3):
        (late,) = of(ActionAnswered, said(architect, signed(nonce=late_nonce, cloid=Cloid(f"0x{late_nonce:032x}"))))
        assert (late.answer, late.error) == (AnswerKind.REFUSED, "local: a kill while it was on its way")
    assert of(PostAction, said(architect, signed(ActionKind.CANCEL, nonce=nonce + 1)))
    said(architect, ResumeOrdered("test"), T0 + SECOND)
    assert said(architect, ResendOrder(CLOID), T0 + SECOND) == []
    assert not of(PostAction, said(architect, signed(nonce=T0_MS + 1_000, cloid=Cloid(f"0x{2:032x}")), T0 + SECOND))
    assert of(PostAction, said(architect, signed(nonce=T0_MS + 1_001, cloid=Cloid(f"0x{3:032x}")), T0 + SECOND))


@pytest.mark.parametrize("kind", [ActionKind.ORDER, ActionKind.CANCEL])
def test_what_a_dead_process_may_have_sent_did_not_certainly_stay(kind: ActionKind) -> None:
    """A batch may have been handled unknown to all; what no batch could hold besides came to nobody before."""
    architect = hat(weight_per_minute=100)
    architect.state.budget.charge(1_000, T0)
    (refused,) = of(ActionAnswered, said(architect, signed(kind)))
    assert refused.answer is AnswerKind.REFUSED, "its first process has nobody before it"
    successor = hat(weight_per_minute=100)
    restore(successor, snapshot(architect))
    restarted = Ns(T0 + SECOND)
    assert WakeAt(restarted, REPEAT_TIMER) in said(successor, Started(EA, 1, restarted), restarted)
    told = [
        of(ActionAnswered, said(successor, signed(kind, nonce), T0 + SECOND))[0]
        for nonce in range(8, 8 + BATCH_LETTERS_MAX + 1)
    ]
    assert [one.answer for one in told] == [AnswerKind.NO_ANSWER] * BATCH_LETTERS_MAX + [AnswerKind.REFUSED]
    assert {one.error.partition(":")[0] for one in told} == {"local"}
    successor.state.budget.slots.clear()
    assert said(successor, signed(kind, nonce=8), T0 + SECOND) == [] or kind is ActionKind.CANCEL, "it leaves no more"


@pytest.mark.parametrize(("woke_ns", "answer"), [(T0, AnswerKind.REFUSED), (T0 - 1, AnswerKind.NO_ANSWER)])
def test_what_comes_after_all_that_a_dead_process_was_told_never_left(woke_ns: int, answer: AnswerKind) -> None:
    """That the wake-up of this start tells, not one of a start before it."""
    architect = hat(weight_per_minute=100)
    said(architect, Started(EA, 1, T0))
    said(architect, Woke(EA, REPEAT_TIMER, Ns(woke_ns)))
    architect.state.budget.charge(1_000, T0)
    (kept,) = of(ActionAnswered, said(architect, signed()))
    assert kept.answer is answer
    assert not architect.state.budget.holds, "there is no room at all"
    architect.state.budget.slots.clear()
    architect.state.budget.charge(70, T0)
    (kept,) = of(ActionAnswered, said(architect, signed(nonce=8)))
    assert kept.answer is answer
    assert (CLOID in architect.state.budget.holds) is (answer is AnswerKind.NO_ANSWER)


def test_an_order_is_sent_again_as_it_is_until_it_is_decided_or_expired() -> None:
    """The same bytes and nonce, marked as a copy; not after a definite answer, not after the expiry, never a cancel."""
    order = signed(expires_after_ms=T0_MS + 2_000)
    copy = PostAction(
        ActionKind.ORDER, CLOID, 7, order.body, is_resent=True, priority=Priority.ENTER, expires_after_ms=T0_MS + 2_000
    )
    for kind, answer in ((ActionKind.ORDER, AnswerKind.REFUSED), (ActionKind.FENCE, AnswerKind.FENCED)):
        architect = hat()
        said(architect, order)
        said(architect, answered(AnswerKind.NO_ANSWER))
        assert said(architect, ResendOrder(CLOID), T0 + SECOND) == [copy]
        assert said(architect, ResendOrder(CLOID), T0 + 2 * SECOND) == []
        said(architect, answered(answer, of=kind))
        assert said(architect, ResendOrder(CLOID), T0 + SECOND) == []
    cancelling = hat()
    said(cancelling, signed(ActionKind.CANCEL))
    assert said(cancelling, ResendOrder(CLOID)) == []


def test_orders_beyond_the_budget_are_refused_and_cancels_pass() -> None:
    """Nothing is dropped: every action is either posted or answered, and what is posted can be proven."""
    architect = hat(weight_per_minute=100)
    cloids = [Cloid(f"0x{number:032x}") for number in range(80)]
    answers = [said(architect, signed(nonce=nonce, cloid=cloid))[0] for nonce, cloid in enumerate(cloids)]
    assert len(of(PostAction, answers)) == 70 // 5
    refused = of(ActionAnswered, answers)
    assert {(one.answer, one.error.partition(":")[0]) for one in refused} == {(AnswerKind.REFUSED, "local")}
    assert of(PostAction, said(architect, signed(ActionKind.CANCEL)))


def test_an_answer_makes_room_for_the_next_order() -> None:
    """What is held for the proof of an order is free once it is answered: an answered order takes its weight alone."""
    architect = hat(weight_per_minute=100)
    for number in range(66):
        cloid = Cloid(f"0x{number:032x}")
        assert of(PostAction, said(architect, signed(nonce=number, cloid=cloid)))
        said(architect, answered(AnswerKind.RESTING, cloid))
    assert not of(PostAction, said(architect, signed(nonce=66)))
    assert not architect.state.budget.holds


@pytest.mark.parametrize("answer", list(AnswerKind))
def test_what_proves_nothing_goes_on_holding(answer: AnswerKind) -> None:
    """No answer and a used nonce leave the order in doubt; a fence that was refused does, too."""
    architect = hat()
    said(architect, signed())
    said(architect, answered(answer, of=ActionKind.FENCE))
    assert (CLOID in architect.state.budget.holds) is (answer is not AnswerKind.FENCED)
    said(architect, signed(nonce=8))
    said(architect, answered(answer))
    is_doubt = answer in (AnswerKind.NO_ANSWER, AnswerKind.NONCE_USED)
    assert (CLOID in architect.state.budget.holds) is is_doubt


def test_a_body_that_can_not_be_read_counts_as_entering() -> None:
    """The worst is assumed of it; it is posted as it is."""
    strange = SignedAction(ActionKind.ORDER, CLOID, 7, 0, b"not json", sign_ns=1)
    assert said(hat(), strange) == [PostAction(ActionKind.ORDER, CLOID, 7, b"not json", priority=Priority.ENTER)]


def test_the_address_budget_refuses_entries_first() -> None:
    """With few requests left only cancels go out."""
    architect = hat(address_requests=10, flatten_reserve=3)
    kinds = [type(said(architect, signed(nonce=nonce))[0]) for nonce in range(9)]
    assert kinds == [PostAction] * 7 + [ActionAnswered] * 2
    assert of(PostAction, said(architect, signed(ActionKind.CANCEL)))


def closing(cloid: Cloid) -> SignedAction:
    """A signed order that only reduces."""
    entry = {"a": 0, "b": False, "p": "1", "s": "1", "r": True, "t": {"limit": {"tif": "Ioc"}}, "c": cloid}
    body = msgspec.json.encode({"action": {"type": "order", "orders": [entry], "grouping": "na"}, "nonce": 9})
    return SignedAction(ActionKind.ORDER, cloid, 9, T0_MS + 2_000, body, sign_ns=1)


def test_the_desks_own_closing_order_finds_room_when_cancels_took_all_of_theirs() -> None:
    """Weight: a strategy's cancels stop at their share, and the rest is for the way to flat alone."""
    architect = hat(weight_per_minute=100)
    architect.state.budget.charge(95, T0)
    assert of(ActionAnswered, said(architect, signed(ActionKind.CANCEL)))
    assert of(ActionAnswered, said(architect, closing(cloid_for(1, 3, 1)))), "a strategy's own"
    (post,) = of(
        PostAction, said(architect, msgspec.structs.replace(closing(cloid_for(1, FLATTEN_NUMBER, 1)), nonce=10))
    )
    assert post.priority == Priority.KILL


def test_the_venue_judges_a_closing_order_when_cancels_took_all_requests() -> None:
    """Cancels pass and are counted, down to the reserve; beyond its limit the venue still takes one in ten seconds."""
    architect = hat(address_requests=10, flatten_reserve=3)
    for nonce in range(12):
        assert of(PostAction, said(architect, signed(ActionKind.CANCEL, nonce=nonce)))
    assert of(ActionAnswered, said(architect, closing(cloid_for(1, 3, 1)))), "a strategy's own"
    assert of(PostAction, said(architect, msgspec.structs.replace(closing(cloid_for(1, FLATTEN_NUMBER, 1)), nonce=20)))


def test_what_is_kept_for_want_of_one_budget_spends_none_of_the_other() -> None:
    """Without requests no weight is used up, and without weight no request."""
    architect = hat(weight_per_minute=100, address_requests=10, flatten_reserve=10)
    assert of(ActionAnswered, said(architect, signed()))
    assert (architect.state.budget.spent(T0), architect.state.address.used) == (0, 0)
    architect = hat(weight_per_minute=100, address_requests=10, flatten_reserve=3)
    said(architect, signed(expires_after_ms=T0_MS + 2_000))
    architect.state.budget.charge(90, T0)
    assert not said(architect, ResendOrder(CLOID))
    assert architect.state.address.used == 1


def test_the_venues_word_on_requests_is_asked_for_and_heeded() -> None:
    """At the start and by the timer it is read; what it says, in a reply or in a refusal, holds from then on."""
    architect = ExchangeArchitect(scene.settings())
    begun = list(architect.handle(Started(EA, 1, T0), T0))
    assert ReadAllowance() in begun
    again = said(architect, Started(EA, 1, Ns(T0)), T0 + SECOND)
    assert ReadAllowance() not in again, "it was read a second ago"
    assert WakeAt(Ns(T0 + 300 * SECOND), "allowance") in again
    assert ReadAllowance() in said(architect, Woke(EA, "allowance", Ns(T0 + 300 * SECOND)), T0 + 300 * SECOND)
    said(architect, AllowanceTold(9_799, 10_000, T0))
    assert [type(said(architect, signed(nonce=n))[0]) for n in (1, 2)] == [PostAction, ActionAnswered]
    said(architect, AllowanceTold(0, 10_000, T0))
    text = "Too many cumulative requests sent (97460 > 97456) for cumulative volume traded $87457.46. Place taker ..."
    said(architect, ActionAnswered(ActionKind.ORDER, CLOID, 3, AnswerKind.REFUSED, 0, Sz(0), text, Ns(T0)))
    assert (architect.state.address.used, architect.state.address.cap) == (97_460, 97_456)
    assert isinstance(said(architect, signed(nonce=4))[0], ActionAnswered)


def test_funding_time_is_told_every_minute_and_at_the_hour() -> None:
    """The next funding instant is the next whole hour, strictly ahead, with the latest rates."""
    architect = hat()
    started = said(architect, Started(EA, 1, T0))
    (wake,) = [one for one in of(WakeAt, started) if one.timer == "funding"]
    assert wake.ns == (T0 // MINUTE + 1) * MINUTE
    said(architect, AssetContext("BTC", 1, 1, 0, 125, T0))  # type: ignore[arg-type]
    hour = (T0 // HOUR + 1) * HOUR
    before = said(architect, Woke(EA, "funding", Ns(hour - MINUTE)), hour - MINUTE)
    at = said(architect, Woke(EA, "funding", Ns(hour)), hour)
    assert before[0] == FundingClock(Ns(hour), {"BTC": 125})
    assert at[0] == FundingClock(Ns(hour + HOUR), {"BTC": 125})
    assert at[1] == WakeAt(Ns(hour + MINUTE), "funding")


def status(state: FeedState, epoch: int = 1) -> FeedStatus:
    """The feed's word."""
    return FeedStatus(state, epoch, "", T0)


def test_availability_falls_when_the_feed_does() -> None:
    """Each look samples the feed; before the first UP there is grace, but not for ever."""
    architect = hat(start_grace_ms=10_000)

    def look(after_s: int) -> list[tuple[float, ...]]:
        messages = said(architect, Woke(EA, "measures", T0), T0 + after_s * SECOND)
        assert of(WakeAt, messages)
        return [one.samples for one in of(Measured, messages)]

    assert look(1) == []
    assert look(11) == [(0.0,)]
    said(architect, status(FeedState.UP))
    assert look(12) == [(1.0,)]
    said(architect, status(FeedState.STALE))
    assert look(13) == [(0.0,)]


def test_each_reading_of_the_feed_by_itself_is_charged() -> None:
    """The account, on a new connection or on an old one, and each universe; that the feed is up tells of no reading."""
    architect = hat()
    for message in (AccountReadBegun(Ns(5), T0), status(FeedState.UP), AccountReadBegun(Ns(5), T0)):
        said(architect, message)
    said(architect, UniverseUpdate((), 0, 0, T0))
    assert architect.state.budget.spent(T0) == 2 * 42 + 40


def test_a_question_right_after_a_reading_of_the_feed_waits() -> None:
    """They are as close as two questions: the pause between two readings of the account holds for both."""
    architect = hat(account_pause_ms=500)
    said(architect, AccountReadBegun(Ns(5), T0))
    (wake,) = said(architect, QueryAccount(Ns(50), "unknown order"), T0 + SECOND // 10)
    assert isinstance(wake, WakeAt)
    assert wake.ns == T0 + SECOND // 2


def test_a_snapshot_restores_it_exactly() -> None:
    """After restore it has the same state, says the same, and Started changes nothing that it knows."""
    architect = hat(weight_per_minute=100)
    heard: list[AnyMessage] = [QueryOrder(Cloid(f"0x{number:032x}")) for number in range(50)]
    context = AssetContext("BTC", 1, 1, 0, 125, T0)  # type: ignore[arg-type]
    for message in [*heard, QueryAccount(Ns(5), "x"), context, status(FeedState.UP), signed()]:
        said(architect, message)
    copy = ExchangeArchitect(scene.settings(weight_per_minute=100))
    restore(copy, snapshot(architect))
    assert copy.state == architect.state
    later = T0 + 2 * MINUTE
    again = Started(EA, 1, Ns(later))
    assert said(copy, again, later) == said(architect, again, later)
    assert copy.state.rates_e10 == {"BTC": 125}


def test_measures_are_named_once_and_can_come_out_bad() -> None:
    """Names are unique, and target and floor differ."""
    assert len({one.name for one in MEASURES}) == len(MEASURES)
    assert all(one.floor != one.target for one in MEASURES)


def test_a_batch_counts_by_its_entries_and_is_kept_as_a_whole() -> None:
    """Of the address's requests each entry takes one; without room for all of them none goes, and each is told so."""
    architect = hat(address_requests=5, flatten_reserve=0)
    mates = tuple(Cloid(f"0x4a75{number:028x}") for number in (2, 3))
    batch = msgspec.structs.replace(signed(expires_after_ms=T0_MS + 1_000), mates=mates)
    (post,) = said(architect, batch)
    assert isinstance(post, PostAction)
    assert post.cloids == (CLOID, *mates)
    assert architect.state.address.used == 3
    refused = said(architect, msgspec.structs.replace(batch, nonce=8))
    assert [answer.cloid for answer in of(ActionAnswered, refused)] == [CLOID, *mates]
    assert {answer.answer for answer in of(ActionAnswered, refused)} == {AnswerKind.REFUSED}
    architect = hat()
    said(architect, batch)
    (copy,) = said(architect, ResendOrder(mates[1]))
    assert copy == msgspec.structs.replace(post, is_resent=True)
