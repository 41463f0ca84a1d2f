"""Matching: priority, time in force, self-trades, reduce-only, and makers who lack margin."""

from __future__ import annotations

from shared.units import USD
from shared.venue.core.commands import Tif
from shared.venue.core.events import TradeHappened
from shared.venue.core.outcomes import Filled, Resting
from tests.unit.shared.venue.core.floor import ETH, Floor, refusal


def test_price_then_time() -> None:
    """The best price trades first, then the oldest at that price; the taker gets the makers' prices."""
    floor = Floor()
    floor.sell("a", "101", "1")
    floor.sell("a", "100", "1")
    floor.sell("b", "100", "1")
    assert floor.buy("c", "102", "2.5") == Filled(4, None, ETH.sz("2.5"), "100.2")
    assert [fill.oid for fill in floor.fills() if not fill.crossed] == [2, 3, 1]
    assert floor.left("a") == {1: "0.5"}


def test_average_price_is_truncated_to_price_decimals() -> None:
    """(100 + 2 x 100.01) / 3 = 100.00666.. reads 100.0066 (fact sheet 2.6)."""
    floor = Floor()
    floor.sell("a", "100", "1")
    floor.sell("a", "100.01", "2")
    status = floor.buy("b", "101", "3", Tif.IOC)
    assert isinstance(status, Filled)
    assert status.avg_px_text == "100.0066"


def test_gtc_rests_with_what_is_left() -> None:
    """A partial fill at placement leaves the rest on the book, and the answer is its oid (fact sheet 14.1)."""
    floor = Floor()
    floor.sell("a", "100", "1")
    assert floor.buy("b", "100", "3", cloid="0x7") == Resting(2, "0x7")
    assert floor.left("b") == {2: "2"}
    assert floor.changes() == [(1, "filled"), (2, "open")]


def test_ioc_drops_what_is_left() -> None:
    """A partial fill answers with what was filled; the remainder is silently gone (fact sheet 2.6)."""
    floor = Floor()
    floor.sell("a", "100", "1")
    assert floor.buy("b", "100", "3", Tif.IOC) == Filled(2, None, ETH.sz("1"), "100")
    assert floor.left("b") == {}
    assert floor.exchange.book_levels(4) == ((), ())


def test_self_trade_cancels_the_resting_order() -> None:
    """One's own resting order goes without fee or print, and the taker trades on (fact sheet 4.4)."""
    floor = Floor()
    floor.sell("b", "100", "1")
    floor.sell("a", "100", "1")
    floor.buy("b", "100", "1", Tif.IOC)
    assert floor.changes() == [(1, "selfTradeCanceled"), (2, "filled"), (3, "filled")]
    assert sum(isinstance(event, TradeHappened) for event in floor.events) == 1


def test_an_ioc_that_only_met_itself_did_not_match() -> None:
    """Nothing traded, so the venue says so."""
    floor = Floor()
    floor.sell("b", "100", "1")
    text = refusal(floor.buy("b", "100", "1", Tif.IOC))
    assert text == "Order could not immediately match against any resting orders. asset=4"
    assert floor.changes() == [(1, "selfTradeCanceled"), (2, "iocCancelRejected")]


def test_a_maker_without_margin_is_cancelled_and_matching_goes_on() -> None:
    """Margin is checked again for the resting side at match time (fact sheet 4.4)."""
    floor = Floor()
    floor.fund("poor", "100")
    assert isinstance(floor.sell("poor", "101", "19"), Resting)
    floor.sell("a", "101", "19")
    floor.oracle("150")
    floor.buy("b", "101", "10", Tif.IOC)
    assert floor.changes() == [(1, "marginCanceled"), (3, "filled")]
    assert floor.net("poor") == "0"
    assert floor.net("a") == "-10"


def test_a_taker_stops_where_its_margin_ends() -> None:
    """A price far worse than the mark costs equity at once; the fill that the account can't carry does not happen."""
    floor = Floor()
    floor.fund("poor", "100")
    floor.sell("a", "100", "10")
    floor.sell("a", "120", "10")
    status = floor.buy("poor", "120", "15", Tif.GTC)
    assert status == Filled(3, None, ETH.sz("10"), "100")
    assert floor.changes() == [(1, "filled"), (3, "marginCanceled")]
    assert floor.net("poor") == "10"


