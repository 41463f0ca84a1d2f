"""Users' orders among a recorded book: their place in the queue, their fills, and what their trades leave behind."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.units import MS, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, Tif
from shared.venue.core.events import FillHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.footprint import Impact
from shared.venue.flow.mirror import Queue, shrunk
from shared.venue.flow.recorded import RecordedMarket, RecordedSettings
from shared.venue.flow.recording import BookKind, BookRecord, Record, TradeRecord

START = Ns(1_700_000_000 * SECOND)
E8 = 10**8
USER = "0xuser"
BID, ASK = 600_000, 600_100


def book(at_ms: int, bid: int, ask: int = 500, **further: int) -> BookRecord:
    """A whole BTC book: so many lots at 60,000 and 60,010; `further` names bids and asks as b59990=300."""
    sides: dict[str, list[tuple[int, int]]] = {"b": [(60_000, bid)], "a": [(60_010, ask)]}
    for name, lots in further.items():
        sides[name[0]].append((int(name[1:]), lots))
    bids, asks = (tuple((px * E8, lots * 1_000) for px, lots in sides[key] if lots) for key in "ba")
    return BookRecord("BTC", BookKind.WHOLE, bids, asks, 0, 0, at_ms * MS, at_ms * MS)


def trade(at_ms: int, px: int, lots: int, *, is_buy: bool = False) -> TradeRecord:
    """A recorded trade, a sale unless told otherwise."""
    return TradeRecord("BTC", is_buy, px * E8, lots * 1_000, at_ms * MS, at_ms * MS)


class Replay:
    """One recording with one user, stepped record by record."""

    def __init__(self, records: Sequence[Record], queue: Queue = Queue.NEWEST, impact: Impact = Impact.NONE) -> None:
        self.exchange = Exchange(listings(COINS[:1]), start_ns=START)
        chosen = RecordedSettings(queue=queue, impact=impact)
        self.market = RecordedMarket(self.exchange, lambda: records, chosen)
        self.fills: list[tuple[int, int, bool]] = []
        self.apply(Deposit(USER, Usd(10**7 * USD)), START)
        self._due = self.market.step(self, START)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """The core's answer; the user's fills are kept as (price, lots, crossed)."""
        outcome = self.exchange.apply(command, now)
        for event in outcome.events:
            if isinstance(event, FillHappened) and event.user == USER:
                self.fills.append((event.px, event.sz, event.crossed))
        return outcome

    def place(self, is_buy: bool, px: int, lots: int, tif: Tif = Tif.GTC) -> None:
        """The user's order."""
        self.apply(PlaceOrders(USER, (OrderSpec(0, is_buy, Px(px), Sz(lots), False, tif),)), self.exchange.now_ns)

    def next(self) -> None:
        """The next record."""
        self._due = self.market.step(self, self._due)

    def queue(self, px: int = BID) -> list[tuple[bool, int]]:
        """(is it the user's, lots) of the orders at a bid, oldest first."""
        return [(order.user == USER, order.sz) for order in self.exchange.queue(0, True, Px(px))]

    def asks(self) -> list[tuple[int, int]]:
        """Visible asks."""
        return [(level.px, level.sz) for level in self.exchange.book_levels(0)[1]]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Queue.NEWEST, [(False, 500), (True, 200), (False, 100)]),
        (Queue.PROPORTIONAL, [(False, 375), (True, 200), (False, 225)]),
        (Queue.OLDEST, [(False, 300), (True, 200), (False, 300)]),
    ],
)
def test_a_recorded_cancel_shortens_the_queue_where_the_policy_says(
    policy: Queue, expected: list[tuple[bool, int]]
) -> None:
    """500 lots ahead of ours and 300 behind; 200 are cancelled, ours keeps its place."""
    replay = Replay([book(1000, 500), book(2000, 800), book(3000, 600), book(9000, 600)], policy)
    replay.place(True, BID, 200)
    replay.next()
    assert replay.queue() == [(False, 500), (True, 200), (False, 300)]
    replay.next()
    assert replay.queue() == expected


