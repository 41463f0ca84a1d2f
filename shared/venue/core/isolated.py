"""How fills of an isolated position move money between its own margin and the cross cash of its owner."""

from __future__ import annotations

from shared.order import Side
from shared.position import Position
from shared.rules.margin import isolated_move_usd, maintenance_usd
from shared.units import Px, Sz
from shared.venue.core.clearing import Holding


def can_fill(holding: Holding, signed_sz: int, px: int, fee_usd: int) -> bool:
    """Would cross, after this fill, still cover its positions, and the position's own margin the position?

    A fill that opens needs its margin out of what cross has free, and must not be up for liquidation at once; one that
    only closes must not leave the position's margin below zero at the mark, because nothing else answers for it.
    """
    net, house, mark = holding.position.net_sz, holding.house, holding.prices.mark_px
    after = Position(net, holding.position.cost_usd)
    pnl = after.apply(Side.BUY if signed_sz > 0 else Side.SELL, Px(px), Sz(abs(signed_sz)))
    moved = isolated_move_usd(holding.pocket_usd, net, signed_sz, px, holding.leverage, pnl, fee_usd)
    equity = holding.pocket_usd + moved + after.unrealised_usd(mark)
    if net * signed_sz < 0 and abs(signed_sz) <= abs(net):
        return equity >= 0
    taken = moved + fee_usd - pnl
    if taken > 0 and house.value_usd() - taken < house.used_usd():
        return False
    return equity >= maintenance_usd(holding.listing.tiers, abs(after.net_sz) * mark)


def rebalance(holding: Holding, start_sz: int, px: int, pnl_usd: int, fee_usd: int) -> None:
    """Move margin for a fill that changed the position from `start_sz` and whose PnL and fee cross has booked."""
    change = holding.position.net_sz - start_sz
    moved = isolated_move_usd(holding.pocket_usd, start_sz, change, px, holding.leverage, pnl_usd, fee_usd)
    holding.move_to_pocket(moved)
