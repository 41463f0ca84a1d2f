"""Margin: what a position must hold to be opened and to be kept, and the price at which it can't be."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec

from shared.units import USD, Usd

WITHDRAWAL_FLOOR_PERCENT: Final = 10
"""Part of the total position value that must stay when money leaves."""
FIRST_TABLE_ID: Final = 50
"""A margin table with an id below this is one tier whose leverage is the id."""


class MarginTier(msgspec.Struct, frozen=True):
    """Leverage allowed on the notional above `lower_bound_usd` (micro-USDC)."""

    lower_bound_usd: int
    max_leverage: int


MarginTiers = tuple[MarginTier, ...]
"""Tiers of one asset, lowest first; the first starts at 0."""


def single_tier(max_leverage: int) -> MarginTiers:
    """The table whose id is below 50: one tier, leverage = id."""
    return (MarginTier(0, max_leverage),)


def _tiers(*rows: tuple[int, int]) -> MarginTiers:
    """Tiers from (lower bound in millions of USDC, leverage)."""
    return tuple(MarginTier(millions * 1_000_000 * USD, leverage) for millions, leverage in rows)


MAINNET_TABLES: Final[dict[int, MarginTiers]] = {
    50: single_tier(50),
    51: _tiers((0, 10), (3, 5)),
    52: _tiers((0, 10), (20, 5)),
    53: _tiers((0, 20), (40, 10)),
    54: _tiers((0, 20), (70, 10)),
    55: _tiers((0, 25), (100, 15)),
    56: _tiers((0, 40), (150, 20)),
}
"""Mainnet's `marginTables` by id, as recorded (2025-12) and documented (2026-08)."""


@lru_cache(maxsize=1024)
def deductions(tiers: MarginTiers) -> tuple[Fraction, ...]:
    """Maintenance deduction of each tier, exact micro-USDC: deduction_0 = 0, then + lower_bound x rate step."""
    result = [Fraction(0)]
    for lower, upper in pairwise(tiers):
        step = Fraction(1, 2 * upper.max_leverage) - Fraction(1, 2 * lower.max_leverage)
        result.append(result[-1] + upper.lower_bound_usd * step)
    return tuple(result)


def tier_index(tiers: MarginTiers, notional_usd: int | Fraction) -> int:
    """Index of the tier in which the notional lies; a bound itself belongs to the tier below it."""
    index = 0
    while index + 1 < len(tiers) and notional_usd > tiers[index + 1].lower_bound_usd:
        index += 1
    return index


def maintenance_usd(tiers: MarginTiers, notional_usd: int) -> Usd:
    """Margin below which the position is liquidated, truncated to micro-USDC: notional x rate - deduction."""
    index = tier_index(tiers, notional_usd)
    if index == 0:
        return Usd(notional_usd // (2 * tiers[0].max_leverage))
    return Usd(int(Fraction(notional_usd, 2 * tiers[index].max_leverage) - deductions(tiers)[index]))


def initial_margin_usd(tiers: MarginTiers, notional_usd: int, leverage: int) -> Usd:
    """Margin a position of this notional uses: notional / leverage, at least the tiers' minimum; truncated.

    The minimum is twice the maintenance, which is what the tiers' maximum leverages ask for.
    """
    used = notional_usd // leverage
    if len(tiers) == 1 or notional_usd <= tiers[1].lower_bound_usd:
        return Usd(used)
    return Usd(max(used, 2 * maintenance_usd(tiers, notional_usd)))


def exceeds_tier(tiers: MarginTiers, notional_usd: int, leverage: int) -> bool:
    """Is the notional in a tier that does not allow this leverage?"""
    return tiers[tier_index(tiers, notional_usd)].max_leverage < leverage


def withdrawable_usd(account_value_usd: int, initial_usd: int, total_notional_usd: int) -> Usd:
    """What may leave: value - max(initial margin with resting orders, 10 % of all positions), never below 0."""
    return Usd(max(account_value_usd - transfer_floor_usd(initial_usd, total_notional_usd), 0))


def transfer_floor_usd(initial_usd: int, notional_usd: int) -> Usd:
    """What must stay behind when margin leaves: the larger of the initial margin and 10 % of the positions."""
    return Usd(max(initial_usd, -(-notional_usd * WITHDRAWAL_FLOOR_PERCENT // 100)))


def isolated_move_usd(
    pocket_usd: int, start_sz: int, change_sz: int, px: int, leverage: int, pnl_usd: int, fee_usd: int
) -> Usd:
    """What one fill moves from the cross cash, where its PnL and fee are booked, into the isolated margin.

    Closing gives back margin in proportion, truncated, and never takes from cross: a loss beyond what is given back
    stays with the position. Opening takes size x price / leverage, less the fee, which the position bears (the
    documented sample position holds less than size x price / leverage).
    """
    closing = min(abs(change_sz), abs(start_sz)) if start_sz * change_sz < 0 else 0
    opening = abs(change_sz) - closing
    moved = opening * px // leverage
    if not closing:
        return Usd(moved - fee_usd)
    released = pocket_usd * closing // abs(start_sz)
    return Usd(moved - released + min(released + pnl_usd - fee_usd, 0))


def liquidation_px(
    tiers: MarginTiers, net_sz: int, mark_px: int, equity_usd: int, other_maintenance_usd: int = 0
) -> Fraction | None:
    """Price (in price units) at which equity meets maintenance; None if that is never above zero.

    `equity_usd` is the account value (cross) or the position's own margin (isolated) at `mark_px`; the maintenance of
    the account's other positions is taken as fixed. Source: Hyperliquid documentation, "Liquidations":
    liq = price - side x margin_available / size / (1 - l x side), l and deduction of the tier at the liquidation price.
    Maintenance at the mark is truncated to micro-USDC, as the documented example shows. Because rates rise with the
    tiers, maintenance is the greatest of the tiers' lines, so the tier that liquidates first is the one that counts.
    """
    if net_sz == 0:
        return None
    side, sz = (1, net_sz) if net_sz > 0 else (-1, -net_sz)
    pxs = []
    for tier, deduction in zip(tiers, deductions(tiers), strict=True):
        rate = Fraction(1, 2 * tier.max_leverage)
        available = equity_usd - other_maintenance_usd - (sz * mark_px * rate - deduction) // 1
        pxs.append(mark_px - side * available / (sz * (1 - rate * side)))
    px = max(pxs) if side > 0 else min(pxs)
    return px if px > 0 else None
