"""What the exchange shows of money and identity: fee standing, referral, builders."""

from __future__ import annotations

import msgspec

from shared.rules.fees import FEE_DAYS, FeeRates, FeeSchedule, FeeStanding, shown_rates
from shared.units import DAY
from shared.venue.core.accounts import Account
from shared.venue.core.fee_days import family, standing_of
from shared.venue.core.identity import DayVolume, Identity
from shared.venue.core.world import World


class DayView(msgspec.Struct, frozen=True):
    """One UTC day (days since 1970): a user's volume as taker and as maker, and the exchange's."""

    day: int
    cross_usd: int
    add_usd: int
    exchange_usd: int


class FeesView(msgspec.Struct, frozen=True):
    """One user's fees. `perp` and `spot` are the rates shown, from which a referral discount goes off."""

    days: tuple[DayView, ...]
    standing: FeeStanding
    perp: FeeRates
    spot: FeeRates
    perp_schedule: FeeSchedule
    spot_schedule: FeeSchedule


class ReferredView(msgspec.Struct, frozen=True):
    """One whom the user referred: volume and fees so far."""

    user: str
    volume_usd: int
    fees_usd: int
    given_usd: int
    joined_ms: int


class TokenReward(msgspec.Struct, frozen=True):
    """What one user has earned of spot fees in one token, as text in plain notation."""

    token: int
    unclaimed: str
    claimed: str


class IdentityView(msgspec.Struct, frozen=True):
    """Who a user is to others. `referrer` is (address, code), `builders` (address, tenths of a basis point) each."""

    name: str = ""
    master: str | None = None
    referrer: tuple[str, str] | None = None
    code: str | None = None
    referred: tuple[ReferredView, ...] = ()
    builders: tuple[tuple[str, int], ...] = ()
    unclaimed_usd: int = 0
    claimed_usd: int = 0
    builder_usd: int = 0
    volume_usd: int = 0
    token_rewards: tuple[TokenReward, ...] = ()


def identity_view(world: World, user: str) -> IdentityView:
    """The user's identity; nobody's for a stranger."""
    accounts = world.accounts
    account = accounts.get(user)
    if account is None:
        return IdentityView()
    identity = account.identity
    referrer = None if account.referrer is None else accounts.by_user[account.referrer]
    referred = (accounts.by_user[one] for one in identity.referred)
    return IdentityView(
        identity.name,
        identity.master,
        None if referrer is None else (referrer.user, referrer.identity.code or ""),
        identity.code,
        tuple(_referred(one) for one in referred),
        tuple(identity.builders.items()),
        identity.unclaimed_usd,
        identity.claimed_usd,
        identity.builder_usd,
        account.volume_usd,
        _token_rewards(world, identity),
    )


def _referred(account: Account) -> ReferredView:
    identity = account.identity
    return ReferredView(account.user, account.volume_usd, account.fees_usd, identity.given_usd, identity.joined_ms)


def _token_rewards(world: World, identity: Identity) -> tuple[TokenReward, ...]:
    """Rewards of spot fills, by token in rising order."""
    unclaimed, claimed = identity.unclaimed_wei, identity.claimed_wei
    tokens = [world.tokens[index] for index in sorted({*unclaimed, *claimed})]
    return tuple(
        TokenReward(token.index, token.text(unclaimed.get(token.index, 0)), token.text(claimed.get(token.index, 0)))
        for token in tokens
    )


def fees_view(world: World, user: str) -> FeesView:
    """The user's fees, today and the 14 days before it; a stranger's are the first tier's."""
    accounts, today = world.accounts, world.now_ns // DAY
    account = accounts.get(user)
    standing = FeeStanding() if account is None else standing_of(accounts, account)
    members = [] if account is None else family(accounts, account)
    rows = [*(row for member in members for row in member.days)]
    rows += [DayVolume(today, member.day_cross_usd, member.day_add_usd) for member in members]
    traded = {row.day: row.add_usd for row in accounts.exchange_days}
    traded[today] = sum(other.day_add_usd for other in accounts.by_user.values())
    days = []
    for day in range(today - FEE_DAYS, today + 1):
        mine = [row for row in rows if row.day == day]
        cross, add = sum(row.cross_usd for row in mine), sum(row.add_usd for row in mine)
        days.append(DayView(day, cross, add, traded.get(day, 0) + accounts.outside_usd))
    perp, spot = shown_rates(accounts.schedule, standing), shown_rates(accounts.spot_schedule, standing)
    return FeesView(tuple(days), standing, perp, spot, accounts.schedule, accounts.spot_schedule)
