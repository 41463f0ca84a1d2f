"""Proof instead of hope: what an unknown order needs to end, how fills bind, and what is said of late news."""

from __future__ import annotations

import pytest

from hats.execution_manager.measures import DUPLICATES
from shared.ids import FOREIGN, Role
from shared.messages.control import WakeAt, Woke
from shared.messages.order import (
    ActionKind,
    AnswerKind,
    FillBooked,
    QueryAccount,
    QueryOrder,
    SignatureRefused,
    SubmitOrder,
    VenueOrderStatus,
)
from shared.messages.signal import CancelIntent
from shared.order import OrderState, Tif
from shared.units import SECOND
from tests.unit.hats.execution_manager.scene import (
    NOW,
    STRATEGY,
    answer,
    approval,
    cancels,
    changes,
    features,
    fill,
    intent,
    manager,
    ms,
    next_wake,
    oid_of,
    record,
    resting,
    say,
    sent,
    snapshot_of,
    told,
    wake,
)


def test_silence_is_unknown_and_is_asked_about() -> None:
    """Without any answer the order becomes unknown at the timeout; nothing is sent again."""
    hat = manager(answer_timeout_ms=1_000)
    wish = sent(hat, intent(1))
    assert not changes(wake(hat, NOW + ms(1_000) - 1))
    said = wake(hat, NOW + ms(1_000))
    assert changes(said) == [("unknown", 0)]
    assert QueryOrder(wish.cloid) in said
    assert not [m for m in said if isinstance(m, SubmitOrder)]


@pytest.mark.parametrize("kind", [AnswerKind.NO_ANSWER, AnswerKind.NONCE_USED])
def test_what_proves_nothing_is_unknown(kind: AnswerKind) -> None:
    """No answer, and a nonce that was used before, say nothing about what became of the order."""
    hat = manager()
    wish = sent(hat, intent(1))
    said = say(hat, answer(wish, kind))
    assert changes(said) == [("unknown", 0)]
    assert QueryOrder(wish.cloid) in said


def test_who_doubts_already_asks_no_more_for_a_late_word() -> None:
    """The answer's time ran out and it was asked about; that none came in the end is no reason to ask at once again."""
    hat = manager(answer_timeout_ms=1_000)
    wish = sent(hat, intent(1))
    assert QueryOrder(wish.cloid) in wake(hat, NOW + ms(1_000))
    assert not [m for m in say(hat, answer(wish, AnswerKind.NO_ANSWER), NOW + ms(1_010)) if isinstance(m, QueryOrder)]


def test_absence_proves_nothing_before_expiry_and_margin() -> None:
    """An order may still arrive until its expiry, and show up a margin later: only absences after that end it."""
    hat = manager(order_ttl_ms=1_000, expiry_margin_ms=2_000, absences_needed=2, query_backoff_max_ms=200)
    wish = sent(hat, intent(1))
    say(hat, answer(wish, AnswerKind.NO_ANSWER))
    safe = NOW + ms(3_000)
    for at in range(NOW, safe, ms(500)):
        assert QueryOrder(wish.cloid, decides=True) not in wake(hat, at)
        assert not changes(say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=at), at))
    # asked before it was safe: the answers come after that, and even after a newer question
    assert not changes(say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=safe - 1), safe + 1))
    assert QueryOrder(wish.cloid, decides=True) in wake(hat, safe + ms(500))
    for _ in range(3):
        assert not changes(say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=safe - 1), safe + ms(505)))
    assert not changes(say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=safe + ms(510)), safe + ms(510)))
    wake(hat, safe + ms(1_000))
    said = say(hat, told(wish, VenueOrderStatus.UNKNOWN_OID, at=safe + ms(1_010)), safe + ms(1_010))
    assert changes(said) == [("expired", 0)]


def test_an_unknown_order_that_is_found_goes_on() -> None:
    """Found open it rests, found filled it waits for its fills."""
    hat = manager()
    first, second = sent(hat, intent(1)), sent(hat, intent(2))
    for wish in (first, second):
        say(hat, answer(wish, AnswerKind.NO_ANSWER))
    assert changes(say(hat, told(first, VenueOrderStatus.OPEN, 20))) == [("resting", 0)]
    assert not changes(say(hat, told(second, VenueOrderStatus.FILLED)))
    assert changes(say(hat, fill(second, 20, 1))) == [("filled", 20)]


