"""/info about referrals and builders."""

from __future__ import annotations

from typing import Any, Final

from shared.rules.fees import referrer_share_usd
from shared.units import Ns
from shared.venue.core.money_views import IdentityView
from shared.venue.door.actions import Address, canonical_address
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json, usd


class AboutBuilder(AboutUser, frozen=True, kw_only=True):
    """Asks about one user and one builder."""

    builder: Address


def referral(desk: Desk, asked: AboutUser, _: Ns) -> Json:
    """`referral`: who brought the user, whom the user brought, and rewards."""
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
        "tokenToState": [[0, totals]],
    }


def _stage(desk: Desk, identity: IdentityView) -> Json:
    """How far the user is on the way to referring others."""
    if identity.code is not None:
        states = [
            {
                "user": one.user,
                "cumVlm": usd(one.volume_usd),
                "cumRewardedFeesSinceReferred": usd(one.fees_usd),
                "cumFeesRewardedToReferrer": usd(referrer_share_usd(one.fees_usd)),
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
