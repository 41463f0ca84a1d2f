"""How a market changes its traders' rates: HIP-3 scale, growth mode, stable pairs, aligned quote tokens."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import msgspec

from shared.rules.fees import FeeRates

GROWTH: Final = Fraction(1, 10)
STABLE: Final = Fraction(1, 5)
ALIGNED_TAKER: Final = Fraction(4, 5)
ALIGNED_REBATE: Final = Fraction(3, 2)
SCALE_E4: Final = 10_000


class MarketFees(msgspec.Struct, frozen=True):
    """What a market does to rates. `deployer_scale_e4` is the deployer's fee scale x 10^-4, None on the first dex."""

    deployer_scale_e4: int | None = None
    is_growth: bool = False
    is_stable_pair: bool = False
    is_aligned: bool = False

    def hip3_scale(self) -> Fraction:
        """Factor on the fees: one plus the scale below one, twice the scale from one on."""
        if self.deployer_scale_e4 is None:
            return Fraction(1)
        scale = Fraction(self.deployer_scale_e4, SCALE_E4)
        return 1 + scale if scale < 1 else 2 * scale

    def deployer_share(self) -> Fraction:
        """The deployer's part of the fees, never more than half."""
        if self.deployer_scale_e4 is None:
            return Fraction(0)
        scale = Fraction(self.deployer_scale_e4, SCALE_E4)
        return scale / (1 + scale) if scale < 1 else Fraction(1, 2)

    def rates(self, base: FeeRates) -> FeeRates:
        """The rates on this market of somebody who pays `base` elsewhere, referral included, truncated to 10^-9.

        Source: Hyperliquid documentation, "Fee formula for developers" (fact sheet 7). The referral discount of `base`
        is a factor on the fees and never on a rebate, so it commutes with everything here.
        """
        taker_e9, maker_e9 = self.exact_e9(base)
        return FeeRates(int(taker_e9), int(maker_e9))

    def exact_e9(self, base: FeeRates) -> tuple[Fraction, Fraction]:
        """(taker, maker) rates x 10^9, exact."""
        share, both = self.deployer_share(), Fraction(1)
        if self.is_stable_pair:
            both *= STABLE
        if self.is_growth:
            both *= GROWTH
        taker = base.taker_e9 * both * self.hip3_scale()
        maker = base.maker_e9 * both
        if maker > 0:
            maker *= self.hip3_scale()
        if self.is_aligned:
            taker *= (1 - share) * ALIGNED_TAKER + share
            if maker < 0:
                maker *= (1 - share) * ALIGNED_REBATE + share
        return taker, maker