def test_a_cancel_larger_than_what_stands_behind_reaches_those_ahead() -> None:
    """Even the cautious policy lets the queue ahead of us shrink then, and never our own order."""
    replay = Replay([book(1000, 500), book(2000, 600), book(3000, 150), book(9000, 150)])
    replay.place(True, BID, 200)
    replay.next()
    replay.next()
    assert replay.queue() == [(False, 150), (True, 200)]


def test_recorded_trades_reach_us_when_those_ahead_are_gone() -> None:
    """A sale of 300 takes the queue ahead, the next one of 300 takes 200 of it and 100 of ours, at our price."""
    records: list[Record] = [
        book(1000, 500),
        trade(1500, 60_000, 300),
        book(1501, 200),
        trade(2000, 60_000, 300),
        book(2001, 400),
        book(9000, 400),
    ]
    replay = Replay(records)
    replay.place(True, BID, 200)
    replay.next()
    replay.next()
    assert replay.queue() == [(False, 200), (True, 200)]
    assert not replay.fills
    replay.next()
    assert replay.fills == [(BID, 100, False)]
    replay.next()
    assert replay.queue() == [(True, 100), (False, 400)]


def test_a_recorded_trade_through_our_price_fills_us_first() -> None:
    """Our bid of 60,005 is filled by a sale recorded at 60,000, at our price."""
    replay = Replay([book(1000, 500), trade(1500, 60_000, 100), book(9000, 500)])
    replay.place(True, 600_050, 80)
    replay.next()
    assert replay.fills == [(600_050, 80, False)]
    assert replay.queue() == [(False, 480)]


@pytest.mark.parametrize(
    ("impact", "same", "changed", "left", "back"),
    [
        (Impact.NONE, 500, 450, 0, 500),
        (Impact.TRANSIENT, 200, 450, 0, 500),
        (Impact.PERMANENT, 200, 150, 0, 500),
    ],
)
def test_what_we_take_stays_away_for_as_long_as_the_policy_says(
    impact: Impact, same: int, changed: int, left: int, back: int
) -> None:
    """We buy 300 of 500; then the level is recorded unchanged, changed to 450, gone, and there again."""
    further = book(2000, 500, 500, b59990=300)
    records: list[Record] = [book(1000, 500), further, book(3000, 500, 450), book(4000, 500, 0, a60020=70)]
    replay = Replay([*records, book(5000, 500), book(9000, 500)], impact=impact)
    replay.place(True, ASK, 300, Tif.IOC)
    assert replay.asks() == [(ASK, 200)]
    found = []
    for _ in range(4):
        replay.next()
        found.append(dict(replay.asks()).get(ASK, 0))
    assert found == [same, changed, left, back]


def test_recorded_trades_are_not_our_impact() -> None:
    """What the recording's own taker took is there again as soon as the recording shows it."""
    records: list[Record] = [book(1000, 500), trade(1500, 60_010, 300, is_buy=True), book(1501, 500), book(9000, 500)]
    replay = Replay(records, impact=Impact.PERMANENT)
    replay.next()
    assert replay.asks() == [(ASK, 200)]
    replay.next()
    assert replay.asks() == [(ASK, 500)]


def test_a_market_that_moves_through_our_order_trades_with_it_and_lacks_what_we_took() -> None:
    """A recorded ask of 500 below our bid of 200 sells us 200; 300 of it are left while nothing changes."""
    lower = [book(at, 0, 0, b59900=500, a59950=500, b59890=at // 10) for at in (2000, 3000, 9000)]
    replay = Replay([book(1000, 500), *lower], impact=Impact.TRANSIENT)
    replay.place(True, BID, 200)
    replay.next()
    assert replay.fills == [(BID, 200, False)]
    assert replay.asks() == [(599_500, 300)]
    replay.next()
    assert replay.asks() == [(599_500, 300)]


@settings(max_examples=100)
@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=6), st.floats(0, 1), st.sampled_from(Queue))
def test_a_queue_loses_exactly_what_was_cancelled(sizes: list[int], share: float, policy: Queue) -> None:
    """No size grows or falls below zero, and the sum is what remains, whatever the policy."""
    lots = int(sum(sizes) * share)
    left = shrunk(sizes, lots, policy)
    assert sum(left) == sum(sizes) - lots
    assert all(0 <= after <= before for before, after in zip(sizes, left, strict=True))
