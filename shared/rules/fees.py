"""What a trade costs: rates by volume tier, charged on the notional and truncated to micro-USDC."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.units import USD, Usd, truncate_ratio

RATE_SCALE: Final = 10**9
"""Rates are integers of 10^-9, which holds every published rate, discount and rebate exactly."""


class FeeRates(msgspec.Struct, frozen=True):
    """What one user pays on each side of a trade, x 10^-9 of the notional. A negative maker rate is a rebate."""

    taker_e9: int
    maker_e9: int

    def fee_usd(self, notional_usd: int, is_taker: bool) -> Usd:
        """Fee in micro-USDC, truncated toward zero as recorded; negative is paid to the user."""
        return Usd(truncate_ratio(notional_usd * (self.taker_e9 if is_taker else self.maker_e9), RATE_SCALE))


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
