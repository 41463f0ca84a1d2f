"""Who answers which dealing: the commands about money and identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from shared.venue.core import fee_commands, modes, multi_sig, subaccounts, transfers, vaults
from shared.venue.core.block import Block
from shared.venue.core.dealings import (
    ApproveBuilderFee,
    ClaimRewards,
    CreateSubAccount,
    CreateVault,
    DistributeVault,
    ModifyVault,
    MoveClass,
    MoveSubToken,
    MoveSubUsd,
    MoveVaultUsd,
    RegisterReferrer,
    RenameSubAccount,
    SendAsset,
    SendToken,
    SendUsd,
    SetMode,
    SetReferrer,
    SetSigners,
    SetStake,
    Withdraw,
)
from shared.venue.core.world import Answer, World

ANSWERS: Final[dict[type, Callable[[World, Any, Block], Answer]]] = {
    SetStake: fee_commands.set_stake,
    RegisterReferrer: fee_commands.register_referrer,
    SetReferrer: fee_commands.set_referrer,
    ApproveBuilderFee: fee_commands.approve_builder_fee,
    ClaimRewards: fee_commands.claim_rewards,
    CreateSubAccount: subaccounts.create,
    RenameSubAccount: subaccounts.rename,
    MoveSubUsd: subaccounts.move_usd,
    MoveSubToken: subaccounts.move_token,
    SendUsd: transfers.send_usd,
    Withdraw: transfers.withdraw,
    MoveClass: transfers.move_class,
    SendToken: transfers.send_token,
    SendAsset: transfers.send_asset,
    SetSigners: multi_sig.set_signers,
    SetMode: modes.set_mode,
    CreateVault: vaults.create,
    MoveVaultUsd: vaults.move_usd,
    DistributeVault: vaults.distribute,
    ModifyVault: vaults.modify,
}
"""Every member of `Dealing` is here."""
