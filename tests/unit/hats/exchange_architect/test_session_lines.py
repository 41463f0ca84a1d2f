"""The feed over several sockets: which coins can be relied on, and what one socket's trouble means for the others."""

from __future__ import annotations

import json

from hats.exchange_architect.backoff import Quota
from hats.exchange_architect.channels import OF_USER
from hats.exchange_architect.line import Line
from hats.exchange_architect.session import Session
from hats.exchange_architect.subscriptions import plan
from hats.exchange_architect.tape import Tape
from hats.exchange_architect.universe import Universe
from shared.messages import Message
from shared.messages.control import Measured
from shared.messages.market import BadData, BadKind, FeedState, FeedStatus
from shared.messages.order import Fill
from shared.units import MINUTE, MS, SECOND, Ns
from shared.warehouse.capture.records import AnyRecord, ClockOffset, Gap, Reason
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import T0, T0_MS, USER

PRIVATE, FIRST, SECOND_SOCKET = 0, 1, 2
ACKS = {
    PRIVATE: [*(scene.ack(kind, user=USER) for kind in (*OF_USER, "userEvents")), scene.ack("allMids")],
    FIRST: [scene.ack(kind, coin="BTC") for kind in ("l2Book", "trades", "activeAssetCtx", "candle")],
    SECOND_SOCKET: [scene.ack(kind, coin="ETH") for kind in ("l2Book", "trades", "activeAssetCtx", "candle")],
}


