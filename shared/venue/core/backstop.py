"""What happens to positions that the book could not take: the liquidator vault, then those on the other side."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from shared.rules.liquidation import deleveraging_rank, handover_px
from shared.rules.margin import maintenance_usd
from shared.units import Usd
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.clearing import Holding
from shared.venue.core.estate import Estate
from shared.venue.core.events import Liquidated, LiquidationMark
from shared.venue.core.ledger import record
from shared.venue.core.ledger_entries import Liquidation
from shared.venue.core.offbook import exchange_position
from shared.venue.core.world import World


def hand_over(world: World, estate: Estate, block: Block) -> bool:
    """Were positions and margin handed to the liquidator vault? Not if they are its own, or more than it could hold."""
    vault = _vault(world)
    before, equity = estate.nets(), estate.equity_usd()
    if vault is estate.account or not _can_hold(vault, estate, equity):
        return False
    marks = {asset: world.markets[asset].prices.mark_px for asset in before}
    total = estate.notional_usd()
    cash = _cash(estate)
    for holding in estate.held():
        net, mark_px = holding.position.net_sz, holding.prices.mark_px
        px = mark_px if world.policy.backstop_px == "mark" else handover_px(net, mark_px, equity, total)
        mark = LiquidationMark(estate.account.user, mark_px, "backstop", estate.is_cross)
        into = _vault_holding(vault, holding)
        exchange_position(world, (estate.account, holding), (vault, into), abs(net), px, mark, block)
    surrendered = _cash(estate) - cash if estate.alone is not None else estate.house.collateral_usd
    estate.house.collateral_usd -= surrendered
    vault.house(estate.dex).collateral_usd += surrendered
    surrendered -= cover(world, estate)
    tell(world, estate, "backstop", before, marks, equity, surrendered, block)
    return True


def _cash(estate: Estate) -> int:
    """Cross cash of the owner."""
    return estate.house.collateral_usd


def _vault(world: World) -> Account:
    """The liquidator vault's account, opened with the house's money when it is first needed."""
    policy = world.policy
    vault = world.accounts.get(policy.liquidator)
    if vault is not None:
        return vault
    return world.accounts.deposit(policy.liquidator, policy.liquidator_usd)


def _vault_holding(vault: Account, holding: Holding) -> Holding:
    """The vault's holding of the same perp; always on cross margin, whatever others may do."""
    into = vault.holding(holding.listing, holding.prices)
    if not into.is_cross and not into.position.net_sz:
        into.is_cross = True
        into.house.add(into)
    return into


def _can_hold(vault: Account, estate: Estate, equity_usd: int) -> bool:
    """Would the vault's value cover its maintenance with these positions and their margin added?"""
    house = vault.house(estate.dex)
    needed = house.maintenance_usd()
    for holding in estate.held():
        own = house.holdings.get(holding.listing.instrument.asset)
        net = 0 if own is None else own.position.net_sz
        tiers, mark_px = holding.listing.tiers, holding.prices.mark_px
        needed -= maintenance_usd(tiers, abs(net) * mark_px)
        needed += maintenance_usd(tiers, abs(net + holding.position.net_sz) * mark_px)
    return house.value_usd() + equity_usd >= needed


def deleverage(world: World, estate: Estate, block: Block) -> None:
    """Close every position against those on the other side, most profit and leverage first, at the previous mark."""
    before, equity = estate.nets(), estate.equity_usd()
    marks = {asset: world.markets[asset].prices.mark_px for asset in before}
    for holding in estate.held():
        asset = holding.listing.instrument.asset
        prices = world.markets[asset].prices
        px = prices.previous_px if world.policy.adl_px == "previous_mark" else prices.mark_px
        mark = LiquidationMark(estate.account.user, prices.mark_px, "adl", estate.is_cross)
        for account, other in ranked(world, asset, holding.position.net_sz < 0, estate.account.user):
            sz = min(abs(holding.position.net_sz), abs(other.position.net_sz))
            exchange_position(world, (estate.account, holding), (account, other), sz, px, mark, block)
            block.shaken[account.user] = None
            cover_pocket(world, other)
            if not holding.position.net_sz:
                break
    paid = cover(world, estate)
    tell(world, estate, "adl", before, marks, equity, -paid, block)


def ranked(world: World, asset: int, is_long: bool, but: str) -> list[tuple[Account, Holding]]:
    """Holders of a long (or short) position, first who is deleveraged first; `but` is left out."""
    rows: list[tuple[Fraction | None, Account, Holding]] = []
    is_as_written = world.policy.adl_short_rank == "as_written"
    for user, holding in world.markets[asset].holders.items():
        position = holding.position
        if user == but or (position.net_sz > 0) != is_long:
            continue
        equity = holding.house.value_usd() if holding.is_cross else holding.equity_usd()
        rank = deleveraging_rank(position.net_sz, holding.prices.mark_px, position.cost_usd, equity, is_as_written)
        rows.append((rank, world.accounts.by_user[user], holding))
    rows.sort(key=lambda row: (row[0] is not None, -(row[0] or 0)))
    return [(account, holding) for _, account, holding in rows]


def cover(world: World, estate: Estate) -> int:
    """What the vault made good where positions are gone and a debt is left; nobody else pays for it."""
    if estate.alone is not None:
        return cover_pocket(world, estate.alone)
    debt = -estate.house.collateral_usd
    if debt <= 0 or estate.held() or estate.account.user == world.policy.liquidator:
        return 0
    _vault(world).house(estate.dex).collateral_usd -= debt
    estate.house.collateral_usd += debt
    return debt


def cover_pocket(world: World, holding: Holding) -> int:
    """What the vault made good of an isolated position that closed in debt; cross never pays."""
    debt = -holding.pocket_usd
    if holding.position.net_sz or holding.is_cross or debt <= 0:
        return 0
    _vault(world).house(holding.listing.dex).collateral_usd -= debt
    holding.pocket_usd += debt
    return debt


def tell(
    world: World,
    estate: Estate,
    method: Literal["market", "backstop", "adl"],
    before: Mapping[int, int],
    marks: Mapping[int, int],
    value_usd: int,
    surrendered_usd: int,
    block: Block,
) -> None:
    """Announce the stage if it closed anything."""
    after = estate.nets()
    gone = {asset: net - after.get(asset, 0) for asset, net in before.items() if net != after.get(asset, 0)}
    if not gone:
        return
    world.accounts.liquidations += 1
    positions = tuple(gone.items())
    notional = sum(abs(net) * marks[asset] for asset, net in gone.items())
    block.events.append(
        Liquidated(
            estate.account.user,
            estate.dex,
            world.accounts.liquidations,
            method,
            estate.is_cross,
            world.policy.liquidator,
            notional,
            value_usd,
            positions,
            surrendered_usd,
            block.hash,
            block.now_ms,
        )
    )
    record(estate.account, Liquidation(Usd(notional), Usd(value_usd), estate.is_cross, positions), block)
