"""What one coin can come to: the position, and the worst that its open orders can make of it."""

from __future__ import annotations

import msgspec

from shared.ids import Cloid, StrategyId
from shared.order import Side
from shared.units import Ns, Px


class LiveOrder(msgspec.Struct):
    """An order that may still trade `left_sz` lots, for all we know.

    `void_ns` is when an approval that nobody has mentioned yet stops counting; 0 once the order is known to exist.
    `is_in_doubt`: it was sent and the venue gave no definite answer. `is_asleep`: it is in no book, but
    waits for a trigger or is worked by the venue in parts.
    """

    strategy: StrategyId
    side: Side
    px: Px
    sz: int
    left_sz: int
    reduce_only: bool
    void_ns: Ns
    is_in_doubt: bool = False
    is_asleep: bool = False


class Worst(msgspec.Struct, frozen=True):
    """The furthest that a position can go either way, in lots; `long` below zero means that it must stay short."""

    long: int
    short: int

    @property
    def sz(self) -> int:
        """The larger of the two."""
        return max(self.long, self.short)

    def on(self, side: Side) -> int:
        """The one that an order of `side` can worsen."""
        return self.long if side is Side.BUY else self.short


class Exposure(msgspec.Struct):
    """One coin's position and open orders. The four sums are kept beside the orders, so that judging needs no loop.

    `allowed_long` and `allowed_short` are the worst cases that were ever approved since the coin was last flat.
    """

    net_sz: int = 0
    orders: dict[Cloid, LiveOrder] = {}
    buys: int = 0
    sells: int = 0
    reducing_buys: int = 0
    reducing_sells: int = 0
    allowed_long: int = 0
    allowed_short: int = 0

    def worst(self) -> Worst:
        """The furthest that the position can go if fills come in the worst order."""
        return Worst(
            _worst(self.net_sz, self.buys, self.reducing_buys), _worst(-self.net_sz, self.sells, self.reducing_sells)
        )

    def worst_with(self, side: Side, sz: int, reduce_only: bool) -> Worst:
        """The same with one more order."""
        self._count(side, sz, reduce_only)
        worst = self.worst()
        self._count(side, -sz, reduce_only)
        return worst

    def reserve(self, cloid: Cloid, order: LiveOrder) -> None:
        """Count an order in full from here on."""
        assert cloid not in self.orders, f"{cloid} would be counted twice"
        assert 0 <= order.left_sz <= order.sz, f"{cloid}: {order.left_sz} left of {order.sz}"
        self.orders[cloid] = order
        self._count(order.side, order.left_sz, order.reduce_only)

    def allow(self) -> None:
        """Remember the worst case as approved."""
        worst = self.worst()
        self.allowed_long = max(self.allowed_long, worst.long)
        self.allowed_short = max(self.allowed_short, worst.short)

    def shrink(self, cloid: Cloid, left_sz: int) -> None:
        """Only `left_sz` lots of the order may still trade; it never grows back."""
        order = self.orders[cloid]
        left_sz = max(min(left_sz, order.left_sz), 0)
        self._count(order.side, left_sz - order.left_sz, order.reduce_only)
        order.left_sz = left_sz

    def release(self, cloid: Cloid) -> None:
        """The order is proven gone; nothing of it counts any more."""
        self.shrink(cloid, 0)
        del self.orders[cloid]
        self._forget_if_flat()

    def move(self, signed_sz: int) -> None:
        """The position changed by a fill."""
        self.net_sz += signed_sz
        self._forget_if_flat()

    def drift(self) -> int:
        """Lots by which the kept sums differ from the orders they stand for; anything but 0 is our bug."""
        again = Exposure()
        for order in self.orders.values():
            again._count(order.side, order.left_sz, order.reduce_only)
        return (
            abs(self.buys - again.buys)
            + abs(self.sells - again.sells)
            + abs(self.reducing_buys - again.reducing_buys)
            + abs(self.reducing_sells - again.reducing_sells)
        )

    def is_beyond_allowed(self) -> bool:
        """Does the position exceed everything that was approved for it?"""
        return self.net_sz > self.allowed_long or -self.net_sz > self.allowed_short

    def _count(self, side: Side, sz: int, reduce_only: bool) -> None:
        match side, reduce_only:
            case Side.BUY, False:
                self.buys += sz
            case Side.SELL, False:
                self.sells += sz
            case Side.BUY, True:
                self.reducing_buys += sz
            case Side.SELL, True:
                self.reducing_sells += sz

    def _forget_if_flat(self) -> None:
        if not self.net_sz and not self.orders:
            self.allowed_long = self.allowed_short = 0


def _worst(held: int, adding: int, reducing: int) -> int:
    """The furthest that `held` can go: reduce-only orders bring a position back to zero and never beyond it.

    They fill first in the worst case, so that every lot of the other orders adds.
    """
    return adding + (held if held >= 0 else min(held + reducing, 0))