def test_questions_are_asked_less_and_less_often() -> None:
    """The pause between two questions doubles up to its limit."""
    hat = manager(query_backoff_ms=100, query_backoff_max_ms=400)
    at = next_wake(say(hat, answer(sent(hat, intent(1)), AnswerKind.NO_ANSWER)))
    assert at == NOW + ms(100)
    pauses = []
    for _ in range(4):
        following = next_wake(wake(hat, at))
        assert following is not None
        pauses.append(following - at)
        at = following
    assert pauses == [ms(200), ms(400), ms(400), ms(400)]


def test_a_pause_ends_when_an_answer_is_proof() -> None:
    """Questions may wait for weight; the one whose answer decides, and may use other weight, is not late for that."""
    hat = manager(order_ttl_ms=1_000, expiry_margin_ms=3_000)
    wish = sent(hat, intent(1))
    at = next_wake(say(hat, answer(wish, AnswerKind.NO_ANSWER)))
    asked: list[tuple[int, QueryOrder]] = []
    while at is not None and at < NOW + ms(5_000):
        said = wake(hat, at)
        asked += [(at - NOW, one) for one in said if isinstance(one, QueryOrder)]
        at = next_wake(said)
    assert [at for at, _ in asked] == [ms(each) for each in (200, 600, 1_400, 3_000, 4_000)]
    assert [query.decides for _, query in asked] == [False, False, False, False, True]


def test_not_signed_never_left_the_house() -> None:
    """A refused signature rejects the order at once."""
    hat = manager()
    wish = intent(1)
    say(hat, approval(wish, 1, NOW))
    assert changes(say(hat, SignatureRefused(ActionKind.ORDER, wish.cloid, "policy"))) == [("rejected", 0)]


def test_what_is_on_the_wire_was_signed_whoever_refuses_it_now() -> None:
    """A successor of who had it signed refuses it, for the kill came between: the venue is asked."""
    hat = manager()
    wish = sent(hat, intent(1))
    said = say(hat, SignatureRefused(ActionKind.ORDER, wish.cloid, "the kill switch is pulled"))
    assert changes(said) == [("unknown", 0)]
    assert QueryOrder(wish.cloid) in said


def test_a_refusal_of_one_copy_is_no_end_of_the_other() -> None:
    """The first waited for a connection until it was too late for it, when the second was on its way."""
    hat = manager()
    wish = sent(hat, intent(1))
    say(hat, answer(wish, AnswerKind.NO_ANSWER))
    hat.state.orders[wish.cloid].resends = 1
    said = say(hat, answer(wish, AnswerKind.REFUSED, error="local: never sent: waited 617 ms for a connection"))
    assert changes(said) == []
    assert hat.state.orders[wish.cloid].state is OrderState.UNKNOWN


def test_a_doubtful_refusal_of_a_signature_is_no_end() -> None:
    """It may have been signed before a restart: the venue is asked, and has it."""
    hat = manager()
    wish = sent(hat, intent(1))
    said = say(hat, SignatureRefused(ActionKind.ORDER, wish.cloid, "spent", is_doubtful=True))
    assert changes(said) == [("unknown", 0)]
    assert QueryOrder(wish.cloid) in said
    assert changes(say(hat, told(wish, VenueOrderStatus.OPEN, 20))) == [("resting", 0)]


def test_missing_fills_are_read() -> None:
    """An order that is over at the venue stays open here until its fills are booked; missing ones are read."""
    hat = manager(settle_ms=100, account_lag_ms=1_000)
    wish = resting(hat, intent(1))
    say(hat, told(wish, VenueOrderStatus.CANCELLED, 12))
    said = wake(hat, NOW + ms(100))
    assert [m.decides for m in said if isinstance(m, QueryAccount)] == [False], "nothing is in doubt"
    missing = fill(wish, 8, 1)
    said = say(hat, snapshot_of({"AAA": 8}, fills=(missing,), at=NOW + ms(200)), NOW + ms(200))
    assert changes(said) == [("cancelled", 8)]
    assert [m.fill for m in said if isinstance(m, FillBooked)] == [missing]


@pytest.mark.parametrize("status", [VenueOrderStatus.FILLED, VenueOrderStatus.UNKNOWN_OID])
def test_the_account_that_ends_a_doubt_is_read_before_others(status: VenueOrderStatus) -> None:
    """An order in doubt lacks only its fills, or its place in the list: it waits behind no entries."""
    hat = manager(settle_ms=100, account_lag_ms=1_000)
    wish = resting(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "test"))
    assert changes(say(hat, answer(wish, AnswerKind.NO_ANSWER, of=ActionKind.CANCEL))) == [("unknown", 0)]
    at = NOW + ms(2_000)
    said = [*say(hat, told(wish, status, at=at), at), *wake(hat, at + ms(100))]
    assert [m.decides for m in said if isinstance(m, QueryAccount)] == [True]


