"""What masters sign: money to other users, to other places of their own, and out of the exchange."""

from __future__ import annotations

from shared.units import Usd
from shared.venue.core import money_words as words
from shared.venue.core.accounts import Account
from shared.venue.core.amounts import NotAnAmount, token_amount, usd_amount
from shared.venue.core.block import Block
from shared.venue.core.dealings import Mode, MoveClass, SendAsset, SendToken, SendUsd, Withdraw
from shared.venue.core.ledger import record, record_both
from shared.venue.core.ledger_entries import (
    AssetSent,
    ClassMoved,
    TokenMove,
    TokenTransferred,
    Transferred,
    Withdrawn,
)
from shared.venue.core.portfolio import usd_of_wei
from shared.venue.core.purses import PERP, SPOT, Purse, free_wei, money_of, shift, take
from shared.venue.core.tokens import USD_WEI, USDC, Token
from shared.venue.core.world import Answer, World

SPOT_NAME = "spot"


def send_usd(world: World, command: SendUsd, block: Block) -> Answer:
    """Collateral is another user's now, or why not."""
    giver = world.accounts.get(command.user)
    if giver is None:
        return words.must_deposit(command.user)
    try:
        usd = usd_amount(command.amount)
    except NotAnAmount as fault:
        return fault.said
    if command.destination == command.user:
        return words.INVALID_SEND
    purse, gas = Purse(giver, PERP), _gas_usd(world, command.destination)
    if (usd + gas) * USD_WEI > free_wei(purse, USDC):
        return words.WITHDRAWAL
    _burn(world, purse, gas)
    taker = world.accounts.opened(command.destination)
    shift(world, purse, Purse(taker, PERP), USDC, usd * USD_WEI)
    record_both(giver, taker, Transferred(usd, giver.user, taker.user, gas), block)
    return ()


def withdraw(world: World, command: Withdraw, block: Block) -> Answer:
    """Collateral left the exchange, the fee taken of it, or why not."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    try:
        usd = usd_amount(command.amount)
    except NotAnAmount as fault:
        return fault.said
    purse, fee = Purse(account, PERP), world.policy.withdrawal_fee_usd
    if usd <= fee or usd * USD_WEI > free_wei(purse, USDC):
        return words.WITHDRAWAL
    take(world, purse, usd * USD_WEI)
    world.accounts.gas_usd += fee
    world.accounts.withdrawn_usd += usd - fee
    record(account, Withdrawn(Usd(usd - fee), command.nonce, fee), block)
    return ()


def move_class(world: World, command: MoveClass, block: Block) -> Answer:
    """USDC went between spot and perps of one account, or why not."""
    account = _acting(world, command.user, command.sub)
    if isinstance(account, str):
        return account
    if account.identity.mode is Mode.UNIFIED:
        return words.UNIFIED
    try:
        usd = usd_amount(command.amount)
    except NotAnAmount as fault:
        return fault.said
    perp, spot = Purse(account, PERP), Purse(account, SPOT)
    source, target = (spot, perp) if command.to_perp else (perp, spot)
    if usd * USD_WEI > free_wei(source, USDC):
        return words.SEND_BALANCE if command.to_perp else words.WITHDRAWAL
    shift(world, source, target, USDC, usd * USD_WEI)
    record(account, ClassMoved(usd, command.to_perp), block)
    return ()


def send_token(world: World, command: SendToken, block: Block) -> Answer:
    """Tokens are another user's now, or why not."""
    giver = world.accounts.get(command.user)
    if giver is None:
        return words.must_deposit(command.user)
    if command.destination == command.user:
        return words.INVALID_SEND
    try:
        token, wei = token_amount(world, command.token, command.amount)
    except NotAnAmount as fault:
        return fault.said
    move = _sent(world, Purse(giver, SPOT), command, SPOT, token, wei)
    if isinstance(move, str):
        return move
    record_both(giver, world.accounts.by_user[command.destination], TokenTransferred(move), block)
    return ()


