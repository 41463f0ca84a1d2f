"""Books seen coarsely: levels put together in buckets of so many significant figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import msgspec

from shared.book import Level
from shared.units import Px, Sz

_FIGURES: Final = (2, 3, 4, 5)
_MANTISSAS: Final = (2, 5)
_FINEST: Final = 5


class Grain(msgspec.Struct, frozen=True):
    """How coarsely a book is asked for: significant figures, and multiples of the last one when there are five."""

    n_sig_figs: int | None = None
    mantissa: int | None = None

    @property
    def is_served(self) -> bool:
        """Does the venue answer to it? It fails on 1 and 6 figures, and on mantissas 1 and 3 (measured)."""
        if self.n_sig_figs is not None and self.n_sig_figs not in _FIGURES:
            return False
        return self.mantissa is None or (self.n_sig_figs == _FINEST and self.mantissa in _MANTISSAS)

    @property
    def is_whole(self) -> bool:
        """Is every level shown as it is?"""
        return self.n_sig_figs is None

    def width(self, px: int) -> int:
        """The bucket around a price, in price units. Source: fact sheet 1.2."""
        digits = len(str(px)) - (self.n_sig_figs or _FINEST)
        return (self.mantissa or 1) * 10**digits if digits >= 0 else 1

    def floor(self, px: int) -> int:
        """The bucket's lower end, where bids are shown."""
        width = self.width(px)
        return px // width * width

    def ceil(self, px: int) -> int:
        """The bucket's upper end, where asks are shown."""
        width = self.width(px)
        return -(-px // width) * width


WHOLE: Final = Grain()


def coarse(levels: Iterable[Level], grain: Grain, is_bid: bool) -> Iterator[Level]:
    """Levels of one side, best first, put together; bids are floored and asks ceiled."""
    edge = grain.floor if is_bid else grain.ceil
    for px, bucket in groupby(levels, key=lambda level: edge(level.px)):
        parts = list(bucket)
        yield Level(Px(px), Sz(sum(part.sz for part in parts)), sum(part.n for part in parts))