class Desk:
    """A session of two coins on a socket each and a user's, with all that it recorded."""

    def __init__(self, **changes: object) -> None:
        ours = {"coins": ("BTC", "ETH"), "coins_per_socket": 1, "user_silence_ms": 600_000}
        settings = scene.settings(**(ours | changes))
        self.records: list[AnyRecord] = []
        quota = Quota(settings.frames_per_minute)
        lines = [
            Line(topics, settings, T0, Tape(number, "", self.records.append), quota)
            for number, topics in enumerate(plan(settings))
        ]
        self.session = Session(settings, scene.universe(), T0, lines, self.records.append)

    def connect(self, socket: int, now: Ns = T0) -> list[Message]:
        """A socket connected and confirmed, with a book of its coin."""
        said = self.session.connected(now, socket)[1]
        for frame in ACKS[socket]:
            said += self.session.received(frame, now, socket)
        if socket != PRIVATE:
            said += self.book(socket, now)
        return said

    def book(self, socket: int, now: Ns) -> list[Message]:
        """A sound book of the socket's coin."""
        coin = "BTC" if socket == FIRST else "ETH"
        levels = [[{"px": px, "sz": "1.5", "n": 1}] for px in ("4000.0", "4001.0")]
        sent = scene.frame("l2Book", {"coin": coin, "time": now // MS, "levels": levels})
        return self.session.received(sent, now, socket)

    def up(self) -> Session:
        """Everything connected, and the account read."""
        for socket in ACKS:
            self.connect(socket)
        self.session.due(T0)
        said = self.session.caught_up(self.session.epoch, T0)
        assert [one.state for one in said if isinstance(one, FeedStatus)] == [FeedState.UP]
        return self.session


def status(messages: list[Message]) -> tuple[FeedState, tuple[str, ...]]:
    """The last status said."""
    last = [one for one in messages if isinstance(one, FeedStatus)][-1]
    return last.state, last.stale_coins


def kinds(messages: list[Message]) -> list[BadKind]:
    """What was set aside."""
    return [one.kind for one in messages if isinstance(one, BadData)]


def test_coming_up_waits_for_every_coin_but_not_for_ever() -> None:
    """With one of two coins it is STALE; after the patience for confirmations it is UP without the other."""
    desk = Desk(ack_ms=2_000, book_silence_ms=60_000)
    for socket in (PRIVATE, FIRST):
        desk.connect(socket)
    desk.session.due(T0)
    assert desk.session.caught_up(1, T0) == []
    assert desk.session.state is FeedState.STALE
    assert status(desk.session.due(Ns(T0 + 2 * SECOND)).messages) == (FeedState.UP, ("ETH",))
    assert status(
        desk.connect(SECOND_SOCKET, Ns(T0 + 3 * SECOND)) + desk.session.due(Ns(T0 + 3 * SECOND)).messages
    ) == (
        FeedState.UP,
        (),
    )


def test_a_cut_costs_the_coins_of_its_socket_only() -> None:
    """UP without ETH, at once; the account is not read again, for nobody stopped telling of it."""
    desk = Desk()
    session = desk.up()
    now = Ns(T0 + SECOND)
    said = session.disconnected(now, "reset", SECOND_SOCKET)
    assert status(said) == (FeedState.UP, ("ETH",))
    assert session.reconnections == 0
    assert session.due(now).catch_up_ns is None
    assert status(session.disconnected(now, "reset", FIRST)) == (FeedState.STALE, ())


def test_without_the_users_socket_it_is_down() -> None:
    """Books alone tell nothing of our orders. Afterwards the account is read from before the last word on it."""
    desk = Desk()
    session = desk.up()
    assert status(session.disconnected(Ns(T0 + SECOND), "reset", PRIVATE)) == (FeedState.DOWN, ())
    assert status(desk.connect(PRIVATE, Ns(T0 + 2 * SECOND))) == (FeedState.STALE, ())
    assert session.reconnections == 1
    assert session.due(Ns(T0 + 2 * SECOND)).catch_up_ns == T0 - 60 * SECOND
    assert status(session.caught_up(2, Ns(T0 + 2 * SECOND))) == (FeedState.UP, ())


def test_a_stall_of_one_socket_is_a_gap_and_asks_whether_the_users_is_alive() -> None:
    """Its coin is named, its channel is asked for again, the gap lasts until its next frame; so are our fills."""
    desk = Desk(book_silence_ms=1_000)
    session = desk.up()
    now = Ns(T0 + 1_100 * MS)
    desk.book(FIRST, now)
    due = session.due(now)
    assert status(due.messages) == (FeedState.UP, ("ETH",))
    asked = [
        (socket, json.loads(frame)["method"], json.loads(frame)["subscription"]["type"]) for socket, frame in due.sends
    ]
    assert asked == [
        (PRIVATE, "unsubscribe", "userFills"),
        (PRIVATE, "subscribe", "userFills"),
        (SECOND_SOCKET, "unsubscribe", "l2Book"),
        (SECOND_SOCKET, "subscribe", "l2Book"),
    ]
    later = Ns(now + 50 * MS)
    desk.book(SECOND_SOCKET, later)
    (gap,) = [one for one in desk.records if isinstance(one, Gap)]
    assert (gap.socket, gap.reason, gap.start_ns, gap.end_ns) == (SECOND_SOCKET, Reason.STALLED, T0, later)
    assert gap.channels == ("l2Book:ETH",)


def test_the_users_socket_that_falls_silent_alone_is_given_up_within_five_seconds() -> None:
    """It answers pings, the market goes on, and nothing of the user ever comes: its canary is asked again, in vain."""
    desk = Desk(user_silence_ms=2_400)
    session = desk.up()
    alive = scene.frame("allMids", {"mids": {"BTC": "4000.5"}})
    asked: list[str] = []
    for tick in range(1, 200):
        now = Ns(T0 + tick * 50 * MS)
        session.received(scene.frame("pong", None), now, PRIVATE)
        if tick <= 40:  # two seconds of life
            session.received(alive, now, PRIVATE)
        for socket in (FIRST, SECOND_SOCKET):
            desk.book(socket, now)
        due = session.due(now)
        asked += [frame for socket, frame in due.sends if socket == PRIVATE and "allMids" in frame]
        if due.closes:
            break
    assert due.closes == {PRIVATE: "allMids silent for 4900 ms, asked again in vain"}
    assert len(asked) == 2  # once: unsubscribe and subscribe
    said = session.disconnected(now, due.closes[PRIVATE], PRIVATE)
    assert status(said)[0] is FeedState.DOWN
    assert now - (T0 + 40 * 50 * MS) <= 5 * SECOND


def test_a_venue_that_is_slow_with_its_mids_is_only_asked_more_often() -> None:
    """What it sends to whoever asks again keeps the socket, whatever its pace."""
    desk = Desk(user_silence_ms=2_400)
    session = desk.up()
    for tick in range(1, 600):
        now = Ns(T0 + tick * 50 * MS)
        for socket in (FIRST, SECOND_SOCKET):
            desk.book(socket, now)
        due = session.due(now)
        assert not due.closes
        if any("allMids" in frame for socket, frame in due.sends if socket == PRIVATE):
            session.received(scene.ack("allMids"), now, PRIVATE)
            session.received(scene.frame("allMids", {"mids": {}}), now, PRIVATE)
        session.received(scene.frame("pong", None), now, PRIVATE)
    assert session.state is FeedState.UP


def test_a_coin_that_is_delisted_is_not_relied_on() -> None:
    """Though its socket is sound and its last book fresh."""
    desk = Desk()
    session = desk.up()
    session._universe = Universe()
    assert "not listed" in session.due(T0).messages[0].reason  # type: ignore[attr-defined]
    assert session.state is FeedState.STALE


def test_frames_are_sent_within_the_venues_quota() -> None:
    """What may not leave now waits, and confirmations are due only once it left."""
    patient = dict.fromkeys(("link_silence_ms", "ping_ms", "book_silence_ms", "context_silence_ms"), 600_000)
    desk = Desk(frames_per_minute=7, ack_ms=1_000, **patient)
    frames, _ = desk.session.connected(T0, PRIVATE)
    assert len(frames) == len(OF_USER) + 1
    frames, _ = desk.session.connected(T0, FIRST)
    assert len(frames) == 2
    for frame in ACKS[PRIVATE]:
        desk.session.received(frame, T0, PRIVATE)
    due = desk.session.due(Ns(T0 + 5 * SECOND))
    assert (due.sends, due.closes) == ([], {})
    later = Ns(T0 + MINUTE + 2 * SECOND)
    assert [socket for socket, _ in desk.session.due(later).sends] == [FIRST, FIRST]
    assert FIRST not in desk.session.due(Ns(later + 1_000 * MS)).closes
    assert "not confirmed" in desk.session.due(Ns(later + 1_001 * MS)).closes[FIRST]


def test_a_missed_fill_shows_in_the_chain_and_is_looked_for() -> None:
    """The fill itself is said, the break is an alarm, and the account is read again."""
    session = Desk().up()
    now = Ns(T0 + 15 * SECOND)
    session.received(scene.fills(scene.fill(1, T0_MS, startPosition="0.0", sz="0.01")), now, PRIVATE)
    said = session.received(scene.fills(scene.fill(3, T0_MS + 5, startPosition="0.03")), now, PRIVATE)
    assert kinds(said) == [BadKind.FILL_CHAIN]
    assert [one.tid for one in said if isinstance(one, Fill)] == [3]
    assert session.due(now).catch_up_ns == now - 60 * SECOND


def test_what_was_done_to_the_account_unasked_is_looked_at() -> None:
    """A cancellation that we did not ask for makes it read the account; our own fills do not."""
    session = Desk(channels=("userEvents",)).up()
    now = Ns(T0 + 15 * SECOND)
    session.received(scene.frame("user", {"fills": [scene.fill(1)]}), now, PRIVATE)
    assert session.due(now).catch_up_ns is None
    session.received(scene.frame("user", {"nonUserCancel": [{"coin": "ETH", "oid": 1}]}), now, PRIVATE)
    assert session.due(now).catch_up_ns is not None


def test_channels_for_the_capture_log_are_no_bad_data() -> None:
    """They are known, and nothing follows from them; a channel that nobody knows is drift."""
    session = Desk().up()
    for channel in ("bbo", "webData3", "allMids", "notification", "activeAssetData"):
        assert session.received(scene.frame(channel, {"anything": 1}), T0, FIRST) == []
    assert kinds(session.received(scene.frame("l9Book", {}), T0, FIRST)) == [BadKind.DRIFT]


def test_a_minute_short_of_trades_is_an_alarm_unless_a_cut_explains_it() -> None:
    """The candle counts two trades of the minute, one was heard."""
    for is_cut in (False, True):
        desk = Desk(book_silence_ms=600_000, context_silence_ms=600_000, link_silence_ms=600_000)
        session = desk.up()
        minute = (T0_MS // 60_000 + 1) * 60_000
        now = Ns(minute * MS + SECOND)
        session.received(scene.frame("trades", [scene.trade(1, time_ms=minute + 5)]), now, FIRST)
        candle = {"t": minute, "T": minute + 59_999, "s": "BTC", "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1"}
        session.received(scene.frame("candle", candle | {"v": "0.02", "n": 2}), now, FIRST)
        if is_cut:
            session.disconnected(Ns(now + SECOND), "reset", FIRST)
        said = session.due(Ns(minute * MS + MINUTE + 6 * SECOND)).messages
        assert kinds(said) == ([] if is_cut else [BadKind.INCOMPLETE])
        assert [one.samples for one in said if isinstance(one, Measured) and one.measure == "trades_heard_share"] == [
            (0.5,)
        ]


def test_recovery_repeats_and_the_clock_are_measured() -> None:
    """From UP to UP again; a repeated print; the offset by book and ping, recorded too."""
    desk = Desk(measures_ms=1_000, ping_ms=500)
    session = desk.up()
    for _ in range(2):
        session.received(scene.frame("trades", [scene.trade(7)]), T0, FIRST)
        session.received(scene.frame("trades", [scene.trade(7)]), T0, FIRST)
    later = Ns(T0 + 600 * MS)
    assert {socket for socket, frame in session.due(later).sends if "ping" in frame} == set(ACKS)
    session.received(b'{"channel":"pong"}', Ns(later + 30 * MS), FIRST)
    session.disconnected(later, "reset", PRIVATE)
    desk.connect(PRIVATE, Ns(T0 + 800 * MS))
    session.due(Ns(T0 + 800 * MS))
    session.caught_up(2, Ns(T0 + 850 * MS))
    said = session.due(Ns(T0 + 1_000 * MS)).messages
    samples = {one.measure: one.samples for one in said if isinstance(one, Measured)}
    assert samples["recovery_ms"] == (250.0,)
    assert samples["duplicate_share"][-3:] == (1.0, 1.0, 1.0)
    assert samples["clock_offset_ms"] == (15.0,)
    assert [one.offset_ns for one in desk.records if isinstance(one, ClockOffset)] == [15 * MS]
