"""The feed without sockets: when it may be trusted, what it asks for, and what it never says twice."""

from __future__ import annotations

import json
from typing import Any

from hats.exchange_architect.channels import OF_USER
from hats.exchange_architect.session import Session
from shared.messages import Message
from shared.messages.account import AccountReadBegun
from shared.messages.control import Measured
from shared.messages.market import BadData, BadKind, BookUpdate, FeedState, FeedStatus, Trade
from shared.messages.order import Fill
from shared.units import MS, SECOND, Ns
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import T0, T0_MS, USER


def made(**changes: Any) -> Session:
    """A session of the scene that began at T0."""
    return Session(scene.settings(**changes), scene.universe(), T0)


def statuses(messages: list[Message]) -> list[FeedState]:
    """The feed states that were said."""
    return [message.state for message in messages if isinstance(message, FeedStatus)]


def up(session: Session, now: Ns = T0) -> list[Message]:
    """Bring it up: connected, confirmed, a book, the account read."""
    said = session.connected(now)[1]
    for frame in [*scene.acks(), scene.book(time_ms=now // MS)]:
        said += session.received(frame, now)
    assert session.due(now).catch_up_ns is not None
    return said + session.caught_up(session.epoch, now)


def test_it_asks_for_everything_at_once() -> None:
    """Orders, fills and funding of the master address; book, trades, context and candle of the coin."""
    frames, _ = made(fast_books=True).connected(T0)
    asked = [json.loads(frame)["subscription"] for frame in frames]
    assert asked == [
        *({"type": kind, "user": USER} for kind in OF_USER),
        {"type": "l2Book", "coin": "BTC", "fast": True},
        {"type": "trades", "coin": "BTC"},
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "candle", "coin": "BTC", "interval": "1m"},
    ]
    public, _ = made(user_address=None).connected(T0)
    assert len(public) == 4


def test_up_needs_confirmations_books_and_the_account() -> None:
    """It is STALE on connecting and UP only when the last of the three is there."""
    session = made()
    assert statuses(session.connected(T0)[1]) == [FeedState.STALE]
    for frame in scene.acks():
        assert not statuses(session.received(frame, T0))
    assert not statuses(session.received(scene.book(), T0))
    assert session.due(T0).catch_up_ns == T0 - 60 * SECOND
    assert statuses(session.caught_up(1, T0)) == [FeedState.UP]


def test_a_crossed_book_does_not_count() -> None:
    """An unsound book does not bring the feed up."""
    session = made(user_address=None)
    session.connected(T0)
    for frame in scene.acks()[:4]:
        session.received(frame, T0)
    said = session.received(scene.book(bid="113400.0"), T0)
    assert [type(message) for message in said] == [BadData]
    assert session.state is FeedState.STALE
    assert statuses(session.received(scene.book(), T0)) == [FeedState.UP]


def test_without_a_user_there_is_no_account_to_read() -> None:
    """A data-only feed never wishes for the account."""
    session = made(user_address=None)
    session.connected(T0)
    for frame in scene.acks():
        session.received(frame, T0)
    assert session.due(T0).catch_up_ns is None


def test_frozen_data_is_stale_although_pongs_arrive() -> None:
    """Silence of a channel is measured by its own frames: stale at the deadline, asked again, then given up."""
    session = made(book_silence_ms=1_000)
    up(session)
    now = T0
    seen: list[tuple[int, str]] = []
    frames: list[str] = []
    while now < T0 + 3 * SECOND:
        now = Ns(now + 50 * MS)
        session.received(b'{"channel":"pong"}', now)
        due = session.due(now)
        frames += [frame for _, frame in due.sends if "ping" not in frame]
        seen += [((now - T0) // MS, state) for state in statuses(due.messages)]
        if due.closes:
            break
    assert seen == [(1_050, FeedState.STALE)]
    assert [json.loads(frame)["method"] for frame in frames] == ["unsubscribe", "subscribe"]
    assert (now - T0) // MS == 2_100
    assert "l2Book:BTC silent" in due.closes[0]


def test_an_answer_to_asking_again_brings_it_back() -> None:
    """A resubscription that is confirmed and followed by a book makes the feed UP on the same connection."""
    session = made(book_silence_ms=1_000)
    up(session)
    session.due(Ns(T0 + 1_100 * MS))
    later = Ns(T0 + 1_200 * MS)
    said = session.received(scene.acks()[0], later) + session.received(scene.book(time_ms=later // MS), later)
    assert statuses(said) == [FeedState.UP]
    assert session.epoch == 1


def test_unsound_books_make_it_stale_but_do_not_cut() -> None:
    """A stream of crossed books is not silence: the data is distrusted, the connection kept."""
    session = made(book_silence_ms=1_000)
    up(session)
    states: list[FeedState] = []
    for step in range(1, 40):
        now = Ns(T0 + step * 100 * MS)
        session.received(scene.book(time_ms=now // MS, bid="113400.0"), now)
        due = session.due(now)
        states += statuses(due.messages)
        assert not due.closes
    assert states == [FeedState.STALE]


def test_unconfirmed_subscriptions_are_not_waited_for_forever() -> None:
    """After the deadline the connection is given up, with the names."""
    session = made(ack_ms=1_000)
    session.connected(T0)
    for frame in scene.acks()[1:]:
        session.received(frame, T0)
    assert session.due(Ns(T0 + 1_000 * MS)).closes == {}
    assert "l2Book:BTC" in session.due(Ns(T0 + 1_001 * MS)).closes[0]


def test_a_silent_connection_is_pinged_and_given_up() -> None:
    """Pings go out on time; without a single frame back the connection is dropped."""
    session = made(ping_ms=1_000, link_silence_ms=2_500, ack_ms=60_000)
    session.connected(T0)
    sent = [session.due(Ns(T0 + step * 500 * MS)) for step in range(1, 6)]
    assert [len(due.sends) for due in sent] == [0, 1, 0, 1, 0]
    assert all(due.closes == {} for due in sent)
    assert "nothing received" in session.due(Ns(T0 + 2_600 * MS)).closes[0]


def test_a_cut_is_down_and_the_next_connection_reads_what_was_missed() -> None:
    """DOWN says why; the account is read from before the last frame, before the feed is UP again."""
    session = made(catch_up_overlap_ms=1_000)
    up(session)
    last = Ns(T0 + 30 * SECOND)
    session.received(scene.book(time_ms=last // MS), last)
    (down,) = session.disconnected(Ns(T0 + 40 * SECOND), "connection reset")
    assert isinstance(down, FeedStatus)
    assert (down.state, down.epoch, down.reason) == (FeedState.DOWN, 1, "connection reset")
    back = Ns(T0 + 50 * SECOND)
    session.connected(back)
    for frame in scene.acks():
        session.received(frame, back)
    assert session.due(back).catch_up_ns == last - SECOND
    session.received(scene.book(time_ms=back // MS), back)
    assert session.state is FeedState.STALE
    assert statuses(session.caught_up(1, back)) == []
    assert statuses(session.caught_up(2, back)) == [FeedState.UP]


def test_a_failed_account_read_is_wished_again_in_time() -> None:
    """The wish comes back every retry interval until it is fulfilled."""
    session = made(catch_up_retry_ms=1_000)
    session.connected(T0)
    for frame in scene.acks():
        session.received(frame, T0)
    wishes = [session.due(Ns(T0 + step * 250 * MS)).catch_up_ns is not None for step in range(9)]
    assert [step for step, wished in enumerate(wishes) if wished] == [0, 4, 8]


def test_history_is_not_news() -> None:
    """The first trades batch and the first fills snapshot are history; only what is of our time is said."""
    session = made()
    session.connected(T0)
    old, new = T0_MS - 1, T0_MS
    said = session.received(scene.frame("trades", [scene.trade(2, time_ms=new), scene.trade(1, time_ms=old)]), T0)
    assert [message.tid for message in said if isinstance(message, Trade)] == [2]
    said = session.received(scene.fills(scene.fill(12, new), scene.fill(11, old), snapshot=True), T0)
    assert [message.tid for message in said if isinstance(message, Fill)] == [12]


def test_later_snapshots_fill_holes_only() -> None:
    """After a reconnect the snapshot brings what was missed, oldest first, and nothing twice."""
    session = made()
    up(session)
    session.received(scene.fills(scene.fill(1, T0_MS), snapshot=True), T0)
    session.received(scene.fills(scene.fill(2, T0_MS + 1)), T0)
    session.disconnected(T0, "cut")
    session.connected(T0)
    entries = [scene.fill(tid, T0_MS + tid - 1) for tid in (4, 3, 2, 1)]
    said = session.received(scene.fills(*entries, snapshot=True), T0)
    assert [message.tid for message in said if isinstance(message, Fill)] == [3, 4]
    assert session.counts.repeats == 2


def test_books_never_go_back_in_time() -> None:
    """An older book is set aside; one of the same millisecond is news."""
    session = made()
    up(session)
    (old,) = session.received(scene.book(time_ms=T0_MS - 1), T0)
    assert isinstance(old, BadData)
    assert old.kind is BadKind.REVERSED
    assert isinstance(session.received(scene.book(time_ms=T0_MS), T0)[0], BookUpdate)


def test_an_unreadable_private_record_makes_it_read_the_account() -> None:
    """A fill or order that can't be read may matter: the feed stays up and wishes for the account."""
    session = made()
    up(session)
    later = Ns(T0 + 16 * SECOND)
    session.received(scene.book(time_ms=later // MS), later)
    session.received(scene.fills(scene.fill(1, px="broken")), later)
    assert session.due(later).catch_up_ns == later - 60 * SECOND
    assert session.state is FeedState.UP
    session.caught_up(1, later)
    assert session.due(Ns(later + 16 * SECOND)).catch_up_ns is not None, "read in the instant of the doubt: once more"
    session.caught_up(1, Ns(later + 16 * SECOND))
    assert session.due(Ns(later + 32 * SECOND)).catch_up_ns is None


def test_every_reading_of_the_account_is_announced_and_doubts_do_not_hurry_it() -> None:
    """Whoever keeps the budget hears of each; words that can't be read, one each second, cost a reading in 15 s."""
    session, told, wished = made(book_silence_ms=600_000), [], []
    up(session)
    for step in range(1, 61):
        now = Ns(T0 + step * SECOND)
        session.received(b'{"channel":"pong"}', now)
        session.received(scene.fills(scene.fill(step, px="broken")), now)
        due = session.due(now)
        told += [one for one in due.messages if isinstance(one, AccountReadBegun)]
        if due.catch_up_ns is not None:
            wished.append((due.catch_up_ns, step))
            session.caught_up(session.epoch, now)
    assert [step for _, step in wished] == [15, 30, 45, 60]
    assert [(one.fills_since_ns, (one.ns - T0) // SECOND) for one in told] == wished


def test_the_venues_complaints_are_shown() -> None:
    """An error frame is BadData with its words, except that an unsubscription was unnecessary."""
    session = made()
    session.connected(T0)
    (said,) = session.received(scene.frame("error", "Cannot track more than 15 total users."), T0)
    assert isinstance(said, BadData)
    assert said.reason == "Cannot track more than 15 total users."
    assert session.received(scene.frame("error", 'Already unsubscribed: {"type":"trades"}'), T0) == []


def test_samples_tell_the_age_of_books_and_gaps() -> None:
    """Every report has each coin's book age and the gaps since the last, connected or not."""
    session = made(measures_ms=1_000)
    up(session)
    session.measured("decode_us", 17.0)
    session.disconnected(Ns(T0 + 10 * MS), "cut")
    said = session.due(Ns(T0 + 1_000 * MS)).messages
    samples = {message.measure: message.samples for message in said if isinstance(message, Measured)}
    assert samples["book_age_ms"] == (1_000.0,)
    assert samples["gaps"] == (1.0,)
    assert samples["decode_us"] == (17.0,)
    assert set(samples["bad_data_share"]) == {0.0}


def test_connection_failures_say_their_reason_once() -> None:
    """While it can't connect, the reason is said when it changes, not at every attempt."""
    session = made()
    assert statuses(session.due(T0).messages) == [FeedState.DOWN]
    assert statuses(session.disconnected(T0, "refused")) == [FeedState.DOWN]
    assert session.disconnected(T0, "refused") == []
    assert session.due(T0).messages == []
