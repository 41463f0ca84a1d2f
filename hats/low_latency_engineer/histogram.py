"""Latencies in fixed memory: a log-bucketed histogram with a stated error, exact merge and a sliding window.

Up to 32 ns every value has its own bucket; above, each doubling is cut into 32 equal buckets and a bucket answers with
its middle, so a percentile is off by at most 1/64 of itself (1.6 %). Source: the idea of Tene's HdrHistogram.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

import msgspec

SUB_BITS: Final = 5
SUB_BUCKETS: Final = 1 << SUB_BITS
LARGEST_NS: Final = (1 << 40) - 1
"""About 18 minutes; longer counts as this long."""
RELATIVE_ERROR: Final = 1 / (2 * SUB_BUCKETS)
MOST_BUCKETS: Final = (40 - SUB_BITS + 1) * SUB_BUCKETS


def bucket_of(value_ns: int) -> int:
    """Index of the bucket that holds the value; negative values (clock steps) count as 0."""
    value = min(max(value_ns, 0), LARGEST_NS)
    exponent = value.bit_length() - 1 - SUB_BITS
    return value if exponent < 0 else exponent * SUB_BUCKETS + (value >> exponent)


def value_of(bucket: int) -> int:
    """The value in ns that stands for the bucket: its middle."""
    if bucket < 2 * SUB_BUCKETS:
        return bucket
    exponent = bucket // SUB_BUCKETS - 1
    return ((SUB_BUCKETS + bucket % SUB_BUCKETS) << exponent) + ((1 << exponent) >> 1)


class Histogram(msgspec.Struct):
    """How many values fell into each bucket: `buckets` ascending, `counts` beside them, at most `MOST_BUCKETS`."""

    buckets: list[int] = []
    counts: list[int] = []
    n: int = 0

    def add(self, value_ns: int) -> None:
        """Count one value."""
        self.add_many(bucket_of(value_ns), 1)

    def add_many(self, bucket: int, count: int) -> None:
        """Count `count` values of one bucket."""
        at = bisect_left(self.buckets, bucket)
        if at == len(self.buckets) or self.buckets[at] != bucket:
            self.buckets.insert(at, bucket)
            self.counts.insert(at, 0)
        self.counts[at] += count
        self.n += count

    def percentile(self, share: float) -> int:
        """The smallest value in ns that at least `share` of all values do not exceed, within the stated error.

        Asserts that there is a value.
        """
        assert self.n, "a percentile of nothing"
        return value_of(self.buckets[bisect_left(list(accumulate(self.counts)), min(share, 1.0) * self.n)])


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """The histogram of all their values together, exactly."""
    total = Histogram()
    for histogram in histograms:
        for bucket, count in zip(histogram.buckets, histogram.counts, strict=True):
            total.add_many(bucket, count)
    return total


class Window(msgspec.Struct):
    """The values of the last `slots` turns: what is older is forgotten a whole turn at a time."""

    slots: int
    turns: list[Histogram] = msgspec.field(default_factory=lambda: [Histogram()])

    def add(self, value_ns: int) -> None:
        """Count a value in the running turn."""
        self.turns[-1].add(value_ns)

    def turn(self) -> None:
        """Begin a new turn and forget the one that left the window."""
        self.turns.append(Histogram())
        del self.turns[: -self.slots]

    def whole(self) -> Histogram:
        """All values of the window."""
        return merged(self.turns)
