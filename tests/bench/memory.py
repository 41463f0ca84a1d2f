"""Memory over a long run: its figures, and whether it is flat."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

SETTLES_HOURS: Final = 12.0
"""A run shorter than this says nothing: what is kept of users may not have filled by the end of its first quarter."""
TOLERANCE: Final = 0.03
"""By how much the last quarter's median may exceed the second quarter's."""


class Memory:
    """Samples of (hour, MB), 16 bytes each, so that keeping them does not show."""

    def __init__(self) -> None:
        self._hours = array("d")
        self._mb = array("d")

    def note(self, hour: float, mb: float) -> None:
        """One sample; hours never go back."""
        self._hours.append(hour)
        self._mb.append(mb)

    @property
    def last_mb(self) -> float:
        """The latest sample."""
        return self._mb[-1]

    def figures(self, hours: float) -> dict[str, Any]:
        """First and last sample, the medians of the second and last quarter of a run of `hours`, and the verdict.

        "flat": the last quarter's median is at most 3 % above the second quarter's. "growing": it is more.
        "too short": fewer hours than things need to fill. The slope is that of the second half.
        """
        second, last = (median(self._between(hours * low, hours * high)) for low, high in ((0.25, 0.5), (0.75, 1.0)))
        late = [(hour, mb) for hour, mb in zip(self._hours, self._mb, strict=True) if hour >= hours / 2]
        is_flat = last <= second * (1.0 + TOLERANCE)
        return {
            "rss_mb_first": round(self._mb[0], 1),
            "rss_mb_second_quarter": round(second, 1),
            "rss_mb_last_quarter": round(last, 1),
            "rss_mb_last": round(self.last_mb, 1),
            "rss_mb_per_hour_late": round(slope(late), 3),
            "memory": "too short" if hours < SETTLES_HOURS else "flat" if is_flat else "growing",
        }

    def _between(self, low: float, high: float) -> list[float]:
        """Samples of (low, high]; the last one there is if none is so late."""
        return [mb for hour, mb in zip(self._hours, self._mb, strict=True) if low < hour <= high] or [self.last_mb]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope; 0.0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
