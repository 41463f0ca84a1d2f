"""Recorded market data as books and trades: Hyperliquid and Binance USD-M WebSocket frames, one format of lines.

A line is `<receive time, ns> <JSON frame as received>`. Prices and sizes stay exact: integers of 10^-8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from heapq import heappop, heappush
from typing import Final

import msgspec

from shared.errors import DataError
from shared.units import MS, scaled_from_str

DECIMALS: Final = 8
COINS_OF_SYMBOLS: Final = {"BTCUSDT": "BTC", "ETHUSDT": "ETH", "SOLUSDT": "SOL"}
"""Binance's names for what we list."""
Quote = tuple[int, int]
"""Price and size, each in 10^-8; size 0 removes the level."""


class BookKind(Enum):
    """What a book record says: the whole visible book, changed levels, or the best levels only."""

    WHOLE = "whole"
    CHANGES = "changes"
    BEST = "best"


class BookRecord(msgspec.Struct, frozen=True):
    """A book as recorded. `last_id` and `previous_id` are Binance's update ids of this and the one before (else 0)."""

    coin: str
    kind: BookKind
    bids: tuple[Quote, ...]
    asks: tuple[Quote, ...]
    last_id: int
    previous_id: int
    exch_ns: int
    recv_ns: int


class TradeRecord(msgspec.Struct, frozen=True):
    """A trade as recorded; `is_buy` is the aggressor's side, `tid` the venue's number (0: it gave none)."""

    coin: str
    is_buy: bool
    px_e8: int
    sz_e8: int
    exch_ns: int
    recv_ns: int
    tid: int = 0


class OtherRecord(msgspec.Struct, frozen=True):
    """A frame that says nothing about book or trades, or about a coin that we do not list."""

    name: str
    recv_ns: int


Record = BookRecord | TradeRecord | OtherRecord


class _Frame(msgspec.Struct, rename={"last_update_id": "lastUpdateId"}):
    """Any frame's outside. Binance's REST snapshot has no stream and carries its fields itself."""

    stream: str = ""
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    last_update_id: int = 0
    T: int = 0
    bids: tuple[tuple[str, str], ...] = ()
    asks: tuple[tuple[str, str], ...] = ()


class _DepthUpdate(msgspec.Struct):
    s: str
    T: int
    u: int
    pu: int
    b: tuple[tuple[str, str], ...]
    a: tuple[tuple[str, str], ...]


class _BookTicker(msgspec.Struct):
    s: str
    T: int
    u: int
    b: str
    B: str
    a: str
    A: str


class _BinanceTrade(msgspec.Struct):
    s: str
    T: int
    p: str
    q: str
    m: bool
    t: int = 0


class _Level(msgspec.Struct):
    px: str
    sz: str


class _L2Book(msgspec.Struct):
    coin: str
    time: int
    levels: tuple[tuple[_Level, ...], tuple[_Level, ...]]


class _Trade(msgspec.Struct):
    coin: str
    side: str
    px: str
    sz: str
    time: int
    tid: int = 0


_FRAMES: Final = msgspec.json.Decoder(_Frame)
_DEPTH: Final = msgspec.json.Decoder(_DepthUpdate)
_TICKER: Final = msgspec.json.Decoder(_BookTicker)
_BINANCE_TRADE: Final = msgspec.json.Decoder(_BinanceTrade)
_L2_BOOK: Final = msgspec.json.Decoder(_L2Book)
_TRADES: Final = msgspec.json.Decoder(tuple[_Trade, ...])


class Lines:
    """Reads a recording line by line, in its order: a REST snapshot names no symbol and belongs to the line before."""

    def __init__(self) -> None:
        self._symbol = ""

    def read(self, line: bytes) -> list[Record]:
        """What one line says; DataError if it can't be read."""
        stamp, _, text = line.partition(b" ")
        try:
            frame = _FRAMES.decode(text)
            self._symbol = frame.stream.partition("@")[0].upper() or self._symbol
            return list(_read(frame, self._symbol, int(stamp)))
        except (msgspec.MsgspecError, ValueError) as error:
            raise DataError(f"can't be read: {error}") from error


