"""A scaled clock starts with the other one and runs as much faster as it says."""

from __future__ import annotations

from shared.clock import ScaledClock, VirtualClock
from shared.units import SECOND


def test_a_scaled_clock_runs_faster_from_the_same_start() -> None:
    """A second of the other is sixty of its own."""
    other = VirtualClock(1_700_000_000 * SECOND)
    scaled = ScaledClock(other, 60.0)
    assert scaled.now() == other.now()
    other.advance_to(other.now() + SECOND)
    assert scaled.now() == 1_700_000_000 * SECOND + 60 * SECOND


def test_speed_one_is_the_same_clock() -> None:
    """Nothing is lost to rounding within the years that matter."""
    other = VirtualClock(0)
    scaled = ScaledClock(other, 1.0)
    other.advance_to(90 * 86_400 * SECOND + 1_000)
    assert scaled.now() == other.now()
