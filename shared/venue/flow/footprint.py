"""Our impact on a recorded book: what users took from it, and for how long the recording does without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from shared.units import Px, Sz
from shared.venue.core.events import OrderView
from shared.venue.flow.mirror import Levels, expressible


class Impact(StrEnum):
    """How long volume that users took stays away.

    `none`: until the next recorded book. `transient`: until the recording changes the size of that level.
    `permanent`: until the recording leaves that level.
    """

    NONE = "none"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


class _Debt(msgspec.Struct):
    """Lots that users took from one level, and its recorded size then."""

    lots: int
    recorded_sz: int


class Footprint:
    """What users took from one coin's recorded book. A level is (is_bid, price)."""

    def __init__(self, impact: Impact) -> None:
        self._impact = impact
        self._shown: dict[tuple[bool, Px], int] = {}
        self._debts: dict[tuple[bool, Px], _Debt] = {}

    @property
    def is_blind(self) -> bool:
        """Does nothing that users take matter?"""
        return self._impact is Impact.NONE

    def forget(self) -> None:
        """Know of nothing."""
        self._shown.clear()
        self._debts.clear()

    def show(self, bids: dict[Px, int], asks: dict[Px, int]) -> None:
        """The house now shows these levels."""
        self._shown = {(True, px): sz for px, sz in bids.items()} | {(False, px): sz for px, sz in asks.items()}

    def change(self, is_bid: bool, px: Px, lots: int) -> None:
        """The recording itself showed more (or, negative, traded) at a level."""
        self._shown[is_bid, px] = self._shown.get((is_bid, px), 0) + lots

    def notice(self, resting: Iterable[OrderView], recorded_sz: Callable[[bool, Px], int]) -> None:
        """Whatever is missing from what the house showed was taken by users."""
        left = dict(self._shown)
        for order in resting:
            level = (order.is_buy, order.px)
            left[level] = left.get(level, 0) - order.sz
        for level, lots in left.items():
            if lots > 0:
                debt = self._debts.setdefault(level, _Debt(0, 0))
                debt.lots, debt.recorded_sz = debt.lots + lots, recorded_sz(*level)

    def reduce(self, bids: Levels, asks: Levels, recorded_sz: Callable[[bool, Px], int]) -> tuple[Levels, Levels]:
        """The recorded levels without what users took; debts that the recording has replaced are forgotten."""
        for level, debt in list(self._debts.items()):
            now = recorded_sz(*level)
            if not now or (self._impact is Impact.TRANSIENT and now != debt.recorded_sz):
                del self._debts[level]
        return self._less(True, bids), self._less(False, asks)

    def _less(self, is_bid: bool, levels: Levels) -> Levels:
        if not self._debts:
            return levels
        debts = self._debts
        left = [(px, Sz(sz - debts[is_bid, px].lots if (is_bid, px) in debts else sz)) for px, sz in levels.items()]
        return expressible(left)
