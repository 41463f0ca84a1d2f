"""The commands about an account's standing and an asset's prices: deposit, tokens, oracle."""

from __future__ import annotations

from shared.errors import UnitError
from shared.venue.core.block import Block
from shared.venue.core.commands import Deposit, IssueToken, SetPrices
from shared.venue.core.ledger import record
from shared.venue.core.ledger_entries import Deposited
from shared.venue.core.portfolio import usd_of_wei
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
    account.wealth.spot_flow_usd += usd_of_wei(world.markets, world.tokens[command.token], command.wei)
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
