"""When memory under real load counts as flat."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.flatness import FLAT, GROWS, UNDECIDED, Flatness, flatness


def _judged(mb_at: Callable[[int], float], seconds: int = 300) -> Flatness:
    return flatness([(float(second), mb_at(second)) for second in range(seconds)], 16.0, 8.0)


def test_a_step_is_no_growth_and_a_large_one_is() -> None:
    """A buffer fuller than ever adds its size once; more than the limit is too much however it came."""
    assert _judged(lambda second: 134.0 + 2.0 * (second > 120)).verdict == FLAT
    assert _judged(lambda second: 134.0 + 9.0 * (second > 250)).verdict == GROWS


def test_growth_that_goes_on_is_found_whether_smooth_or_in_arenas() -> None:
    """20 MB an hour is above the limit, 10 below; arenas of 1 MB make steps of it."""
    assert _judged(lambda second: 134.0 + 20.0 * second / 3_600).verdict == GROWS
    assert _judged(lambda second: 134.0 + 10.0 * second / 3_600).verdict == FLAT
    stairs = _judged(lambda second: 134.0 + second // 60)
    assert stairs.verdict == GROWS
    assert stairs.mb_per_hour is not None
    assert 40 < stairs.mb_per_hour < 80


def test_a_few_seconds_say_nothing() -> None:
    """Fewer than twelve points of ten seconds are no verdict."""
    assert _judged(lambda second: 134.0 + second, 100).verdict == UNDECIDED
    assert flatness([], 16.0, 8.0).verdict == UNDECIDED
