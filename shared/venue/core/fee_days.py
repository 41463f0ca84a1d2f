"""What a user's last 14 days come to: volumes closed at midnight UTC, and the rates that they earn."""

from __future__ import annotations

from shared.rules.fees import FEE_DAYS, REFERRAL_VOLUME_USD, FeeStanding, charged_rates
from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.identity import DayVolume


def close_day(accounts: Accounts, day: int) -> None:
    """End the UTC day of that number: its volumes become history, and everybody is assessed anew."""
    exchange_usd = 0
    for account in accounts.by_user.values():
        exchange_usd += account.day_add_usd
        account.days.append(DayVolume(day, account.day_cross_usd, account.day_add_usd))
        account.day_cross_usd = account.day_add_usd = 0
    accounts.exchange_days.append(DayVolume(day, exchange_usd, exchange_usd))
    for account in accounts.by_user.values():
        assess(accounts, account)


def assess(accounts: Accounts, account: Account) -> None:
    """Set what the account pays from now on."""
    standing = standing_of(accounts, account)
    account.rates = charged_rates(accounts.schedule, standing)
    account.spot_rates = charged_rates(accounts.spot_schedule, standing)
    account.market_rates.clear()


def assess_family(accounts: Accounts, account: Account) -> None:
    """Assess a master and all its sub-accounts, for what moves one moves all."""
    for member in family(accounts, account):
        assess(accounts, member)


def family(accounts: Accounts, account: Account) -> list[Account]:
    """The master first, then its sub-accounts; their volumes count as one."""
    identity = account.identity
    master = account if identity.master is None else accounts.by_user[identity.master]
    return [master, *(accounts.by_user[user] for user in master.identity.subs)]


def standing_of(accounts: Accounts, account: Account) -> FeeStanding:
    """What decides the account's rates today. A sub-account has its master's stake and no referral discount."""
    members = family(accounts, account)
    maker_usd = sum(day.add_usd for member in members for day in member.days)
    taker_usd = sum(day.cross_usd for member in members for day in member.days)
    return FeeStanding(
        taker_usd + maker_usd,
        maker_usd,
        sum(day.add_usd for day in accounts.exchange_days) + accounts.outside_usd * FEE_DAYS,
        members[0].identity.stake,
        is_discounted(account),
    )


def is_discounted(account: Account) -> bool:
    """Does the referral discount hold?"""
    is_master = account.identity.master is None
    return is_master and account.referrer is not None and account.volume_usd < REFERRAL_VOLUME_USD
