"""/info about fees."""

from __future__ import annotations

from typing import Any, Final

from shared.rules.fees import (
    HUNDRED,
    MAKER_TIERS,
    MAX_STAKE,
    REFERRAL_PERCENT,
    STAKING_TIERS,
    FeeRates,
    FeeSchedule,
    staking_percent,
)
from shared.units import Ns, str_from_scaled
from shared.venue.core.money_views import FeesView
from shared.venue.door import render
from shared.venue.door.calendar import date_text
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json, number

_BPS_DECIMALS: Final = 13
"""A smallest unit of HYPE is 10^-13 basis points of all there can be."""


def fees(desk: Desk, asked: AboutUser, _: Ns) -> Json:
    """`userFees`: today and the 14 days before it, the schedule, and what this user pays."""
    view = desk.exchange.fees(asked.user)
    standing = view.standing
    days = [
        {
            "date": date_text(row.day),
            "userCross": render.usd(row.cross_usd),
            "userAdd": render.usd(row.add_usd),
            "exchange": render.usd(row.exchange_usd),
        }
        for row in view.days
    ]
    return {
        "dailyUserVlm": days,
        "feeSchedule": _schedule(view),
        "userCrossRate": fee_rate(view.perp.taker_e9),
        "userAddRate": fee_rate(view.perp.maker_e9),
        "userSpotCrossRate": fee_rate(view.spot.taker_e9),
        "userSpotAddRate": fee_rate(view.spot.maker_e9),
        "activeReferralDiscount": _percent(REFERRAL_PERCENT if standing.is_referred else 0),
        "trial": None,
        "feeTrialEscrow": "0.0",
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": _stake_row(standing.stake, staking_percent(standing.stake)),
    }


def fee_rate(rate_e9: int) -> str:
    """A fee rate x 10^-9 as a fraction."""
    return number(str_from_scaled(rate_e9, 9))


def _schedule(view: FeesView) -> Json:
    """The whole table: base rates, tiers by volume and by maker share, discounts."""
    perp, spot = view.perp_schedule, view.spot_schedule
    return {
        **_rates(perp.tiers[0].rates, spot.rates_at(0)),
        "tiers": {
            "vip": _vip(perp, spot),
            "mm": [
                {"makerFractionCutoff": number(str_from_scaled(tier.above_e4, 4)), "add": fee_rate(tier.maker_e9)}
                for tier in MAKER_TIERS
            ],
        },
        "referralDiscount": _percent(REFERRAL_PERCENT),
        "stakingDiscountTiers": [_stake_row(tier.above, tier.percent) for tier in STAKING_TIERS],
    }


def _vip(perp: FeeSchedule, spot: FeeSchedule) -> list[dict[str, Any]]:
    """The tiers above the first."""
    return [
        {"ntlCutoff": render.usd(tier.above_usd), **_rates(tier.rates, spot.rates_at(tier.above_usd + 1))}
        for tier in perp.tiers[1:]
    ]


def _rates(perp: FeeRates, spot: FeeRates) -> Json:
    return {
        "cross": fee_rate(perp.taker_e9),
        "add": fee_rate(perp.maker_e9),
        "spotCross": fee_rate(spot.taker_e9),
        "spotAdd": fee_rate(spot.maker_e9),
    }


def _stake_row(stake: int, percent: int) -> Json:
    """A stake in basis points of all HYPE there can be, and its discount."""
    assert MAX_STAKE == 10 ** (_BPS_DECIMALS + 4)
    return {"bpsOfMaxSupply": number(str_from_scaled(stake, _BPS_DECIMALS)), "discount": _percent(percent)}


def _percent(percent: int) -> str:
    assert HUNDRED == 10**2
    return number(str_from_scaled(percent, 2))


TYPES: Final[dict[str, InfoType]] = {
    "userFees": (AboutUser, fees),
}
