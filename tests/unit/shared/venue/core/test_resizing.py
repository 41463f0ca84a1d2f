"""A resized order keeps its place, and margin and book follow its new size."""

from __future__ import annotations

import pytest

from shared.errors import UnitError
from shared.instrument import Instrument
from shared.units import SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, ResizeOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Resting

NOW = Ns(SECOND)


def exchange_with_two_bids() -> tuple[Exchange, list[int]]:
    """Two users with 100 lots each at one price, and their oids."""
    exchange = Exchange([list_perp(Instrument("BTC", 0, 5, 40))])
    exchange.apply(SetPrices(0, Px(600_000)), NOW)
    oids = []
    for user in ("0xa", "0xb"):
        exchange.apply(Deposit(user, Usd(10_000 * USD)), NOW)
        order = OrderSpec(0, True, Px(599_000), Sz(100), False, Tif.GTC)
        status = exchange.apply(PlaceOrders(user, (order,)), NOW).statuses[0]
        assert isinstance(status, Resting)
        oids.append(status.oid)
    return exchange, oids


def test_size_changes_both_ways_without_losing_the_place() -> None:
    """The first stays first; level and reserved margin follow the size."""
    exchange, (first, second) = exchange_with_two_bids()
    reserved = exchange.account("0xa").reserved_usd
    for lots in (300, 50):
        exchange.apply(ResizeOrders("0xa", ((first, Sz(lots)),)), NOW)
        assert [(order.oid, order.sz) for order in exchange.queue(0, True, Px(599_000))] == [
            (first, lots),
            (second, 100),
        ]
        assert exchange.book_levels(0)[0][0].sz == lots + 100
        assert exchange.account("0xa").reserved_usd == reserved * lots // 100
        assert exchange.open_orders("0xa")[0].orig_sz == 300


def test_only_resting_orders_of_the_user_and_positive_sizes() -> None:
    """Anything else is the driver's mistake."""
    exchange, (first, second) = exchange_with_two_bids()
    for oid, lots in ((second, 10), (999, 10), (first, 0)):
        with pytest.raises(UnitError, match="resting order"):
            exchange.apply(ResizeOrders("0xa", ((oid, Sz(lots)),)), NOW)
