"""The /exchange schemas about vaults, and the commands that they ask for."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from shared.venue.core import dealings
from shared.venue.core.commands import Command
from shared.venue.door.actions import U64, Action, Address, canonical_address


class CreateVaultAction(Action, frozen=True, tag="createVault", rename="camel"):
    """Open a vault with `initial_usd` micro-USDC; the nonce is the request's."""

    name: Annotated[str, Meta(max_length=128)]
    description: Annotated[str, Meta(max_length=1_000)]
    initial_usd: U64
    nonce: U64


class VaultTransferAction(Action, frozen=True, tag="vaultTransfer", rename="camel"):
    """Put micro-USDC into a vault or take them out."""

    vault_address: Address
    is_deposit: bool
    usd: U64

    def canonical(self) -> VaultTransferAction:
        """The address in lower case."""
        return VaultTransferAction(canonical_address(self.vault_address), self.is_deposit, self.usd)


class VaultModifyAction(Action, frozen=True, tag="vaultModify", rename="camel"):
    """Change a vault's terms; null leaves one as it is, and is hashed."""

    vault_address: Address
    allow_deposits: bool | None
    always_close_on_withdraw: bool | None

    def canonical(self) -> VaultModifyAction:
        """The address in lower case."""
        vault = canonical_address(self.vault_address)
        return VaultModifyAction(vault, self.allow_deposits, self.always_close_on_withdraw)


class VaultDistributeAction(Action, frozen=True, tag="vaultDistribute", rename="camel"):
    """Pay micro-USDC to all who own the vault; 0 closes it."""

    vault_address: Address
    usd: U64

    def canonical(self) -> VaultDistributeAction:
        """The address in lower case."""
        return VaultDistributeAction(canonical_address(self.vault_address), self.usd)


def vault_command(action: Action, user: str) -> Command | None:
    """The command; None for an action about something else."""
    match action:
        case CreateVaultAction():
            return dealings.CreateVault(user, action.name, action.description, action.initial_usd)
        case VaultTransferAction():
            return dealings.MoveVaultUsd(user, action.vault_address, action.is_deposit, action.usd)
        case VaultModifyAction():
            terms = action.allow_deposits, action.always_close_on_withdraw
            return dealings.ModifyVault(user, action.vault_address, *terms)
        case VaultDistributeAction():
            return dealings.DistributeVault(user, action.vault_address, action.usd)
        case _:
            return None


TYPES: Final[dict[str, type[Action]]] = {
    "createVault": CreateVaultAction,
    "vaultTransfer": VaultTransferAction,
    "vaultModify": VaultModifyAction,
    "vaultDistribute": VaultDistributeAction,
}
