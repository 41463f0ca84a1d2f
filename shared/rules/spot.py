"""What holds for spot markets: asset ids, price band, smallest order, fees in the token received."""

from __future__ import annotations

import math
import re
from typing import Final

from shared.rules.fees import RATE_SCALE
from shared.units import Usd

FIRST_SPOT_ASSET: Final = 10_000
FIRST_OTHER_ASSET: Final = 100_000
"""Perps of builder dexs start here."""
FIRST_PAIR: Final = "PURR/USDC"
"""Pair 0 has a name for history's sake; all others are called `@` and their index."""
_NUMBERED_PAIR: Final = re.compile("@([1-9][0-9]{0,4})")
NOTIONAL_SCALE: Final = 10**8
"""Price x size of a spot pair is an integer of 10^-8 of the quote token."""
MIN_SPOT_NOTIONAL_E8: Final = 10 * NOTIONAL_SCALE
"""Smallest order, in any quote token; closing a balance is no exception."""
_E8_PER_MICRO: Final = 100


def is_spot_asset(asset: int) -> bool:
    """Does the id name a spot pair, listed or not?"""
    return FIRST_SPOT_ASSET <= asset < FIRST_OTHER_ASSET


def spot_asset_of(coin: str) -> int | None:
    """The id of the pair that the venue calls so; None if that is no spot pair's name."""
    if coin == FIRST_PAIR:
        return FIRST_SPOT_ASSET
    numbered = _NUMBERED_PAIR.fullmatch(coin)
    asset = FIRST_SPOT_ASSET + int(numbered[1]) if numbered else FIRST_OTHER_ASSET
    return asset if is_spot_asset(asset) else None


def is_px_in_spot_band(px: int, mark_px: int, band_percent: int) -> bool:
    """With 80 %: 0.2 x mark < px <= 5 x mark. Always inside while there is no mark. Source: measured."""
    inside = 100 - band_percent
    return not mark_px or (mark_px * inside < px * 100 and px * inside <= mark_px * 100)


def quote_fee_wei(gross_wei: int, rate_e9: int) -> int:
    """Fee in wei of the quote: floor(gross x rate), the rate and the product being doubles as measured on the venue.

    A rebate (negative rate) is the same with its sign turned, so it never exceeds what is due. The doubles are IEEE
    754, the same on every machine; whole wei come out.
    """
    size = math.floor(gross_wei * (abs(rate_e9) / RATE_SCALE))
    return -size if rate_e9 < 0 else size


def base_fee_wei(quote_fee_e8: int, px: int, px_decimals: int, base_wei_decimals: int) -> int:
    """The quote fee (x 10^-8) divided by the price, truncated to wei of the base token: what a buyer pays.

    `px` is an integer of 10^-px_decimals of the quote for one base token.
    """
    scale: int = 10 ** (px_decimals + base_wei_decimals)
    size = abs(quote_fee_e8) * scale // (px * NOTIONAL_SCALE)
    return -size if quote_fee_e8 < 0 else size


def usd_from_e8(value_e8: int) -> Usd:
    """A notional x 10^-8 in micro-USDC, truncated toward zero."""
    size = abs(value_e8) // _E8_PER_MICRO
    return Usd(-size if value_e8 < 0 else size)
