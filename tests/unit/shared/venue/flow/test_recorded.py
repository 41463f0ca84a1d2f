"""The replayed market shows the recorded book, lets users trade within it, and repeats itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import DataError
from shared.instrument import Instrument
from shared.units import MS, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.events import FillHappened, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome, Resting
from shared.venue.flow import mirror
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.mirror import Queue
from shared.venue.flow.recorded import RecordedMarket, RecordedSettings, merged
from shared.venue.flow.recording import BookKind, BookRecord, Record, TradeRecord
from shared.venue.flow.recording_files import open_recordings

DATA = Path(__file__).resolve().parents[6] / "shared" / "data" / "market"
START = Ns(1_700_000_000 * SECOND)
E8 = 10**8
USER = "0xuser"


class Venue:
    """An exchange with one replay and one user."""

    def __init__(self, source: Callable[[], Iterable[Record]], chosen: RecordedSettings | None = None) -> None:
        self.exchange = Exchange(listings(COINS[:2]), start_ns=START)
        self.market = RecordedMarket(self.exchange, source, chosen or RecordedSettings())
        self.events: list[object] = []
        self.apply(Deposit(USER, Usd(10**6 * USD)), START)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """The core's answer, events kept."""
        outcome = self.exchange.apply(command, now)
        self.events += outcome.events
        return outcome

    def place(self, is_buy: bool, px: int, lots: int, tif: Tif = Tif.GTC) -> Outcome:
        """The user's order on BTC."""
        order = OrderSpec(0, is_buy, Px(px), Sz(lots), False, tif)
        return self.apply(PlaceOrders(USER, (order,)), self.exchange.now_ns)

    def levels(self, coin: int, depth: int = 40) -> list[list[tuple[int, int]]]:
        """The visible book as (price, lots)."""
        return [[(level.px, level.sz) for level in side] for side in self.exchange.book_levels(coin, depth)]


