"""Whether memory is flat after minutes of real load: what it grew by, how fast, and a verdict in one word.

`tests.bench.memory` asks the same of a day of virtual time, whose first quarter is for filling up.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import msgspec

BIN_S: Final = 10.0
"""Looks within so many seconds are one point, their median."""
BINS_MIN: Final = 12
"""Fewer points say nothing."""
FLAT, GROWS, UNDECIDED = "flat", "grows", "undecided"


class Flatness(msgspec.Struct, frozen=True):
    """`mb_per_hour` is the median of the slopes between any two points, `rise_mb` the last point less the first.

    A buffer that once was fuller than ever is a step, which the median passes over; growth that goes on is in every
    slope. Both are None where there were too few points.
    """

    verdict: str
    watched_s: float
    mb_per_hour: float | None
    mb_per_hour_max: float
    rise_mb: float | None
    rise_mb_max: float


def binned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """One point for each BIN_S: its middle, and the median of what was seen in it."""
    bins: dict[int, list[float]] = {}
    for at_s, value in points:
        bins.setdefault(int(at_s // BIN_S), []).append(value)
    return [((number + 0.5) * BIN_S, statistics.median(values)) for number, values in sorted(bins.items())]


def flatness(points: Sequence[tuple[float, float]], mb_per_hour_max: float, rise_mb_max: float) -> Flatness:
    """The verdict on points (s, MB): "grows" if either limit is passed, "undecided" if there are too few."""
    bins = binned(points)
    watched_s = round(points[-1][0] - points[0][0], 1) if points else 0.0
    if len(bins) < BINS_MIN:
        return Flatness(UNDECIDED, watched_s, None, mb_per_hour_max, None, rise_mb_max)
    per_hour = statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(bins, 2)) * 3_600
    rise = bins[-1][1] - bins[0][1]
    verdict = FLAT if per_hour <= mb_per_hour_max and rise <= rise_mb_max else GROWS
    return Flatness(verdict, watched_s, round(per_hour, 2), mb_per_hour_max, round(rise, 2), rise_mb_max)
