"""How an account's money is kept: dex by dex, in one margin for all dexs in USDC, or that with spot's USDC too."""

from __future__ import annotations

from shared.venue.core import money_words as words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.clearing import Clearinghouse
from shared.venue.core.dealings import Mode, SetMode
from shared.venue.core.pooling import sweep
from shared.venue.core.tokens import USDC
from shared.venue.core.world import Answer, World

POOLED = (Mode.UNIFIED, Mode.DEX)


def set_mode(world: World, command: SetMode, block: Block) -> Answer:
    """The account is kept as asked, or why not."""
    account = world.accounts.get(command.owner)
    if account is None:
        return words.must_deposit(command.owner)
    refusal = _refusal(world, command, account)
    if refusal is not None:
        return refusal
    if command.mode in POOLED:
        _pool(world, account)
    elif account.identity.mode in POOLED:
        _part(world, account)
    account.identity.mode = command.mode
    world.unified.pop(account.user, None)
    if command.mode is Mode.UNIFIED:
        world.unified[account.user] = None
    block.shaken[account.user] = None
    return ()


def gather(world: World) -> None:
    """What came to the spot side of unified accounts is margin."""
    for user in world.unified:
        sweep(world.accounts, world.accounts.by_user[user])


def _refusal(world: World, command: SetMode, account: Account) -> str | None:
    """Why the account stays as it is."""
    mode = account.identity.mode
    if command.user not in (command.owner, account.identity.master):
        return words.MODE_USER
    if command.mode is Mode.PORTFOLIO:
        return words.NO_PORTFOLIO
    if command.is_first and mode is not Mode.DEFAULT:
        return words.MODE_SET
    if mode in POOLED and command.mode not in POOLED:
        if mode is Mode.UNIFIED and world.policy.unified_to_disabled == "refused":
            return words.MODE_ONE_WAY
        if any(_is_busy(account, number) for number in _usdc_dexs(world)):
            return words.MODE_BUSY
    return None


def _usdc_dexs(world: World) -> list[int]:
    """Deployed dexs whose collateral is USDC."""
    return [number for number, dex in enumerate(world.dexs, 1) if dex.collateral == USDC]


def _is_busy(account: Account, dex: int) -> bool:
    """Has the account positions or orders on the dex?"""
    mine = {asset: one for asset, one in account.holdings.items() if one.listing.dex == dex}
    is_holding = any(one.position.net_sz for one in mine.values())
    return is_holding or any(order.asset in mine for order in account.open_orders.values())


def _pool(world: World, account: Account) -> None:
    """One clearinghouse, the first dex's, for all dexs in USDC."""
    shared = account.house()
    for number in _usdc_dexs(world):
        own = account.houses.get(number)
        account.houses[number] = shared
        if own is None or own is shared:
            continue
        shared.collateral_usd += own.collateral_usd
        for holding in (*own.holdings.values(), *own.isolated.values()):
            holding.house = shared
            shared.add(holding)


def _part(world: World, account: Account) -> None:
    """A clearinghouse for each dex again; all collateral stays on the first."""
    shared = account.house()
    for number in _usdc_dexs(world):
        account.houses[number] = Clearinghouse()
    for asset, holding in account.holdings.items():
        house = account.house(holding.listing.dex)
        if house is not holding.house:
            shared.holdings.pop(asset, None)
            shared.isolated.pop(asset, None)
            holding.house = house
            house.add(holding)
