"""The venue's error texts about TWAP orders, scheduled cancels and reserved requests; "ours" as in `words`."""

from __future__ import annotations

from typing import Final

from shared.rules.twap import MIN_VALUE_USD
from shared.units import USD, str_from_scaled

TWAP_REDUCE_ONLY: Final = "Reduce-only TWAP order would increase position."
TWAP_MISSING: Final = "TWAP was never placed, already canceled, or filled."

# ours
TWAP_VALUE: Final = f"TWAP order must have minimum value of ${MIN_VALUE_USD // USD}."
SCHEDULE_TOO_EARLY: Final = "Scheduled cancel time too early, must be at least 5 seconds from now."
SCHEDULE_TOO_OFTEN: Final = "Scheduled cancel was triggered 10 times today."
REQUESTS_NONE: Final = "Reserved request weight cannot be zero."
REQUESTS_UNPAID: Final = "Insufficient balance to reserve request weight."


def twap_duration(minutes: int) -> str:
    """Refusal of a TWAP order that is too short or too long."""
    return f"Invalid TWAP duration: {minutes} min(s)"


def schedule_volume(required_usd: int, traded_usd: int) -> str:
    """Refusal of a scheduled cancel to those who traded too little; volume in whole cents, rounded down."""
    traded = str_from_scaled(traded_usd // (USD // 100), 2)
    return (
        "Cannot set scheduled cancel time until enough volume traded. "
        f"Required: ${required_usd // USD}. Traded: ${traded}."
    )
