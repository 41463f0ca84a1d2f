"""What goes with positions that the backstop takes: the rest of their margin, or a debt that is made good.

The venue takes cross positions and all cross margin, or an isolated position and its margin (fact sheet 5.3). The fills
carry what their prices do; nothing tells the rest as a sum. It is what the margin was worth, which the ledger entry of
the liquidation tells, less what the fills took of it. Who is deleveraged keeps what is left, and is forgiven a debt.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from shared.messages.account import AccountLiquidated
from shared.messages.order import Fill
from shared.units import Px, truncate_ratio

KEPT: Final = 256
"""Newest fills and entries that wait for each other. Those of the other side of a deleveraging wait for nothing."""
DELEVERAGED: Final = "Auto-Deleveraging"
"""The venue's word for a fill of somebody who is deleveraged; its `method` says backstop, too."""


class Taken(msgspec.Struct, array_like=True):
    """Signed lots that a fill took, their value at the mark, and what its price left of that (< 0: added)."""

    exch_ns: int
    coin: str
    net_sz: int
    notional_usd: int
    lost_usd: int
    is_deleveraged: bool


class Part(NamedTuple):
    """Micro-USDC that went with one coin at the venue's time; < 0 came."""

    exch_ns: int
    coin: str
    usd: int


class Handovers(msgspec.Struct):
    """Fills past the book and the entries that belong to them, until both are here."""

    taken: list[Taken] = []
    told: list[AccountLiquidated] = []

    def take(self, fill: Fill, mark_px: Px) -> None:
        """A fill past the book."""
        net_sz = -fill.side.value * fill.sz
        lost_usd = net_sz * (mark_px - fill.px)
        is_deleveraged = fill.direction == DELEVERAGED
        self.taken.append(Taken(fill.exch_ns, fill.coin, net_sz, fill.sz * mark_px, lost_usd, is_deleveraged))
        del self.taken[:-KEPT]

    def hear(self, told: AccountLiquidated) -> None:
        """The entry of a liquidation, by the book or past it."""
        self.told.append(told)
        del self.told[:-KEPT]

    def settle(self) -> list[Part]:
        """What went with the positions of each entry whose fills are all here, by their value; each is told once."""
        parts = []
        for told in list(self.told):
            taken = [one for one in self.taken if one.exch_ns == told.exch_ns and one.coin in dict(told.positions)]
            if taken and _nets(taken) == dict(told.positions):
                self.told.remove(told)
                self.taken = [one for one in self.taken if one not in taken]
                parts += _parts(told, taken)
        return parts


def _nets(taken: list[Taken]) -> dict[str, int]:
    nets: dict[str, int] = {}
    for one in taken:
        nets[one.coin] = nets.get(one.coin, 0) + one.net_sz
    return nets


def _parts(told: AccountLiquidated, taken: list[Taken]) -> list[Part]:
    """The last takes what rounding left."""
    rest = told.value_usd - sum(one.lost_usd for one in taken)
    went = min(rest, 0) if taken[0].is_deleveraged else rest
    total = sum(one.notional_usd for one in taken)
    parts = [Part(one.exch_ns, one.coin, truncate_ratio(went * one.notional_usd, total)) for one in taken]
    odd = went - sum(part.usd for part in parts)
    parts[-1] = parts[-1]._replace(usd=parts[-1].usd + odd)
    return [part for part in parts if part.usd]
