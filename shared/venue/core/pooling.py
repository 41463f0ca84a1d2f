"""What a unified account's spot side draws from its margin when it spends, and brings there when it receives.

All USDC of such an account is collateral of its one clearinghouse; only what resting bids lock stays with spot.
"""

from __future__ import annotations

from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.balances import available_wei
from shared.venue.core.dealings import Mode
from shared.venue.core.tokens import USD_WEI, USDC_INDEX


def spendable_wei(account: Account, token: int) -> int:
    """What orders may spend of a token; of a unified account's USDC also what no position or order needs."""
    free = available_wei(account.spot, token)
    if _is_pooled(account, token):
        house = account.house()
        free += max(house.value_usd() - house.reserved_usd(), 0) * USD_WEI
    return free


def movable_wei(account: Account, token: int) -> int:
    """What may leave of a token; of a unified account's USDC also what the rule for transfers lets go."""
    free = available_wei(account.spot, token)
    return free + account.house().withdrawable_usd() * USD_WEI if _is_pooled(account, token) else free


def draw(accounts: Accounts, account: Account, token: int, wei: int) -> None:
    """Let so much of a token be free on the spot side, if a unified account has it elsewhere."""
    lacking = wei - available_wei(account.spot, token)
    if lacking > 0 and _is_pooled(account, token):
        _pass(accounts, account, -(-lacking // USD_WEI))


def sweep(accounts: Accounts, account: Account) -> None:
    """Whatever USDC is free on a unified account's spot side is collateral again, in whole micro-USDC."""
    usd = available_wei(account.spot, USDC_INDEX) // USD_WEI
    if usd:
        _pass(accounts, account, -usd)


def _is_pooled(account: Account, token: int) -> bool:
    """Is the token of this account margin too?"""
    return token == USDC_INDEX and account.identity.mode is Mode.UNIFIED


def _pass(accounts: Accounts, account: Account, usd: int) -> None:
    """Move collateral to the spot side; negative moves it back."""
    account.house().collateral_usd -= usd
    account.wealth.perp_flow_usd -= usd
    account.wealth.spot_flow_usd += usd
    accounts.spot_usd += usd
    if usd > 0:
        accounts.treasury.issue(account.spot, USDC_INDEX, usd * USD_WEI)
    else:
        accounts.treasury.redeem(account.spot, USDC_INDEX, -usd * USD_WEI)
