"""The commands about an account's standing and an asset's prices: deposit, leverage, oracle."""

from __future__ import annotations

from shared.errors import UnitError
from shared.venue.core import words
from shared.venue.core.block import Block
from shared.venue.core.commands import Deposit, IssueToken, SetPrices, UpdateLeverage
from shared.venue.core.ledger import record
from shared.venue.core.ledger_entries import Deposited
from shared.venue.core.world import Answer, World


def deposit(world: World, command: Deposit, block: Block) -> Answer:
    """Collateral credited; UnitError unless the amount is positive."""
    if command.usd <= 0:
        raise UnitError(f"expected a positive deposit, got {command.usd}")
    record(world.accounts.deposit(command.user, command.usd), Deposited(command.usd), block)
    return ()


def issue_token(world: World, command: IssueToken, _: Block) -> Answer:
    """Tokens credited, at no cost to the user; UnitError unless the amount is positive and the token exists."""
    if command.wei <= 0 or command.token not in world.tokens:
        raise UnitError(f"expected a positive amount of a token, got {command}")
    account = world.accounts.opened(command.user)
    world.accounts.treasury.issue(account.spot, command.token, command.wei)
    return ()


def set_prices(world: World, command: SetPrices, block: Block) -> Answer:
    """The oracle moved; the mark follows. UnitError for a price that is not positive or an asset not listed.

    A hyperp has no oracle to set, so its price must be 0.
    """
    market = world.markets.get(command.asset)
    if market is None or (command.oracle_px != 0 if market.listing.hyperp_px is not None else command.oracle_px <= 0):
        raise UnitError(f"expected a positive price of a listed asset (0 for a hyperp), got {command}")
    market.hear_external(command.external_px)
    market.reprice(block, command.oracle_px)
    return ()


def update_leverage(world: World, command: UpdateLeverage, _: Block) -> Answer:
    """Nothing to report, or why the leverage stays as it is."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    market = world.markets.get(command.asset)
    if market is None:
        return words.for_asset(words.UNKNOWN_ASSET, command.asset)
    if not 1 <= command.leverage <= market.instrument.max_leverage:
        return words.INVALID_LEVERAGE
    holding = account.holding(market.listing, market.prices)
    if not command.is_cross:
        return words.LEVERAGE_TYPE if holding.position.net_sz else words.ISOLATED
    if command.leverage < holding.leverage:
        before = holding.reserved_usd()
        after = holding.margin_usd(holding.worst_sz(), command.leverage)
        if after > before and holding.house.value_usd() < holding.house.reserved_usd() - before + after:
            return words.LEVERAGE_MARGIN
    holding.leverage = command.leverage
    return ()
