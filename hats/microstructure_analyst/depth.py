"""Questions to one book, answered in features: depth near the mid, lean of the sizes, cost of taking."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shared.book import Level, sweep
from shared.order import Side
from shared.units import BPS, USD


def mid_px(bids: Sequence[Level], asks: Sequence[Level]) -> float:
    """Middle of the best quotes, in price units."""
    return (bids[0].px + asks[0].px) / 2.0


def depth_usd(levels: Sequence[Level], mid: float, band_bps: float) -> float:
    """USDC resting within `band_bps` of `mid` (price units) on one side; only what the book shows."""
    reach = mid * band_bps / BPS
    total = 0
    for level in levels:
        if abs(level.px - mid) > reach:
            break
        total += level.px * level.sz
    return total / USD


def size_imbalance(bids: Sequence[Level], asks: Sequence[Level], levels: int) -> float:
    """(bid - ask) / (bid + ask) size over the first `levels`, in [-1, 1]."""
    bid_sz = sum(level.sz for level in bids[:levels])
    ask_sz = sum(level.sz for level in asks[:levels])
    return (bid_sz - ask_sz) / (bid_sz + ask_sz)


def slippage_bps(side: Side, levels: Sequence[Level], mid: float, taken_sz: int, sz: int) -> float:
    """What the next `sz` lots cost against `mid`, in bps, once `taken_sz` lots are gone; inf if the book is thinner."""
    before = sweep(levels, taken_sz)
    after = sweep(levels, taken_sz + sz)
    filled = after.sz - before.sz
    if filled < sz or sz <= 0:
        return math.inf
    average_px = (after.cost_usd - before.cost_usd) / filled
    return side.value * (average_px - mid) / mid * BPS


def probe_sz(probe_usd: float, mid: float) -> int:
    """Lots worth `probe_usd` USDC at `mid` price units; at least one."""
    return max(int(probe_usd * USD / mid), 1)
