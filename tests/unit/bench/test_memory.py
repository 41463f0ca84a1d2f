"""When memory counts as flat."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bench.memory import Memory, slope


def _verdict(mb_at: Callable[[float], float], hours: float = 24.0) -> str:
    memory = Memory()
    for minute in range(1, int(hours * 60) + 1):
        memory.note(minute / 60, mb_at(minute / 60))
    return str(memory.figures(hours)["memory"])


def test_what_fills_early_and_then_stays_is_flat() -> None:
    """Growth within the first quarter is no leak, and a peak of an hour is none either."""
    assert _verdict(lambda hour: 40.0 + 10.0 * min(hour, 6.0)) == "flat"
    assert _verdict(lambda hour: 150.0 if 20.0 < hour < 21.0 else 100.0) == "flat"


def test_a_slow_leak_is_growth() -> None:
    """0.5 MB an hour on 90 MB is found; the same within the tolerance is not."""
    assert _verdict(lambda hour: 90.0 + 0.5 * hour) == "growing"
    assert _verdict(lambda hour: 90.0 + 0.1 * hour) == "flat"


def test_a_short_run_says_nothing() -> None:
    """Not even when it grows fast."""
    assert _verdict(lambda hour: 50.0 + 10.0 * hour, 2.0) == "too short"


def test_a_slope_is_least_squares() -> None:
    """A line's slope is found; a single point has none."""
    assert slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) == pytest.approx(2.0)
    assert slope([(1.0, 1.0)]) == 0.0
