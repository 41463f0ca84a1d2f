"""Liquidation: when a margin no longer holds its positions, how much of them goes first, at what price, and who pays.

Source of all: Hyperliquid documentation, "Liquidations" and "Auto-deleveraging".
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from shared.rules.fees import RATE_SCALE
from shared.units import SECOND

PARTIAL_PERCENT: Final = 20
"""Part of a large position that the first liquidation order is for."""
COOLDOWN_NS: Final = 30 * SECOND
"""After a partial liquidation of a user, orders are for whole positions this long."""


def is_liquidatable(equity_usd: int, maintenance_usd: int) -> bool:
    """Does the margin no longer cover the maintenance?"""
    return equity_usd < maintenance_usd


def is_for_backstop(equity_usd: int, maintenance_usd: int) -> bool:
    """Is the margin below two thirds of the maintenance, so that the liquidator vault takes the positions?"""
    return 3 * equity_usd < 2 * maintenance_usd


def liquidation_sz(sz: int, notional_usd: int, partial_above_usd: int, is_cooling: bool) -> int:
    """Lots of the liquidation order for a position of `sz`: a fifth, rounded up, of a large one, else all of it."""
    if is_cooling or notional_usd <= partial_above_usd:
        return sz
    return -(-sz * PARTIAL_PERCENT // 100)


def bankruptcy_px(net_sz: int, mark_px: int, equity_usd: int, fee_e9: int = 0) -> Fraction:
    """Price (price units) at which closing all of `net_sz` leaves nothing of the equity, a fee x 10^-9 paid."""
    side = 1 if net_sz > 0 else -1
    return (mark_px - Fraction(equity_usd, net_sz)) / (1 - side * Fraction(fee_e9, RATE_SCALE))


def handover_px(net_sz: int, mark_px: int, equity_usd: int, total_notional_usd: int) -> int:
    """Price unit at which a position carries its share of the equity (by notional) to whoever takes it over.

    Rounded so that the one who gives it up is left with something rather than in debt; at least 1.
    """
    side = 1 if net_sz > 0 else -1
    exact = mark_px * (1 - side * Fraction(equity_usd, total_notional_usd))
    px = -(-exact.numerator // exact.denominator) if side > 0 else exact.numerator // exact.denominator
    return max(px, 1)


def deleveraging_rank(
    net_sz: int, mark_px: int, cost_usd: int, equity_usd: int, is_as_written: bool
) -> Fraction | None:
    """Who gives up first, highest first: price gain x leverage; None (before all) for one who has no equity.

    The documented index is (mark / entry) x (notional / account value). A short gains as the price falls, so its price
    gain is entry / mark, unless the index is to be taken as written.
    """
    if equity_usd <= 0:
        return None
    notional = abs(net_sz) * mark_px
    gain = Fraction(notional, abs(cost_usd)) if cost_usd else Fraction(notional)
    if net_sz < 0 and not is_as_written:
        gain = 1 / gain
    return gain * Fraction(notional, equity_usd)
