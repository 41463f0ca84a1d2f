"""Funding: premium samples from impact prices, the hourly rate they give, and who pays whom how much."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

import msgspec

from shared.book import Level
from shared.units import HOUR, SECOND, USD, Ns, Rounding, Usd, round_ratio, truncate_ratio

RATE_SCALE: Final = 10**10
"""Premiums and rates are integers of 10^-10, the finest that the venue prints."""
SAMPLE_SPAN: Final = Ns(5 * SECOND)
FUNDING_SPAN: Final = Ns(HOUR)
INTEREST_E10: Final = 1_000_000
"""0.01 % for eight hours."""
CLAMP_E10: Final = 5_000_000
"""The interest pulls the rate by 0.05 % at most."""
HOURLY_CAP_E10: Final = 400_000_000
"""4 % an hour, either way."""
HYPERP_PREMIUM_DIVISOR: Final = 100
"""A hyperp's premium samples count one percent."""
MULTIPLIER_SCALE: Final = 10**6
"""A deployer's funding multipliers are integers of 10^-6."""
MAJOR_IMPACT_USD: Final = Usd(20_000 * USD)
MINOR_IMPACT_USD: Final = Usd(6_000 * USD)
_MAJORS: Final = frozenset({"BTC", "ETH"})


class FundingTerms(msgspec.Struct, frozen=True):
    """What the deployer of a perp chose: interest for eight hours x 10^10, and the multiplier of its rate x 10^6."""

    interest_e10: int = INTEREST_E10
    multiplier_e6: int = MULTIPLIER_SCALE


def impact_notional_usd(coin: str) -> Usd:
    """Notional whose execution price is the impact price: 20,000 USDC for BTC and ETH, 6,000 for others."""
    return MAJOR_IMPACT_USD if coin in _MAJORS else MINOR_IMPACT_USD


def impact_px(levels: Iterable[Level], impact_usd: int) -> Fraction | None:
    """Exact average price (price units) of trading `impact_usd` into `levels`, best first; None if they hold less."""
    sz, left = 0, impact_usd
    for level in levels:
        notional = level.px * level.sz
        if notional >= left:
            return Fraction(impact_usd * level.px, sz * level.px + left)
        sz += level.sz
        left -= notional
    return None


def premium_e10(oracle_px: int, impact_bid: Fraction, impact_ask: Fraction) -> int:
    """One premium sample x 10^10, rounded to nearest: (max(bid - oracle, 0) - max(oracle - ask, 0)) / oracle."""
    above = max(impact_bid - oracle_px, Fraction(0))
    below = max(oracle_px - impact_ask, Fraction(0))
    premium = (above - below) * RATE_SCALE / oracle_px
    return round_ratio(premium.numerator, premium.denominator, Rounding.NEAREST)


def hyperp_premium_e10(premium_e10: int) -> int:
    """What a premium counts for where the oracle is the perp's own past: one percent of it, rounded to nearest."""
    return round_ratio(premium_e10, HYPERP_PREMIUM_DIVISOR, Rounding.NEAREST)


def deployed_premium_e10(oracle_px: int, impact_bid: Fraction, impact_ask: Fraction) -> int:
    """One sample of a deployed perp x 10^10, rounded to nearest: (impact bid + impact ask) / 2 / oracle - 1."""
    premium = ((impact_bid + impact_ask) / (2 * oracle_px) - 1) * RATE_SCALE
    return round_ratio(premium.numerator, premium.denominator, Rounding.NEAREST)


def mean_premium_e10(sum_e10: int, samples: int) -> int:
    """Mean of an hour's samples, rounded to nearest; 0 without samples."""
    return round_ratio(sum_e10, samples, Rounding.NEAREST) if samples else 0


def hourly_rate_e10(premium_mean_e10: int, terms: FundingTerms | None = None) -> int:
    """Hourly rate x 10^10, rounded to nearest: (P + clamp(interest - P, +-0.0005)) / 8, capped at +-4 %.

    `terms` are a deployer's: another interest, and a multiplier of the rate before the cap.
    """
    interest = INTEREST_E10 if terms is None else terms.interest_e10
    pull = max(-CLAMP_E10, min(interest - premium_mean_e10, CLAMP_E10))
    rate, parts = premium_mean_e10 + pull, 8
    if terms is not None:
        rate, parts = rate * terms.multiplier_e6, 8 * MULTIPLIER_SCALE
    return max(-HOURLY_CAP_E10, min(round_ratio(rate, parts, Rounding.NEAREST), HOURLY_CAP_E10))


def payment_usd(net_sz: int, oracle_px: int, rate_e10: int) -> Usd:
    """What the holder of `net_sz` lots receives (negative: pays), truncated toward zero: -net_sz x oracle x rate."""
    return Usd(truncate_ratio(-net_sz * oracle_px * rate_e10, RATE_SCALE))


def lawful_usd(net_sz: int, oracle_px: int, rate_e10: int) -> Usd:
    """What the holder of `net_sz` lots receives at a rate that was told, which the law never lets beyond its cap."""
    return payment_usd(net_sz, oracle_px, max(-HOURLY_CAP_E10, min(rate_e10, HOURLY_CAP_E10)))


def payment_error_bps(paid_usd: int, law_usd: int) -> float:
    """A payment against the law, in bps of what the law gives; one micro-USDC of rounding is forgiven."""
    return max(abs(paid_usd - law_usd) - 1, 0) / max(abs(law_usd), 1) * 10_000