def book(at_ms: int, bids: dict[int, int], asks: dict[int, int]) -> BookRecord:
    """A whole BTC book; prices in USDC, sizes in thousandths of a coin."""
    sides = [tuple((px * E8, sz * E8 // 1000) for px, sz in side.items()) for side in (bids, asks)]
    return BookRecord("BTC", BookKind.WHOLE, sides[0], sides[1], 0, 0, at_ms * MS, at_ms * MS)


def trade(at_ms: int, is_buy: bool, px: int, thousandths: int) -> TradeRecord:
    """A recorded trade."""
    return TradeRecord("BTC", is_buy, px * E8, thousandths * E8 // 1000, at_ms * MS, at_ms * MS)


def source(*records: Record) -> Callable[[], Iterable[Record]]:
    """These records, as often as asked."""
    return lambda: records


def test_the_visible_book_is_the_recorded_one() -> None:
    """Levels that come, grow, shrink and go are shown as recorded after each book."""
    books = (
        book(1000, {60000: 5, 59990: 3}, {60010: 2}),
        book(2000, {60000: 9, 59980: 1}, {60010: 1, 60020: 4}),
        book(3000, {60005: 1}, {60010: 7}),
    )
    venue = Venue(source(*books))
    due = START
    for each in books:
        due = venue.market.step(venue, due)
        expected = [[(px * 10, sz * 100) for px, sz in side] for side in _sides(each)]
        assert venue.levels(0) == expected
    assert venue.market.report().is_finished


def _sides(record: BookRecord) -> list[list[tuple[int, int]]]:
    return [[(px // E8, sz * 1000 // E8) for px, sz in side] for side in (record.bids, record.asks)]


def test_users_orders_stand_among_the_recorded_ones() -> None:
    """A user's bid between two levels is shown beside them and survives the next book."""
    venue = Venue(source(book(1000, {60000: 5}, {60010: 2}), book(2000, {60000: 4}, {60010: 2})))
    due = venue.market.step(venue, START)
    assert isinstance(venue.place(True, 600_050, 500).statuses[0], Resting)
    venue.market.step(venue, due)
    assert venue.levels(0) == [[(600_050, 500), (600_000, 400)], [(600_100, 200)]]


def test_a_recorded_trade_fills_who_stands_first() -> None:
    """A recorded sale at the user's better bid fills the user, as maker, before the house."""
    venue = Venue(source(book(1000, {60000: 5}, {60010: 2}), trade(1500, False, 60000, 3), book(9000, {}, {60010: 2})))
    due = venue.market.step(venue, START)
    venue.place(True, 600_050, 200)
    venue.market.step(venue, due)
    fills = [event for event in venue.events if isinstance(event, FillHappened) and event.user == USER]
    assert [(fill.px, fill.sz, fill.crossed) for fill in fills] == [(600_050, 200, False)]
    assert sum(event.sz for event in venue.events if isinstance(event, TradeHappened)) == 300


def test_the_market_moving_through_an_order_fills_it() -> None:
    """When the recorded ask falls below a user's bid, the house trades with it at the user's price."""
    venue = Venue(source(book(1000, {60000: 5}, {60010: 2}), book(2000, {59900: 5}, {59950: 2})))
    due = venue.market.step(venue, START)
    venue.place(True, 600_000, 100)
    venue.market.step(venue, due)
    fills = [event for event in venue.events if isinstance(event, FillHappened) and event.user == USER]
    assert [(fill.px, fill.sz) for fill in fills] == [(600_000, 100)]


def test_a_trade_is_printed_in_full_even_if_the_book_lost_it_already() -> None:
    """The house shows again what the trade took, unless it would cross itself; then the rest is counted as missed."""
    venue = Venue(
        source(
            book(1000, {60000: 5}, {60010: 2}),
            trade(1500, True, 60010, 6),
            trade(1600, True, 59990, 6),
            book(9000, {60000: 5}, {60010: 2}),
        )
    )
    due = START
    while not venue.market.report().is_finished:
        due = venue.market.step(venue, due)
    assert sum(event.sz for event in venue.events if isinstance(event, TradeHappened)) == 600
    assert venue.market.report().missed_usd == 600 * 599_900
    assert venue.levels(0) == [[(600_000, 500)], [(600_100, 200)]]


def test_what_is_too_small_is_counted_and_old_trades_are_not_replayed() -> None:
    """A trade under $10 and one of before the recording do nothing."""
    small = TradeRecord("BTC", True, 60010 * E8, E8 // 10**5, 60_500 * MS, 60_500 * MS)
    venue = Venue(source(book(60_000, {60000: 5}, {60010: 2}), trade(1000, True, 60010, 1), small))
    due = START
    while not venue.market.report().is_finished:
        due = venue.market.step(venue, due)
    report = venue.market.report()
    assert (report.too_small_trades, report.old_trades) == (1, 1)
    assert not [event for event in venue.events if isinstance(event, TradeHappened)]


def test_speed_and_loops() -> None:
    """At speed 10 a second lasts 100 ms; a looping replay begins again and never ends."""
    records = (book(1000, {60000: 5}, {60010: 2}), book(2000, {60000: 4}, {60010: 2}))
    venue = Venue(source(*records), RecordedSettings(speed=10.0, loop=True))
    assert venue.market.step(venue, START) == START + 100 * MS
    for n in range(1, 20):
        venue.market.step(venue, Ns(START + n * 100 * MS))
    report = venue.market.report()
    assert report.loops > 5
    assert not report.is_finished
    assert venue.levels(0)[1] == [(600_100, 200)]


def test_an_empty_or_missing_recording_is_refused() -> None:
    """It is an error, not a silent market."""
    with pytest.raises(DataError, match="empty"):
        Venue(source()).market.step(Venue(source()), START)
    with pytest.raises(DataError, match="no such recording"):
        open_recordings(Path("/nowhere.ws.gz"))


sides = st.dictionaries(st.integers(1, 8), st.integers(0, 4000), max_size=6)


@settings(max_examples=100)
@given(st.lists(st.tuples(sides, sides, st.integers(0, 3000)), min_size=1, max_size=8), st.sampled_from(Queue))
def test_the_mirror_always_reaches_what_is_wanted(
    targets: list[tuple[dict[int, int], dict[int, int], int]], policy: Queue
) -> None:
    """From any orders that rest, partly filled ones too, the commands give exactly the levels asked for."""
    instrument: Instrument = listings(COINS[:1])[0].instrument
    exchange = Exchange(listings(COINS[:1]), start_ns=START)
    exchange.apply(SetPrices(0, Px(600_000)), START)
    for user in ("0xhouse", "0xother"):
        exchange.apply(Deposit(user, Usd(10**9 * USD)), START)
    for bids, asks, taken in targets:
        wanted = (
            mirror.expressible([(Px(600_000 - 10 * n), Sz(sz)) for n, sz in sorted(bids.items())]),
            mirror.expressible([(Px(600_000 + 10 * n), Sz(sz)) for n, sz in sorted(asks.items())]),
        )
        resting = exchange.open_orders("0xhouse")
        plan = mirror.plan("0xhouse", instrument, wanted, resting, partial(exchange.queue, 0), policy)
        for command in plan.commands:
            exchange.apply(command, START)
        found = exchange.book_levels(0, 40)
        assert [[(level.px, level.sz) for level in side] for side in found] == [list(side.items()) for side in wanted]
        if taken:
            sweep = OrderSpec(0, True, Px(600_080), Sz(taken), False, Tif.IOC)
            exchange.apply(PlaceOrders("0xother", (sweep,)), START)


def follow(files: list[str], coins: list[int], most_steps: int) -> tuple[Venue, int]:
    """The venue after replaying files, and at how many books its view equalled the recorded one."""
    paths = [DATA / name for name in files]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"the recorded data folder {DATA} is not here")
    venue = Venue(open_recordings(*paths))
    due, equal, steps = START, 0, 0
    while not venue.market.report().is_finished and steps < most_steps:
        before = venue.market.report()
        due = venue.market.step(venue, due)
        steps += 1
        after = venue.market.report()
        if after.trades != before.trades or after.unsound_books != before.unsound_books:
            continue
        for coin in coins:
            bids, asks = venue.market.wanted(COINS[coin].name)
            assert venue.levels(coin) == [list(bids.items()), list(asks.items())]
            equal += 1
    return venue, equal


def test_the_hyperliquid_recording_is_mirrored_to_the_digit() -> None:
    """Every book of the recording is the exchange's; nothing is moved, nothing is left out."""
    venue, equal = follow(["hyperliquid_btc_20250126.ws.gz"], [0], 10**6)
    report = venue.market.report()
    assert equal > 20
    assert (report.moved_px, report.moved_sz, report.missed_usd, report.unsound_books) == (0, 0, 0, 0)


@pytest.mark.parametrize(("name", "coin"), [("btcusdt", 0), ("ethusdt", 1)])
def test_the_binance_recordings_are_mirrored_on_our_ticks(name: str, coin: int) -> None:
    """Over four thousand frames the visible book is the recorded one on our ticks, and trades find their match."""
    venue, equal = follow([f"binance_usdm_{name}_20240808.ws.gz"], [coin], 4_000)
    report = venue.market.report()
    traded = sum(event.px * event.sz for event in venue.events if isinstance(event, TradeHappened))
    assert equal > 500
    assert report.gaps == 0
    assert report.missed_usd < 0.02 * traded
    assert len(venue.exchange.open_orders(venue.market.users[2 * coin])) < 300


def test_two_recordings_are_merged_by_time() -> None:
    """Records of several sources come in the order of their receive times."""
    first, second = source(book(1, {}, {}), book(5, {}, {})), source(book(3, {}, {}))
    assert [record.recv_ns // MS for record in merged(first, second)()] == [1, 3, 5]
