"""The feed without its sockets: frames in, messages out; what to send, when to give up, and whether to be trusted."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.measures import BAD_DATA, BOOK_AGE, FEED_DELAY, GAPS
from hats.exchange_architect.memory import Seen
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.subscriptions import PING, Subscriptions, topics
from hats.exchange_architect.tape import Tape
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import (
    BOOK,
    CONTEXT,
    ERROR,
    FILLS,
    FUNDINGS,
    ORDERS,
    TRADES,
    Decoder,
    Heard,
    bad_data,
    key_of,
)
from shared.ids import Role
from shared.messages import Message
from shared.messages.account import FundingPayment
from shared.messages.market import BadData, BookUpdate, FeedState, FeedStatus, Trade
from shared.messages.order import Fill
from shared.scorecard import Samples
from shared.units import MS, Ns

_PRIVATE: Final = frozenset({ORDERS, FILLS, FUNDINGS, "?"})
"""Channels that tell of us; "?" is a frame of which not even the channel could be read."""


class Due(NamedTuple):
    """What must happen now. `close`: drop the connection, for this reason. `catch_up_ns`: read the account with fills
    since then and say `caught_up`."""

    frames: list[str]
    messages: list[Message]
    close: str | None
    catch_up_ns: Ns | None


class Counts(msgspec.Struct):
    """What was set aside since the start, for people."""

    frames: int = 0
    bad: int = 0
    repeats: int = 0
    old_books: int = 0
    silences: int = 0
    cuts: int = 0


class Session:
    """One feed over any number of connections; `epoch` counts them.

    UP means: every subscription confirmed, a sound and fresh book of every coin, and (with a user) the account read
    since the connection was made. STALE: connected, but one of these is missing. DOWN: not connected.
    The venue numbers nothing and replays nothing, so what was missed is read over REST after each connection.
    """

    def __init__(self, settings: Settings, universe: Universe, since_ns: Ns, tape: Tape | None = None) -> None:
        self.tape = Tape() if tape is None else tape
        self.counts = Counts()
        self.epoch = 0
        self.state = FeedState.DOWN
        self._settings = settings
        self._decoder = Decoder(universe)
        self._subscriptions = Subscriptions(topics(settings))
        self._since_ns = since_ns
        self._is_open = False
        self._said: tuple[FeedState, int] | None = None
        self._said_reason = ""
        self._link_ns = since_ns
        self._pinged_ns = since_ns
        self._missed_since_ns = since_ns
        self._is_caught_up = False
        self._doubted_ns: Ns | None = None
        self._wished_ns: Ns | None = None
        self._book_recv_ns: dict[str, Ns] = {}
        self._book_exch_ns: dict[str, Ns] = {}
        self._fresh_coins: set[str] = set()
        self._quiet: dict[str, str] = {}
        self._primed: set[str] = set()
        self._seen = {TRADES: Seen(), FILLS: Seen(), FUNDINGS: Seen()}
        self._samples = Samples()
        self._gaps = 0
        self._reported_ns = since_ns

    # ------------------------------------------------------------------------------------------ the connection

    def connected(self, now: Ns) -> tuple[list[str], list[Message]]:
        """A connection was opened: the frames to send, and the status."""
        assert not self._is_open, "connected twice"
        self.epoch += 1
        self.tape.opened(now)
        self._is_open = True
        self._link_ns = self._pinged_ns = now
        self._is_caught_up = self._settings.user_address is None
        self._wished_ns = None
        self._fresh_coins.clear()
        self._quiet.clear()
        return self._subscriptions.begin(now), self._judge(now)

    def disconnected(self, now: Ns, reason: str, code: int = 0) -> list[Message]:
        """The connection is gone (or could not be made): DOWN, with the reason; `code` is the WebSocket's, if any."""
        self.tape.closed(now, reason, code)
        if self._is_open:
            self.counts.cuts += 1
            self._gaps += 1
            # what came after the last frame may be missing; an earlier gap that was never closed stays open
            if self._is_caught_up:
                self._missed_since_ns = self._link_ns
        self._is_open = False
        self._fresh_coins.clear()
        return self._judge(now, reason)

    def caught_up(self, epoch: int, now: Ns) -> list[Message]:
        """The account was read as wished in `epoch`; perhaps the feed is up now. A read for an older one is too old."""
        if self._is_open and epoch == self.epoch:
            self._is_caught_up = True
            if self._doubted_ns is not None and self._wished_ns is not None and self._doubted_ns < self._wished_ns:
                self._doubted_ns = None
        return self._judge(now)

    def measured(self, measure: str, value: float) -> None:
        """Take a sample that only the edge can measure."""
        self._samples.add(measure, value)

    # ------------------------------------------------------------------------------------------ frames

    def received(self, frame: bytes, recv_ns: Ns) -> list[Message]:
        """The messages in one frame: each trade, fill and payment once, books only forward in time."""
        heard = self._decoder.decode(frame, recv_ns)
        self._link_ns = recv_ns
        self.counts.frames += 1
        messages = self._taken(heard, recv_ns)
        bad = [message for message in messages if type(message) is BadData]
        if bad:
            self.counts.bad += 1
            # a record that could not be read may have been an order or a fill of ours: read the account again
            if not {message.channel for message in bad}.isdisjoint(_PRIVATE):
                self._doubted_ns = recv_ns
        self._samples.add(BAD_DATA, 1.0 if bad else 0.0)
        if self.state is not FeedState.UP:
            messages += self._judge(recv_ns)
        return messages

    def _taken(self, heard: Heard, recv_ns: Ns) -> list[Message]:
        match heard.channel:
            case "l2Book":
                return self._book(heard, recv_ns)
            case "trades":
                return self._news(TRADES, heard.messages, self._is_first(key_of(TRADES, heard.coin)))
            case "activeAssetCtx":
                self._hear(key_of(CONTEXT, heard.coin), recv_ns)
            case "userFills" | "userFundings":
                is_history = heard.is_snapshot and self._is_first(heard.channel)
                return self._news(heard.channel, _oldest_first(heard.messages), is_history)
            case "subscriptionResponse":
                self._acknowledged(heard.text, recv_ns)
            case "error":
                return self._complained(heard.text, recv_ns)
        return list(heard.messages)

    def _book(self, heard: Heard, recv_ns: Ns) -> list[Message]:
        book = heard.messages[0]
        self._hear(key_of(BOOK, heard.coin), recv_ns)
        if not isinstance(book, BookUpdate):
            return [book]
        if book.exch_ns < self._book_exch_ns.get(book.coin, 0):
            self.counts.old_books += 1
            self._gaps += 1
            return []
        self._samples.add(FEED_DELAY, (recv_ns - book.exch_ns) / MS)
        self._book_exch_ns[book.coin] = book.exch_ns
        self._book_recv_ns[book.coin] = recv_ns
        self._fresh_coins.add(book.coin)
        return [book]

    def _is_first(self, key: str) -> bool:
        """Is this the first batch on this topic ever? Later ones fill holes, the first is history."""
        is_first = key not in self._primed
        self._primed.add(key)
        return is_first

    def _news(self, channel: str, messages: Iterable[Message], is_history: bool) -> list[Message]:
        """What was not said before; of history, only what is of our time."""
        news: list[Message] = []
        seen = self._seen[channel]
        for message in messages:
            if isinstance(message, Trade | Fill | FundingPayment):
                if not seen.is_new(_identity(message)):
                    self.counts.repeats += 1
                    continue
                if is_history and message.exch_ns < self._since_ns:
                    continue
            news.append(message)
        return news

    def _acknowledged(self, text: str, recv_ns: Ns) -> None:
        method, _, key = text.partition(" ")
        if method == "subscribe":
            self._subscriptions.confirm(key)
            self.tape.subscribed(key, recv_ns, self._subscriptions.are_confirmed)

    @staticmethod
    def _complained(text: str, recv_ns: Ns) -> list[Message]:
        if text.startswith("Already unsubscribed"):
            return []
        return [bad_data(ERROR, "", text, text.encode(), recv_ns)]

    def _hear(self, key: str, recv_ns: Ns) -> None:
        self._subscriptions.heard(key, recv_ns)
        if self._quiet:
            self._quiet.pop(key, None)
            self.tape.resumed(key, recv_ns)

    # ------------------------------------------------------------------------------------------ time

    def due(self, now: Ns) -> Due:
        """What time alone makes necessary: pings, renewed subscriptions, giving up, the account, samples."""
        frames: list[str] = []
        close: str | None = None
        if self._is_open:
            close = self._hopeless(now)
            frames += self._renewals(now)
            if now - self._pinged_ns >= self._settings.ping_ms * MS:
                self._pinged_ns = now
                frames.append(PING)
        return Due(frames, self._judge(now) + self._report(now), close, self._wish(now))

    def _hopeless(self, now: Ns) -> str | None:
        """Why this connection should be given up, if it should."""
        late = self._subscriptions.unconfirmed(now, self._settings.ack_ms * MS)
        if late:
            return f"{', '.join(late)} not confirmed within {self._settings.ack_ms} ms"
        quiet_ns = now - self._link_ns
        if quiet_ns > self._settings.link_silence_ms * MS:
            return f"nothing received for {quiet_ns // MS} ms"
        final = [s for s in self._subscriptions.silences(now) if s.is_final]
        if final:
            return f"{final[0].topic.key} silent for {final[0].quiet_ns // MS} ms, asked again in vain"
        return None

    def _renewals(self, now: Ns) -> list[str]:
        frames: list[str] = []
        for silence in self._subscriptions.silences(now):
            if silence.is_final:
                continue
            self.counts.silences += 1
            self._gaps += 1
            self.tape.stalled(silence.topic.key, Ns(now - silence.quiet_ns))
            self._quiet[silence.topic.key] = f"{silence.topic.key} silent for {silence.quiet_ns // MS} ms"
            frames += self._subscriptions.ask_again(silence.topic, now)
        return frames

    def _wish(self, now: Ns) -> Ns | None:
        if not self._is_open or not self._subscriptions.are_confirmed or self._settings.user_address is None:
            return None
        if self._is_caught_up and self._doubted_ns is None:
            return None
        if self._wished_ns is not None and now - self._wished_ns < self._settings.catch_up_retry_ms * MS:
            return None
        self._wished_ns = now
        since = self._missed_since_ns if not self._is_caught_up or self._doubted_ns is None else self._doubted_ns
        return Ns(max(since - self._settings.catch_up_overlap_ms * MS, 0))

    def _report(self, now: Ns) -> list[Message]:
        if now - self._reported_ns < self._settings.measures_ms * MS:
            return []
        self._reported_ns = now
        for coin in self._settings.coins:
            age_ns = now - self._book_recv_ns.get(coin, self._since_ns)
            self._samples.add(BOOK_AGE, age_ns / MS)
        self._samples.add(GAPS, float(self._gaps))
        self._gaps = 0
        return [*self._samples.report(Role.EXCHANGE_ARCHITECT)]

    # ------------------------------------------------------------------------------------------ trust

    def _judge(self, now: Ns, reason: str = "") -> list[Message]:
        """The status, if it (or the reason given) is not what was said last."""
        doubt = self._doubt(now)
        if not self._is_open:
            self.state = FeedState.DOWN
        else:
            self.state = FeedState.UP if doubt is None else FeedState.STALE
        status = (self.state, self.epoch)
        if self._said == status and reason in ("", self._said_reason):
            return []
        self._said, self._said_reason = status, reason
        said = reason or doubt or "every subscription confirmed, books fresh, account read"
        return [FeedStatus(self.state, self.epoch, said, now)]

    def _doubt(self, now: Ns) -> str | None:
        """Why the feed can't be relied on, if so."""
        if not self._is_open:
            return "not connected"
        if not self._subscriptions.are_confirmed and not self._quiet:
            return "waiting for subscriptions to be confirmed"
        for why in self._quiet.values():
            return why
        for coin in self._settings.coins:
            if coin not in self._fresh_coins:
                return f"no book of {coin} yet"
            if now - self._book_recv_ns[coin] > self._settings.book_silence_ms * MS:
                return f"no sound book of {coin} for {(now - self._book_recv_ns[coin]) // MS} ms"
        return None if self._is_caught_up else "the account is yet to be read"


def _identity(message: Trade | Fill | FundingPayment) -> Hashable:
    """What makes it one: the venue promises (time, coin, tid); both sides of a self-trade are ours, hence the oid."""
    match message:
        case Trade():
            return (message.exch_ns, message.coin, message.tid)
        case Fill():
            return (message.exch_ns, message.coin, message.tid, message.oid)
        case FundingPayment():
            return (message.exch_ns, message.coin)


def _oldest_first(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The batch in order of time; snapshots come newest first, within one instant too. What has no time goes first."""
    times = [_time_of(message) for message in messages if not isinstance(message, BadData)]
    if times and times[0] > times[-1]:
        messages = messages[::-1]
    return tuple(sorted(messages, key=_time_of))


def _time_of(message: Message) -> int:
    return message.exch_ns if isinstance(message, Fill | FundingPayment) else 0
