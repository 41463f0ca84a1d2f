"""The median."""

from __future__ import annotations

from shared.rules.median import median_px


def test_middle_of_odd_and_even() -> None:
    """The middle one, or the mean of the middle two rounded down, whatever the order."""
    assert median_px([9, 1, 5]) == 5
    assert median_px([4, 1]) == 2
    assert median_px([7]) == 7
