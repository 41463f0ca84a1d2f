"""The venue's texts about money and identity, letter by letter; those under "ours" exist in no record."""

from __future__ import annotations

from typing import Final

from shared.units import USD, str_from_scaled
from shared.venue.core.words import must_deposit

__all__ = ["must_deposit"]

BUILDER_UNAPPROVED: Final = "Builder fee has not been approved."
BUILDER_POOR: Final = "Builder has insufficient balance to be approved."
CODE_UNKNOWN: Final = "Referral code not registered"
CODE_VOLUME: Final = "Cannot generate referral code until enough volume traded"
WITHDRAWAL: Final = "Insufficient balance for withdrawal"
SEND_BALANCE: Final = "Insufficient balance for token transfer"
SEND_GAS: Final = "Insufficient quote token (e.g., 1 USDC or USDT) balance for token transfer gas."
INVALID_DEX: Final = "Invalid perp DEX"
INVALID_NUMBER: Final = "Invalid decimal number"
INVALID_DECIMALS: Final = "Invalid number of decimals"
INVALID_SEND: Final = "Invalid send"
ZERO_SEND: Final = "Send amount cannot be zero"
AGENT_SEND: Final = "Agent can only send asset to same user or their sub-accounts."
REFERRER_SET: Final = "Referrer already set"
SIGNER_UNKNOWN: Final = "Multi-sig authorized user must exist on L1"
SIGNER_SELF: Final = "Cannot register self as multi-sig authorized user"
SIGNER_TOO_MANY: Final = "Too many multi-sig signers"
SIGNER_THRESHOLD: Final = "Invalid multi-sig threshold"
SIGNER_NONE: Final = "Invalid multi-sig user"

UNIFIED: Final = "Action disabled when unified account is active"
VAULT_POOR: Final = "Insufficient balance to create vault"

# ours
VAULT_NAME: Final = "Invalid vault name or description"
VAULT_TAKEN: Final = "Vault address is taken"
VAULT_SHUT: Final = "Vault does not allow deposits"
VAULT_DEPOSIT: Final = "Vault deposit is too small"
VAULT_LEADER: Final = "Vault leader must keep at least 5% of the vault"
VAULT_LOCKED: Final = "Vault deposit is still locked"
VAULT_SHORT: Final = "Insufficient free balance in vault"
VAULT_BUSY: Final = "Cannot close a vault with open positions or orders"
MODE_USER: Final = "Cannot set the abstraction of another user"
MODE_SET: Final = "Abstraction was already set"
MODE_ONE_WAY: Final = "Cannot disable a unified account"
MODE_BUSY: Final = "Cannot disable abstraction with open positions or orders on another perp DEX"
NO_PORTFOLIO: Final = "This local exchange does not support portfolio margin."
BUILDER_TOO_HIGH: Final = "Builder fee is too high."
BUILDER_TOO_MANY: Final = "Too many builders approved."
CODE_REGISTERED: Final = "Referral code already registered"
CODE_INVALID: Final = "Invalid referral code"
CODE_TAKEN: Final = "Referral code already taken"
SELF_REFERRAL: Final = "Cannot refer oneself"
SUB_NAME: Final = "Invalid sub-account name"
SUB_OF_SUB: Final = "Sub-accounts cannot have sub-accounts"
TOO_MANY_SUBS: Final = "Too many sub-accounts"
DEX_FULL: Final = "Transfer exceeds the limit of the perp DEX"
NO_REWARDS: Final = "No rewards to claim"


def sub_volume(required_usd: int, traded_usd: int) -> str:
    """Refusal of a sub-account to somebody who traded too little."""
    return (
        "Cannot create sub-accounts until enough volume traded. "
        f"Required: {dollars(required_usd)}. Traded: {dollars(traded_usd)}."
    )


def sub_transfer(source: str, destination: str) -> str:
    """Refusal of a move between a user and an account that is not their sub-account."""
    return f"Invalid sub-account transfer from {source} to {destination}"


def vault_unknown(vault: str) -> str:
    """Refusal of a vault that is not there, or not the user's to lead."""
    return f"Vault not registered: {vault}"


def unknown_token(token: str) -> str:
    """Refusal of a token that is not listed."""
    return f"Unknown token {token}"


def dollars(usd: int) -> str:
    """Money as the texts about volume write it: `$` and the amount, cents at most."""
    cents = usd * 100 // USD
    return "$" + str_from_scaled(cents, 2)