def records(lines: Iterable[bytes]) -> Iterator[Record]:
    """What the lines say, in their order. DataError with the line's number if one can't be read."""
    reader = Lines()
    for number, line in enumerate(lines, start=1):
        try:
            yield from reader.read(line)
        except DataError as error:
            raise DataError(f"line {number} of the recording {error}") from error


def records_of(frame: bytes, recv_ns: int) -> tuple[Record, ...]:
    """What one frame of Hyperliquid's says; DataError if it can't be read."""
    try:
        return tuple(_read(_FRAMES.decode(frame), "", recv_ns))
    except (msgspec.MsgspecError, ValueError) as error:
        raise DataError(f"a frame can't be read as books or trades: {error}") from error


def in_exchange_order(source: Iterable[Record], window_ns: int) -> Iterator[Record]:
    """The records by the exchange's clock, a trade before the books of its millisecond.

    Books and trades come over separate streams, so a book may arrive before the trade that made it. Records wait for
    `window_ns` of the exchange's time; what is later still keeps its place in the order of arrival.
    """
    waiting: list[tuple[int, bool, int, Record]] = []
    for number, record in enumerate(source):
        if isinstance(record, OtherRecord):
            yield record
            continue
        heappush(waiting, (record.exch_ns, isinstance(record, BookRecord), number, record))
        while waiting[0][0] < record.exch_ns - window_ns:
            yield heappop(waiting)[3]
    while waiting:
        yield heappop(waiting)[3]


def _read(frame: _Frame, symbol: str, recv_ns: int) -> Iterator[Record]:
    coin = COINS_OF_SYMBOLS.get(symbol, "")
    if frame.channel == "l2Book":
        book = _L2_BOOK.decode(frame.data)
        bids, asks = (_quotes((level.px, level.sz) for level in side) for side in book.levels)
        yield BookRecord(book.coin, BookKind.WHOLE, bids, asks, 0, 0, book.time * MS, recv_ns)
    elif frame.channel == "trades":
        for trade in _TRADES.decode(frame.data):
            px, sz = _e8(trade.px), _e8(trade.sz)
            yield TradeRecord(trade.coin, trade.side == "B", px, sz, trade.time * MS, recv_ns, trade.tid)
    elif frame.last_update_id and coin:
        last = frame.last_update_id
        bids, asks = _quotes(frame.bids), _quotes(frame.asks)
        yield BookRecord(coin, BookKind.WHOLE, bids, asks, last, 0, frame.T * MS, recv_ns)
    elif coin:
        yield _binance(coin, frame.stream.split("@")[1], frame.data, recv_ns)
    else:
        yield OtherRecord(frame.channel or frame.stream or "unknown", recv_ns)


def _binance(coin: str, name: str, data: msgspec.Raw, recv_ns: int) -> Record:
    match name:
        case "depth":
            depth = _DEPTH.decode(data)
            bids, asks = _quotes(depth.b), _quotes(depth.a)
            at = depth.T * MS
            return BookRecord(coin, BookKind.CHANGES, bids, asks, depth.u, depth.pu, at, recv_ns)
        case "bookTicker":
            best = _TICKER.decode(data)
            bids, asks = _quotes(((best.b, best.B),)), _quotes(((best.a, best.A),))
            return BookRecord(coin, BookKind.BEST, bids, asks, best.u, 0, best.T * MS, recv_ns)
        case "trade":
            trade = _BINANCE_TRADE.decode(data)
            # m: the buyer was the maker, so the seller was the aggressor
            return TradeRecord(coin, not trade.m, _e8(trade.p), _e8(trade.q), trade.T * MS, recv_ns, trade.t)
        case _:
            return OtherRecord(name, recv_ns)


def _quotes(pairs: Iterable[tuple[str, str]]) -> tuple[Quote, ...]:
    return tuple((_e8(px), _e8(sz)) for px, sz in pairs)


def _e8(text: str) -> int:
    return scaled_from_str(text, DECIMALS)
