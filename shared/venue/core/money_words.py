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
REFERRER_SET: Final = "Referrer already set"

# ours
BUILDER_TOO_HIGH: Final = "Builder fee is too high."
BUILDER_TOO_MANY: Final = "Too many builders approved."
CODE_REGISTERED: Final = "Referral code already registered"
CODE_INVALID: Final = "Invalid referral code"
CODE_TAKEN: Final = "Referral code already taken"
SELF_REFERRAL: Final = "Cannot refer oneself"
NO_REWARDS: Final = "No rewards to claim"


def dollars(usd: int) -> str:
    """Money as the texts about volume write it: `$` and the amount, cents at most."""
    cents = usd * 100 // USD
    return "$" + str_from_scaled(cents, 2)
