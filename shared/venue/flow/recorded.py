"""Recorded books and trades as a driver of the local exchange: a house account mirrors every recorded level.

Users' orders stand among the mirrored ones and keep their places; settings say where in a queue recorded cancels
happen, and how long the recording does without what users took. A recorded trade comes back as an immediate-or-cancel
order of its size at its price, so it fills users' orders at or better than that in their turn, and it is always printed
in full. What does not fit our ticks, lots or minimum is moved away from the market or left out, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import merge
from typing import Final

import msgspec

from shared.errors import DataError
from shared.instrument import MIN_NOTIONAL_USD, Instrument
from shared.units import HOUR, MS, SECOND, USD, Ns, Px, Rounding, Sz, Usd, round_ratio
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif, UpdateLeverage
from shared.venue.core.events import TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Resting
from shared.venue.flow import mirror
from shared.venue.flow.footprint import Footprint, Impact
from shared.venue.flow.ladder import RecordedBook, lot_e8, px_on_tick, px_unit_e8
from shared.venue.flow.mirror import Queue
from shared.venue.flow.mix import address_of
from shared.venue.flow.recording import BookRecord, OtherRecord, Record, TradeRecord, in_exchange_order
from shared.venue.flow.synthetic import Applies

COLLATERAL_USD: Final = Usd(10_000_000_000 * USD)
HISTORY_NS: Final = 10 * SECOND
"""A trade this much older than the last book was history when the recording began; it is not replayed."""
IDLE_NS: Final = HOUR
REORDER_NS: Final = 100 * MS
"""How long a book waits for the trades that made it. In the Binance recordings trades come up to 35 ms after it."""


class RecordedSettings(msgspec.Struct, frozen=True):
    """`speed` 2.0 replays twice as fast. With `loop` the recording starts again at its end, prices jumping back.

    `queue` is newest, proportional or oldest: whose size a recorded cancel takes. `impact` is none, transient or
    permanent: for how long what users took stays away.
    """

    speed: float = 1.0
    loop: bool = False
    depth: int = 40
    oracle_interval_ms: int = 3_000
    queue: Queue = Queue.PROPORTIONAL
    impact: Impact = Impact.TRANSIENT


class Counts(msgspec.Struct):
    """What a replay did so far. Moved prices and sizes are per change of a level.

    `missed_usd` (micro-USDC) is of recorded trades that found nobody at their price.
    """

    frames: int = 0
    books: int = 0
    trades: int = 0
    moved_px: int = 0
    moved_sz: int = 0
    too_small_trades: int = 0
    missed_usd: int = 0
    unsound_books: int = 0
    gaps: int = 0
    old_trades: int = 0
    ignored: int = 0
    loops: int = 0
    is_finished: bool = False


class _Coin:
    """One coin of the replay: its recorded book and the two accounts that act for the recording."""

    def __init__(self, instrument: Instrument, impact: Impact) -> None:
        self.instrument = instrument
        self.book = RecordedBook(instrument)
        self.footprint = Footprint(impact)
        self.house = address_of(f"{instrument.coin}/house")
        self.tape = address_of(f"{instrument.coin}/tape")
        self.priced_ns = 0

    def recorded_sz(self, is_bid: bool, px: Px) -> int:
        """Recorded lots at a level."""
        return (self.book.bids if is_bid else self.book.asks).sz(px)


class RecordedMarket:
    """Drives an exchange by a recording. `source` opens it anew each time; `exchange` is only read.

    `names` are the coins that it acts for; all that are listed if None.
    """

    def __init__(
        self,
        exchange: Exchange,
        source: Callable[[], Iterable[Record]],
        settings: RecordedSettings = RecordedSettings(),  # noqa: B008 - frozen
        names: Collection[str] | None = None,
    ) -> None:
        self._exchange = exchange
        self._source = source
        self._settings = settings
        self._coins = {
            each.instrument.coin: _Coin(each.instrument, settings.impact)
            for each in exchange.listings.values()
            if names is None or each.instrument.coin in names
        }
        self._counts = Counts()
        self._records: Iterator[Record] | None = None
        self._next: Record | None = None
        self._recorded_start_ns = 0
        self._start_ns = 0

    @property
    def users(self) -> tuple[str, ...]:
        """Addresses that act for the recording."""
        return tuple(user for coin in self._coins.values() for user in (coin.house, coin.tape))

    def report(self) -> Counts:
        """What was replayed, moved and left out so far."""
        counts, books = self._counts, [coin.book for coin in self._coins.values()]
        counts.moved_px = sum(book.rounded.px for book in books)
        counts.moved_sz = sum(book.rounded.sz for book in books)
        counts.gaps = sum(book.gaps for book in books)
        return msgspec.structs.replace(counts)

    def wanted(self, coin: str) -> tuple[dict[Px, Sz], dict[Px, Sz]]:
        """(bids, asks) that the house means to show now: the recorded book on our ticks less what users took of it."""
        of, depth = self._coins[coin], self._settings.depth
        bids, asks = (mirror.expressible(side.levels(depth)) for side in (of.book.bids, of.book.asks))
        return of.footprint.reduce(bids, asks, of.recorded_sz)

    def step(self, door: Applies, now: Ns) -> Ns:
        """Replay everything that falls due up to `now`; the result is when the next record does."""
        if self._records is None:
            self._fund(door, now)
            self._open(now)
        while self._next is not None:
            due = self._due_ns(self._next)
            if due > now:
                return Ns(due)
            at = Ns(max(due, self._exchange.now_ns))
            self._replay(door, self._next, at)
            self._next = next(self._records or iter(()), None)
            if self._next is None and self._settings.loop:
                self._counts.loops += 1
                self._open(at)
        self._counts.is_finished = True
        return Ns(now + IDLE_NS)

    def _fund(self, door: Applies, now: Ns) -> None:
        for coin in self._coins.values():
            for user in (coin.house, coin.tape):
                door.apply(Deposit(user, COLLATERAL_USD), now)
                # at leverage 1 no margin tier refuses the recording's own accounts
                door.apply(UpdateLeverage(user, coin.instrument.asset, 1, True), now)

    def _open(self, now: Ns) -> None:
        """Begin the recording, its first record falling on `now`."""
        for coin in self._coins.values():
            coin.book.forget()
            coin.footprint.forget()
        self._records = in_exchange_order(self._source(), REORDER_NS)
        self._next = next(self._records, None)
        if self._next is None:
            raise DataError("the recording is empty")
        self._recorded_start_ns, self._start_ns = self._next.recv_ns, now

    def _due_ns(self, record: Record) -> int:
        return self._start_ns + int((record.recv_ns - self._recorded_start_ns) / self._settings.speed)

    def _replay(self, door: Applies, record: Record, at: Ns) -> None:
        self._counts.frames += 1
        coin = None if isinstance(record, OtherRecord) else self._coins.get(record.coin)
        if coin is None:
            self._counts.ignored += 1
        elif isinstance(record, BookRecord):
            self._take_book(door, coin, record, at)
        elif isinstance(record, TradeRecord):
            self._take_trade(door, coin, record, at)

    def _take_book(self, door: Applies, coin: _Coin, record: BookRecord, at: Ns) -> None:
        """Follow the record; an unknown or crossed book leaves the mirror as it is until it is sound again."""
        self._counts.books += 1
        if not coin.footprint.is_blind:
            coin.footprint.notice(self._exchange.open_orders(coin.house), coin.recorded_sz)
        if not coin.book.take(record):
            self._counts.unsound_books += 1
            return
        self._publish(door, coin, at)
        if not coin.priced_ns:
            return
        asset, wanted = coin.instrument.asset, self.wanted(coin.instrument.coin)
        plan = mirror.plan(
            coin.house,
            coin.instrument,
            wanted,
            self._exchange.open_orders(coin.house),
            lambda is_bid, px: self._exchange.queue(asset, is_bid, px),
            self._settings.queue,
        )
        for command in plan.commands:
            door.apply(command, at)
        coin.footprint.show(*plan.shown)

    def _publish(self, door: Applies, coin: _Coin, at: Ns) -> None:
        """The recorded mid becomes the oracle price now and then; recordings carry none of their own."""
        bid, ask = coin.book.bids.best_raw(), coin.book.asks.best_raw()
        if coin.priced_ns and at - coin.priced_ns < self._settings.oracle_interval_ms * MS:
            return
        if bid is not None and ask is not None:
            unit_e8 = px_unit_e8(coin.instrument)
            oracle = Px(round_ratio(bid + ask, 2 * unit_e8, Rounding.NEAREST))
            door.apply(SetPrices(coin.instrument.asset, oracle), at)
            coin.priced_ns = at

    def _take_trade(self, door: Applies, coin: _Coin, record: TradeRecord, at: Ns) -> None:
        """The recorded aggressor again, as large and at the price that it paid."""
        self._counts.trades += 1
        if not coin.book.is_whole or record.exch_ns < coin.book.exch_ns - HISTORY_NS:
            self._counts.old_trades += 1
            return
        instrument = coin.instrument
        px = px_on_tick(instrument, record.px_e8, Rounding.UP if record.is_buy else Rounding.DOWN)
        lots = record.sz_e8 // lot_e8(instrument)
        if px * lots < MIN_NOTIONAL_USD:
            self._counts.too_small_trades += 1
            return
        self._complete(door, coin, record.is_buy, px, lots, at)
        order = OrderSpec(instrument.asset, record.is_buy, px, Sz(lots), False, Tif.IOC)
        outcome = door.apply(PlaceOrders(coin.tape, (order,)), at)
        trades = [event for event in outcome.events if isinstance(event, TradeHappened)]
        for each in trades:
            if coin.house in each.users:
                coin.footprint.change(not record.is_buy, each.px, -each.sz)
        traded = sum(each.sz for each in trades)
        self._counts.missed_usd += px * (lots - traded)

    def _complete(self, door: Applies, coin: _Coin, is_buy: bool, px: Px, lots: int, at: Ns) -> None:
        """Let the house show at the trade's price what the trade took there, unless that would cross its own quotes.

        The recorded book may already have lost what the trade took: books and trades arrive separately.
        """
        shown, opposite = 0, False
        for order in self._exchange.open_orders(coin.house):
            if order.is_buy is is_buy:
                opposite = opposite or (order.px >= px if is_buy else order.px <= px)
            elif order.px <= px if is_buy else order.px >= px:
                shown += order.sz
        missing = Sz(lots - shown)
        if missing > 0 and not opposite and missing * px >= MIN_NOTIONAL_USD:
            order_there = OrderSpec(coin.instrument.asset, not is_buy, px, missing, False, Tif.ALO)
            outcome = door.apply(PlaceOrders(coin.house, (order_there,)), at)
            if isinstance(outcome.statuses[0], Resting):
                coin.footprint.change(not is_buy, px, missing)


def merged(*sources: Callable[[], Iterable[Record]]) -> Callable[[], Iterable[Record]]:
    """One source of several recordings, ordered by receive time."""
    return lambda: merge(*(source() for source in sources), key=lambda record: record.recv_ns)
