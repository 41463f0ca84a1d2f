"""Who gets a part of a fee: the builder of the front end and the referrer, as rewards that they can claim."""

from __future__ import annotations

from shared.rules.fees import (
    REFERRER_VOLUME_USD,
    builder_fee_usd,
    referrer_share_usd,
)
from shared.rules.market_fees import MarketFees
from shared.units import Usd
from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.commands import BuilderTerms


def share_fee(accounts: Accounts, account: Account, terms: BuilderTerms | None, fee_usd: int, notional_usd: int) -> Usd:
    """The builder's fee, which comes on top of the exchange's; both parts are booked for those who get them."""
    taken = 0
    if terms is not None:
        taken = builder_fee_usd(notional_usd, terms.tenths_bp)
        accounts.reward(accounts.by_user[terms.builder], taken, is_builder=True)
    if account.referrer is not None and account.volume_usd < REFERRER_VOLUME_USD:
        share = referrer_share_usd(fee_usd)
        account.identity.given_usd += share
        accounts.reward(accounts.by_user[account.referrer], share, is_builder=False)
    return Usd(taken)


def share_with_deployer(accounts: Accounts, dex: int, fees: MarketFees, fee_usd: int) -> None:
    """Credit the deployer of the dex with its part of one fee that the house has taken, as collateral there.

    Nothing of a rebate: the house alone pays that.
    """
    user, share = accounts.recipients.get(dex), fees.deployer_share()
    if user is None or fee_usd <= 0:
        return
    usd = fee_usd * share.numerator // share.denominator
    recipient = accounts.by_user[user]
    recipient.house(dex).collateral_usd += usd
    recipient.wealth.perp_flow_usd += usd
    accounts.house_fees_usd -= usd
    accounts.deployer_fees_usd += usd


def share_spot_fee(accounts: Accounts, account: Account, token: int, fee_wei: int, builder: tuple[str, int]) -> None:
    """Owe the builder and the referrer their parts of a fee that the house has taken in this token.

    `fee_wei` is without the builder's part, `builder` is (who, wei); no wei, nobody.
    """
    name, wei = builder
    if wei:
        _owe(accounts, accounts.by_user[name], token, wei)
    if account.referrer is not None and account.volume_usd < REFERRER_VOLUME_USD:
        share = referrer_share_usd(fee_wei)
        if share:
            _owe(accounts, accounts.by_user[account.referrer], token, share)


def _owe(accounts: Accounts, account: Account, token: int, wei: int) -> None:
    unclaimed = account.identity.unclaimed_wei
    unclaimed[token] = unclaimed.get(token, 0) + wei
    accounts.treasury.pass_on(token, wei)
