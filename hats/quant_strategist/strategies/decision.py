"""What a strategy sees and says: tuples of plain floats, so that a compiled event loop can call the same function."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One coin at one moment. Prices in USDC, `sigma_bps` per root second, `funding_bps` per hour, paid by longs.

    `fast` and `slow` are averages of the mid, 0.0 until they mean something.
    """

    mid: float
    microprice: float
    best_bid: float
    best_ask: float
    sigma_bps: float
    turbulence: float
    funding_bps: float
    fast: float
    slow: float


class Holding(NamedTuple):
    """What the strategy holds (signed coins) and the most it may hold on either side."""

    net: float
    limit: float


class Wish(NamedTuple):
    """What the strategy wants in the market: a price in USDC and a size in coins on each side; size 0.0 is nothing."""

    bid_px: float
    bid_sz: float
    ask_px: float
    ask_sz: float


NOTHING = Wish(0.0, 0.0, 0.0, 0.0)
