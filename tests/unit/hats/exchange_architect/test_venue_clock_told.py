"""When the offset of the venue's clock is told: once it is known, when it moved, and every ten seconds."""

from __future__ import annotations

from hats.exchange_architect.venue_clock import VenueClock
from shared.units import HOUR, MS, SECOND, Ns


def test_told_when_it_is_news() -> None:
    """Nothing before there is a book; then at once; again when it moved by a quarter of a second, or is old."""
    clock = VenueClock()
    assert clock.told(Ns(0)) == clock.first_told(Ns(0)) == []
    clock.delayed(40 * MS)
    (first,) = clock.first_told(Ns(SECOND))
    assert (first.offset_ns, first.round_trip_ns, first.ns) == (-40 * MS, 0, SECOND)
    assert clock.first_told(Ns(SECOND)) == []
    clock.answered(20 * MS)
    assert clock.told(Ns(SECOND)) == []
    clock.delayed(39 * MS)
    assert clock.told(Ns(2 * SECOND)) == []
    clock.delayed(40 * MS - HOUR)
    (moved,) = clock.told(Ns(3 * SECOND))
    assert moved.offset_ns == HOUR - 30 * MS
    assert clock.told(Ns(12 * SECOND)) == []
    assert len(clock.told(Ns(13 * SECOND))) == 1
