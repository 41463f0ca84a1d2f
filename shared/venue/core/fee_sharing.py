"""Who gets a part of a fee: the builder of the front end and the referrer, as rewards that they can claim."""

from __future__ import annotations

from shared.rules.fees import (
    REFERRER_VOLUME_USD,
    builder_fee_usd,
    referrer_share_usd,
)
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
        accounts.reward(accounts.by_user[account.referrer], referrer_share_usd(fee_usd), is_builder=False)
    return Usd(taken)
