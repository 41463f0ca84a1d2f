"""EDGE: the wall clock, read in one place. Everything else is told the time."""

from __future__ import annotations

import time
from typing import Protocol

from shared.units import Ns


class Clock(Protocol):
    """Something that knows what time it is, in UTC nanoseconds."""

    def now(self) -> Ns:
        """UTC nanoseconds since 1970."""
        ...


class WallClock:
    """This machine's UTC clock, never going back within one process.

    Anchored once on the system clock and advanced by the monotonic counter, so a clock step can't reorder a journal;
    `system_offset_ns` tells how far the system clock has moved away since.
    """

    def __init__(self) -> None:
        self._anchor_ns = time.time_ns() - time.monotonic_ns()

    def now(self) -> Ns:
        """UTC nanoseconds since 1970, monotonic."""
        return Ns(self._anchor_ns + time.monotonic_ns())

    def system_offset_ns(self) -> int:
        """System clock minus this clock."""
        return time.time_ns() - self.now()


class ScaledClock:
    """A clock that began at another's time and runs `speed` times as fast; never going back if the other does not."""

    def __init__(self, clock: Clock, speed: float) -> None:
        assert speed > 0, f"time can't run {speed} times as fast"
        self.speed = speed
        self._clock = clock
        self._start_ns = clock.now()

    def now(self) -> Ns:
        """The scaled time; it leaves UTC behind as soon as it starts."""
        return Ns(self._start_ns + int((self._clock.now() - self._start_ns) * self.speed))


class VirtualClock:
    """A clock that its owner sets; the stage's."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now = Ns(start_ns)

    def now(self) -> Ns:
        """The time it was last set to."""
        return self._now

    def advance_to(self, ns: int) -> None:
        """Move forward to `ns`; time never goes back."""
        assert ns >= self._now, f"virtual time would go back from {self._now} to {ns}"
        self._now = Ns(ns)
