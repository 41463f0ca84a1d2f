"""What an algorithm sees, and the one child order that it wants to have working now."""

from __future__ import annotations

from typing import NamedTuple

from shared.order import Side, Tif, VenueTwap
from shared.units import Ns, Px, Sz


class View(NamedTuple):
    """The parent and its market at one moment.

    `limit_px` is the worst price that a child may have. `traded_sz` is what the whole market traded since the parent
    began, in lots; `best_bid_px` and `best_ask_px` are of the newest book.
    """

    side: Side
    sz: Sz
    filled_sz: int
    limit_px: Px
    began_ns: Ns
    end_ns: Ns
    now: Ns
    best_bid_px: Px
    best_ask_px: Px
    traded_sz: int

    @property
    def left_sz(self) -> int:
        """What is still to be traded; nothing, too, where more was filled than ever should have been."""
        return max(self.sz - self.filled_sz, 0)

    @property
    def near_px(self) -> Px:
        """The best price of our own side, where an order waits; never beyond the limit."""
        return self._bounded(self.best_bid_px if self.side is Side.BUY else self.best_ask_px)

    @property
    def far_px(self) -> Px:
        """The best price of the other side, where an order trades at once; never beyond the limit."""
        return self._bounded(self.best_ask_px if self.side is Side.BUY else self.best_bid_px)

    @property
    def can_cross(self) -> bool:
        """Is the other side's best price within the limit?"""
        return self.side.value * (self.limit_px - self.best_px_of_other_side) >= 0

    @property
    def best_px_of_other_side(self) -> Px:
        """What the next lot costs if it is taken."""
        return self.best_ask_px if self.side is Side.BUY else self.best_bid_px

    def _bounded(self, px: Px) -> Px:
        return min(px, self.limit_px) if self.side is Side.BUY else max(px, self.limit_px)


class Wanted(NamedTuple):
    """A child: price, lots and time in force, and how the venue is to work it."""

    px: Px
    sz: Sz
    tif: Tif
    how: VenueTwap | None = None


def waiting(view: View, sz: int) -> Wanted | None:
    """An order that adds liquidity at the best price of our side; None for nothing."""
    return Wanted(view.near_px, Sz(min(sz, view.left_sz)), Tif.ALO) if min(sz, view.left_sz) > 0 else None


def crossing(view: View, sz: int) -> Wanted | None:
    """An order that takes the best price of the other side; None while that lies beyond the limit."""
    lots = min(sz, view.left_sz)
    return Wanted(view.far_px, Sz(lots), Tif.IOC) if lots > 0 and view.can_cross else None