def send_asset(world: World, command: SendAsset, block: Block) -> Answer:
    """Something went from one dex or spot to another, or why not."""
    giver = _acting(world, command.user, command.sub)
    if isinstance(giver, str):
        return giver
    source, target = _place(world, command.source_dex), _place(world, command.destination_dex)
    if source is None or target is None:
        return words.INVALID_DEX
    if giver.identity.mode is Mode.UNIFIED and not source == target == SPOT:
        return words.UNIFIED
    if giver.user == command.destination and source == target:
        return words.INVALID_SEND
    if command.is_by_agent and not _is_family(world, giver, command.destination):
        return words.AGENT_SEND
    try:
        token, wei = token_amount(world, command.token, command.amount)
    except NotAnAmount as fault:
        return fault.said
    if not all(money_of(world, place) in (None, token) for place in (source, target)):
        return words.INVALID_SEND
    if (source, target) != (SPOT, SPOT) and wei % USD_WEI:
        return words.INVALID_SEND
    if target > PERP and source != target and _exceeds_cap(world, target, wei // USD_WEI):
        return words.DEX_FULL
    move = _sent(world, Purse(giver, source), command, target, token, wei)
    if isinstance(move, str):
        return move
    taker = world.accounts.by_user[command.destination]
    record_both(giver, taker, AssetSent(move, command.source_dex, command.destination_dex), block)
    return ()


def _sent(
    world: World, purse: Purse, command: SendToken | SendAsset, place: int, token: Token, wei: int
) -> TokenMove | str:
    """The move, done; or why it was not."""
    gas = _gas_usd(world, command.destination)
    free = free_wei(purse, token)
    gas_token = money_of(world, purse.place) or USDC
    if token == gas_token and wei + gas * USD_WEI > free:
        return words.SEND_BALANCE if wei > free or not gas else words.SEND_GAS
    if wei > free:
        return words.SEND_BALANCE
    if gas * USD_WEI > free_wei(purse, gas_token):
        return words.SEND_GAS
    _burn(world, purse, gas, gas_token)
    taker = world.accounts.opened(command.destination)
    shift(world, purse, Purse(taker, place), token, wei)
    value = usd_of_wei(world.markets, token, wei)
    return TokenMove(token.name, token.text(wei), value, purse.account.user, taker.user, gas, command.nonce)


def _gas_usd(world: World, destination: str) -> Usd:
    """What it costs to send there: something if nobody has an account at the address."""
    return Usd(0) if world.accounts.get(destination) is not None else world.policy.activation_fee_usd


def _exceeds_cap(world: World, dex: int, usd: int) -> bool:
    """Would more come to the dex than its deployer's limits let: at once, or in all?"""
    cap = world.policy.dex_transfer_cap
    if cap == "none":
        return False
    brought = world.net_deposits_usd.get(dex, 0) if cap == "net" else 0
    return brought + usd > world.dexs[dex - 1].max_transfer_usd


def _burn(world: World, purse: Purse, usd: Usd, token: Token = USDC) -> None:
    """Take gas."""
    if usd:
        take(world, purse, usd * USD_WEI, token)
        world.accounts.gas_usd += usd


def _acting(world: World, user: str, sub: str | None) -> Account | str:
    """The account whose money it is: the user's own, or a sub-account's that is the user's; or the refusal."""
    account = world.accounts.get(user)
    if account is None:
        return words.must_deposit(user)
    if sub is None:
        return account
    owned = world.accounts.get(sub)
    if owned is None or owned.identity.master != user:
        return words.sub_transfer(user, sub)
    return owned


def _is_family(world: World, giver: Account, destination: str) -> bool:
    """Is the destination the same user, their master or a sub-account of theirs?"""
    master = giver.identity.master or giver.user
    return destination == master or destination in world.accounts.by_user[master].identity.subs


def _place(world: World, name: str) -> int | None:
    """The place that a dex name means."""
    if name in ("", SPOT_NAME):
        return SPOT if name else PERP
    return next((number for number, dex in enumerate(world.dexs, 1) if dex.name == name), None)
