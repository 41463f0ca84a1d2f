"""What the venue's error texts prove: the table of every documented one. Source: fact sheet 2.5 and 2.7."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from shared.messages.order import AnswerKind


class Refusal(StrEnum):
    """Why the venue refused, in one word."""

    TICK = "tick"
    MIN_NOTIONAL = "min_notional"
    MARGIN = "margin"
    REDUCE_ONLY = "reduce_only"
    POST_ONLY = "post_only"
    NO_MATCH = "no_match"
    TRIGGER = "trigger"
    NO_LIQUIDITY = "no_liquidity"
    OPEN_INTEREST = "open_interest"
    BALANCE = "balance"
    PRICE_BAND = "price_band"
    POSITION_TIER = "position_tier"
    MISSING_ORDER = "missing_order"
    BAD_ORDER = "bad_order"
    UPGRADE = "upgrade"
    MODIFY = "modify"
    BUILDER = "builder"
    PRIORITY = "priority"
    TWAP = "twap"
    NONCE = "nonce"
    NONCE_USED = "nonce_used"
    EXPIRED = "expired"
    UNKNOWN_SIGNER = "unknown_signer"
    RATE = "rate"
    CONGESTED = "congested"
    HALTED = "halted"
    MULTI_SIG = "multi_sig"
    LEVERAGE = "leverage"
    AGENT = "agent"
    TRANSFER = "transfer"
    ACCOUNT = "account"
    UNDOCUMENTED = "undocumented"


class Verdict(NamedTuple):
    """Why, and what that proves of the action."""

    refusal: Refusal
    answer: AnswerKind


_R = Refusal

PREFIXES: Final[tuple[tuple[str, Refusal], ...]] = (
    # of one order
    ("Price must be divisible by tick size.", _R.TICK),
    ("Order must have minimum value of", _R.MIN_NOTIONAL),
    ("Insufficient margin to place order.", _R.MARGIN),
    ("Reduce only order would increase position.", _R.REDUCE_ONLY),
    ("Post only order would have immediately matched", _R.POST_ONLY),
    ("Order could not immediately match against any resting orders.", _R.NO_MATCH),
    ("Invalid TP/SL price.", _R.TRIGGER),
    ("No liquidity available for market order.", _R.NO_LIQUIDITY),
    ("Order would increase open interest", _R.OPEN_INTEREST),
    ("Order rejected due to price more aggressive than oracle while at open interest cap", _R.OPEN_INTEREST),
    ("Order has insufficient spot balance to trade", _R.BALANCE),
    ("Insufficient spot balance", _R.BALANCE),
    ("Order price too far from oracle", _R.PRICE_BAND),
    ("Order price cannot be more than", _R.PRICE_BAND),
    ("Order would cause position to exceed margin tier limit at current leverage", _R.POSITION_TIER),
    ("Order was never placed, already canceled, or filled.", _R.MISSING_ORDER),
    ("Order has zero size.", _R.BAD_ORDER),
    ("Order has invalid size.", _R.BAD_ORDER),
    ("Order has invalid price.", _R.BAD_ORDER),
    ("Reduce-only is invalid for spot trading.", _R.BAD_ORDER),
    ("Orders are empty.", _R.BAD_ORDER),
    ("Invalid spot", _R.BAD_ORDER),
    ("Unexpected number of trigger orders", _R.BAD_ORDER),
    ("Signed action over weight limit", _R.BAD_ORDER),
    ("Only post-only orders allowed immediately after network upgrade", _R.UPGRADE),
    ("Cannot modify canceled or filled order", _R.MODIFY),
    ("Error placing new order during modify:", _R.MODIFY),
    ("Builder fee has not been approved", _R.BUILDER),
    ("Insufficient delegatable balance for priority order", _R.PRIORITY),
    ("Invalid TWAP duration", _R.TWAP),
    ("Reduce-only TWAP order would increase position.", _R.TWAP),
    ("TWAP was never placed, already canceled, or filled.", _R.TWAP),
    # of the whole action
    ("Invalid nonce: duplicate nonce", _R.NONCE_USED),
    ("Invalid nonce:", _R.NONCE),
    ("Nonce mismatch.", _R.NONCE),
    ("Action already expired", _R.EXPIRED),
    ("User or API Wallet", _R.UNKNOWN_SIGNER),
    ("Must deposit before performing actions.", _R.UNKNOWN_SIGNER),
    ("Unable to recover signer.", _R.UNKNOWN_SIGNER),
    ("Vault not registered:", _R.UNKNOWN_SIGNER),
    ("Mainnet and testnet require different signature.", _R.UNKNOWN_SIGNER),
    ("Too many cumulative requests sent", _R.RATE),
    ("L1 is congested.", _R.CONGESTED),
    ("Trading is halted", _R.HALTED),
    ("Multi-sig", _R.MULTI_SIG),
    ("Invalid multi-sig", _R.MULTI_SIG),
    ("Cannot register self as multi-sig authorized user", _R.MULTI_SIG),
    ("Too many multi-sig signers", _R.MULTI_SIG),
    ("Invalid leverage value", _R.LEVERAGE),
    ("Cannot switch leverage type with open position.", _R.LEVERAGE),
    ("Cross margin is not allowed for this asset.", _R.LEVERAGE),
    ("Cross position does not have sufficient margin", _R.LEVERAGE),
    ("Isolated position does not have sufficient margin", _R.LEVERAGE),
    ("Position does not use isolated margin.", _R.LEVERAGE),
    ("Update to isolated margin cannot be zero.", _R.LEVERAGE),
    ("Cannot update margin for empty position.", _R.LEVERAGE),
    ("Account does not have sufficient margin available for increase.", _R.LEVERAGE),
    ("Position does not have sufficient margin for reduction.", _R.LEVERAGE),
    ("Cannot remove isolated margin for this asset.", _R.LEVERAGE),
    ("Extra agent already used.", _R.AGENT),
    ("Too many extra agents", _R.AGENT),
    ("User has pending agent removal", _R.AGENT),
    ("Agent valid_until already expired.", _R.AGENT),
    ("Agent can only send asset", _R.AGENT),
    ("Insufficient balance for", _R.TRANSFER),
    ("Insufficient quote token", _R.TRANSFER),
    ("Insufficient NQ balance", _R.TRANSFER),
    ("Unknown token", _R.TRANSFER),
    ("Invalid perp DEX", _R.TRANSFER),
    ("Invalid decimal number", _R.TRANSFER),
    ("Send amount cannot be zero", _R.TRANSFER),
    ("Invalid number of decimals", _R.TRANSFER),
    ("Invalid send", _R.TRANSFER),
    ("Invalid sub-account transfer", _R.TRANSFER),
    ("Cannot set scheduled cancel time", _R.ACCOUNT),
    ("Cannot create sub-accounts", _R.ACCOUNT),
    ("Action disabled when unified account is active", _R.ACCOUNT),
    ("Referral code not registered", _R.ACCOUNT),
    ("Cannot generate referral code", _R.ACCOUNT),
    ("Insufficient balance to create vault", _R.ACCOUNT),
    ("Unknown coin", _R.BAD_ORDER),
    ("Deployer has not staked enough", _R.ACCOUNT),
)
"""Documented beginnings of the venue's texts; the first that matches holds."""

