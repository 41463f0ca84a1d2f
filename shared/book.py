"""The order book as we see it: aggregated levels, and the plain questions one asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.order import Side
from shared.units import Px, Sz


class Level(NamedTuple):
    """One price with the size and number of orders that rest there."""

    px: Px
    sz: Sz
    n: int


def fault(bids: Sequence[Level], asks: Sequence[Level]) -> str | None:
    """Why this book can't be decided on, in one word or two; None if it is sound."""
    if not bids or not asks:
        return "one-sided"
    if bids[0].px >= asks[0].px:
        return "locked" if bids[0].px == asks[0].px else "crossed"
    # every book of every coin passes here: lists and sorting are several times faster than a generator a level
    bid_pxs, ask_pxs = [level[0] for level in bids], [level[0] for level in asks]
    if min(bid_pxs) <= 0 or min(ask_pxs) <= 0 or min([level[1] for level in (*bids, *asks)]) <= 0:
        return "non-positive level"
    if bid_pxs != sorted(set(bid_pxs), reverse=True):
        return "bids out of order"
    return "asks out of order" if ask_pxs != sorted(set(ask_pxs)) else None


class Sweep(NamedTuple):
    """What a taker would get: lots filled, their exact cost in micro-USDC, and the worst price touched (0: nothing)."""

    sz: Sz
    cost_usd: int
    worst_px: Px


def sweep(levels: Sequence[Level], sz: int) -> Sweep:
    """Result of taking `sz` lots from `levels`, best first; `sz` of the result is less if the book is thinner."""
    left, cost, worst = sz, 0, 0
    for level in levels:
        if left <= 0:
            break
        taken = min(left, level.sz)
        cost += taken * level.px
        worst = level.px
        left -= taken
    return Sweep(Sz(sz - max(left, 0)), cost, Px(worst))


def taker_levels(side: Side, bids: Sequence[Level], asks: Sequence[Level]) -> Sequence[Level]:
    """The levels that an order of `side` trades against."""
    return asks if side is Side.BUY else bids
