"""From actions about money and identity to commands of the core, and from their outcomes to the venue's replies."""

from __future__ import annotations

import re
from typing import Final

from shared.errors import UnitError
from shared.units import scaled_from_str
from shared.venue.core import dealings
from shared.venue.core.commands import Command
from shared.venue.core.outcomes import Opened, Outcome
from shared.venue.door.actions import Action, canonical_address
from shared.venue.door.dealing_actions import (
    AgentSendAssetAction,
    ApproveBuilderFeeAction,
    ClaimRewardsAction,
    CreateSubAccountAction,
    RegisterReferrerAction,
    SendAssetAction,
    SetReferrerAction,
    SpotSendAction,
    SubAccountModifyAction,
    SubAccountSpotTransferAction,
    SubAccountTransferAction,
    UsdClassTransferAction,
    UsdSendAction,
    WithdrawAction,
)
from shared.venue.door.mode_actions import (
    MODES,
    AgentEnableDexAbstractionAction,
    AgentSetAbstractionAction,
    UserDexAbstractionAction,
    UserSetAbstractionAction,
)
from shared.venue.door.multi_sig_actions import ConvertToMultiSigUserAction
from shared.venue.door.render import Json
from shared.venue.door.vault_actions import vault_command

_OF_SUB: Final = re.compile(r"(.*?) subaccount:((?:0x)?[0-9a-fA-F]{40})", re.DOTALL)
_RATE_DECIMALS: Final = 3
"""A tenth of a basis point is 0.001 %."""
BAD_RATE: Final = "Invalid builder fee rate"
"""Ours; the venue's own text is not known."""


def dealing_from_action(action: Action, user: str) -> Command | str | None:
    """The command, or why there can be none; None for an action about something else."""
    match action:
        case SetReferrerAction():
            return dealings.SetReferrer(user, action.code)
        case RegisterReferrerAction():
            return dealings.RegisterReferrer(user, action.code)
        case ClaimRewardsAction():
            return dealings.ClaimRewards(user)
        case CreateSubAccountAction():
            return dealings.CreateSubAccount(user, action.name)
        case SubAccountModifyAction():
            return dealings.RenameSubAccount(user, action.sub_account_user, action.name)
        case SubAccountTransferAction():
            return dealings.MoveSubUsd(user, action.sub_account_user, action.is_deposit, action.usd)
        case SubAccountSpotTransferAction():
            sub = action.sub_account_user
            return dealings.MoveSubToken(user, sub, action.is_deposit, action.token, action.amount)
        case _:
            return _signed_dealing(action, user)


def _signed_dealing(action: Action, user: str) -> Command | str | None:
    """As `dealing_from_action`, for what moves between users."""
    match action:
        case UsdSendAction():
            return dealings.SendUsd(user, canonical_address(action.destination), action.amount)
        case SpotSendAction():
            destination = canonical_address(action.destination)
            return dealings.SendToken(user, destination, action.token, action.amount, action.time)
        case WithdrawAction():
            return dealings.Withdraw(user, action.amount, action.time)
        case UsdClassTransferAction():
            match = _OF_SUB.fullmatch(action.amount)
            amount, sub = (match[1], canonical_address(match[2])) if match else (action.amount, None)
            return dealings.MoveClass(user, amount, action.to_perp, sub)
        case SendAssetAction() | AgentSendAssetAction():
            return _send_asset(action, user)
        case ApproveBuilderFeeAction():
            tenths_bp = tenths_bp_from_rate(action.max_fee_rate)
            if tenths_bp is None:
                return BAD_RATE
            return dealings.ApproveBuilderFee(user, canonical_address(action.builder), tenths_bp)
        case ConvertToMultiSigUserAction():
            named = action.named()
            return dealings.SetSigners(user, named.authorized_users, named.threshold)
        case _:
            return _mode_change(action, user)


def _mode_change(action: Action, user: str) -> Command | None:
    """As `dealing_from_action`, for how money is kept; what is signed like an order is a first choice."""
    match action:
        case UserDexAbstractionAction():
            mode = dealings.Mode.DEX if action.enabled else dealings.Mode.DISABLED
            return dealings.SetMode(user, canonical_address(action.user), mode)
        case UserSetAbstractionAction():
            return dealings.SetMode(user, canonical_address(action.user), action.mode)
        case AgentEnableDexAbstractionAction():
            return dealings.SetMode(user, user, dealings.Mode.DEX, is_first=True)
        case AgentSetAbstractionAction():
            return dealings.SetMode(user, user, MODES[action.abstraction], is_first=True)
        case _:
            return vault_command(action, user)


def _send_asset(action: SendAssetAction | AgentSendAssetAction, user: str) -> Command:
    return dealings.SendAsset(
        user,
        canonical_address(action.destination),
        action.source_dex,
        action.destination_dex,
        action.token,
        action.amount,
        action.nonce,
        canonical_address(action.from_sub_account) if action.from_sub_account else None,
        isinstance(action, AgentSendAssetAction),
    )


def tenths_bp_from_rate(text: str) -> int | None:
    """Tenths of a basis point in a rate such as `0.001%`; None for another spelling or a finer rate."""
    try:
        return max(scaled_from_str(text[:-1], _RATE_DECIMALS), -1) if text.endswith("%") else None
    except UnitError:
        return None


def dealing_reply(action: Action, outcome: Outcome) -> Json:
    """The venue's reply to a dealing; one that opened an account names it."""
    if outcome.error is not None:
        return {"status": "err", "response": outcome.error}
    for status in outcome.statuses:
        if isinstance(status, Opened):
            return {"status": "ok", "response": {"type": action.__struct_config__.tag, "data": status.user}}
    return {"status": "ok", "response": {"type": "default"}}
