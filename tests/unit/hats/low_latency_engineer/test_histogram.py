"""The histogram keeps its stated error, merges exactly and stays small."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from hats.low_latency_engineer.histogram import (
    LARGEST_NS,
    MOST_BUCKETS,
    RELATIVE_ERROR,
    Histogram,
    Window,
    bucket_of,
    merged,
    value_of,
)

values = st.integers(0, LARGEST_NS)


def histogram_of(samples: list[int]) -> Histogram:
    """All samples counted."""
    histogram = Histogram()
    for sample in samples:
        histogram.add(sample)
    return histogram


@given(values)
def test_a_value_is_found_again_within_the_stated_error(value: int) -> None:
    """The middle of a value's bucket is at most 1/64 away, and the bucket is one of a fixed number."""
    assert abs(value_of(bucket_of(value)) - value) <= RELATIVE_ERROR * value
    assert 0 <= bucket_of(value) < MOST_BUCKETS
    assert bucket_of(value_of(bucket_of(value))) == bucket_of(value)


@given(values, values)
def test_buckets_keep_the_order(a: int, b: int) -> None:
    """A larger value never falls into an earlier bucket."""
    assert (bucket_of(a) <= bucket_of(b)) or a > b


@settings(max_examples=60)
@given(st.lists(values, min_size=1, max_size=200), st.sampled_from((0.01, 0.5, 0.9, 0.99, 1.0)))
def test_a_percentile_is_right_within_the_stated_error(samples: list[int], share: float) -> None:
    """Compared with the sorted list by the nearest-rank rule."""
    exact = sorted(samples)[max(math.ceil(share * len(samples)) - 1, 0)]
    assert abs(histogram_of(samples).percentile(share) - exact) <= RELATIVE_ERROR * exact


@settings(max_examples=50)
@given(st.lists(values, max_size=50), st.lists(values, max_size=50))
def test_merging_equals_counting_together(a: list[int], b: list[int]) -> None:
    """Nothing is lost or gained by merging."""
    assert merged((histogram_of(a), histogram_of(b))) == histogram_of(a + b)


def test_the_window_forgets_what_is_old() -> None:
    """A slow value counts for exactly as many turns as the window has."""
    window = Window(3)
    window.add(10**9)
    for turn in range(5):
        assert window.whole().n == (1 if turn < 3 else 0)
        window.turn()


def test_values_outside_the_range_count_at_its_ends() -> None:
    """A clock step back is 0 and an hour is the largest value."""
    assert bucket_of(-5) == 0
    assert bucket_of(3_600 * 10**9) == bucket_of(LARGEST_NS)
