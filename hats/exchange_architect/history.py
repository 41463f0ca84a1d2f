"""The venue's history: what to ask for candles and funding, page by page, and what its replies say. Pure.

Source: fact sheet 2 and 8.1. One reply holds at most 5,000 candles or 500 hours of funding; the venue keeps the newest
5,000 candles of each interval and all funding. It may leave out intervals without trades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from hats.exchange_architect.candles import candle, entries_of, known_interval, snapshot_body
from hats.exchange_architect.numbers import Ms, near, ns_from_ms
from hats.exchange_architect.records import RATE_DECIMALS
from hats.exchange_architect.wire import UNREADABLE
from hats.exchange_architect.wire_info import body
from shared.errors import DataError, VenueProtocolError
from shared.instrument import Instrument
from shared.rules.intervals import INTERVALS_NS, KEPT_CANDLES, SETTLED_MS, end_ms_of, open_ms_at
from shared.units import DAY, HOUR, MS
from shared.warehouse.tables import CandleRow, FundingRateRow, GapRow

FUNDINGS_PER_PAGE: Final = 500
NOT_GIVEN: Final = "not_given"
"""The venue's reply leaves it out: no trades, or older than what it keeps."""
_HOUR_MS: Final = HOUR // MS
_SHORTEST_MONTH_MS: Final = 28 * DAY // MS
_BASE_WEIGHT: Final = 20
_CANDLES_PER_WEIGHT: Final = 60
_FUNDINGS_PER_WEIGHT: Final = 20


class Subject(NamedTuple):
    """What is asked for: candles of an interval, or, where the interval is empty, funding rates."""

    coin: str
    interval: str = ""

    @property
    def name(self) -> str:
        """As a channel is named."""
        return f"candle:{self.coin}:{self.interval}" if self.interval else f"fundingHistory:{self.coin}"

    @property
    def most(self) -> int:
        """Most rows of one reply."""
        return KEPT_CANDLES if self.interval else FUNDINGS_PER_PAGE

    def begin_ms(self, ms: int) -> int:
        """Where the interval (or the hour) that contains `ms` begins."""
        return open_ms_at(self.interval, ms) if self.interval else ms - ms % _HOUR_MS

    def end_ms(self, begin_ms: int) -> int:
        """Where the interval that begins at `begin_ms` ends, exclusively."""
        return end_ms_of(self.interval, begin_ms) if self.interval else begin_ms + _HOUR_MS


