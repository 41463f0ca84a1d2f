"""The order book: queues, aggregates, and their agreement with a naive list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.book import Level
from shared.units import Px, Sz
from shared.venue.core.book import Book, BookSide
from shared.venue.core.commands import OrderSpec, Tif
from shared.venue.core.order import Order, order_from_spec


def resting(oid: int, is_buy: bool, px: int, sz: int) -> Order:
    """An order as the book sees it."""
    return order_from_spec(OrderSpec(0, is_buy, Px(px), Sz(sz), False, Tif.GTC), "a", oid, 0)


def test_levels_are_aggregated_best_first() -> None:
    """Bids fall, asks rise, each level with its lots and number of orders; depth cuts."""
    book = Book()
    for oid, (is_buy, px, sz) in enumerate(
        [(True, 9, 1), (True, 10, 2), (True, 10, 3), (False, 12, 4), (False, 11, 5)]
    ):
        book.side(is_buy).add(resting(oid, is_buy, px, sz))
    bids, asks = book.levels(5)
    assert bids == (Level(Px(10), Sz(5), 2), Level(Px(9), Sz(1), 1))
    assert asks == (Level(Px(11), Sz(5), 1), Level(Px(12), Sz(4), 1))
    assert book.levels(1) == (bids[:1], asks[:1])


def test_crossing_is_judged_by_the_other_side() -> None:
    """An equal price crosses; an empty side never does."""
    book = Book()
    book.asks.add(resting(1, False, 11, 1))
    assert book.crosses(True, 11)
    assert not book.crosses(True, 10)
    assert not book.crosses(False, 1)


def test_reducing_keeps_the_place_in_the_queue() -> None:
    """A partly filled order stays first; at zero it is gone."""
    side = BookSide(is_bid=True)
    first, second = resting(1, True, 10, 5), resting(2, True, 10, 5)
    side.add(first)
    side.add(second)
    side.reduce(first, 2)
    assert side.head() is first
    assert next(side.levels()) == Level(Px(10), Sz(8), 2)
    side.reduce(first, 3)
    assert (side.head(), first.sz) == (second, 0)


moves = st.lists(
    st.tuples(st.sampled_from(("add", "remove", "reduce")), st.integers(1, 6), st.integers(1, 9), st.integers(0, 50)),
    max_size=60,
)


@given(moves, st.booleans())
def test_a_side_agrees_with_a_sorted_list(script: list[tuple[str, int, int, int]], is_bid: bool) -> None:
    """Whatever comes and goes, order of trading and aggregates are those of a plainly sorted list."""
    side, naive, oid = BookSide(is_bid), list[Order](), 0
    for move, px, sz, pick in script:
        if move == "add":
            oid += 1
            naive.append(resting(oid, is_bid, px, sz))
            side.add(naive[-1])
        elif naive:
            order = naive[pick % len(naive)]
            if move == "remove" or sz >= order.sz:
                side.remove(order)
                naive.remove(order)
            else:
                side.reduce(order, sz)
        ranked = sorted(naive, key=lambda o: (-o.px if is_bid else o.px, o.oid))
        assert list(side.orders()) == ranked
        assert side.head() is (ranked[0] if ranked else None)
        assert side.best_px() == (ranked[0].px if ranked else None)
        levels = {lv.px: (lv.sz, lv.n) for lv in side.levels()}
        assert levels == {
            p: (sum(o.sz for o in naive if o.px == p), sum(o.px == p for o in naive)) for p in {o.px for o in naive}
        }
