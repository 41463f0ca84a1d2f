"""The order book as we see it: aggregated levels, and the plain questions one asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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
    if any(level.px <= 0 or level.sz <= 0 for level in (*bids, *asks)):
        return "non-positive level"
    if any(a.px <= b.px for a, b in pairwise(bids)):
        return "bids out of order"
    if any(a.px >= b.px for a, b in pairwise(asks)):
        return "asks out of order"
    return None


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