def test_a_taker_that_can_carry_nothing_is_refused() -> None:
    """The first fill already breaks the margin: the order is refused in the venue's words."""
    floor = Floor()
    floor.fund("poor", "100")
    floor.sell("a", "120", "10")
    assert refusal(floor.buy("poor", "120", "15")) == "Insufficient margin to place order. asset=4"
    assert floor.changes() == [(2, "perpMarginRejected")]


def test_reduce_only_is_clipped_to_the_position() -> None:
    """`sz` shrinks, `orig_sz` is kept, the position never flips (fact sheet 4.4)."""
    floor = Floor()
    floor.sell("a", "100", "5")
    floor.buy("b", "100", "5")
    floor.sell("b", "105", "8", reduce_only=True)
    (order,) = floor.exchange.open_orders("b")
    assert (ETH.sz_text(order.sz), ETH.sz_text(order.orig_sz)) == ("5", "8")
    floor.buy("a", "99", "9")
    floor.sell("b", "99", "8", Tif.IOC, reduce_only=True)
    assert floor.net("b") == "0"


def test_the_newest_reduce_only_wins() -> None:
    """Together more than the position: the older ones are cancelled (fact sheet 4.4)."""
    floor = Floor()
    floor.sell("a", "100", "5")
    floor.buy("b", "100", "5")
    floor.sell("b", "105", "3", reduce_only=True)
    floor.sell("b", "106", "2", reduce_only=True)
    floor.sell("b", "107", "1", reduce_only=True)
    assert floor.changes() == [(5, "open"), (3, "reduceOnlyCanceled")]
    assert floor.left("b") == {4: "2", 5: "1"}


def test_a_smaller_position_clips_the_newest_and_cancels_the_rest() -> None:
    """A plain fill that shrinks the position shrinks what may still reduce it."""
    floor = Floor()
    floor.sell("a", "100", "5")
    floor.buy("b", "100", "5")
    floor.sell("b", "105", "2", reduce_only=True)
    floor.sell("b", "106", "3", reduce_only=True)
    floor.buy("a", "99", "4")
    floor.sell("b", "99", "4")
    assert floor.left("b") == {4: "1"}
    _, asks = floor.exchange.book_levels(4)
    assert [(ETH.px_text(level.px), ETH.sz_text(level.sz)) for level in asks] == [("106", "1")]


def test_closing_the_position_cancels_reduce_only() -> None:
    """No position, no reduce-only orders; the cancel comes with the closing fill (fact sheet 3.6, 4.4)."""
    floor = Floor()
    floor.sell("a", "100", "5")
    floor.buy("b", "100", "5")
    floor.sell("b", "105", "5", reduce_only=True)
    floor.buy("a", "99", "5")
    floor.sell("b", "99", "5")
    assert (3, "reduceOnlyCanceled") in floor.changes()
    assert floor.left("b") == {}


def test_closed_pnl_excludes_the_fee() -> None:
    """0.25 bought at 100.5 and sold at 100.1 realises -0.1 exactly, the fee apart (fact sheet 1.4)."""
    floor = Floor()
    floor.sell("a", "100.5", "0.25")
    floor.buy("b", "100.5", "0.25", Tif.IOC)
    floor.buy("a", "100.1", "0.25")
    floor.sell("b", "100.1", "0.25", Tif.IOC)
    fill = next(fill for fill in floor.fills() if fill.user == "b")
    assert (fill.closed_pnl, fill.start_position, fill.crossed) == (-USD // 10, ETH.sz("0.25"), True)
    assert fill.fee == 25_025_000 * 45 // 100_000


def test_only_the_closed_part_of_a_flip_counts() -> None:
    """Long 1 from 100, sold 3 at 110: ten realised, short 2 from 110 (fact sheet 1.4)."""
    floor = Floor()
    floor.sell("a", "100", "1")
    floor.buy("b", "100", "1", Tif.IOC)
    floor.buy("a", "110", "3")
    floor.sell("b", "110", "3", Tif.IOC)
    fill = next(fill for fill in floor.fills() if fill.user == "b")
    assert fill.closed_pnl == 10 * USD
    (position,) = floor.exchange.account("b").positions
    assert (position.net_sz, position.entry_px_text) == (-ETH.sz("2"), "110")
