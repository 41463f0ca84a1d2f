"""What time it is at the exchange, as far as delays of books and round trips of pings can tell."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Final, NamedTuple

from shared.messages.market import VenueClockTold
from shared.units import MS, SECOND, Ns

_REMEMBERED: Final = 256
_ENOUGH: Final = 8
_EVERY: Final = 16
_MOVED_NS: Final = 250 * MS
_TOLD_EVERY_NS: Final = 10 * SECOND


class Offset(NamedTuple):
    """The exchange's clock minus ours, and the shortest round trip that it rests on; 0 while no ping was answered."""

    offset_ns: int
    round_trip_ns: int


class VenueClock:
    """Delays are our time of receipt minus the venue's time on the book; clocks and way are both in there.

    The usual delay is a median over what came lately, sound or not: one book from another hour does not move it, and a
    venue whose clock really jumped is followed within seconds.
    """

    def __init__(self) -> None:
        self._delays: deque[int] = deque(maxlen=_REMEMBERED)
        self._round_trips: deque[int] = deque(maxlen=_REMEMBERED)
        self._usual: int | None = None
        self._count = 0
        self._told: VenueClockTold | None = None

    def delayed(self, delay_ns: int) -> None:
        """A book came with this delay."""
        self._delays.append(delay_ns)
        self._count += 1
        if len(self._delays) >= _ENOUGH and (self._usual is None or self._count % _EVERY == 0):
            self._usual = int(statistics.median_low(self._delays))

    def answered(self, round_trip_ns: int) -> None:
        """A ping was answered."""
        self._round_trips.append(round_trip_ns)

    def lateness_ns(self, delay_ns: int) -> int:
        """How much later (or, negative, earlier) than usual; 0 while nobody knows what is usual."""
        return 0 if self._usual is None else delay_ns - self._usual

    def offset(self) -> Offset | None:
        """By the fastest book and the fastest ping, half of whose time is the way back; None before there is a book.

        A book waits at the venue before it leaves, so the truth is this or a little more; without a ping, more by the
        whole way.
        """
        if not self._delays:
            return None
        round_trip_ns = min(self._round_trips, default=0)
        return Offset(round_trip_ns // 2 - min(self._delays), round_trip_ns)

    def first_told(self, now: Ns) -> list[VenueClockTold]:
        """The offset as soon as it is known; once."""
        return self.told(now) if self._told is None else []

    def told(self, now: Ns) -> list[VenueClockTold]:
        """The offset for those who judge by it: once it is known, when it moved, and every ten seconds."""
        offset, last = self.offset(), self._told
        if offset is None:
            return []
        is_news = last is None or abs(offset.offset_ns - last.offset_ns) >= _MOVED_NS
        if not is_news and last is not None and now - last.ns < _TOLD_EVERY_NS:
            return []
        self._told = VenueClockTold(*offset, now)
        return [self._told]
