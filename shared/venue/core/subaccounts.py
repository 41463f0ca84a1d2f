"""Accounts under accounts: opened, named and fed by their master."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from shared.units import Usd
from shared.venue.core import money_words as words
from shared.venue.core.accounts import Account
from shared.venue.core.amounts import NotAnAmount, token_amount
from shared.venue.core.block import Block
from shared.venue.core.dealings import CreateSubAccount, MoveSubToken, MoveSubUsd, RenameSubAccount
from shared.venue.core.fee_days import assess
from shared.venue.core.ledger import record_both
from shared.venue.core.ledger_entries import SubTransferred, TokenMove, TokenTransferred
from shared.venue.core.outcomes import Opened
from shared.venue.core.portfolio import usd_of_wei
from shared.venue.core.purses import PERP, SPOT, Purse, free_wei, shift
from shared.venue.core.tokens import USD_WEI, USDC
from shared.venue.core.world import Answer, World

NAME_LENGTH: Final = 16
FREE_SUBS: Final = 10
SUBS_USD: Final = 100_000_000 * 10**6
MOST_SUBS: Final = 50
"""Ten, and one more for each 100M USDC traded, up to fifty. Source: Hyperliquid documentation, "Sub-accounts"."""


def create(world: World, command: CreateSubAccount, _: Block) -> Answer:
    """The address of the new account, or why there is none."""
    master = world.accounts.get(command.user)
    if master is None:
        return words.must_deposit(command.user)
    refusal = _refusal(world, master, command.name)
    if refusal is not None:
        return refusal
    sub = world.accounts.opened(_address(master))
    sub.identity.master, sub.identity.name = master.user, command.name
    master.identity.subs.append(sub.user)
    assess(world.accounts, sub)
    return (Opened(sub.user),)


def rename(world: World, command: RenameSubAccount, _: Block) -> Answer:
    """The sub-account has another name, or why not."""
    sub = _sub_of(world, command.user, command.sub)
    if sub is None:
        return words.sub_transfer(command.user, command.sub)
    if not 1 <= len(command.name) <= NAME_LENGTH:
        return words.SUB_NAME
    sub.identity.name = command.name
    return ()


def move_usd(world: World, command: MoveSubUsd, block: Block) -> Answer:
    """Collateral went to the sub-account or came back, or why not."""
    giver, taker = _ends(world, command)
    if giver is None or taker is None:
        return words.sub_transfer(*_names(command))
    if command.usd <= 0:
        return words.ZERO_SEND
    source, target = Purse(giver, PERP), Purse(taker, PERP)
    if command.usd * USD_WEI > free_wei(source, USDC):
        return words.WITHDRAWAL
    shift(world, source, target, USDC, command.usd * USD_WEI)
    record_both(giver, taker, SubTransferred(Usd(command.usd), giver.user, taker.user), block)
    return ()


def move_token(world: World, command: MoveSubToken, block: Block) -> Answer:
    """Tokens went to the sub-account or came back, or why not."""
    giver, taker = _ends(world, command)
    if giver is None or taker is None:
        return words.sub_transfer(*_names(command))
    try:
        token, wei = token_amount(world, command.token, command.amount)
    except NotAnAmount as fault:
        return fault.said
    source, target = Purse(giver, SPOT), Purse(taker, SPOT)
    if wei > free_wei(source, token):
        return words.SEND_BALANCE
    shift(world, source, target, token, wei)
    value = usd_of_wei(world.markets, token, wei)
    move = TokenMove(token.name, token.text(wei), value, giver.user, taker.user, Usd(0), None)
    record_both(giver, taker, TokenTransferred(move), block)
    return ()


def _refusal(world: World, master: Account, name: str) -> str | None:
    """Why the user may not have one more sub-account of that name."""
    if master.identity.master is not None:
        return words.SUB_OF_SUB
    required = world.policy.sub_account_volume_usd
    if master.volume_usd < required:
        return words.sub_volume(required, master.volume_usd)
    if not 1 <= len(name) <= NAME_LENGTH:
        return words.SUB_NAME
    if len(master.identity.subs) >= min(FREE_SUBS + master.volume_usd // SUBS_USD, MOST_SUBS):
        return words.TOO_MANY_SUBS
    return None


def _address(master: Account) -> str:
    """Address of the master's next sub-account; nobody has its key."""
    return "0x" + sha256(f"sub-account {len(master.identity.subs)} of {master.user}".encode()).hexdigest()[-40:]


def _sub_of(world: World, user: str, sub: str) -> Account | None:
    """The user's sub-account at that address."""
    account = world.accounts.get(sub)
    return account if account is not None and account.identity.master == user else None


def _names(command: MoveSubUsd | MoveSubToken) -> tuple[str, str]:
    """(from, to)."""
    return (command.user, command.sub) if command.is_deposit else (command.sub, command.user)


def _ends(world: World, command: MoveSubUsd | MoveSubToken) -> tuple[Account | None, Account | None]:
    """(giver, taker); None where the sub-account is not the user's."""
    master, sub = world.accounts.get(command.user), _sub_of(world, command.user, command.sub)
    return (master, sub) if command.is_deposit else (sub, master)
