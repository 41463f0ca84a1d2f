"""A recording that nobody recorded: whole books and trades of one coin that wanders, the same for a seed each time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Final

from shared.instrument import Instrument
from shared.units import SECOND
from shared.venue.core.listing import Listing, list_perp
from shared.venue.flow.recording import BookKind, BookRecord, Record, TradeRecord

NAME: Final = "REC"
SPAN_S: Final = 600
BOOK_NS: Final = SECOND
LEVELS: Final = 8
_E8: Final = 10**8
_START_PX: Final = 20.0
_STEP: Final = 0.0004
_TICK: Final = 0.001


def recorded_listing(asset: int) -> Listing:
    """The coin as the exchange lists it."""
    return list_perp(Instrument(NAME, asset, 1, 10))


def recording(seed: int) -> Iterator[Record]:
    """Ten minutes: a book each second, and a trade in every second one of them; the last price is the first again."""
    chance, at_ns, drift = Random(f"{seed}/recording"), 0, 0.0
    for _ in range(SPAN_S):
        at_ns += BOOK_NS
        drift += chance.gauss(0.0, _STEP) - drift / SPAN_S
        mid = _START_PX * math.exp(drift)
        if chance.random() < 0.5:
            is_buy = chance.random() < 0.5
            px = _level(mid, is_buy, 1)
            yield TradeRecord(NAME, is_buy, px, _sz(chance), at_ns - 1, at_ns - 1)
        bids, asks = (
            tuple((_level(mid, is_ask, level), _sz(chance)) for level in range(1, LEVELS + 1))
            for is_ask in (False, True)
        )
        yield BookRecord(NAME, BookKind.WHOLE, bids, asks, 0, 0, at_ns, at_ns)


def _level(mid: float, is_above: bool, level: int) -> int:
    """A price x 10^8, so many ticks from the middle."""
    ticks = round(mid / _TICK) + (level if is_above else -level)
    return round(ticks * _TICK * _E8)


def _sz(chance: Random) -> int:
    """A size x 10^8, in tenths."""
    return chance.randint(20, 4_000) * _E8 // 10
