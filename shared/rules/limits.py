"""How many, how small and how far away orders may be."""

from __future__ import annotations

from typing import Final

from shared.instrument import MIN_NOTIONAL_USD
from shared.units import USD, Usd

MAX_BATCH: Final = 200
"""Most entries of one action; beyond it the whole action is refused."""
BASE_OPEN_ORDERS: Final = 1_000
"""Everybody's open orders; beyond it reduce-only and trigger orders are refused."""
MOST_OPEN_ORDERS: Final = 5_000
VOLUME_PER_OPEN_ORDER_USD: Final = 5_000_000 * USD
LIMIT_TO_MARKET_CAP: Final = 10
"""How many times larger a limit order may be than a market order."""
_MARKET_ORDER_CAPS: Final = ((25, 30_000_000), (20, 5_000_000), (10, 2_000_000), (0, 500_000))


def open_order_limit(volume_usd: int) -> int:
    """Most open orders of a user with this lifetime volume."""
    return min(BASE_OPEN_ORDERS + volume_usd // VOLUME_PER_OPEN_ORDER_USD, MOST_OPEN_ORDERS)


def may_open_another(open_orders: int, volume_usd: int, reduce_only: bool) -> bool:
    """May one more order be opened beside `open_orders`?"""
    if open_orders < BASE_OPEN_ORDERS:
        return True
    return not reduce_only and open_orders < open_order_limit(volume_usd)


def is_px_in_band(px: int, reference_px: int, percent: int) -> bool:
    """Is the limit within the static band of, for 95 percent: reference x 5 % < px <= reference / 5 %?

    Source: measured on spot as 0.2 x mark < limit <= 5 x mark beside the words "80% away"; same form with 95.
    """
    inside = 100 - percent
    return reference_px * inside < px * 100 and px * inside <= reference_px * 100


def is_near(px: int, reference_px: int, percent: int) -> bool:
    """Is the price at most `percent` away from the reference?"""
    return abs(px - reference_px) * 100 <= reference_px * percent


def meets_min_notional(px: int, sz: int, is_buy: bool, reduce_only: bool, net_sz: int) -> bool:
    """Is the order worth $10 at its limit, or does it close the whole position of `net_sz` lots?"""
    if px * sz >= MIN_NOTIONAL_USD:
        return True
    closes = net_sz < 0 if is_buy else net_sz > 0
    return closes and (sz == abs(net_sz) or (reduce_only and sz > abs(net_sz)))


def max_market_order_usd(max_leverage: int) -> Usd:
    """Largest market order of an asset with this maximum leverage; a limit order may be ten times as large."""
    return Usd(next(cap for leverage, cap in _MARKET_ORDER_CAPS if max_leverage >= leverage) * USD)
