"""Who answers which dealing: the commands about money and identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from shared.venue.core import fee_commands
from shared.venue.core.block import Block
from shared.venue.core.dealings import ApproveBuilderFee, ClaimRewards, RegisterReferrer, SetReferrer, SetStake
from shared.venue.core.world import Answer, World

ANSWERS: Final[dict[type, Callable[[World, Any, Block], Answer]]] = {
    SetStake: fee_commands.set_stake,
    RegisterReferrer: fee_commands.register_referrer,
    SetReferrer: fee_commands.set_referrer,
    ApproveBuilderFee: fee_commands.approve_builder_fee,
    ClaimRewards: fee_commands.claim_rewards,
}
"""Every member of `Dealing` is here."""
