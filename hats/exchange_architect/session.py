"""The feed without its sockets: frames in, messages out; what to send, when to give up, and whether to be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.books import Books
from hats.exchange_architect.channels import BOOK, CANDLE, FILLS, FUNDINGS, LEDGER, ORDERS, TRADES, key_of
from hats.exchange_architect.fill_chain import FillChain
from hats.exchange_architect.line import Line
from hats.exchange_architect.measures import (
    BAD_DATA,
    BOOK_AGE,
    CLOCK_OFFSET,
    COMPLETENESS,
    DUPLICATES,
    FEED_DELAY,
    GAPS,
    RECOVERY,
    REORDERED,
)
from hats.exchange_architect.memory import Memory, Once, oldest_first
from hats.exchange_architect.minutes import Minutes
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.subscriptions import topics
from hats.exchange_architect.tape import Record, forget
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.venue_clock import Offset, VenueClock
from hats.exchange_architect.wire import Decoder, Heard, bad_data
from shared.ids import Role
from shared.messages import Message
from shared.messages.account import AccountReadBegun
from shared.messages.market import AssetContext, BadData, BadKind, BookUpdate, FeedState, FeedStatus, Trade
from shared.messages.order import Fill
from shared.scorecard import Samples
from shared.units import MS, Ns
from shared.warehouse.capture.records import ClockOffset

_PRIVATE: Final = frozenset({ORDERS, FILLS, FUNDINGS, LEDGER, "user", "?"})
"""Channels that tell of us; "?" is a frame of which not even the channel could be read."""
_UNCONNECTED: Final = "not connected"
_UNCONFIRMED: Final = "waiting for subscriptions to be confirmed"


class Due(NamedTuple):
    """What must happen now: frames to send, connections to drop and why (both by socket).

    `catch_up_ns`: read the account with fills since then and say `caught_up`.
    """

    sends: list[tuple[int, str]]
    closes: dict[int, str]
    messages: list[Message]
    catch_up_ns: Ns | None


class Counts(msgspec.Struct):
    """What happened and what was set aside since the start, for people; `bad` by kind."""

    frames: int = 0
    bad: dict[BadKind, int] = {}
    repeats: int = 0
    silences: int = 0
    cuts: int = 0


class Session:
    """One feed over one or many sockets; `epoch` counts connections that tell of the user (all, if there is none).

    UP: (with a user) all that tells of him confirmed and the account read since, and coins to be relied on; those that
    are not are named. STALE: connected, but one of these is missing. DOWN: not connected, or nobody tells of the user.
    The venue numbers nothing and replays nothing, so what was missed is read over REST after each connection.
    """

    def __init__(
        self, settings: Settings, universe: Universe, since_ns: Ns, lines: Sequence[Line] = (), record: Record = forget
    ) -> None:
        self.counts = Counts()
        self.epoch = self.reconnections = 0
        self.state = FeedState.DOWN
        self._settings = settings
        self._universe = universe
        self._decoder = Decoder(universe)
        self._lines = tuple(lines) or (Line(topics(settings), settings, since_ns),)
        self._record = record
        self._line_of = {coin: line for line in self._lines for coin in line.coins}
        self._private = next((line for line in self._lines if line.is_private), None)
        self._clock = VenueClock()
        self._books = Books(settings, self._clock)
        self._chain = FillChain()
        self._minutes = Minutes()
        self._since_ns = since_ns
        self._said: tuple[FeedState, int, tuple[str, ...]] | None = None
        self._said_reason = ""
        self._lost_ns: Ns | None = None
        self._connected_ns = since_ns
        self._probed_ns = self._wished_ns = Ns(0)
        self._offset: Offset | None = None
        self._missed_since_ns = since_ns
        self._is_caught_up = self._private is None
        self._doubted_ns: Ns | None = None
        self._memory = Memory()
        self._samples = Samples()
        self._gaps = 0
        self._reported_ns = since_ns

    # ------------------------------------------------------------------------------------------ connections

    def connected(self, now: Ns, socket: int = 0) -> tuple[list[str], list[Message]]:
        """A connection was opened: the frames to send on it, and the status."""
        line = self._lines[socket]
        self.reconnections += line.was_opened
        self._connected_ns = now
        if self._private is None or line.is_private:
            self.epoch += 1
        if line.is_private:
            self._is_caught_up, self._wished_ns = False, Ns(0)
        self._books.restart(line.coins)
        return line.opened(now), self._judge(now)

    def disconnected(self, now: Ns, reason: str, socket: int = 0, code: int = 0) -> list[Message]:
        """The connection is gone (or could not be made): the status; `code` is the WebSocket's, if any."""
        line = self._lines[socket]
        if line.closed(now, reason, code):
            self.counts.cuts += 1
            self._gaps += 1
            for coin in line.coins:
                self._minutes.cut(coin, line.heard_ns, now)
            # what came after the last frame may be missing; an earlier gap that was never closed stays open
            if line.is_private and self._is_caught_up:
                self._missed_since_ns = line.heard_ns
        return self._judge(now, reason)

    def unfollowed(self, reason: str, now: Ns) -> list[Message]:
        """Nothing can be followed yet, for this reason."""
        return self._judge(now, reason)

    def caught_up(self, epoch: int, now: Ns) -> list[Message]:
        """The account was read as wished in `epoch`; perhaps the feed is up now. A read for an older one is too old."""
        if self._private is not None and self._private.is_open and epoch == self.epoch:
            self._is_caught_up = True
            if self._doubted_ns is not None and self._doubted_ns < self._wished_ns:
                self._doubted_ns = None
        return self._judge(now)

    def measured(self, measure: str, value: float) -> None:
        """Take a sample that only the edge can measure."""
        self._samples.add(measure, value)

    def is_private(self, socket: int) -> bool:
        """Does this socket tell of us?"""
        return self._lines[socket].is_private

    def is_whole(self, socket: int) -> bool:
        """Is this socket open, with every subscription confirmed?"""
        return self._lines[socket].is_whole

    # ------------------------------------------------------------------------------------------ frames

    def received(self, frame: bytes, recv_ns: Ns, socket: int = 0) -> list[Message]:
        """The messages in one frame: each trade, fill and payment once, books only sound and forward in time."""
        heard = self._decoder.decode(frame, recv_ns)
        line = self._lines[socket]
        line.heard_ns = recv_ns
        line.heard(key_of(heard.channel, heard.coin), recv_ns)
        self.counts.frames += 1
        messages = self._taken(heard, line, recv_ns)
        is_bad = False
        for message in messages:
            if type(message) is BadData:
                is_bad = True
                self._set_aside(message, recv_ns)
        self._samples.add(BAD_DATA, 1.0 if is_bad else 0.0)
        if self.state is not FeedState.UP:
            messages += self._judge(recv_ns)
        return messages

    def _set_aside(self, bad: BadData, recv_ns: Ns) -> None:
        self.counts.bad[bad.kind] = self.counts.bad.get(bad.kind, 0) + 1
        # a record that could not be read may have been an order or a fill of ours: read the account again
        if bad.channel in _PRIVATE:
            self._doubted_ns = recv_ns

    def _taken(self, heard: Heard, line: Line, recv_ns: Ns) -> list[Message]:
        match heard.channel:
            case "l2Book":
                books = [self._book(message) for message in heard.messages]
                return [*self._clock.first_told(recv_ns), *books]
            case "trades":
                return self._trades(heard)
            case "activeAssetCtx":
                for message in heard.messages:
                    if isinstance(message, AssetContext):
                        self._books.hear_context(message)
            case "userFills":
                return self._fills(heard, recv_ns)
            case "userFundings" | "userNonFundingLedgerUpdates":
                return self._news(oldest_first(heard.messages), self._is_history(heard))
            case "candle":
                if heard.minute is not None:
                    self._minutes.counted(heard.minute)
            case "userEvents":
                self._doubted_ns = recv_ns if heard.is_grave else self._doubted_ns
            case "subscriptionResponse":
                self._acknowledged(heard.text, line, recv_ns)
            case "pong":
                round_trip_ns = line.pong(recv_ns)
                if round_trip_ns is not None:
                    self._clock.answered(round_trip_ns)
            case "error":
                return self._complained(heard.text, recv_ns)
        return list(heard.messages)

    def _book(self, book: Message) -> Message:
        if not isinstance(book, BookUpdate):
            return book
        objection = self._books.take(book)
        self._samples.add(REORDERED, float(objection is not None and objection.kind is BadKind.REVERSED))
        if objection is not None:
            excerpt = f"{book.exch_ns} {book.bids[0].px} {book.asks[0].px}"
            return BadData(BOOK, book.coin, objection.reason, excerpt, book.recv_ns, objection.kind)
        self._samples.add(FEED_DELAY, (book.recv_ns - book.exch_ns) / MS)
        return book

    def _trades(self, heard: Heard) -> list[Message]:
        news = self._news(heard.messages, self._memory.is_first_batch(key_of(TRADES, heard.coin)))
        for message in news:
            if isinstance(message, Trade):
                self._minutes.heard(message)
        return news

    def _fills(self, heard: Heard, recv_ns: Ns) -> list[Message]:
        """The fills in the order in which they happened; one that does not follow on the last makes us look again."""
        is_history = self._is_history(heard)
        rest = [message for message in heard.messages if not isinstance(message, Fill)]
        news: list[Message] = []
        for fill in self._chain.ordered(message for message in heard.messages if isinstance(message, Fill)):
            if not self._is_new(fill, heard.is_snapshot):
                continue
            if self._chain.breaks(fill):
                text = f"a fill of {fill.coin} begins at {fill.start_net_sz} lots, not where the last one ended"
                news.append(BadData(FILLS, fill.coin, text, f"tid {fill.tid}", recv_ns, BadKind.FILL_CHAIN))
            if not is_history or fill.exch_ns >= self._since_ns:
                news.append(fill)
        return rest + news

    def _is_history(self, heard: Heard) -> bool:
        return heard.is_snapshot and self._memory.is_first_batch(heard.channel)

    def _news(self, messages: Iterable[Message], is_history: bool) -> list[Message]:
        """What was not said before; of history, only what is of our time."""
        return [
            message
            for message in messages
            if not isinstance(message, Once)
            or (self._is_new(message, is_history) and not (is_history and message.exch_ns < self._since_ns))
        ]

    def _is_new(self, message: Once, is_snapshot: bool) -> bool:
        is_new = self._memory.is_new(message)
        self.counts.repeats += not is_new
        if not is_snapshot:
            self._samples.add(DUPLICATES, float(not is_new))
        return is_new

    def _acknowledged(self, text: str, line: Line, recv_ns: Ns) -> None:
        method, _, key = text.partition(" ")
        if method == "subscribe":
            line.confirmed(key, recv_ns)
            channel, _, coin = key.partition(":")
            if channel == TRADES:
                self._minutes.listen(coin, recv_ns)

    @staticmethod
    def _complained(text: str, recv_ns: Ns) -> list[Message]:
        if text.startswith("Already unsubscribed"):
            return []
        return [bad_data("error", "", text, text.encode(), recv_ns, BadKind.REFUSED)]

    # ------------------------------------------------------------------------------------------ time

    def due(self, now: Ns) -> Due:
        """What time alone makes necessary: pings, renewed subscriptions, giving up, the account, samples."""
        closes: dict[int, str] = {}
        fallen: list[str] = []
        for socket, line in enumerate(self._lines):
            reason = line.hopeless(now)
            if reason is not None:
                closes[socket] = reason
            fallen += line.renew(now)
        self.counts.silences += len(fallen)
        self._gaps += len(fallen)
        # the venue went silent on one socket; if it did so on the user's, nothing would show it
        if BOOK in fallen and self._private is not None and len(self._lines) > 1:
            self._probe(self._private, now)
        sends = [(socket, frame) for socket, line in enumerate(self._lines) for frame in line.frames(now)]
        messages, since_ns = self._judge(now) + self._report(now), self._wish(now)
        messages += [] if since_ns is None else [AccountReadBegun(since_ns, now)]
        return Due(sends, closes, messages, since_ns)

    def _probe(self, line: Line, now: Ns) -> None:
        """Ask a socket for something that a dead one would not confirm; not more often than it may take to confirm."""
        if now - self._probed_ns >= self._settings.ack_ms * MS:
            self._probed_ns = now
            line.ask_again(FILLS, now)

    def _wish(self, now: Ns) -> Ns | None:
        since_ns = self._doubted_ns if self._is_caught_up else self._missed_since_ns
        pause_ms = self._settings.doubt_pause_ms if self._is_caught_up else self._settings.catch_up_retry_ms
        is_early = now - self._wished_ns < pause_ms * MS
        if since_ns is None or is_early or self._private is None or not self._private.is_whole:
            return None
        self._wished_ns = now
        return Ns(max(since_ns - self._settings.catch_up_overlap_ms * MS, 0))

    def _report(self, now: Ns) -> list[Message]:
        if now - self._reported_ns < self._settings.measures_ms * MS:
            return []
        self._reported_ns = now
        for coin in self._settings.coins:
            self._samples.add(BOOK_AGE, self._books.age_ns(coin, now, self._since_ns) / MS)
        self._samples.add(GAPS, float(self._gaps))
        self._gaps = 0
        offset = self._clock.offset()
        if offset is not None:
            self._samples.add(CLOCK_OFFSET, offset.offset_ns / MS)
        if offset is not None and offset != self._offset:
            self._offset = offset
            self._record(ClockOffset(now, *offset))
        return [*self._clock.told(now), *self._count_minutes(now), *self._samples.report(Role.EXCHANGE_ARCHITECT)]

    def _count_minutes(self, now: Ns) -> list[Message]:
        """Of each minute that is over, how many of its trades were heard; a shortfall without a gap is an alarm."""
        alarms: list[Message] = []
        for verdict in self._minutes.over(now):
            self._samples.add(COMPLETENESS, verdict.share)
            if not verdict.is_whole and not verdict.is_cut:
                minute = verdict.minute
                text = f"heard {verdict.trades} trades ({verdict.lots} lots), the venue {minute.trades} ({minute.lots})"
                bad = BadData(CANDLE, minute.coin, text, str(minute.start_ns), now, BadKind.INCOMPLETE)
                self._set_aside(bad, now)
                alarms.append(bad)
        return alarms

    # ------------------------------------------------------------------------------------------ trust

    def _judge(self, now: Ns, reason: str = "") -> list[Message]:
        """The status, if it (or the reason given) is not what was said last."""
        before = self.state
        doubt, stale = self._doubts(now)
        if doubt == _UNCONNECTED:
            self.state = FeedState.DOWN
        else:
            self.state = FeedState.UP if doubt is None else FeedState.STALE
        self._time_recovery(before, now)
        coins = tuple(stale) if self.state is FeedState.UP else ()
        status = (self.state, self.epoch, coins)
        if self._said == status and (reason in ("", self._said_reason) or self.state is FeedState.UP):
            return []
        self._said, self._said_reason = status, reason
        said = reason or doubt or next(iter(stale.values()), "every subscription confirmed, books fresh, account read")
        return [FeedStatus(self.state, self.epoch, said, now, coins, self.reconnections)]

    def _time_recovery(self, before: FeedState, now: Ns) -> None:
        if before is FeedState.UP and self.state is not FeedState.UP:
            self._lost_ns = now
        elif self.state is FeedState.UP and self._lost_ns is not None:
            self._samples.add(RECOVERY, (now - self._lost_ns) / MS)
            self._lost_ns = None

    def _doubts(self, now: Ns) -> tuple[str | None, dict[str, str]]:
        """Why the feed can't be relied on, if so; and which coins can't, each with the reason."""
        stale = {coin: why for coin in self._settings.coins if (why := self._coin_doubt(coin, now)) is not None}
        private = self._private
        if not any(line.is_open for line in self._lines) or (private is not None and not private.is_open):
            return _UNCONNECTED, stale
        if private is not None and not private.is_whole:
            return _UNCONFIRMED, stale
        # coming up waits a while for every coin; staying up takes one
        is_patient = self.state is not FeedState.UP and now - self._connected_ns < self._settings.ack_ms * MS
        if stale and (is_patient or len(stale) == len(self._settings.coins)):
            return next(iter(stale.values())), stale
        return (None if self._is_caught_up else "the account is yet to be read"), stale

    def _coin_doubt(self, coin: str, now: Ns) -> str | None:
        """Why this coin's data can't be relied on, if so."""
        line = self._line_of[coin]
        if self._universe.missing((coin,)):
            return f"{coin} is not listed"
        if not line.is_open:
            return f"the socket of {coin} is not connected"
        for key, why in line.quiet.items():
            if key.endswith(f":{coin}"):
                return why
        if not line.is_whole:
            return _UNCONFIRMED
        return self._books.doubt(coin, now)
