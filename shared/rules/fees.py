"""What a trade costs: rates by volume, rebate, stake and referral, charged on the notional, truncated to micro-USDC."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.units import USD, Usd

RATE_SCALE: Final = 10**9
"""Rates are integers of 10^-9, which holds every published rate, discount and rebate exactly."""
FEE_DAYS: Final = 14
"""Whole UTC days whose volume decides a tier; the current day counts from tomorrow."""
SPOT_WEIGHT: Final = 2
CENT_USD: Final = USD // 100
HUNDRED: Final = 100
HYPE: Final = 10**8
"""One HYPE in its smallest unit."""
MAX_STAKE: Final = 10**9 * HYPE
"""All HYPE there can be; discounts are published in basis points of it."""


class FeeRates(msgspec.Struct, frozen=True):
    """What one user pays on each side of a trade, x 10^-9 of the notional. A negative maker rate is a rebate."""

    taker_e9: int
    maker_e9: int

    def fee_usd(self, notional_usd: int, is_taker: bool) -> Usd:
        """Fee in micro-USDC, truncated toward zero as recorded; negative is paid to the user."""
        scaled = notional_usd * (self.taker_e9 if is_taker else self.maker_e9)
        return Usd(scaled // RATE_SCALE if scaled >= 0 else -(-scaled // RATE_SCALE))

    def cut(self, percent: int) -> FeeRates:
        """The rates with `percent` off; a rebate is not a fee and stays as it is."""
        taker, maker = self.taker_e9, self.maker_e9
        left = HUNDRED - percent
        return FeeRates(taker * left // HUNDRED, maker * left // HUNDRED if maker > 0 else maker)


class FeeTier(msgspec.Struct, frozen=True):
    """Rates that hold while the 14-day weighted volume is above `above_usd`."""

    above_usd: Usd
    rates: FeeRates


class FeeSchedule(msgspec.Struct, frozen=True):
    """Tiers by volume, lowest first; the first must start below zero volume so that everybody has a rate."""

    tiers: tuple[FeeTier, ...]

    def rates_at(self, volume_usd: int) -> FeeRates:
        """Rates of the highest tier that the volume exceeds; at a cutoff exactly, the lower tier (undocumented)."""
        rates = self.tiers[0].rates
        for tier in self.tiers[1:]:
            if volume_usd <= tier.above_usd:
                break
            rates = tier.rates
        return rates


class MakerTier(msgspec.Struct, frozen=True):
    """Rebate of those whose share of the exchange's 14-day maker volume is above `above_e4` x 10^-4."""

    above_e4: int
    maker_e9: int


class StakingTier(msgspec.Struct, frozen=True):
    """Discount on fees of those who stake more than `above` (smallest units of HYPE)."""

    above: int
    percent: int


class FeeStanding(msgspec.Struct, frozen=True):
    """What decides a user's rates: 14 days of weighted and of maker volume, the exchange's too, stake and referral."""

    volume_usd: int = 0
    maker_usd: int = 0
    exchange_usd: int = 0
    stake: int = 0
    is_referred: bool = False


def _tier(above_millions: int, taker_e9: int, maker_e9: int) -> FeeTier:
    """One row of the published table."""
    return FeeTier(Usd(above_millions * 1_000_000 * USD), FeeRates(taker_e9, maker_e9))


PERP_SCHEDULE: Final = FeeSchedule(
    (
        _tier(0, 450_000, 150_000),
        _tier(5, 400_000, 120_000),
        _tier(25, 350_000, 80_000),
        _tier(100, 300_000, 40_000),
        _tier(500, 280_000, 0),
        _tier(2_000, 260_000, 0),
        _tier(7_000, 240_000, 0),
    )
)
"""Perp rates before rebates and discounts. Source: Hyperliquid documentation, "Fees", 2026-08."""

SPOT_SCHEDULE: Final = FeeSchedule(
    (
        _tier(0, 700_000, 400_000),
        _tier(5, 600_000, 300_000),
        _tier(25, 500_000, 200_000),
        _tier(100, 400_000, 100_000),
        _tier(500, 350_000, 0),
        _tier(2_000, 300_000, 0),
        _tier(7_000, 250_000, 0),
    )
)
"""Spot rates before rebates and discounts. Source: as above."""

MAKER_TIERS: Final = (MakerTier(50, -10_000), MakerTier(150, -20_000), MakerTier(300, -30_000))
"""Source: as above; a rebate replaces the maker fee of the volume tier."""

STAKING_TIERS: Final = (
    StakingTier(0, 0),
    StakingTier(10 * HYPE, 5),
    StakingTier(100 * HYPE, 10),
    StakingTier(1_000 * HYPE, 15),
    StakingTier(10_000 * HYPE, 20),
    StakingTier(100_000 * HYPE, 30),
    StakingTier(500_000 * HYPE, 40),
)
"""Source: as above."""

REFERRAL_PERCENT: Final = 4
REFERRAL_VOLUME_USD: Final = Usd(25_000_000 * USD)
"""A referred user pays less until so much is traded. Source: as above."""
REFERRER_PERCENT: Final = 10
REFERRER_VOLUME_USD: Final = Usd(1_000_000_000 * USD)
"""The referrer's share of what a referred user pays, until that user traded so much. The share is from the venue's
page "Referrals"; the fact sheet has the limit alone."""

BUILDER_SCALE: Final = 100_000
"""Builder fees are tenths of a basis point."""
BUILDER_MAX_PERP: Final = 100
BUILDER_MAX_SPOT: Final = 1_000
"""0.1 % and 1 %. Source: as above, "Builder codes"."""
BUILDER_APPROVALS: Final = 10
BUILDER_MIN_USD: Final = Usd(100 * USD)


def maker_rebate_e9(maker_usd: int, exchange_usd: int) -> int | None:
    """The maker rate (below zero) that the share of the maker volume earns; None if it earns none."""
    earned = None
    for tier in MAKER_TIERS:
        if maker_usd * 10_000 > exchange_usd * tier.above_e4:
            earned = tier.maker_e9
    return earned


def staking_percent(stake: int) -> int:
    """The discount of a stake, in percent."""
    return max((tier.percent for tier in STAKING_TIERS if stake > tier.above), default=0)


def shown_rates(schedule: FeeSchedule, standing: FeeStanding) -> FeeRates:
    """What `userFees` shows: tier, rebate in its place, stake; the referral is shown apart from them."""
    rates = schedule.rates_at(standing.volume_usd)
    rebate = maker_rebate_e9(standing.maker_usd, standing.exchange_usd)
    if rebate is not None:
        rates = FeeRates(rates.taker_e9, rebate)
    return rates.cut(staking_percent(standing.stake))


def charged_rates(schedule: FeeSchedule, standing: FeeStanding) -> FeeRates:
    """What a fill pays: the rates shown, less the referral discount while it lasts."""
    rates = shown_rates(schedule, standing)
    return rates.cut(REFERRAL_PERCENT) if standing.is_referred else rates


def builder_fee_usd(notional_usd: int, tenths_bp: int) -> Usd:
    """What the builder of the front end takes of a fill."""
    return Usd(notional_usd * tenths_bp // BUILDER_SCALE)


def referrer_share_usd(fee_usd: int) -> Usd:
    """The referrer's part of one fee; nothing of a rebate."""
    return Usd(max(fee_usd, 0) * REFERRER_PERCENT // HUNDRED)


def weighted_spot_usd(notional_usd: int) -> int:
    """What a spot fill counts for in 14 days: twice its cents, for each side (measured; fact sheet 7)."""
    return SPOT_WEIGHT * (notional_usd // CENT_USD * CENT_USD)
