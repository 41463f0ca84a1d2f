"""What the exchange shows of vaults: frozen copies, money in micro-USDC."""

from __future__ import annotations

import msgspec

from shared.units import Usd
from shared.venue.core.purses import PERP, Purse, free_wei
from shared.venue.core.tokens import USD_WEI, USDC
from shared.venue.core.vault import Vault
from shared.venue.core.vaults import value_usd
from shared.venue.core.world import World


class PartView(msgspec.Struct, frozen=True):
    """What one user has of a vault; `pnl_usd` is over what it cost, `all_pnl_usd` with what was taken out before."""

    user: str
    equity_usd: Usd
    pnl_usd: Usd
    all_pnl_usd: Usd
    entered_ms: int
    locked_until_ms: int


class VaultView(msgspec.Struct, frozen=True):
    """One vault; `parts` in order of entry, the leader's first. `free_usd` is what no position needs."""

    address: str
    leader: str
    name: str
    description: str
    profit_share_percent: int
    value_usd: Usd
    free_usd: Usd
    created_ms: int
    is_closed: bool
    takes_deposits: bool
    always_closes: bool
    parts: tuple[PartView, ...]


def vault_view(world: World, vault: Vault) -> VaultView:
    """The vault now."""
    value = value_usd(world, vault)
    free = free_wei(Purse(world.accounts.by_user[vault.address], PERP), USDC) // USD_WEI
    parts = []
    for user, part in vault.parts.items():
        equity = vault.equity_usd(user, value)
        gain = equity - part.basis_usd
        all_gain = Usd(gain + part.gained_usd)
        parts.append(PartView(user, Usd(equity), Usd(gain), all_gain, part.entered_ms, part.locked_until_ms))
    return VaultView(
        vault.address,
        vault.leader,
        vault.name,
        vault.description,
        vault.profit_share_percent,
        Usd(value),
        Usd(free),
        vault.created_ms,
        vault.is_closed,
        vault.takes_deposits,
        vault.always_closes,
        tuple(parts),
    )
