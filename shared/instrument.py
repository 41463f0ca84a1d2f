"""What can be traded: one perp or spot pair, its units, its ticks and how a price or size is moved onto them."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.units import (
    MS,
    PX_DECIMALS,
    SPOT_PX_DECIMALS,
    Px,
    Rounding,
    Sz,
    notional,
    px_from_float,
    px_from_str,
    px_to_float,
    px_to_str,
    round_to_multiple,
    sz_from_float,
    sz_from_str,
    sz_to_float,
    sz_to_str,
    tick_at,
)

MIN_NOTIONAL_USD: Final = 10_000_000
"""Smallest order in micro-USDC, unless it closes a whole position."""


class Instrument(msgspec.Struct, frozen=True, array_like=True):
    """One perp as `meta` describes it, or one pair as `spotMeta` does. `asset` is the id used on the wire.

    `max_decimals` - `sz_decimals` are the decimals of its prices: 6 for perps, 8 for spot.
    """

    coin: str
    asset: int
    sz_decimals: int
    max_leverage: int
    is_delisted: bool = False
    max_decimals: int = PX_DECIMALS

    @property
    def px_decimals(self) -> int:
        """Decimals of a price unit."""
        return self.max_decimals - self.sz_decimals

    def px(self, text: str) -> Px:
        """Price from the venue's text."""
        return px_from_str(text, self.sz_decimals, self.max_decimals)

    def sz(self, text: str) -> Sz:
        """Size from the venue's text."""
        return sz_from_str(text, self.sz_decimals)

    def px_text(self, px: Px) -> str:
        """Price as signed."""
        return px_to_str(px, self.sz_decimals, self.max_decimals)

    def sz_text(self, sz: int) -> str:
        """Size as signed."""
        return sz_to_str(sz, self.sz_decimals)

    def px_float(self, px: int) -> float:
        """Price in USDC, for features."""
        return px_to_float(px, self.sz_decimals, self.max_decimals)

    def sz_float(self, sz: int) -> float:
        """Size in coins, for features."""
        return sz_to_float(sz, self.sz_decimals)

    def px_on_tick(self, value: float, rounding: Rounding) -> Px:
        """The valid price next to `value` USDC on the side that `rounding` names (bids DOWN, asks UP)."""
        px = px_from_float(value, self.sz_decimals, rounding, self.max_decimals)
        return Px(round_to_multiple(px, self.tick(px), rounding))

    def sz_in_lots(self, value: float) -> Sz:
        """Size in lots, never more than `value` coins."""
        return sz_from_float(value, self.sz_decimals)

    def tick(self, px: int) -> int:
        """Smallest price step at `px`, in price units."""
        return tick_at(px, self.sz_decimals, self.max_decimals)

    def is_on_tick(self, px: Px) -> bool:
        """Would the venue take this price? Positive and on the tick that holds at it."""
        return px > 0 and px % tick_at(px, self.sz_decimals, self.max_decimals) == 0

    def is_tradable_sz(self, px: Px, sz: Sz) -> bool:
        """Does the order of a perp reach the venue's minimum value?"""
        return notional(px, sz) >= MIN_NOTIONAL_USD


def spot_instrument(coin: str, asset: int, sz_decimals: int) -> Instrument:
    """A spot pair: no leverage, prices with up to eight decimals."""
    return Instrument(coin, asset, sz_decimals, 1, max_decimals=SPOT_PX_DECIMALS)


def ms_from_ns(ns: int) -> int:
    """Milliseconds, as the venue counts time; rounds down."""
    return ns // MS
