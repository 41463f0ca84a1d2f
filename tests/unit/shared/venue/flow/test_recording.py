"""Recorded frames become exact records, and a recorded book follows them by the venues' own rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import DataError
from shared.instrument import Instrument
from shared.units import MS, Rounding
from shared.venue.flow.ladder import Ladder, RecordedBook, Rounded, px_on_tick
from shared.venue.flow.recording import (
    BookKind,
    BookRecord,
    OtherRecord,
    Record,
    TradeRecord,
    in_exchange_order,
    records,
)

BTC = Instrument("BTC", 0, 5, 40)
E8 = 10**8

HYPERLIQUID = (
    (
        b'10 {"channel":"l2Book","data":{"coin":"BTC","levels":[[{"n":5,"px":"105055.0","sz":"3.03622"}],'
        b'[{"n":1,"px":"105056.0","sz":"0.5"}]],"time":7}}\n'
    ),
    (
        b'20 {"channel":"trades","data":[{"coin":"BTC","hash":"0x1","px":"105056.0","side":"B","sz":"0.00219",'
        b'"tid":1,"time":8,"users":["0x1","0x2"]}]}\n'
    ),
    b'30 {"channel":"subscriptionResponse","data":{"method":"subscribe"}}\n',
)
BINANCE = (
    (
        b'1 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":5,"T":5,"s":"BTCUSDT","U":1,"u":9,"pu":0,'
        b'"b":[["61800.20","2.5"]],"a":[]}}\n'
    ),
    (
        b'2 {"stream":"btcusdt@trade","data":{"e":"trade","E":6,"T":6,"s":"BTCUSDT","t":1,"p":"61800.30","q":"0.006",'
        b'"X":"MARKET","m":true}}\n'
    ),
    (
        b'3 {"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":11,"s":"BTCUSDT","b":"61800.20","B":"2.507",'
        b'"a":"61800.30","A":"2.510","T":7,"E":7}}\n'
    ),
    b'4 {"lastUpdateId":8,"E":8,"T":8,"bids":[["61800.10","1.0"]],"asks":[["61800.30","3.0"]]}\n',
)


def book(kind: BookKind, bids: dict[int, int], asks: dict[int, int], last: int = 0, previous: int = 0) -> BookRecord:
    """A record with prices and sizes in whole units."""
    sides = [tuple((px * E8, sz * E8) for px, sz in side.items()) for side in (bids, asks)]
    return BookRecord("BTC", kind, sides[0], sides[1], last, previous, 0, 0)


def test_hyperliquid_frames_are_read_exactly() -> None:
    """A book, a trade and something else, to the last digit."""
    first, trade, other = records(HYPERLIQUID)
    assert first == BookRecord(
        "BTC", BookKind.WHOLE, ((10505500000000, 303622000),), ((10505600000000, 50000000),), 0, 0, 7 * MS, 10
    )
    assert trade == TradeRecord("BTC", True, 10505600000000, 219000, 8 * MS, 20, 1)
    assert other == OtherRecord("subscriptionResponse", 30)


def test_binance_frames_are_read_exactly() -> None:
    """Changes, a seller's trade, best levels and the snapshot of the file's only symbol."""
    changes, trade, best, whole = records(BINANCE)
    assert isinstance(changes, BookRecord)
    assert (changes.kind, changes.last_id, changes.previous_id) == (BookKind.CHANGES, 9, 0)
    assert trade == TradeRecord("BTC", False, 6180030000000, 600000, 6 * MS, 2, 1)
    assert isinstance(best, BookRecord)
    assert (best.kind, best.bids, best.last_id) == (BookKind.BEST, ((6180020000000, 250700000),), 11)
    assert isinstance(whole, BookRecord)
    assert (whole.coin, whole.kind, whole.last_id) == ("BTC", BookKind.WHOLE, 8)


def test_a_broken_line_is_named() -> None:
    """The error says which line can't be read."""
    with pytest.raises(DataError, match="line 2 "):
        list(records((HYPERLIQUID[0], b"12 {not json\n")))


def test_a_trade_comes_before_the_book_that_it_made() -> None:
    """Arrived later but of the same millisecond or earlier, it is replayed first; nothing is lost."""
    late = TradeRecord("BTC", True, E8, E8, 5 * MS, 20)
    made = BookRecord("BTC", BookKind.WHOLE, (), (), 0, 0, 5 * MS, 10)
    later = BookRecord("BTC", BookKind.WHOLE, (), (), 0, 0, 900 * MS, 30)
    assert list(in_exchange_order((made, late, later), 100 * MS)) == [late, made, later]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 500), max_size=40), st.integers(0, 300))
