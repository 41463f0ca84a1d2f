"""A position and what a fill does to it, in exact integers."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.order import Side
from shared.units import Px, Sz, Usd, truncate_ratio

_BUY: Final = Side.BUY
"""Bound once, because finding a member in its enum, or its value, takes longer than the sum."""


class Position(msgspec.Struct, gc=False):
    """What is held of one coin. `net_sz` is signed lots; `cost_usd` is what they cost (a short: negative)."""

    net_sz: int = 0
    cost_usd: int = 0

    def apply(self, side: Side, px: Px, sz: Sz) -> Usd:
        """Take a fill in; the result is the PnL it realised, fees not included.

        Closing releases the cost pro rata, truncated toward zero; the rest stays with what is left, so that realised
        plus remaining cost is exact whatever the order of fills.
        """
        net, signed = self.net_sz, sz if side is _BUY else -sz
        self.net_sz = net + signed
        if net * signed >= 0:
            self.cost_usd += signed * px
            return Usd(0)
        closing = signed if abs(signed) <= abs(net) else -net
        released = truncate_ratio(self.cost_usd * abs(closing), abs(net))
        self.cost_usd += (signed - closing) * px - released
        return Usd(-closing * px - released)

    def unrealised_usd(self, mark_px: Px) -> Usd:
        """PnL if all were closed at `mark_px`, fees not included."""
        return Usd(self.net_sz * mark_px - self.cost_usd)

    def entry_px(self) -> float:
        """Average entry in price units, for people; 0.0 when flat."""
        return self.cost_usd / self.net_sz if self.net_sz else 0.0
