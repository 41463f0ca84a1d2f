"""The /exchange schemas about money and identity. What a master signs as typed data stays as it was spelled."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from shared.venue.door.actions import U64, Action, Address, TypedAction, canonical_address

OwnAddress = Annotated[str, Meta(pattern=r"\A((0x)?[0-9a-fA-F]{40})?\Z")]
"""An address, or nothing for one's own."""
Text = Annotated[str, Meta(max_length=128)]


class UsdSendAction(TypedAction, frozen=True, tag="usdSend"):
    """Give collateral to another user."""

    destination: Address
    amount: Text
    time: U64


class SpotSendAction(TypedAction, frozen=True, tag="spotSend"):
    """Give tokens to another user."""

    destination: Address
    token: Text
    amount: Text
    time: U64


class WithdrawAction(TypedAction, frozen=True, tag="withdraw3"):
    """Take collateral out."""

    destination: Address
    amount: Text
    time: U64


class UsdClassTransferAction(TypedAction, frozen=True, tag="usdClassTransfer", rename="camel"):
    """Move USDC between spot and perps; the amount may end in ` subaccount:0x...`."""

    amount: Text
    to_perp: bool
    nonce: U64


class SendAssetAction(TypedAction, frozen=True, tag="sendAsset", rename="camel"):
    """Move between dexs, spot, users and sub-accounts."""

    destination: Address
    source_dex: Text
    destination_dex: Text
    token: Text
    amount: Text
    from_sub_account: OwnAddress
    nonce: U64


class ApproveBuilderFeeAction(TypedAction, frozen=True, tag="approveBuilderFee", rename="camel"):
    """Let a builder take a fee, such as `0.001%`."""

    max_fee_rate: Text
    builder: Address
    nonce: U64


class AgentSendAssetAction(Action, frozen=True, tag="agentSendAsset", rename="camel"):
    """As `sendAsset`, within one user's own accounts, signed like an order."""

    destination: Address
    source_dex: Text
    destination_dex: Text
    token: Text
    amount: Text
    from_sub_account: OwnAddress
    nonce: U64


class SetReferrerAction(Action, frozen=True, tag="setReferrer"):
    """Say whose code brought one here."""

    code: Text


class RegisterReferrerAction(Action, frozen=True, tag="registerReferrer"):
    """Make a referral code."""

    code: Text


class ClaimRewardsAction(Action, frozen=True, tag="claimRewards"):
    """Take rewards."""


class CreateSubAccountAction(Action, frozen=True, tag="createSubAccount"):
    """Open a sub-account."""

    name: Text


class SubAccountModifyAction(Action, frozen=True, tag="subAccountModify", rename="camel"):
    """Rename a sub-account."""

    sub_account_user: Address
    name: Text

    def canonical(self) -> SubAccountModifyAction:
        """The address in lower case."""
        return SubAccountModifyAction(canonical_address(self.sub_account_user), self.name)


class SubAccountTransferAction(Action, frozen=True, tag="subAccountTransfer", rename="camel"):
    """Move collateral to a sub-account or back, in micro-USDC."""

    sub_account_user: Address
    is_deposit: bool
    usd: U64

    def canonical(self) -> SubAccountTransferAction:
        """The address in lower case."""
        return SubAccountTransferAction(canonical_address(self.sub_account_user), self.is_deposit, self.usd)


class SubAccountSpotTransferAction(Action, frozen=True, tag="subAccountSpotTransfer", rename="camel"):
    """Move tokens to a sub-account or back."""

    sub_account_user: Address
    is_deposit: bool
    token: Text
    amount: Text

    def canonical(self) -> SubAccountSpotTransferAction:
        """The address in lower case."""
        sub = canonical_address(self.sub_account_user)
        return SubAccountSpotTransferAction(sub, self.is_deposit, self.token, self.amount)


TYPES: Final[dict[str, type[Action]]] = {
    "usdSend": UsdSendAction,
    "spotSend": SpotSendAction,
    "withdraw3": WithdrawAction,
    "usdClassTransfer": UsdClassTransferAction,
    "sendAsset": SendAssetAction,
    "approveBuilderFee": ApproveBuilderFeeAction,
    "agentSendAsset": AgentSendAssetAction,
    "setReferrer": SetReferrerAction,
    "registerReferrer": RegisterReferrerAction,
    "claimRewards": ClaimRewardsAction,
    "createSubAccount": CreateSubAccountAction,
    "subAccountModify": SubAccountModifyAction,
    "subAccountTransfer": SubAccountTransferAction,
    "subAccountSpotTransfer": SubAccountSpotTransferAction,
}

UNVAULTED: Final = (
    SetReferrerAction,
    RegisterReferrerAction,
    ClaimRewardsAction,
    CreateSubAccountAction,
    SubAccountModifyAction,
    SubAccountTransferAction,
    SubAccountSpotTransferAction,
)
"""What the official SDK signs without the vault address that it posts."""
