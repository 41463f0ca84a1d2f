"""Ranges are sets of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.warehouse.capture.ranges import Ranges

PAIRS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)).map(lambda p: (p[0], p[0] + p[1])), max_size=20)


@settings(max_examples=150)
@given(PAIRS)
def test_ranges_are_sets(pairs: list[tuple[int, int]]) -> None:
    """Whatever is added in whatever order, size, repetitions, holes and the largest are those of a set."""
    ranges, model = Ranges(), set[int]()
    for first, last in pairs:
        added = set(range(first, last + 1))
        assert ranges.add(first, last) == len(added & model)
        model |= added
    assert len(ranges) == len(model)
    assert ranges.last == max(model, default=0)
    assert {n for first, last in ranges for n in range(first, last + 1)} == model
    holes = {n for first, last in ranges.missing(5, 50) for n in range(first, last + 1)}
    assert holes == set(range(5, 51)) - model
    kept = list(ranges)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(kept))
