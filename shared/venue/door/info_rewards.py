"""/info about referrals and builders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from shared.units import Ns
from shared.venue.core.money_views import IdentityView
from shared.venue.door.actions import Address, canonical_address
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json, number, usd


class AboutBuilder(AboutUser, frozen=True, kw_only=True):
    """Asks about one user and one builder."""

    builder: Address


def referral(desk: Desk, asked: AboutUser, _: Ns) -> Json:
    """`referral`: who brought the user, whom the user brought, and rewards; those of perps as token 0.

    `rewardHistory` is of the days when the venue paid quarterly, so nobody has one here.
    """
    identity = desk.exchange.identity(asked.user)
    by = None if identity.referrer is None else dict(zip(("referrer", "code"), identity.referrer, strict=True))
    totals = {
        "cumVlm": usd(identity.volume_usd),
        "unclaimedRewards": usd(identity.unclaimed_usd),
        "claimedRewards": usd(identity.claimed_usd),
        "builderRewards": usd(identity.builder_usd),
    }
    return {
        "referredBy": by,
        **totals,
        "referrerState": _stage(desk, identity),
        "rewardHistory": [],
        "tokenToState": _by_token(identity, totals),
    }


def _by_token(identity: IdentityView, totals: Json) -> list[Any]:
    """Rewards by the token that they are in; those of spot fills come in any. Volumes are told once, in USDC."""
    rows = {0: dict(totals)}
    for reward in identity.token_rewards:
        row = rows.setdefault(reward.token, dict.fromkeys(totals, "0.0"))
        for name, more in (("unclaimedRewards", reward.unclaimed), ("claimedRewards", reward.claimed)):
            row[name] = number(format(Decimal(row[name]) + Decimal(more), "f"))
    return [[token, row] for token, row in sorted(rows.items())]


def _stage(desk: Desk, identity: IdentityView) -> Json:
    """How far the user is on the way to referring others."""
    if identity.code is not None:
        states = [
            {
                "user": one.user,
                "cumVlm": usd(one.volume_usd),
                "cumRewardedFeesSinceReferred": usd(one.fees_usd),
                "cumFeesRewardedToReferrer": usd(one.given_usd),
                "timeJoined": one.joined_ms,
            }
            for one in identity.referred
        ]
        return {"stage": "ready", "data": {"code": identity.code, "nReferrals": len(states), "referralStates": states}}
    required = desk.exchange.policy.referral_code_volume_usd
    if identity.volume_usd >= required:
        return {"stage": "needToCreateCode"}
    return {"stage": "needToTrade", "data": {"required": usd(required)}}


def max_builder_fee(desk: Desk, asked: AboutBuilder, _: Ns) -> int:
    """`maxBuilderFee`: what the builder may take, in tenths of a basis point."""
    return dict(desk.exchange.identity(asked.user).builders).get(canonical_address(asked.builder), 0)


def approved_builders(desk: Desk, asked: AboutUser, _: Ns) -> list[Any]:
    """`approvedBuilders`: addresses, in order of approval."""
    return [builder for builder, _ in desk.exchange.identity(asked.user).builders]


TYPES: Final[dict[str, InfoType]] = {
    "referral": (AboutUser, referral),
    "maxBuilderFee": (AboutBuilder, max_builder_fee),
    "approvedBuilders": (AboutUser, approved_builders),
}
