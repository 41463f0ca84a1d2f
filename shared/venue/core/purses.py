"""Where money can be: one user's collateral on a dex, or spot balances; and how it goes from one to the other."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.venue.core.accounts import Account
from shared.venue.core.balances import move
from shared.venue.core.pooling import draw, movable_wei
from shared.venue.core.portfolio import usd_of_wei
from shared.venue.core.tokens import USD_WEI, USDC, Token
from shared.venue.core.views import account_view
from shared.venue.core.world import World

PERP: Final = 0
SPOT: Final = -1


class Purse(msgspec.Struct, frozen=True):
    """One user's money in one place: a dex by its index, or SPOT."""

    account: Account
    place: int


def free_wei(purse: Purse, token: Token) -> int:
    """What may leave: what no order or position needs. On a dex only its collateral can be, in whole micro-USDC."""
    if purse.place == SPOT:
        return movable_wei(purse.account, token.index)
    return account_view(purse.account, purse.place).withdrawable_usd * USD_WEI


def money_of(world: World, place: int) -> Token | None:
    """The one token that can be in a place; None of the spot side, where all can."""
    if place == SPOT:
        return None
    return world.dexs[place - 1].collateral if place else USDC


def shift(world: World, source: Purse, target: Purse, token: Token, wei: int) -> None:
    """Move free tokens; nothing is made or lost. Collateral is its dex's token in whole millionths of it."""
    if source.place == SPOT and target.place == SPOT:
        draw(world.accounts, source.account, token.index, wei)
        move(source.account.spot, target.account.spot, token.index, wei)
        value = usd_of_wei(world.markets, token, wei)
        source.account.wealth.spot_flow_usd -= value
        target.account.wealth.spot_flow_usd += value
        return
    assert wei % USD_WEI == 0
    take(world, source, wei, token)
    give(world, target, wei, token)


def take(world: World, purse: Purse, wei: int, token: Token = USDC) -> None:
    """Collateral leaves the purse, for whoever the caller says."""
    assert money_of(world, purse.place) in (None, token)
    accounts, usd = world.accounts, wei // USD_WEI
    if purse.place == SPOT:
        draw(accounts, purse.account, token.index, wei)
        accounts.treasury.redeem(purse.account.spot, token.index, wei)
        accounts.spot_usd -= usd
        purse.account.wealth.spot_flow_usd -= usd_of_wei(world.markets, token, wei)
    else:
        purse.account.house(purse.place).collateral_usd -= usd
        purse.account.wealth.perp_flow_usd -= usd
        _count(world, purse.place, -usd)


def give(world: World, purse: Purse, wei: int, token: Token = USDC) -> None:
    """Collateral comes into the purse, from wherever the caller took it."""
    assert money_of(world, purse.place) in (None, token)
    accounts, usd = world.accounts, wei // USD_WEI
    if purse.place == SPOT:
        accounts.treasury.issue(purse.account.spot, token.index, wei)
        accounts.spot_usd += usd
        purse.account.wealth.spot_flow_usd += usd_of_wei(world.markets, token, wei)
    else:
        purse.account.house(purse.place).collateral_usd += usd
        purse.account.wealth.perp_flow_usd += usd
        _count(world, purse.place, usd)


def _count(world: World, dex: int, usd: int) -> None:
    """Keep what each dex was given in all; on the first, deposits from outside come on top."""
    world.net_deposits_usd[dex] = world.net_deposits_usd.get(dex, 0) + usd