def test_a_clipped_order_ends_with_what_it_traded() -> None:
    """The venue keeps the original size of an order that it clipped; the account, read later, shows what traded."""
    hat = manager(account_lag_ms=1_000)
    wish = resting(hat, intent(1, reduce_only=True))
    say(hat, fill(wish, 5, 1))
    say(hat, told(wish, VenueOrderStatus.FILLED))
    say(hat, snapshot_of({"AAA": 5}, at=NOW + ms(900)), NOW + ms(900))
    assert record(hat, wish).state is OrderState.PARTIALLY_FILLED, "the list may lag behind"
    say(hat, snapshot_of({"AAA": 5}, at=NOW + ms(1_100)), NOW + ms(1_100))
    assert (record(hat, wish).state, record(hat, wish).filled_sz) == (OrderState.CANCELLED, 5)


def test_an_ioc_ends_with_its_answer() -> None:
    """What an IOC traded is in its answer; the rest is gone."""
    hat = manager()
    wish = sent(hat, intent(1, tif=Tif.IOC))
    say(hat, answer(wish, AnswerKind.FILLED, oid=oid_of(wish), filled_sz=7))
    assert changes(say(hat, fill(wish, 7, 1))) == [("cancelled", 7)]


def test_a_fill_without_cloid_waits_for_its_oid() -> None:
    """A fill that overtakes the answer is booked once it is known whose it is; anybody else's is foreign at once."""
    hat = manager()
    wish = sent(hat, intent(1))
    assert not [m for m in say(hat, fill(wish, 5, 1, cloid=False)) if isinstance(m, FillBooked)]
    said = say(hat, answer(wish, AnswerKind.RESTING, oid=oid_of(wish)))
    assert [(m.strategy, m.fill.cloid) for m in said if isinstance(m, FillBooked)] == [(STRATEGY, wish.cloid)]
    said = say(hat, fill(intent(77), 5, 2, start=5, cloid=False))
    assert [m.strategy for m in said if isinstance(m, FillBooked)] == [FOREIGN]
    assert hat.state.positions == {"AAA": 10}


def test_fills_up_to_the_opening_are_in_its_positions() -> None:
    """What the venue repeats from before the opening is not booked; what came during it is."""
    hat = manager(is_open=False)
    assert not [m for n in (NOW - 1, NOW, NOW + 1) for m in say(hat, fill(intent(9), 5, n, at=n))
                if isinstance(m, FillBooked)]  # fmt: skip
    said = say(hat, snapshot_of({"AAA": 30}))
    assert [m.fill.tid for m in said if isinstance(m, FillBooked)] == [NOW + 1]
    assert hat.state.positions == {"AAA": 35}


def test_a_forgotten_orders_fill_finds_its_strategy() -> None:
    """After an order is pruned its late fill still belongs to its strategy, and a tid stays booked once."""
    hat = manager(ended_orders_kept=1)
    for number in (1, 2):
        wish = resting(hat, intent(number))
        say(hat, told(wish, VenueOrderStatus.CANCELLED, 20))
    assert len(hat.state.ended) == 1
    late = fill(intent(1), 5, 1)
    said = say(hat, late)
    assert [m.strategy for m in said if isinstance(m, FillBooked)] == [STRATEGY]
    assert not [m for m in say(hat, late) if isinstance(m, FillBooked)]


def test_fills_are_remembered_in_bounded_memory() -> None:
    """The newest are kept, the oldest go."""
    fills = manager().state.fills
    assert all(fills.take(fill(intent(1), 1, tid), 10) for tid in range(100))
    assert 10 <= len(fills.taken) <= 20
    assert not fills.take(fill(intent(1), 1, 90), 10)


def test_fills_that_share_a_trade_id_are_each_booked() -> None:
    """A trade id is a hash, the same for whatever the same two order ids traded; coin and time tell fills apart."""
    hat = manager()
    one, other = resting(hat, intent(1)), resting(hat, intent(2, coin="BBB"))
    for each in (fill(one, 5, 7), fill(other, 5, 7), fill(one, 5, 7, start=5, at=NOW + 2)):
        assert [m.fill for m in say(hat, each) if isinstance(m, FillBooked)] == [each]
        assert not say(hat, each)
    assert hat.state.positions == {"AAA": 10, "BBB": 5}


