"""The commands about vaults: opened and led by one, fed and emptied by many, each with a part of what is in it.

Source: Hyperliquid documentation, "Vaults": the leader keeps at least a twentieth, takes a tenth of others' gains when
they leave, and nobody leaves within a day of their last deposit. A withdrawal that the vault's positions leave no room
for is refused here; the venue closes positions for it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from shared.units import USD, Usd
from shared.venue.core import money_words as words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.dealings import CreateVault, DistributeVault, ModifyVault, MoveVaultUsd
from shared.venue.core.ledger import record
from shared.venue.core.ledger_entries import (
    VaultCommission,
    VaultCreated,
    VaultDeposited,
    VaultDistributed,
    VaultWithdrawn,
)
from shared.venue.core.outcomes import Opened
from shared.venue.core.purses import PERP, Purse, free_wei, shift, take
from shared.venue.core.tokens import USD_WEI, USDC
from shared.venue.core.vault import Vault
from shared.venue.core.views import account_view
from shared.venue.core.world import Answer, World

CREATION_FEE_USD: Final = 100 * USD
LEAST_START_USD: Final = 100 * USD
LEAST_DEPOSIT_USD: Final = 5 * USD
"""Ours: the official SDK's example deposits as little."""
LEADER_PART: Final = 20
"""The leader owns at least one part in so many."""


def create(world: World, command: CreateVault, block: Block) -> Answer:
    """The address of the new vault, or why there is none."""
    leader = world.accounts.get(command.user)
    if leader is None:
        return words.must_deposit(command.user)
    if not 3 <= len(command.name) <= 50 or not 10 <= len(command.description) <= 250:
        return words.VAULT_NAME
    cost = CREATION_FEE_USD + command.usd
    if command.usd < LEAST_START_USD or cost * USD_WEI > free_wei(Purse(leader, PERP), USDC):
        return words.VAULT_POOR
    address = command.address or _address(leader.user, len(world.vaults))
    if world.accounts.get(address) is not None:
        return words.VAULT_TAKEN
    terms = command.lock_ms, command.profit_share_percent
    vault = Vault(address, leader.user, command.name, command.description, *terms, block.now_ms)
    world.vaults[address] = vault
    world.accounts.opened(address)
    take(world, Purse(leader, PERP), CREATION_FEE_USD * USD_WEI)
    world.accounts.gas_usd += CREATION_FEE_USD
    _put_in(world, vault, leader, command.usd, block)
    record(leader, VaultCreated(address, Usd(command.usd), Usd(CREATION_FEE_USD)), block)
    return (Opened(address),)


def move_usd(world: World, command: MoveVaultUsd, block: Block) -> Answer:
    """Collateral went into the vault or came out of it, or why not."""
    account, vault = world.accounts.get(command.user), world.vaults.get(command.vault)
    if account is None:
        return words.must_deposit(command.user)
    if vault is None or vault.is_closed:
        return words.vault_unknown(command.vault)
    return (
        _deposit(world, vault, account, command.usd, block)
        if command.is_deposit
        else _withdraw(world, vault, account, command.usd, block)
    )


def distribute(world: World, command: DistributeVault, block: Block) -> Answer:
    """Everybody in the vault got their part of the sum, or of all when it is closed; or why not."""
    vault = _led(world, command.user, command.vault)
    if isinstance(vault, str):
        return vault
    account = world.accounts.by_user[vault.address]
    is_closing = command.usd == 0
    if is_closing and (account.open_orders or any(one.position.net_sz for one in account.holdings.values())):
        return words.VAULT_BUSY
    usd = account.house().collateral_usd if is_closing else command.usd
    if usd * USD_WEI > free_wei(Purse(account, PERP), USDC):
        return words.VAULT_SHORT
    for user, part in list(vault.parts.items()):
        paid = usd * part.shares // vault.shares
        taker = world.accounts.by_user[user]
        shift(world, Purse(account, PERP), Purse(taker, PERP), USDC, paid * USD_WEI)
        part.gained_usd += paid
        record(taker, VaultDistributed(vault.address, Usd(paid)), block)
    if is_closing:
        vault.is_closed, vault.takes_deposits = True, False
        vault.parts.clear()
        vault.shares = 0
    return ()


def modify(world: World, command: ModifyVault, _: Block) -> Answer:
    """The vault's terms are as asked, or why not."""
    vault = _led(world, command.user, command.vault)
    if isinstance(vault, str):
        return vault
    if command.takes_deposits is not None:
        vault.takes_deposits = command.takes_deposits
    if command.always_closes is not None:
        vault.always_closes = command.always_closes
    return ()


def value_usd(world: World, vault: Vault) -> int:
    """What the vault's account is worth."""
    return account_view(world.accounts.by_user[vault.address]).value_usd


def _deposit(world: World, vault: Vault, account: Account, usd: int, block: Block) -> Answer:
    if not vault.takes_deposits and account.user != vault.leader:
        return words.VAULT_SHUT
    if usd < LEAST_DEPOSIT_USD:
        return words.VAULT_DEPOSIT
    if usd * USD_WEI > free_wei(Purse(account, PERP), USDC):
        return words.WITHDRAWAL
    value = value_usd(world, vault)
    if vault.shares and value <= 0:
        return words.VAULT_SHORT
    leads = vault.equity_usd(vault.leader, value)
    if account.user != vault.leader and leads * LEADER_PART < value + usd:
        return words.VAULT_LEADER
    _put_in(world, vault, account, usd, block)
    record(account, VaultDeposited(vault.address, Usd(usd)), block)
    return ()


def _withdraw(world: World, vault: Vault, account: Account, usd: int, block: Block) -> Answer:
    part, value = vault.parts.get(account.user), value_usd(world, vault)
    equity = vault.equity_usd(account.user, value)
    if part is None or not 0 < usd <= equity:
        return words.WITHDRAWAL
    if block.now_ms < part.locked_until_ms:
        return words.VAULT_LOCKED
    if account.user == vault.leader and len(vault.parts) > 1 and (equity - usd) * LEADER_PART < value - usd:
        return words.VAULT_LEADER
    purse = Purse(world.accounts.by_user[vault.address], PERP)
    if usd * USD_WEI > free_wei(purse, USDC):
        return words.VAULT_SHORT
    basis = vault.take_out(account.user, usd, value)
    is_leader = account.user == vault.leader
    commission = 0 if is_leader else max(usd - basis, 0) * vault.profit_share_percent // 100
    leader = world.accounts.by_user[vault.leader]
    shift(world, purse, Purse(account, PERP), USDC, (usd - commission) * USD_WEI)
    if commission:
        shift(world, purse, Purse(leader, PERP), USDC, commission * USD_WEI)
        record(leader, VaultCommission(account.user, Usd(commission)), block)
    record(account, VaultWithdrawn(vault.address, account.user, Usd(usd), Usd(commission), Usd(basis)), block)
    return ()


def _put_in(world: World, vault: Vault, account: Account, usd: int, block: Block) -> None:
    vault.put_in(account.user, usd, value_usd(world, vault), block.now_ms)
    into = world.accounts.by_user[vault.address]
    shift(world, Purse(account, PERP), Purse(into, PERP), USDC, usd * USD_WEI)


def _led(world: World, user: str, address: str) -> Vault | str:
    """The vault that the user leads, or the refusal."""
    vault = world.vaults.get(address)
    if vault is None or vault.is_closed or vault.leader != user:
        return words.vault_unknown(address)
    return vault


def _address(leader: str, number: int) -> str:
    """Address of a new vault; nobody has its key."""
    return "0x" + sha256(f"vault {number} of {leader}".encode()).hexdigest()[-40:]
