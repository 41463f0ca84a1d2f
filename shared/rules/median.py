"""The median of a few prices, as the venue's indices use it."""

from __future__ import annotations

from collections.abc import Sequence


def median_px(values: Sequence[int]) -> int:
    """Middle value; the mean of the middle two, rounded down, if their number is even."""
    ranked = sorted(values)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) // 2