def test_an_order_that_was_never_to_exist_is_cancelled() -> None:
    """A rejected order that is open at the venue is cancelled at once, the account is read, and it is counted."""
    hat = manager()
    wish = sent(hat, intent(1))
    say(hat, answer(wish, AnswerKind.REFUSED, error="Insufficient margin"))
    said = say(hat, told(wish, VenueOrderStatus.OPEN, 20))
    assert cancels(said) == [wish.cloid]
    assert [m for m in said if isinstance(m, QueryAccount)]
    assert max(hat.state.samples.values[DUPLICATES.name]) == 1.0


def test_more_than_its_size_is_booked_and_counted() -> None:
    """An overfill is money all the same: the position takes it, and the measure shows the fault."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, fill(wish, 15, 1))
    assert changes(say(hat, fill(wish, 15, 2, start=15))) == [("filled", 20)]
    assert hat.state.positions == {"AAA": 30}
    assert hat.state.samples.values[DUPLICATES.name] == [1.0]


def test_a_word_that_we_do_not_know_changes_nothing() -> None:
    """An undocumented status leaves the order counted in full and is asked about."""
    hat = manager()
    wish = resting(hat, intent(1))
    said = say(hat, told(wish, VenueOrderStatus.OTHER, 20, said="newWord"))
    assert not changes(said)
    at = next_wake(said)
    assert at is not None
    assert QueryOrder(wish.cloid) in wake(hat, at)


@pytest.mark.parametrize("is_shown", [True, False])
def test_an_order_with_an_unknown_word_ends_once_it_is_not_listed(is_shown: bool) -> None:
    """The venue may invent a word for an end any day: its list of open orders decides, or the order would live on."""
    hat = manager()
    wish = resting(hat, intent(1)) if is_shown else sent(hat, intent(1))
    if not is_shown:
        say(hat, answer(wish, AnswerKind.NO_ANSWER))
    word = told(wish, VenueOrderStatus.OTHER, 20, said="newlyInventedCanceled")
    say(hat, word, NOW + ms(10))
    assert not changes(say(hat, snapshot_of(at=NOW + ms(20)), NOW + ms(20)))  # too soon: lists lag
    assert changes(say(hat, snapshot_of(at=NOW + 3 * SECOND), NOW + 3 * SECOND)) == [("cancelled", 0)]


def test_an_order_with_an_unknown_word_lives_while_it_is_listed() -> None:
    """The word may as well mean something else than an end."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, told(wish, VenueOrderStatus.OTHER, 20, said="newWord"), NOW + ms(10))
    listed = (told(wish, VenueOrderStatus.OPEN, 20),)
    for number in range(3, 9):
        say(hat, snapshot_of(orders=listed, at=NOW + number * SECOND), NOW + number * SECOND)
    assert record(hat, wish).state is OrderState.RESTING


def test_a_refused_cancel_is_tried_again() -> None:
    """Refused for another reason than being gone, the cancel leaves the order standing and is sent again later."""
    hat = manager()
    wish = resting(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "test"))
    said = say(hat, answer(wish, AnswerKind.REFUSED, of=ActionKind.CANCEL, error="L1 is congested."))
    assert changes(said) == [("resting", 0)]
    at = next_wake(said)
    assert at is not None
    assert cancels(wake(hat, at)) == [wish.cloid]


def test_a_cancel_without_an_answer_is_unknown_until_the_order_is_seen() -> None:
    """The order is asked about, and cancelled again if it is still there."""
    hat = manager(answer_timeout_ms=1_000)
    wish = resting(hat, intent(1))
    say(hat, CancelIntent(wish.cloid, STRATEGY, "test"))
    said = wake(hat, NOW + ms(1_000))
    assert changes(said) == [("unknown", 0)]
    said = say(hat, told(wish, VenueOrderStatus.OPEN, 20), NOW + ms(1_100))
    assert changes(said) == [("resting", 0), ("pending_cancel", 0)]
    assert cancels(said) == [wish.cloid]


def test_books_do_not_wake_it() -> None:
    """A feature update says nothing and asks for nothing."""
    assert not say(manager(), features())


def test_measures_are_reported_on_time() -> None:
    """Samples are said on the timer, which is set again."""
    hat = manager(measures_every_ms=1_000)
    resting(hat, intent(1))
    said = say(hat, Woke(Role.EXECUTION_MANAGER, "measures", NOW), NOW + SECOND)
    assert said[-1] == WakeAt(NOW + 2 * SECOND, "measures")  # type: ignore[arg-type]
