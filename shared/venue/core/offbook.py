"""A position that changes hands without the book: no order, no fee, no public print, but two fills like any other."""

from __future__ import annotations

from typing import NamedTuple

from shared.units import Px, Sz, Usd
from shared.venue.core import isolated
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block, tid_of
from shared.venue.core.clearing import Holding
from shared.venue.core.events import FillHappened, LiquidationMark
from shared.venue.core.market import Market
from shared.venue.core.settlement import note_change
from shared.venue.core.world import World


class Side(NamedTuple):
    """One of the two who exchange a position."""

    account: Account
    holding: Holding
    oid: int


def exchange_position(
    world: World,
    giver: tuple[Account, Holding],
    taker: tuple[Account, Holding],
    sz: int,
    px: int,
    mark: LiquidationMark,
    block: Block,
) -> None:
    """`sz` lots of the giver's position go to the taker at `px`; reduce-only orders of both are made to fit."""
    is_buy = giver[1].position.net_sz < 0
    oid = world.placing.next_oid
    world.placing.next_oid += 2
    sides = Side(*giver, oid), Side(*taker, oid + 1)
    tid = tid_of(oid, oid + 1) if is_buy else tid_of(oid + 1, oid)
    market = world.markets[giver[1].listing.instrument.asset]
    for side, buys in zip(sides, (is_buy, not is_buy), strict=True):
        _fill(side, buys, Px(px), Sz(sz), tid, mark, market, block)
    for side in sides:
        world.matching.trim_reduce_only(side.account, market, block)


def _fill(
    side: Side, is_buy: bool, px: Px, sz: Sz, tid: int, mark: LiquidationMark, market: Market, block: Block
) -> None:
    """One side's position, cash and record."""
    account, holding, _ = side
    start = holding.position.net_sz
    pnl = holding.fill(is_buy, px, sz)
    holding.house.collateral_usd += pnl
    if not holding.is_cross:
        isolated.rebalance(holding, start, px, pnl, 0)
    note_change(holding, start, px, account.user, market, block)
    fill = FillHappened(
        account.user,
        market.asset,
        is_buy,
        px,
        sz,
        side.oid,
        None,
        True,
        start,
        pnl,
        Usd(0),
        tid,
        block.hash,
        block.now_ms,
        liquidation=mark,
        fee_token=market.listing.collateral_name,
    )
    account.fills.append(fill)
    block.events.append(fill)
