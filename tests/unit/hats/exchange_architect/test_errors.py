"""Every error text that the fact sheet documents (2.4, 2.5, 2.7) has its reason, and everything else has none."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.errors import PREFIXES, Refusal, refusal_of, verdict_on_action, verdict_on_entry
from hats.exchange_architect.records import STATUSES, status_from_wire
from shared.messages.order import AnswerKind, VenueOrderStatus

_R = Refusal
ENTRIES: Final[dict[str, Refusal]] = {
    "Price must be divisible by tick size. asset=3": _R.TICK,
    "Order must have minimum value of $10. asset=1": _R.MIN_NOTIONAL,
    "Order must have minimum value of 10 USDC. asset=10107": _R.MIN_NOTIONAL,
    "Insufficient margin to place order. asset=0": _R.MARGIN,
    "Reduce only order would increase position. asset=0": _R.REDUCE_ONLY,
    "Post only order would have immediately matched, bbo was 84350@84361. asset=3": _R.POST_ONLY,
    "Order could not immediately match against any resting orders. asset=0": _R.NO_MATCH,
    "Invalid TP/SL price. asset=0": _R.TRIGGER,
    "No liquidity available for market order. asset=0": _R.NO_LIQUIDITY,
    "Order would increase open interest while open interest is capped": _R.OPEN_INTEREST,
    "Order rejected due to price more aggressive than oracle while at open interest cap": _R.OPEN_INTEREST,
    "Order would increase open interest too quickly": _R.OPEN_INTEREST,
    "Order has insufficient spot balance to trade": _R.BALANCE,
    "Insufficient spot balance asset=10000": _R.BALANCE,
    "Order price too far from oracle": _R.PRICE_BAND,
    "Order price cannot be more than 80% away from the reference price": _R.PRICE_BAND,
    "Order price cannot be more than 95% away from the reference price": _R.PRICE_BAND,
    "Order would cause position to exceed margin tier limit at current leverage": _R.POSITION_TIER,
    "Order was never placed, already canceled, or filled. asset=173": _R.MISSING_ORDER,
    "Order has zero size.": _R.BAD_ORDER,
    "Order has invalid size.": _R.BAD_ORDER,
    "Order has invalid price.": _R.BAD_ORDER,
    "Reduce-only is invalid for spot trading.": _R.BAD_ORDER,
    "Orders are empty.": _R.BAD_ORDER,
    "Only post-only orders allowed immediately after network upgrade": _R.UPGRADE,
    "Cannot modify canceled or filled order": _R.MODIFY,
    "Error placing new order during modify: Insufficient margin to place order.": _R.MODIFY,
    "Builder fee has not been approved": _R.BUILDER,
    "Insufficient delegatable balance for priority order": _R.PRIORITY,
    "Invalid TWAP duration: 1 min(s)": _R.TWAP,
    "Reduce-only TWAP order would increase position.": _R.TWAP,
    "TWAP was never placed, already canceled, or filled.": _R.TWAP,
}
"""Of one entry, in `statuses`."""
ACTIONS: Final[dict[str, Refusal]] = {
    "Invalid nonce: duplicate nonce 1791399877207": _R.NONCE_USED,
    "Invalid nonce: nonce too low 1791140676851 < 1791227196699": _R.NONCE,
    "Invalid nonce: nonce too high 1791572677029 > 1791486156858": _R.NONCE,
    "Nonce mismatch.": _R.NONCE,
    "Action already expired": _R.EXPIRED,
    "Invalid spot": _R.BAD_ORDER,
    "User or API Wallet 0x281abb829ea0b0291ceaa3b14b5b5d893070e8d5 does not exist.": _R.UNKNOWN_SIGNER,
    "L1 error: User or API Wallet 0x281abb829ea0b0291ceaa3b14b5b5d893070e8d5 does not exist.": _R.UNKNOWN_SIGNER,
    "Must deposit before performing actions. User: 0x281abb829ea0b0291ceaa3b14b5b5d893070e8d5": _R.UNKNOWN_SIGNER,
    "Unable to recover signer.": _R.UNKNOWN_SIGNER,
    "Vault not registered: 0x1719884eb866cb12b2287399b15f7db5e7d775ea": _R.UNKNOWN_SIGNER,
    "Too many cumulative requests sent (97460 > 97456) for cumulative volume traded $87457.46. Place taker orders to "
    "free up 1 request per USDC traded.": _R.RATE,
    "L1 is congested. Action not sent to L1.": _R.CONGESTED,
    "L1 is congested. Rate limited based on master account maker share.": _R.CONGESTED,
    "Signed action over weight limit of 200.": _R.BAD_ORDER,
    "Unexpected number of trigger orders": _R.BAD_ORDER,
    "Trading is halted": _R.HALTED,
    "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $43.73.": _R.ACCOUNT,
    "Cannot create sub-accounts until enough volume traded. Required: $100000. Traded: $1.0": _R.ACCOUNT,
    "Invalid sub-account transfer from 0x1 to 0x2": _R.TRANSFER,
    "Action disabled when unified account is active": _R.ACCOUNT,
    "Multi-sig required": _R.MULTI_SIG,
    "Multi-sig threshold not met": _R.MULTI_SIG,
    "Invalid multi-sig inner signer": _R.MULTI_SIG,
    "Invalid multi-sig outer signer": _R.MULTI_SIG,
    "Multi-sig outer signer must be an L1 user.": _R.MULTI_SIG,
    "Invalid multi-sig user": _R.MULTI_SIG,
    "Invalid multi-sig threshold": _R.MULTI_SIG,
    "Multi-sig authorized user must exist on L1": _R.MULTI_SIG,
    "Cannot register self as multi-sig authorized user": _R.MULTI_SIG,
    "Too many multi-sig signers": _R.MULTI_SIG,
    "Invalid leverage value": _R.LEVERAGE,
    "Cannot switch leverage type with open position.": _R.LEVERAGE,
    "Cross margin is not allowed for this asset.": _R.LEVERAGE,
    "Cross position does not have sufficient margin available to decrease leverage. To decrease leverage, deposit "
    "more collateral.": _R.LEVERAGE,
    "Isolated position does not have sufficient margin available to decrease leverage. To decrease leverage, add "
    "margin to the position.": _R.LEVERAGE,
    "Position does not use isolated margin.": _R.LEVERAGE,
    "Update to isolated margin cannot be zero.": _R.LEVERAGE,
    "Cannot update margin for empty position.": _R.LEVERAGE,
    "Account does not have sufficient margin available for increase.": _R.LEVERAGE,
    "Position does not have sufficient margin for reduction.": _R.LEVERAGE,
    "Cannot remove isolated margin for this asset. To remove margin, reduce the position.": _R.LEVERAGE,
    "Extra agent already used.": _R.AGENT,
    "Too many extra agents for cumulative volume traded. Current limit is 3": _R.AGENT,
    "User has pending agent removal": _R.AGENT,
    "Agent valid_until already expired.": _R.AGENT,
    "Agent can only send asset to same user or their sub-accounts.": _R.AGENT,
    "Insufficient balance for withdrawal": _R.TRANSFER,
    "Insufficient balance for token transfer": _R.TRANSFER,
    "Unknown token X": _R.TRANSFER,
    "Invalid perp DEX": _R.TRANSFER,
    "Invalid decimal number": _R.TRANSFER,
    "Send amount cannot be zero": _R.TRANSFER,
    "Invalid number of decimals": _R.TRANSFER,
    "Invalid send": _R.TRANSFER,
    "Insufficient quote token (e.g., 1 USDC or USDT) balance for token transfer gas.": _R.TRANSFER,
    "Insufficient NQ balance for token transfer gas.": _R.TRANSFER,
    "Referral code not registered": _R.ACCOUNT,
    "Cannot generate referral code until enough volume traded": _R.ACCOUNT,
    "Insufficient balance to create vault": _R.ACCOUNT,
    "Unknown coin test:BTC": _R.BAD_ORDER,
    "Deployer has not staked enough": _R.ACCOUNT,
    "Mainnet and testnet require different signature.": _R.UNKNOWN_SIGNER,
}
"""Of the whole action."""
WORDS: Final[dict[VenueOrderStatus, str]] = {
    VenueOrderStatus.OPEN: "open",
    VenueOrderStatus.FILLED: "filled",
    VenueOrderStatus.TRIGGERED: "triggered",
    VenueOrderStatus.CANCELLED: "canceled marginCanceled vaultWithdrawalCanceled openInterestCapCanceled "
    "selfTradeCanceled reduceOnlyCanceled siblingFilledCanceled delistedCanceled liquidatedCanceled "
    "outcomeSettledCanceled scheduledCancel internalCancel",
    VenueOrderStatus.REJECTED: "rejected tickRejected minTradeNtlRejected minTradeSpotNtlRejected perpMarginRejected "
    "reduceOnlyRejected badAloPxRejected iocCancelRejected badTriggerPxRejected marketOrderNoLiquidityRejected "
    "positionIncreaseAtOpenInterestCapRejected positionFlipAtOpenInterestCapRejected "
    "tooAggressiveAtOpenInterestCapRejected openInterestIncreaseRejected insufficientSpotBalanceRejected "
    "oracleRejected perpMaxPositionRejected tooManyOpenOrdersRejected",
}
"""The statuses of orders (1.3)."""


@pytest.mark.parametrize("text", [*ENTRIES, *ACTIONS])
def test_every_documented_text_has_its_reason(text: str) -> None:
    """By the table; one that stopped being in it would be told as undocumented."""
    assert refusal_of(text) is (ENTRIES | ACTIONS)[text]


@pytest.mark.parametrize("text", ENTRIES)
def test_a_documented_error_of_an_entry_proves_that_it_did_not_happen(text: str) -> None:
    """The action was admitted, this entry was not carried out."""
    assert verdict_on_entry(text).answer is AnswerKind.REFUSED


@pytest.mark.parametrize("text", ACTIONS)
def test_a_documented_error_of_an_action_proves_as_much_as_its_first_copy_allows(text: str) -> None:
    """Nothing was admitted; sent again, only a used nonce still proves anything."""
    is_used = ACTIONS[text] is Refusal.NONCE_USED
    assert verdict_on_action(text, resent=False).answer is (AnswerKind.NONCE_USED if is_used else AnswerKind.REFUSED)
    assert verdict_on_action(text, resent=True).answer is (AnswerKind.NONCE_USED if is_used else AnswerKind.NO_ANSWER)


def test_no_line_of_the_table_is_without_a_text_and_none_hides_another() -> None:
    """Every documented beginning is tried here, and is the first that matches its text."""
    texts = [text.removeprefix("L1 error: ") for text in (*ENTRIES, *ACTIONS)]
    first = {next(start for start, _ in PREFIXES if text.startswith(start)) for text in texts}
    assert {start for start, _ in PREFIXES} == first


def test_every_documented_status_is_known_and_no_other() -> None:
    """Each word with what it means for the life of an order."""
    words = {word: status for status, line in WORDS.items() for word in line.split()}
    assert words == STATUSES


@given(st.text(max_size=60))
def test_every_other_word_is_other_and_every_other_text_undocumented(text: str) -> None:
    """Nothing is guessed: such a text proves nothing of an action, and raises an alarm where it is told."""
    if text not in STATUSES:
        assert status_from_wire(text) is VenueOrderStatus.OTHER
    if not any(text.removeprefix("L1 error: ").startswith(start) for start, _ in PREFIXES):
        assert refusal_of(text) is Refusal.UNDOCUMENTED
        assert verdict_on_action(text, resent=False).answer is AnswerKind.NO_ANSWER
