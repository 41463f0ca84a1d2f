"""One candle as the venue writes it: how they are asked for, and what an entry says. Source: fact sheet 2. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, NamedTuple

import msgspec

from hats.exchange_architect.numbers import Ms, exact, near
from hats.exchange_architect.wire import UNREADABLE, bad_data
from hats.exchange_architect.wire_info import body
from shared.errors import DataError, VenueProtocolError
from shared.instrument import Instrument
from shared.messages.market import BadData, CandlesTold, Close, QueryCandles
from shared.rules.intervals import INTERVALS_NS, end_ms_of, open_ms_at
from shared.units import MS, Ns, Px

CHANNEL: Final = "candleSnapshot"


class Candle(NamedTuple):
    """A whole interval of one coin, prices and size in its integers."""

    coin: str
    of: Instrument
    interval: str
    open_ms: int
    end_ms: int
    open_px: int
    high_px: int
    low_px: int
    close_px: int
    traded_sz: int
    trades: int


class _Candle(msgspec.Struct):
    t: Ms
    T: Ms
    s: str
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    n: Annotated[int, msgspec.Meta(ge=0)]


_CANDLE: Final = msgspec.json.Decoder(_Candle)
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def snapshot_body(coin: str, interval: str, since_ms: int, until_ms: int) -> bytes:
    """What is posted to /info for the intervals from `since_ms` to `until_ms`, exclusively."""
    return body(CHANNEL, req={"coin": coin, "interval": interval, "startTime": since_ms, "endTime": until_ms - 1})


def entries_of(reply: bytes, of: str) -> list[msgspec.Raw]:
    """The entries of a reply, unread; VenueProtocolError if it is no list."""
    try:
        return _RAWS.decode(reply)
    except UNREADABLE as error:
        said = reply[:200].decode("utf-8", "replace")
        raise VenueProtocolError(f"{of}: expected a list", said) from error


def known_interval(name: str) -> str:
    """The name; DataError for an interval that the venue does not have."""
    if name not in INTERVALS_NS:
        raise DataError(f"expected an interval of {' '.join(INTERVALS_NS)}, got {name[:20]!r}")
    return name


def candle(raw: bytes, listed: Callable[[str], Instrument]) -> Candle:
    """A candle, asked for or pushed; DataError if it is no whole interval or makes no sense."""
    data = _CANDLE.decode(raw)
    of, interval = listed(data.s), known_interval(data.i)
    if data.t != open_ms_at(interval, data.t) or end_ms_of(interval, data.t) != data.T + 1:
        raise DataError(f"expected a whole {data.i}, got {data.t} to {data.T}")
    opened, high, low, closed = (exact(text, of.px_decimals) for text in (data.o, data.h, data.l, data.c))
    if not 0 < low <= min(opened, closed) <= max(opened, closed) <= high:
        raise DataError(f"expected low <= open, close <= high, got {data.o} {data.h} {data.l} {data.c}")
    traded = near(data.v, of.sz_decimals)
    if traded < 0 or (data.n == 0) != (traded == 0):
        raise DataError(f"expected volume where there are trades, got {data.v} in {data.n} trades")
    return Candle(data.s, of, interval, data.t, data.T + 1, opened, high, low, closed, traded, data.n)


def told(
    reply: bytes, asked: QueryCandles, listed: Callable[[str], Instrument], now: Ns
) -> list[CandlesTold | BadData]:
    """CandlesTold with each interval once, then BadData if some can't be read; VenueProtocolError if it is no list."""
    closes: dict[int, Close] = {}
    unread: list[tuple[str, bytes]] = []
    for entry in entries_of(reply, CHANNEL):
        try:
            one = candle(bytes(entry), listed)
        except UNREADABLE as error:
            unread.append((str(error), bytes(entry)))
            continue
        open_ns = Ns(one.open_ms * MS)
        is_asked = (one.coin, one.interval) == (asked.coin, asked.interval)
        if is_asked and asked.since_ns <= open_ns and one.end_ms * MS <= asked.until_ns:
            closes[open_ns] = Close(open_ns, Px(one.close_px))
    answer = CandlesTold(asked, tuple(closes[ns] for ns in sorted(closes)), now)
    if not unread:
        return [answer]
    why, first = unread[0]
    return [answer, bad_data(CHANNEL, asked.coin, f"{len(unread)} candles can't be read: {why}", first, now)]