_OLD_PREFIX: Final = "L1 error: "


_SPENT: Final = re.compile(r"Too many cumulative requests sent \((\d+) > (\d+)\)")


def allowance_in(text: str) -> tuple[int, int] | None:
    """(used, cap) of the address's requests where the venue refuses for them; None in any other text."""
    found = _SPENT.search(text)
    return None if found is None else (int(found[1]), int(found[2]))


def refusal_of(text: str) -> Refusal:
    """Why, by the table; UNDOCUMENTED if the venue never wrote this down."""
    plain = text.removeprefix(_OLD_PREFIX)
    return next((refusal for start, refusal in PREFIXES if plain.startswith(start)), Refusal.UNDOCUMENTED)


def verdict_on_entry(text: str) -> Verdict:
    """An error in an entry's own status: the action was admitted and this entry did not happen, whatever the words."""
    return Verdict(refusal_of(text), AnswerKind.REFUSED)


def verdict_on_action(text: str, resent: bool) -> Verdict:
    """A refusal of the whole action.

    A used nonce proves that these very bytes were admitted before. Undocumented words prove nothing. Nor does any other
    refusal of bytes that were `resent`: the first copy may have been admitted.
    """
    refusal = refusal_of(text)
    if refusal is Refusal.NONCE_USED:
        return Verdict(refusal, AnswerKind.NONCE_USED)
    if refusal is Refusal.UNDOCUMENTED or resent:
        return Verdict(refusal, AnswerKind.NO_ANSWER)
    return Verdict(refusal, AnswerKind.REFUSED)
