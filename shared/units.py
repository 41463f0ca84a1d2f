"""Exact numbers: prices, sizes, money and time as integers, and the only place that rounds.

A perp price is an integer of 10^-(6 - sz_decimals) USDC and a size an integer of 10^-sz_decimals (a lot), so
price x size is an exact integer of micro-USDC. A spot price has 8 decimals in the place of 6, and price x size is an
exact integer of 10^-8 of the quote token. Source: Hyperliquid documentation, "Tick and lot size".
"""

from __future__ import annotations

import math
from decimal import Decimal
from enum import Enum
from typing import Final, NewType

from shared.errors import UnitError

Px = NewType("Px", int)
"""Price in 10^-(6 - sz_decimals) USDC; on spot 10^-(8 - sz_decimals) of the quote token."""
Sz = NewType("Sz", int)
"""Unsigned size in lots of 10^-sz_decimals."""
Usd = NewType("Usd", int)
"""Money in micro-USDC."""
Ns = NewType("Ns", int)
"""Time or span in nanoseconds; times are UTC since 1970."""

PX_DECIMALS: Final = 6
SPOT_PX_DECIMALS: Final = 8
USD_DECIMALS: Final = 6
USD: Final = 10**USD_DECIMALS
SIGNIFICANT_FIGURES: Final = 5

US: Final = 1_000
MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

BPS: Final = 10_000
"""Basis points in one."""

_TOO_LARGE: Final = 1 << 63
"""Nothing in the house is written with more bits."""
_TEN: Final[tuple[int, ...]] = tuple(10**exponent for exponent in range(64))


class Rounding(Enum):
    """Which way a number that does not fit is moved."""

    DOWN = "down"
    UP = "up"
    NEAREST = "nearest"


def scaled_from_str(text: str, decimals: int) -> int:
    """The integer of 10^-decimals that `text` spells, exactly.

    Accepts an optional sign, digits and one point, as the venue writes numbers. Raises UnitError for anything else
    and for digits that the unit cannot hold.
    """
    digits = text[1:] if text[:1] == "-" else text
    whole, point, fraction = digits.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and not (fraction.isascii() and fraction.isdigit())):
        raise UnitError(f"expected a plain decimal number, got {text!r}")
    if len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            raise UnitError(f"expected at most {decimals} decimals, got {text!r}")
        fraction = fraction[:decimals]
    value = int(whole + fraction.ljust(decimals, "0"))
    return -value if digits is not text else value


def str_from_scaled(value: int, decimals: int) -> str:
    """`value` x 10^-decimals in plain notation without trailing zeros: the form that the venue signs."""
    if decimals <= 0:
        return str(value * 10**-decimals)
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    fraction = digits[-decimals:].rstrip("0")
    return f"{sign}{digits[:-decimals]}.{fraction}" if fraction else f"{sign}{digits[:-decimals]}"


def px_from_str(text: str, sz_decimals: int, max_decimals: int = PX_DECIMALS) -> Px:
    """Price from the venue's text; UnitError if it has more decimals than the coin allows."""
    return Px(scaled_from_str(text, max_decimals - sz_decimals))


def sz_from_str(text: str, sz_decimals: int) -> Sz:
    """Unsigned size from the venue's text; UnitError if negative or finer than a lot."""
    value = scaled_from_str(text, sz_decimals)
    if value < 0:
        raise UnitError(f"expected an unsigned size, got {text!r}")
    return Sz(value)


def usd_from_str(text: str) -> Usd:
    """Money from the venue's text; UnitError below a micro-USDC."""
    return Usd(scaled_from_str(text, USD_DECIMALS))


def px_to_str(px: Px, sz_decimals: int, max_decimals: int = PX_DECIMALS) -> str:
    """Price as the venue signs it: plain, no trailing zeros."""
    return str_from_scaled(px, max_decimals - sz_decimals)


def sz_to_str(sz: int, sz_decimals: int) -> str:
    """Size (signed sizes too) as the venue signs it."""
    return str_from_scaled(sz, sz_decimals)


def usd_to_str(usd: int) -> str:
    """Money in plain notation, at most six decimals."""
    return str_from_scaled(usd, USD_DECIMALS)


def scaled_from_float(value: float, decimals: int, rounding: Rounding = Rounding.NEAREST) -> int:
    """The integer of 10^-decimals nearest to (or just below, just above) `value`; UnitError if it needs 64 bits.

    The float's shortest decimal spelling is what is rounded, so 0.29 at two decimals is 29 whatever its binary form.
    """
    if not math.isfinite(value):
        raise UnitError(f"expected a finite number, got {value!r}")
    numerator, denominator = Decimal(repr(float(value))).scaleb(decimals).as_integer_ratio()
    scaled = round_ratio(numerator, denominator, rounding)
    if abs(scaled) >= _TOO_LARGE:
        raise UnitError(f"expected a number of 63 bits at {decimals} decimals, got {value!r}")
    return scaled


def px_from_float(
    value: float, sz_decimals: int, rounding: Rounding = Rounding.NEAREST, max_decimals: int = PX_DECIMALS
) -> Px:
    """Price unit next to `value` (not yet on a tick; see `Instrument.px_on_tick`)."""
    return Px(scaled_from_float(value, max_decimals - sz_decimals, rounding))


def sz_from_float(value: float, sz_decimals: int, rounding: Rounding = Rounding.DOWN) -> Sz:
    """Size in lots next to `value`; rounds down unless told otherwise, so that it never exceeds what was asked."""
    lots = scaled_from_float(value, sz_decimals, rounding)
    if lots < 0:
        raise UnitError(f"expected an unsigned size, got {value!r}")
    return Sz(lots)


def px_to_float(px: int, sz_decimals: int, max_decimals: int = PX_DECIMALS) -> float:
    """Price in USDC (or the quote token), for features only."""
    return px / _TEN[max_decimals - sz_decimals]


def sz_to_float(sz: int, sz_decimals: int) -> float:
    """Size in coins, for features only."""
    return sz / _TEN[sz_decimals]


def usd_to_float(usd: int) -> float:
    """Money in USDC, for statistics only."""
    return usd / USD


def notional(px: int, sz: int) -> Usd:
    """Exact micro-USDC of `sz` lots at `px`."""
    return Usd(px * sz)


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """numerator / denominator as an integer; DOWN is toward minus infinity, NEAREST sends halves up."""
    if rounding is Rounding.DOWN:
        return numerator // denominator
    if rounding is Rounding.UP:
        return -(-numerator // denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def truncate_ratio(numerator: int, denominator: int) -> int:
    """numerator / denominator toward zero, as the venue truncates fees."""
    quotient = abs(numerator) // denominator
    return -quotient if numerator < 0 else quotient


def round_to_multiple(value: int, step: int, rounding: Rounding) -> int:
    """`value` moved to a multiple of `step`."""
    return round_ratio(value, step, rounding) * step


def tick_at(px: int, sz_decimals: int, max_decimals: int = PX_DECIMALS) -> int:
    """Smallest price step at `px`, in price units: five significant figures, never coarser than one USDC."""
    return _TEN[min(max(len(str(abs(px))) - SIGNIFICANT_FIGURES, 0), max_decimals - sz_decimals)]


def on_tick(px: int, sz_decimals: int, rounding: Rounding) -> Px:
    """`px` moved to the nearest valid price on the side that `rounding` names."""
    return Px(round_to_multiple(px, tick_at(px, sz_decimals), rounding))
