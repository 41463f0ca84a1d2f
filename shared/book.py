"""The order book as we see it: aggregated levels, and the plain questions one asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import gt, lt
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
    return fault_of(
        [level[0] for level in bids], [level[1] for level in bids],
        [level[0] for level in asks], [level[1] for level in asks],
    )  # fmt: skip


def fault_of(
    bid_pxs: Sequence[int], bid_szs: Sequence[int], ask_pxs: Sequence[int], ask_szs: Sequence[int]
) -> str | None:
    """`fault` of a book whose prices and sizes stand in columns, best level first."""
    if not bid_pxs or not ask_pxs:
        return "one-sided"
    if bid_pxs[0] >= ask_pxs[0]:
        return "locked" if bid_pxs[0] == ask_pxs[0] else "crossed"
    if min(bid_pxs) <= 0 or min(ask_pxs) <= 0 or min(bid_szs) <= 0 or min(ask_szs) <= 0:
        return "non-positive level"
    # every book of every coin passes here: no loop of Python's own
    if not all(map(gt, bid_pxs, bid_pxs[1:])):
        return "bids out of order"
    return None if all(map(lt, ask_pxs, ask_pxs[1:])) else "asks out of order"


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
