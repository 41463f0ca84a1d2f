"""Price-time priority book of one asset: exact integers, constant-time cancel, best price at the end of a list."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice

from shared.book import Level
from shared.units import Px, Sz
from shared.venue.core.order import Order


class _PriceLevel:
    """Orders at one price, oldest first. An OrderedDict, because popping the head of a dict gets slower each time."""

    __slots__ = ("orders", "sz")

    def __init__(self) -> None:
        self.orders: OrderedDict[int, Order] = OrderedDict()
        self.sz = 0


class BookSide:
    """One side of the book. Keys are prices signed so that the best is the greatest, hence last in the sorted list."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, is_bid: bool) -> None:
        self._sign = 1 if is_bid else -1
        self._keys: list[int] = []
        self._levels: dict[int, _PriceLevel] = {}

    def best_px(self) -> Px | None:
        """Best price, or None if nobody rests here."""
        return Px(self._keys[-1] * self._sign) if self._keys else None

    def head(self) -> Order | None:
        """The order that trades next: best price, oldest."""
        if not self._keys:
            return None
        return next(iter(self._levels[self._keys[-1]].orders.values()))

    def add(self, order: Order) -> None:
        """Queue the order behind all others at its price."""
        key = order.px * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = _PriceLevel()
            insort(self._keys, key)
        level.orders[order.oid] = order
        level.sz += order.sz

    def remove(self, order: Order) -> None:
        """Take the order off, whatever of it is left."""
        key = order.px * self._sign
        level = self._levels[key]
        del level.orders[order.oid]
        level.sz -= order.sz
        if not level.orders:
            del self._levels[key]
            if self._keys[-1] == key:
                self._keys.pop()
            else:
                del self._keys[bisect_left(self._keys, key)]

    def reduce(self, order: Order, sz: int) -> None:
        """Lower what is left of a resting order by `sz` lots, keeping its place; gone from the book at zero."""
        assert 0 < sz <= order.sz
        if sz == order.sz:
            self.remove(order)
        else:
            self._levels[order.px * self._sign].sz -= sz
        order.sz = Sz(order.sz - sz)

    def resize(self, order: Order, sz: Sz) -> None:
        """Give a resting order another positive size, keeping its place."""
        self._levels[order.px * self._sign].sz += sz - order.sz
        order.sz = sz

    def queue(self, px: int) -> tuple[Order, ...]:
        """Who rests at this price, oldest first."""
        level = self._levels.get(px * self._sign)
        return () if level is None else tuple(level.orders.values())

    def levels(self) -> Iterator[Level]:
        """Aggregated levels, best first."""
        for key in reversed(self._keys):
            level = self._levels[key]
            yield Level(Px(key * self._sign), Sz(level.sz), len(level.orders))

    def orders(self) -> Iterator[Order]:
        """Every order in the sequence in which they would trade."""
        for key in reversed(self._keys):
            yield from self._levels[key].orders.values()


class Book:
    """Bids and asks of one asset."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)

    def side(self, is_buy: bool) -> BookSide:
        """Where an order of this side rests."""
        return self.bids if is_buy else self.asks

    def crosses(self, is_buy: bool, px: int) -> bool:
        """Would an order at `px` match somebody now?"""
        best = (self.asks if is_buy else self.bids).best_px()
        return best is not None and (best <= px if is_buy else best >= px)

    def levels(self, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """(bids, asks), best first, at most `depth` levels each."""
        return tuple(islice(self.bids.levels(), depth)), tuple(islice(self.asks.levels(), depth))