def test_reordering_loses_nothing_and_sorts_within_the_window(times: list[int], window: int) -> None:
    """Every record comes out once; two of them are swapped only if they lie within the window of what had arrived."""
    given_: list[Record] = [TradeRecord("BTC", True, 1, 1, ms * MS, n) for n, ms in enumerate(times)]
    found = [each for each in in_exchange_order(iter(given_), window * MS) if isinstance(each, TradeRecord)]
    assert sorted(each.recv_ns for each in found) == list(range(len(times)))
    if all(max(times[: n + 1]) - ms <= window for n, ms in enumerate(times)):
        assert [each.exch_ns for each in found] == sorted(each.exch_ns for each in found)


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.integers(618_000_0, 618_009_9), st.integers(0, 5)), max_size=60),
    st.booleans(),
)
def test_levels_on_our_ticks_hold_all_that_was_recorded(changes: list[tuple[int, int]], is_bid: bool) -> None:
    """However raw levels change, each of our levels is the sum of the raw ones moved to it, best first."""
    ladder, raw = Ladder(BTC, is_bid, Rounded()), dict[int, int]()
    for tenths_x10, sz in changes:
        px_e8 = tenths_x10 * E8 // 100
        ladder.set(px_e8, sz * E8)
        raw[px_e8] = sz
    expected: dict[int, int] = {}
    for px_e8, sz in raw.items():
        if sz:
            px = px_on_tick(BTC, px_e8, Rounding.DOWN if is_bid else Rounding.UP)
            expected[px] = expected.get(px, 0) + sz * 10**5
    assert ladder.levels(100) == sorted(expected.items(), reverse=is_bid)


def test_prices_move_away_from_the_market_and_are_counted() -> None:
    """A bid of 61800.2 stands at 61800 and an ask of 61800.3 at 61801; both moves are counted."""
    found = RecordedBook(BTC)
    last = [record for record in records(BINANCE) if isinstance(record, BookRecord)]
    assert not found.take(last[0])
    assert found.take(last[2])
    assert found.bids.levels(5) == [(618000, 350000)]
    assert found.asks.levels(5) == [(618010, 300000)]
    assert found.rounded.px == 3


def test_changes_before_the_snapshot_are_applied_after_it_if_newer() -> None:
    """Old ones are dropped, newer ones follow, as Binance asks."""
    found = RecordedBook(BTC)
    found.take(book(BookKind.CHANGES, {100: 1}, {}, last=4, previous=1))
    found.take(book(BookKind.CHANGES, {99: 2}, {}, last=9, previous=4))
    assert found.take(book(BookKind.WHOLE, {98: 3}, {110: 1}, last=7))
    assert [px // 10 for px, _ in found.bids.levels(5)] == [99, 98]


def test_a_hole_in_the_ids_makes_the_book_unknown() -> None:
    """It is not sound again before the next snapshot."""
    found = RecordedBook(BTC)
    assert found.take(book(BookKind.WHOLE, {98: 3}, {110: 1}, last=7))
    assert not found.take(book(BookKind.CHANGES, {97: 1}, {}, last=20, previous=12))
    assert not found.take(book(BookKind.CHANGES, {97: 1}, {}, last=25, previous=20))
    assert found.gaps == 1
    assert found.take(book(BookKind.WHOLE, {98: 3}, {110: 1}, last=30))


def test_newer_best_levels_survive_an_older_batch() -> None:
    """A batch that ends before the last best levels does not bring back what they removed."""
    found = RecordedBook(BTC)
    found.take(book(BookKind.WHOLE, {98: 3, 97: 1}, {110: 1}, last=7))
    assert found.take(book(BookKind.BEST, {97: 2}, {110: 1}, last=15))
    assert found.take(book(BookKind.CHANGES, {98: 1, 96: 4}, {}, last=12, previous=7))
    assert [(px // 10, sz // 10**5) for px, sz in found.bids.levels(5)] == [(97, 2), (96, 4)]


def test_a_crossed_book_is_not_sound() -> None:
    """Bids at or above asks are not mirrored."""
    assert not RecordedBook(BTC).take(book(BookKind.WHOLE, {110: 3}, {110: 1}))


def test_a_coin_that_we_do_not_know_is_other() -> None:
    """A symbol outside our table is passed on as nothing of ours."""
    (found,) = records((BINANCE[1].replace(b"btcusdt", b"dogeusdt"),))
    assert isinstance(found, OtherRecord)
