"""EDGE: the wall clock, read in one place. Everything else is told the time."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from shared.units import Ns

ANCHOR: Final = "HATS_CLOCK_ANCHOR"
"""Environment variable by which the processes of a run share one clock: this boot's id, and UTC minus its counter."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Something that knows what time it is, in UTC nanoseconds."""

    def now(self) -> Ns:
        """UTC nanoseconds since 1970."""
        ...


class WallClock:
    """This machine's UTC clock, never going back within one process.

    Anchored once on the system clock and advanced by the monotonic counter, so a clock step can't reorder a journal;
    `system_offset_ns` tells how far the system clock has moved away since. Within `anchored` every process of the
    machine has the same anchor, so that one which begins anew after a step does not disagree with the others.
    """

    def __init__(self) -> None:
        inherited = _inherited_ns()
        self._anchor_ns = _system_anchor_ns() if inherited is None else inherited

    def now(self) -> Ns:
        """UTC nanoseconds since 1970, monotonic."""
        return Ns(self._anchor_ns + time.monotonic_ns())

    def system_offset_ns(self) -> int:
        """System clock minus this clock."""
        return time.time_ns() - self.now()


@contextlib.contextmanager
def anchored() -> Iterator[None]:
    """Wall clocks made here, and in processes that are started here, count from the system clock as it is now."""
    before = os.environ.get(ANCHOR)
    os.environ[ANCHOR] = f"{_boot_id()} {_system_anchor_ns()}"
    try:
        yield
    finally:
        if before is None:
            del os.environ[ANCHOR]
        else:
            os.environ[ANCHOR] = before


def anchor_variables() -> dict[str, str]:
    """The environment that hands our anchor on; empty if there is none."""
    return {ANCHOR: os.environ[ANCHOR]} if ANCHOR in os.environ else {}


def _system_anchor_ns() -> int:
    return time.time_ns() - time.monotonic_ns()


def _inherited_ns() -> int | None:
    """The anchor that we were given; None if there is none, or if it is another boot's, whose counter is not ours."""
    boot_id, _, anchor_ns = os.environ.get(ANCHOR, "").partition(" ")
    return int(anchor_ns) if boot_id and boot_id == _boot_id() else None


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip()


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
