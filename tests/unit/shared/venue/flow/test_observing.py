"""A watched market and a watched recording give the samples that they contain."""

from __future__ import annotations

from shared.units import MS, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.observing import Watch, observe_recording
from shared.venue.flow.recording import BookKind, BookRecord, Record, TradeRecord
from shared.venue.flow.synthetic import Applies

START = Ns(1_700_000_000 * SECOND)
E8 = 10**8


class Script:
    """A driver that quotes at the start and takes half a second later."""

    def step(self, door: Applies, now: Ns) -> Ns:
        """Its one trade, then nothing for long."""
        if now == START:
            door.apply(SetPrices(0, Px(1_000_000)), now)
            for user in ("0xa", "0xb"):
                door.apply(Deposit(user, Usd(10**6 * USD)), now)
            quotes = tuple(
                OrderSpec(0, is_buy, Px(px), Sz(1_000), False, Tif.ALO)
                for is_buy, px in ((True, 999_990), (True, 998_000), (False, 1_000_010), (False, 1_003_000))
            )
            door.apply(PlaceOrders("0xa", quotes), now)
            return Ns(START + SECOND // 2)
        door.apply(PlaceOrders("0xb", (OrderSpec(0, True, Px(1_003_000), Sz(1_500), False, Tif.IOC),)), now)
        return Ns(now + 10 * SECOND)


def test_a_watched_exchange_gives_its_books_and_aggressors() -> None:
    """Sampled each second; a sweep of two levels is one aggressor; depth counts what lies within the distance."""
    watch = Watch(Exchange(listings(COINS[:1]), start_ns=START), (0,))
    watch.run(Script(), START, 3)
    found = watch.observed[0]
    assert [(book.bid, book.ask) for book in found.books] == [(99_999.0, 100_001.0)] + [(99_999.0, 100_300.0)] * 2
    assert [(trade.is_buy, round(trade.usd)) for trade in found.trades] == [(True, 1502)]
    assert found.books[0].depths_usd == (1_000.0, 1_000.0, 1_499.0)
    assert watch.commands == 5


def test_a_recording_is_sampled_on_our_ticks_or_as_it_is() -> None:
    """A price finer than our tick moves away from the market; trades of one millisecond and side are one aggressor."""
    bids, asks = ((60_000_40000000, E8), (50_000 * E8, E8)), ((60_000_60000000, E8), (70_000 * E8, E8))
    books = [BookRecord("BTC", BookKind.WHOLE, bids, asks, 0, 0, at * MS, at * MS) for at in (500, 2500)]
    trades = [
        TradeRecord("BTC", is_buy, 60_000 * E8, E8 // 10, at * MS, at * MS)
        for at, is_buy in ((1500, True), (1500, True), (1500, False), (1501, False))
    ]
    records: list[Record] = [books[0], *trades, books[1]]
    instrument = listings(COINS[:1])[0].instrument
    found = observe_recording(records, instrument)
    assert [(book.ns // MS, book.bid, book.ask) for book in found.books] == [
        (1000, 60_000.0, 60_001.0),
        (2000, 60_000.0, 60_001.0),
    ]
    assert [(trade.is_buy, trade.usd) for trade in found.trades] == [
        (True, 12_000.0),
        (False, 6_000.0),
        (False, 6_000.0),
    ]
    raw = observe_recording(records, instrument, on_our_ticks=False)
    assert (raw.books[0].bid, raw.books[0].ask) == (60_000.4, 60_000.6)
