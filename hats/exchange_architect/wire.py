"""The venue's WebSocket frames as messages: pure, typed, exact; whatever can't be read becomes BadData."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from hats.exchange_architect.channels import (
    BOOK,
    CANDLE,
    CANDLE_INTERVAL,
    CONTEXT,
    EVENTS,
    FILLS,
    FUNDINGS,
    LEDGER,
    ORDERS,
    TRADES,
    Channel,
    key_of,
)
from hats.exchange_architect.numbers import Spelled, exact, near, ns_from_ms
from hats.exchange_architect.records import (
    RATE_DECIMALS,
    BalanceRecord,
    FillRecord,
    FundingRecord,
    StatusRecord,
    balance_message,
    fill_message,
    funding_message,
    order_message,
    side_from_wire,
)
from hats.exchange_architect.universe import NotListed, Universe
from hats.exchange_architect.wire_frames import (
    ACK,
    ERROR,
    PONG,
    READ,
    AckFrame,
    AnyFrame,
    BookData,
    BookFrame,
    CandleData,
    CandleFrame,
    CoinContextData,
    ContextData,
    ContextFrame,
    EventsFrame,
    FillsFrame,
    Frame,
    FundingsFrame,
    LedgerData,
    LedgerFrame,
    LevelEntry,
    OrdersFrame,
    PongFrame,
    TopicData,
    TradeEntry,
    TradesFrame,
)
from shared.book import Level, fault, fault_of
from shared.errors import DataError, UnitError
from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.account import BalanceChanged
from shared.messages.market import AssetContext, BadData, BadKind, BookUpdate, Trade
from shared.units import Ns, Px, Sz

EXCERPT: Final = 200
GREETING, BAD = "greeting", "bad"
UNREADABLE: Final = (msgspec.MsgspecError, ValueError, DataError, RecursionError)
"""What decoding hostile bytes can raise; UnitError is a ValueError."""
_BOOK_BEGINS: Final = b'{"channel":"l2Book"'
_GREETING: Final = b"Websocket connection established."
_UNREAD: Final = frozenset(channel.spoken for channel in Channel)
"""Channels that the capture log wants; nothing follows from what they say."""
_BOOK_FAULTS: Final = {
    "one-sided": BadKind.ONE_SIDED,
    "locked": BadKind.CROSSED,
    "crossed": BadKind.CROSSED,
    "non-positive level": BadKind.NUMBER,
}


class Minute(NamedTuple):
    """What a candle of one minute counts: trades, and the lots traded in them."""

    coin: str
    start_ns: Ns
    trades: int
    lots: int


class Heard(NamedTuple):
    """What one frame said. `coin` is empty where the channel has none; `text` is the venue's word on a subscription.

    `minute` is what a candle counts, `context` a context as it came, for what the message leaves out. `is_grave`:
    something was done to the account that it did not ask for.
    """

    channel: str
    coin: str
    messages: tuple[Message, ...] = ()
    is_snapshot: bool = False
    text: str = ""
    minute: Minute | None = None
    is_grave: bool = False
    context: ContextData | None = None


_new: Final = tuple.__new__
_frames: Final = msgspec.json.Decoder(Frame)
_book_frames: Final = msgspec.json.Decoder(BookFrame)
_any_frame: Final = msgspec.json.Decoder(AnyFrame)
_topics: Final = msgspec.json.Decoder(TopicData)
_trades: Final = msgspec.json.Decoder(TradeEntry)
_orders: Final = msgspec.json.Decoder(StatusRecord)
_fills: Final = msgspec.json.Decoder(FillRecord)
_fundings: Final = msgspec.json.Decoder(FundingRecord)
_balances: Final = msgspec.json.Decoder(BalanceRecord)


def bad_data(channel: str, coin: str, reason: str, raw: bytes, recv_ns: Ns, kind: BadKind = BadKind.OTHER) -> BadData:
    """A record of what could not be used, with the start of what came."""
    excerpt = bytes(raw[:EXCERPT]).decode("utf-8", errors="replace")
    return BadData(channel, coin, reason[:EXCERPT], excerpt, recv_ns, kind)


def kind_of(error: Exception) -> BadKind:
    """The kind of an error that decoding raised."""
    match error:
        case NotListed():
            return BadKind.UNLISTED
        case msgspec.ValidationError() | DataError():
            return BadKind.DRIFT
        case UnitError():
            return BadKind.NUMBER
        case _:
            return BadKind.UNREADABLE


class Columns(NamedTuple):
    """One side of a book, best level first: prices, sizes, and how many orders rest at each."""

    pxs: list[int]
    szs: list[int]
    ns: list[int]


class SoundBook(NamedTuple):
    """A book that may be decided on, in columns: what a table wants, a level at a time being much slower."""

    of: Instrument
    exch_ns: Ns
    bids: Columns
    asks: Columns


class Decoder:
    """Reads frames against the listed instruments. Remembers nothing but how numbers are spelled."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    def decode(self, frame: bytes, recv_ns: Ns) -> Heard:
        """What the frame said. Never raises on what the venue sent: an unreadable frame or entry is BadData."""
        try:
            parsed = _frames.decode(frame)
            if type(parsed) is BookFrame:
                return self._book(parsed.data, frame, recv_ns)
            return self._other(parsed, recv_ns)
        except UNREADABLE as error:
            if frame.startswith(_GREETING):
                return Heard(GREETING, "")
            channel = _channel_of(frame)
            if channel in _UNREAD and channel not in READ:
                return Heard(channel, "")
            return Heard(BAD, "", (bad_data(channel, "", str(error), frame, recv_ns, kind_of(error)),))

    def sound_book(self, frame: bytes) -> SoundBook | None:
        """The book that the frame is; None if it is none, or one that `decode` would find fault with."""
        if not frame.startswith(_BOOK_BEGINS):
            return None
        try:
            data = _book_frames.decode(frame).data
            reading = self._universe.reading(data.coin)
            bids, asks = (_columns(side, reading.px, reading.sz) for side in data.levels)
        except UNREADABLE:
            return None
        if fault_of(bids.pxs, bids.szs, asks.pxs, asks.szs) is not None:
            return None
        return SoundBook(reading.instrument, ns_from_ms(data.time), bids, asks)

    def _book(self, data: BookData, frame: bytes, recv_ns: Ns) -> Heard:
        reading = self._universe.reading(data.coin)
        bids, asks = data.levels
        book = BookUpdate(
            data.coin,
            ns_from_ms(data.time),
            recv_ns,
            _levels(bids, reading.px, reading.sz),
            _levels(asks, reading.px, reading.sz),
        )
        reason = fault(book.bids, book.asks)
        if reason is not None:
            kind = BadKind.EMPTY if not bids and not asks else _BOOK_FAULTS.get(reason, BadKind.DISORDERED)
            return Heard(BOOK, data.coin, (bad_data(BOOK, data.coin, reason, frame, recv_ns, kind),))
        return Heard(BOOK, data.coin, (book,))

    def _other(self, frame: Any, recv_ns: Ns) -> Heard:
        match frame:
            case TradesFrame():
                return self._trade_batch(frame.data, recv_ns)
            case ContextFrame():
                return Heard(CONTEXT, frame.data.coin, (self._context(frame.data, recv_ns),), context=frame.data.ctx)
            case OrdersFrame():
                return Heard(ORDERS, "", self._each(ORDERS, frame.data, self._order, recv_ns))
            case FillsFrame():
                fills = self._each(FILLS, frame.data.fills, self._fill, recv_ns)
                return Heard(FILLS, "", fills, frame.data.is_snapshot)
            case FundingsFrame():
                payments = self._each(FUNDINGS, frame.data.fundings, self._funding, recv_ns)
                return Heard(FUNDINGS, "", payments, frame.data.is_snapshot)
            case LedgerFrame(data=ledger):
                return Heard(LEDGER, "", self._balance_batch(ledger, recv_ns), ledger.is_snapshot)
            case CandleFrame():
                return Heard(CANDLE, frame.data.s, minute=self._minute(frame.data))
            case EventsFrame(data=events):
                return Heard(EVENTS, "", is_grave=bool(events.liquidation or events.non_user_cancel))
            case AckFrame():
                return _ack(frame.data.subscription, frame.data.method)
            case PongFrame():
                return Heard(PONG, "")
            case _:
                return _complaint(frame.data)

    def _trade_batch(self, raws: list[msgspec.Raw], recv_ns: Ns) -> Heard:
        messages = self._each(TRADES, raws, self._trade, recv_ns)
        return Heard(TRADES, next((m.coin for m in messages if isinstance(m, Trade)), ""), messages)

    def _each(
        self, channel: str, raws: list[msgspec.Raw], read: Callable[[bytes, Ns], Message], recv_ns: Ns
    ) -> tuple[Message, ...]:
        """Every entry as a message; a bad entry does not take its neighbours with it."""
        messages: list[Message] = []
        for raw in raws:
            entry = bytes(raw)
            try:
                messages.append(read(entry, recv_ns))
            except UNREADABLE as error:
                messages.append(bad_data(channel, "", str(error), entry, recv_ns, kind_of(error)))
        return tuple(messages)

    def _trade(self, raw: bytes, recv_ns: Ns) -> Trade:
        data = _trades.decode(raw)
        reading = self._universe.reading(data.coin)
        px, sz = Px(reading.px[data.px]), Sz(reading.sz[data.sz])
        if px <= 0 or sz <= 0:
            raise UnitError("a trade needs a positive price and size")
        return Trade(data.coin, side_from_wire(data.side), px, sz, data.tid, ns_from_ms(data.time), recv_ns)

    def _minute(self, data: CandleData) -> Minute | None:
        """What a candle of a minute counts; None for those of other intervals."""
        if data.i != CANDLE_INTERVAL:
            return None
        coin = self._universe.instrument(data.s)
        return Minute(data.s, ns_from_ms(data.t), data.n, near(data.v, coin.sz_decimals))

    def _context(self, data: CoinContextData, recv_ns: Ns) -> AssetContext:
        coin, ctx = self._universe.instrument(data.coin), data.ctx
        mark_px, oracle_px = (Px(exact(text, coin.px_decimals)) for text in (ctx.mark_px, ctx.oracle_px))
        if mark_px <= 0 or oracle_px <= 0:
            raise UnitError("mark and oracle must be positive")
        interest = near(ctx.open_interest, coin.sz_decimals)
        rate = near(ctx.funding, RATE_DECIMALS)
        premium = None if ctx.premium is None else near(ctx.premium, RATE_DECIMALS)
        return AssetContext(data.coin, mark_px, oracle_px, interest, rate, recv_ns, premium)

    def _order(self, raw: bytes, recv_ns: Ns) -> Message:
        data = _orders.decode(raw)
        return order_message(data.order, data.status, data.status_timestamp, self._universe, recv_ns)

    def _fill(self, raw: bytes, recv_ns: Ns) -> Message:
        return fill_message(_fills.decode(raw), self._universe, recv_ns)

    def _funding(self, raw: bytes, recv_ns: Ns) -> Message:
        return funding_message(_fundings.decode(raw), self._universe, recv_ns)

    def _balance(self, raw: bytes, user: str, recv_ns: Ns) -> Message:
        return balance_message(_balances.decode(raw), user, self._universe, recv_ns)

    def _balance_batch(self, ledger: LedgerData, recv_ns: Ns) -> tuple[Message, ...]:
        """What moved the account's cash or took its positions; other entries say nothing."""
        entries = self._each(
            LEDGER, ledger.non_funding_ledger_updates, lambda raw, ns: self._balance(raw, ledger.user, ns), recv_ns
        )
        return tuple(entry for entry in entries if not isinstance(entry, BalanceChanged) or entry.usd)


def _levels(levels: list[LevelEntry], px: Spelled, sz: Spelled) -> tuple[Level, ...]:
    # not Level(...): its constructor is a Python function, and this runs forty times a book
    return tuple([_new(Level, (px[level.px], sz[level.sz], level.n)) for level in levels])


def _columns(levels: list[LevelEntry], px: Spelled, sz: Spelled) -> Columns:
    return Columns([px[one.px] for one in levels], [sz[one.sz] for one in levels], [one.n for one in levels])


def _channel_of(frame: bytes) -> str:
    try:
        return _any_frame.decode(frame).channel[:40]
    except UNREADABLE:
        return "?"


def _ack(topic: TopicData, text: str) -> Heard:
    return Heard(ACK, "", text=f"{text} {key_of(topic.type, topic.coin)}")


def _complaint(text: str) -> Heard:
    """An error frame. "Already subscribed" confirms the subscription that it names."""
    words, brace, rest = text.partition("{")
    if brace and words.startswith("Already subscribed"):
        topic = _topics.decode(brace + rest)
        return _ack(topic, "subscribe")
    return Heard(ERROR, "", text=text)
