"""The venue's error texts, letter by letter. Texts marked "ours" exist in no record and were chosen here."""

from __future__ import annotations

from typing import Final

from shared.rules.limits import MAX_BATCH
from shared.units import USD

ORDERS_EMPTY: Final = "Orders are empty."
ZERO_SIZE: Final = "Order has zero size."
INVALID_SIZE: Final = "Order has invalid size."
INVALID_PRICE: Final = "Order has invalid price."
OVER_WEIGHT: Final = f"Signed action over weight limit of {MAX_BATCH}."
HALTED: Final = "Trading is halted"
INVALID_LEVERAGE: Final = "Invalid leverage value"
LEVERAGE_TYPE: Final = "Cannot switch leverage type with open position."
LEVERAGE_MARGIN: Final = (
    "Cross position does not have sufficient margin available to decrease leverage. "
    "To decrease leverage, deposit more collateral."
)
UNEXPECTED_TRIGGERS: Final = "Unexpected number of trigger orders"
NO_SPOT_TRIGGERS: Final = "Placing trigger orders is not enabled on spot trading yet."
NO_PRIORITY: Final = "Insufficient delegatable balance for priority order"
ISOLATED_LEVERAGE_MARGIN: Final = (
    "Isolated position does not have sufficient margin available to decrease leverage. "
    "To decrease leverage, add margin to the position."
)
NO_CROSS: Final = "Cross margin is not allowed for this asset."
NOT_ISOLATED: Final = "Position does not use isolated margin."
ZERO_MARGIN: Final = "Update to isolated margin cannot be zero."
EMPTY_POSITION: Final = "Cannot update margin for empty position."
NO_INCREASE: Final = "Account does not have sufficient margin available for increase."
NO_REDUCTION: Final = "Position does not have sufficient margin for reduction."
NO_REMOVAL: Final = "Cannot remove isolated margin for this asset. To remove margin, reduce the position."
MODIFY_MISSING: Final = "Cannot modify canceled or filled order"

INVALID_SPOT: Final = "Invalid spot"
SPOT_REDUCE_ONLY: Final = "Reduce-only is invalid for spot trading."
SPOT_BALANCE: Final = "Insufficient spot balance"

# ours
UNKNOWN_ASSET: Final = "Unknown asset"
TPSL_REDUCE_ONLY: Final = "TP/SL orders must be reduce-only."
NO_PARENT: Final = "Parent order is neither open nor filled."
PRIORITY_TIF: Final = "Priority orders must all be IOC or all post only and not reduce-only."
MODIFY_TIF: Final = "Modified order must be post only or a resting limit order."

TICK: Final = "Price must be divisible by tick size."
MIN_NOTIONAL: Final = "Order must have minimum value of $10."
MARGIN: Final = "Insufficient margin to place order."
REDUCE_ONLY: Final = "Reduce only order would increase position."
IOC: Final = "Order could not immediately match against any resting orders."
NO_LIQUIDITY: Final = "No liquidity available for market order."
BAD_TRIGGER: Final = "Invalid TP/SL price."
ORACLE: Final = "Order price too far from oracle"
MAX_POSITION: Final = "Order would cause position to exceed margin tier limit at current leverage"
TOO_MANY: Final = "Too many open orders."
"""Ours; only the status name is known."""
OI_CAPPED: Final = "Order would increase open interest while open interest is capped"
OI_AGGRESSIVE: Final = "Order rejected due to price more aggressive than oracle while at open interest cap"
OI_TOO_QUICK: Final = "Order would increase open interest too quickly"
POST_ONLY: Final = "Only post-only orders allowed immediately after network upgrade"
INVALID_DEX: Final = "Invalid perp DEX"
INVALID_SEND: Final = "Invalid send"
ZERO_SEND: Final = "Send amount cannot be zero"
TOO_MUCH_SENT: Final = "Insufficient balance for token transfer"
ORACLE_TOO_SOON: Final = "Oracle price updated too recently"
"""Ours; only the rule is known."""
MISSING: Final = "Order was never placed, already canceled, or filled."


def for_asset(text: str, asset: int) -> str:
    """`text` with the suffix that per-order errors carry."""
    return f"{text} asset={asset}"


def bad_alo(bid: str, ask: str) -> str:
    """Refusal of a post-only order that would match; a side without orders reads 0 (undocumented)."""
    return f"Post only order would have immediately matched, bbo was {bid}@{ask}."


def spot_min_notional(quote: str) -> str:
    """Refusal of a spot order worth less than ten of its quote token."""
    return f"Order must have minimum value of 10 {quote}."


def out_of_band(percent: int) -> str:
    """Refusal of a limit too far from the reference price."""
    return f"Order price cannot be more than {percent}% away from the reference price"


def too_large(max_usd: int) -> str:
    """Refusal of an order worth more than the asset's cap. Source: a client's log, nomeida/hyperliquid issue 102."""
    return f"Order value too large. Max is ${max_usd // USD}."


def must_deposit(user: str) -> str:
    """Refusal of a user without an account."""
    return f"Must deposit before performing actions. User: {user}"


def modify_failed(error: str) -> str:
    """Refusal of the second half of a modify; the first, the cancel, is done."""
    return f"Error placing new order during modify: {error}"
