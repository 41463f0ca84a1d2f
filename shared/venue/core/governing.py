"""What the owners of the venue do to an asset: halt, delist, change its terms, bend its funding; and the upgrade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from shared.errors import UnitError
from shared.rules.margin import MarginTier
from shared.units import Px, Sz, Usd
from shared.venue.core import deployers, isolated
from shared.venue.core.backstop import cover_pocket
from shared.venue.core.block import Block, tid_of
from shared.venue.core.events import FillHappened, ListingChanged
from shared.venue.core.listing import Listing, MarginMode
from shared.venue.core.market import Market
from shared.venue.core.oi_caps import cap_markets
from shared.venue.core.rulings import ChangeListing, Delist, Halt, OverridePremium, SetOracle, SetPostOnly
from shared.venue.core.settlement import note_change
from shared.venue.core.world import Answer, World

SETTLEMENT: Final = "Settlement"
"""`dir` of a fill that settles a position without a trade."""


def override_premium(world: World, command: OverridePremium, _: Block) -> Answer:
    """The asset's premium samples are what was said; UnitError for an asset that is not listed."""
    _market(world, command.asset).premium_override_e10 = command.premium_e10
    return ()


def set_post_only(world: World, command: SetPostOnly, _: Block) -> Answer:
    """Only post-only orders are taken, or all again."""
    world.post_only = command.is_on
    return ()


def halt(world: World, command: Halt, block: Block) -> Answer:
    """Orders of the asset are refused, or taken again; on a deployed dex a halt settles all positions at the mark.

    Orders that rest on a first-dex asset stay and may be cancelled. Policy `halt_settles` decides for both.
    """
    market = _market(world, command.asset)
    if command.is_halted and not market.is_halted and _settles(world, market):
        close_market(world, market, market.prices.mark_px, "canceled", block)
    market.is_halted = command.is_halted
    _announce(market, block)
    return ()


def delist(world: World, command: Delist, block: Block) -> Answer:
    """No orders, no positions, `isDelisted` in meta; the slot stays. Settled at the oracle's mean of the last hour."""
    market = _market(world, command.asset)
    if market.instrument.is_delisted:
        raise UnitError(f"{market.instrument.coin} is delisted already")
    close_market(world, market, market.oracle_mean.value(block.now_ns), "delistedCanceled", block)
    instrument = msgspec.structs.replace(market.instrument, is_delisted=True)
    _relist(world, market, msgspec.structs.replace(market.listing, instrument=instrument), block)
    return ()


def change_listing(world: World, command: ChangeListing, block: Block) -> Answer:
    """`meta` and margin follow; positions and leverages stay as they are. UnitError for an impossible leverage."""
    market = _market(world, command.asset)
    listing = market.listing
    instrument = listing.instrument
    if command.max_leverage is not None:
        if command.max_leverage < 1:
            raise UnitError(f"expected a leverage of at least 1, got {command.max_leverage}")
        instrument = msgspec.structs.replace(instrument, max_leverage=command.max_leverage)
        listing = msgspec.structs.replace(listing, tiers=(MarginTier(0, command.max_leverage),))
    if command.tiers is not None:
        listing = msgspec.structs.replace(listing, tiers=tuple(MarginTier(*tier) for tier in command.tiers))
    if command.is_delisted is not None:
        instrument = msgspec.structs.replace(instrument, is_delisted=False)
    if command.oi_cap_usd is not None:
        listing = msgspec.structs.replace(listing, oi_cap_usd=command.oi_cap_usd if command.oi_cap_usd >= 0 else None)
    if command.margin_mode is not None:
        listing = msgspec.structs.replace(listing, margin_mode=MarginMode(command.margin_mode))
    _relist(world, market, msgspec.structs.replace(listing, instrument=instrument), block)
    return ()


def close_market(world: World, market: Market, px: Px, status: str, block: Block) -> None:
    """Every order cancelled with `status`, every position settled at `px` without a fee; what longs lose shorts gain.

    A market that never had a price has no positions.
    """
    accounts = world.accounts
    for side in (market.book.bids, market.book.asks):
        for order in list(side.orders()):
            world.matching.cancel(order, status, accounts.by_user[order.user], market, block)
    for order in market.waiting.orders():
        world.matching.cancel(order, status, accounts.by_user[order.user], market, block)
    # a tuple, for a debt of an isolated position may open the vault's account
    for account in tuple(accounts.by_user.values()):
        holding = account.holdings.get(market.asset)
        if holding is None or not holding.position.net_sz:
            continue
        start = holding.position.net_sz
        pnl = holding.fill(start < 0, px, Sz(abs(start)))
        accounts.charge(account, holding.house, pnl, 0, 0)
        if not holding.is_cross:
            isolated.rebalance(holding, start, px, pnl, 0)
            cover_pocket(world, holding)
        note_change(holding, start, px, account.user, market, block)
        block.shaken[account.user] = None
        tid = tid_of(-block.number, len(block.events))
        fill = FillHappened(
            account.user,
            market.asset,
            start < 0,
            px,
            Sz(abs(start)),
            0,
            None,
            False,
            start,
            pnl,
            Usd(0),
            tid,
            block.hash,
            block.now_ms,
            direction=SETTLEMENT,
            fee_token=market.listing.collateral_name,
        )
        account.fills.append(fill)
        block.events.append(fill)


def _settles(world: World, market: Market) -> bool:
    """Does a halt of this market settle it?"""
    choice = world.policy.halt_settles
    return choice == "always" or (choice == "deployed" and market.listing.dex > 0)


def _relist(world: World, market: Market, listing: Listing, block: Block) -> None:
    """The market and everybody's holdings of it go by the new listing."""
    market.relist(listing)
    for account in world.accounts.by_user.values():
        holding = account.holdings.get(market.asset)
        if holding is not None:
            holding.listing = listing
            if listing.margin_mode is not MarginMode.NORMAL and not holding.position.net_sz:
                holding.is_cross = False
                holding.house.add(holding)
    cap_markets(world)
    _announce(market, block)


def _announce(market: Market, block: Block) -> None:
    """Tell that `meta` is not what it was."""
    block.events.append(ListingChanged(market.asset, block.now_ms))


def _market(world: World, asset: int) -> Market:
    """The market; UnitError if there is none."""
    market = world.markets.get(asset)
    if market is None:
        raise UnitError(f"no asset {asset} is listed")
    return market


ANSWERS: Final[dict[type, Callable[[World, Any, Block], Answer]]] = {
    SetOracle: deployers.set_oracle,
    OverridePremium: override_premium,
    Delist: delist,
    Halt: halt,
    ChangeListing: change_listing,
    SetPostOnly: set_post_only,
}
"""Who answers which ruling; every member of `Ruling` is here."""
