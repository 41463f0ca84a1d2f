"""The venue's numbers as ours: milliseconds to nanoseconds, exact texts, and the one rule for derived amounts."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from shared.errors import UnitError
from shared.units import MS, USD_DECIMALS, Ns, Rounding, Usd, round_ratio, scaled_from_str

Ms = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000)]
"""Venue time in milliseconds, small enough for int64 nanoseconds."""
Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Venue ids (oid, tid)."""

_LONGEST: Final = 40
_LARGEST: Final = 2**62
_SAFE_DIGITS: Final = 18
"""So many are below _LARGEST, whichever they are."""
_REMEMBERED: Final = 256
"""Texts of a coin; a book shows eighty at most. A hundred coins with four times as many held some 30 MB."""


def ns_from_ms(ms: int) -> Ns:
    """UTC nanoseconds of the venue's milliseconds."""
    return Ns(ms * MS)


def exact(text: str, decimals: int) -> int:
    """The integer of 10^-decimals that `text` spells; UnitError if it does not fit or is absurdly large."""
    if len(text) > _LONGEST:
        raise UnitError(f"expected a number of at most {_LONGEST} characters, got {text[:_LONGEST]!r}...")
    value = scaled_from_str(text, decimals)
    if not -_LARGEST < value < _LARGEST:
        raise UnitError(f"expected a number below 2^62 units, got {text!r}")
    return value


def near(text: str, decimals: int, rounding: Rounding = Rounding.NEAREST) -> int:
    """Like `exact`, but digits beyond `decimals` are rounded; only for amounts that the venue derives.

    Money, open interest and rates are sums and products that it keeps as binary floats, so "2703997.4500000002" is
    seen. Prices and sizes of orders, trades and levels are never derived: read them with `exact`.
    """
    digits = text.removeprefix("-")
    whole, _, fraction = digits.partition(".")
    if len(fraction) <= decimals or len(text) > _LONGEST or not (whole + fraction).isdigit():
        return exact(text, decimals)
    value = int(whole + fraction)
    return round_ratio(value if digits is text else -value, 10 ** (len(fraction) - decimals), rounding)


def usd_near(text: str) -> Usd:
    """Money to the nearest micro-USDC, halves up."""
    return Usd(near(text, USD_DECIMALS))


class Spelled(dict[str, int]):
    """What `exact` makes of each text, remembered: books repeat their prices and sizes from frame to frame.

    Bounded: it forgets all when full. Only sound texts are kept; a bad one raises each time.
    """

    def __init__(self, decimals: int) -> None:
        super().__init__()
        self._decimals = decimals
        self._whole_digits = _SAFE_DIGITS - decimals
        self._scales: tuple[int, ...] = tuple(10 ** (decimals - digits) for digits in range(decimals + 1))

    def __missing__(self, text: str) -> int:
        whole, point, fraction = text.partition(".")
        # what the venue writes, read in a third of the time; whatever else comes, `exact` reads or refuses
        if (
            len(fraction) <= self._decimals
            and len(whole) <= self._whole_digits
            and whole.isdigit()
            and (fraction.isdigit() or not point)
            and text.isascii()
        ):
            value = int(whole + fraction) * self._scales[len(fraction)]
        else:
            value = exact(text, self._decimals)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[text] = value
        return value