class Page(NamedTuple):
    """One request: whole intervals from `since_ms` to `until_ms`, exclusively."""

    subject: Subject
    since_ms: int
    until_ms: int

    @property
    def body(self) -> bytes:
        """What is posted to /info."""
        coin, interval = self.subject
        if interval:
            return snapshot_body(coin, interval, self.since_ms, self.until_ms)
        return body("fundingHistory", coin=coin, startTime=self.since_ms, endTime=self.until_ms - 1)

    @property
    def weight(self) -> int:
        """What it costs of the venue's weight budget if the reply is as full as it can be."""
        rows = min(-(-(self.until_ms - self.since_ms) // _shortest_ms(self.subject)), self.subject.most)
        return _BASE_WEIGHT + -(-rows // _rows_per_weight(self.subject))


class Answer(NamedTuple):
    """What a reply says. It holds for the page up to `until_ms`; a full reply may end before the page does.

    `unread` are (reason, entry as received). `counts` says what became of every entry.
    """

    until_ms: int
    rows: list[CandleRow | FundingRateRow]
    holes: list[GapRow]
    unread: list[tuple[str, bytes]]
    counts: dict[str, int]


class _Funding(msgspec.Struct, rename="camel"):
    coin: str
    funding_rate: str
    premium: str | None
    time: Ms


_FUNDING: Final = msgspec.json.Decoder(_Funding)


def subject(coin: str, interval: str) -> Subject:
    """Candles of an interval, or funding if it is empty; DataError for an interval that the venue does not have."""
    return Subject(coin, known_interval(interval) if interval else "")


def span_of(of: Subject, since_ms: int, until_ms: int, now_ms: int) -> tuple[int, int]:
    """Whole, ended intervals of [since, until): what is still open at `now_ms` is left out, for it would change."""
    since = of.begin_ms(since_ms)
    return since, max(since, of.begin_ms(min(until_ms, now_ms - SETTLED_MS)))


def next_page(of: Subject, since_ms: int, until_ms: int, most_weight: int) -> Page:
    """The first request for [since, until): as much as one reply can hold, and as `most_weight` allows."""
    assert since_ms < until_ms, "expected a span that is not empty"
    assert most_weight > _BASE_WEIGHT, f"a weight of {most_weight} never lets a request out"
    most = min(of.most, (most_weight - _BASE_WEIGHT) * _rows_per_weight(of))
    return Page(of, since_ms, min(until_ms, of.begin_ms(since_ms + most * _shortest_ms(of))))


def answer(reply: bytes, page: Page, instrument: Instrument) -> Answer:
    """The rows of one reply, each interval once, in order of time; VenueProtocolError if it makes no sense."""
    entries = entries_of(reply, page.subject.name)
    read: Callable[[bytes, Page, Instrument], tuple[int, Any]] = _candle if page.subject.interval else _funding
    found: dict[int, Any] = {}
    unread: list[tuple[str, bytes]] = []
    counts = {"entries": len(entries), "outside": 0, "repeated": 0}
    for entry in entries:
        try:
            begin_ms, row = read(bytes(entry), page, instrument)
        except UNREADABLE as error:
            unread.append((str(error), bytes(entry)))
            continue
        if not page.since_ms <= begin_ms < page.until_ms:
            counts["outside"] += 1
            continue
        counts["repeated"] += begin_ms in found
        found[begin_ms] = row
    until_ms = page.until_ms
    if len(entries) >= page.subject.most:
        if not found:
            raise VenueProtocolError(f"{page.subject.name}: a full reply without anything that was asked for")
        until_ms = page.subject.end_ms(max(found))
    counts["unread"] = len(unread)
    return Answer(until_ms, [found[ms] for ms in sorted(found)], list(_holes(page, until_ms, found)), unread, counts)


def _holes(page: Page, until_ms: int, found: dict[int, Any]) -> Iterator[GapRow]:
    """What the reply leaves out, neighbours joined."""
    start = at = page.since_ms
    while at < until_ms:
        end = page.subject.end_ms(at)
        if at in found:
            if start < at:
                yield _hole(page.subject, start, at)
            start = end
        at = end
    if start < until_ms:
        yield _hole(page.subject, start, until_ms)


def _hole(of: Subject, since_ms: int, until_ms: int) -> GapRow:
    return GapRow(since_ms * MS, until_ms * MS, NOT_GIVEN, 0, 0, (of.name,))


def _candle(raw: bytes, page: Page, of: Instrument) -> tuple[int, CandleRow]:
    row = candle_row(raw, lambda _: of)
    if (row.coin, row.interval) != page.subject:
        raise DataError(f"expected {page.subject.name}, got {row.coin[:20]} {row.interval}")
    return row.exch_ns // MS, row


def candle_row(raw: bytes, listed: Callable[[str], Instrument], recv_ns: int | None = None) -> CandleRow:
    """A candle as the venue writes it, asked for or pushed; DataError if it is no whole interval or makes no sense."""
    one = candle(raw, listed)
    return CandleRow(
        coin=one.coin,
        exch_ns=ns_from_ms(one.open_ms),
        recv_ns=recv_ns,
        px_decimals=one.of.px_decimals,
        sz_decimals=one.of.sz_decimals,
        interval=one.interval,
        close_ns=ns_from_ms(one.end_ms) - 1,
        open_px=one.open_px,
        high_px=one.high_px,
        low_px=one.low_px,
        close_px=one.close_px,
        traded_sz=one.traded_sz,
        trades=one.trades,
    )


def _funding(raw: bytes, page: Page, _: Instrument) -> tuple[int, FundingRateRow]:
    data = _FUNDING.decode(raw)
    if data.coin != page.subject.coin:
        raise DataError(f"expected {page.subject.coin}, got {data.coin[:20]}")
    rate = near(data.funding_rate, RATE_DECIMALS)
    premium = None if data.premium is None else near(data.premium, RATE_DECIMALS)
    row = FundingRateRow(data.coin, ns_from_ms(data.time), None, rate, premium)
    return page.subject.begin_ms(data.time), row


def _rows_per_weight(of: Subject) -> int:
    """So many rows cost one weight beyond the request's own."""
    return _CANDLES_PER_WEIGHT if of.interval else _FUNDINGS_PER_WEIGHT


def _shortest_ms(of: Subject) -> int:
    """Length of an interval; of months the shortest."""
    return INTERVALS_NS[of.interval] // MS or _SHORTEST_MONTH_MS if of.interval else _HOUR_MS
