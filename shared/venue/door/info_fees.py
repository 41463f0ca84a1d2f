"""/info about fees."""

from __future__ import annotations

from typing import Final

from shared.units import Ns, str_from_scaled
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json, number

_ZERO: Final = "0.0"


def fees(desk: Desk, asked: AboutUser, _: Ns) -> Json:
    """`userFees`: one tier for everybody and no discounts, as fees are charged here; daily volumes are not kept."""
    rates = desk.exchange.fee_rates(asked.user)
    taker, maker = fee_rate(rates.taker_e9), fee_rate(rates.maker_e9)
    base = {"cross": taker, "add": maker, "spotCross": _ZERO, "spotAdd": _ZERO}
    return {
        "dailyUserVlm": [],
        "feeSchedule": base | {"tiers": {"vip": [], "mm": []}, "referralDiscount": _ZERO, "stakingDiscountTiers": []},
        "userCrossRate": taker,
        "userAddRate": maker,
        "userSpotCrossRate": _ZERO,
        "userSpotAddRate": _ZERO,
        "activeReferralDiscount": _ZERO,
        "trial": None,
        "feeTrialEscrow": _ZERO,
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": {"bpsOfMaxSupply": _ZERO, "discount": _ZERO},
    }


def fee_rate(rate_e9: int) -> str:
    """A fee rate x 10^-9 as a fraction."""
    return number(str_from_scaled(rate_e9, 9))


TYPES: Final[dict[str, InfoType]] = {
    "userFees": (AboutUser, fees),
}
