"""Sets of whole numbers as ranges, cheap when they come in order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator


class Ranges:
    """A set of numbers kept as disjoint, sorted, non-touching ranges."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def add(self, first: int, last: int) -> int:
        """Take in first..last; the result is how many of them were in already."""
        assert first <= last, f"expected a range, got {first}..{last}"
        if not self._lasts or first > self._lasts[-1] + 1:
            self._firsts.append(first)
            self._lasts.append(last)
            return 0
        if first == self._lasts[-1] + 1:
            self._lasts[-1] = last
            return 0
        return self._insert(first, last)

    def _insert(self, first: int, last: int) -> int:
        low = bisect_left(self._lasts, first - 1)
        high, known = low, 0
        start, end = first, last
        while high < len(self._firsts) and self._firsts[high] <= last + 1:
            known += max(0, min(last, self._lasts[high]) - max(first, self._firsts[high]) + 1)
            start, end = min(start, self._firsts[high]), max(end, self._lasts[high])
            high += 1
        self._firsts[low:high] = [start]
        self._lasts[low:high] = [end]
        return known

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of first..last that are not in."""
        holes, at = [], first
        for start, end in self:
            if at > last:
                break
            if start > at:
                holes.append((at, min(start - 1, last)))
            at = max(at, end + 1)
        if at <= last:
            holes.append((at, last))
        return holes

    @property
    def last(self) -> int:
        """The largest number in; 0 if none is."""
        return self._lasts[-1] if self._lasts else 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        """How many numbers are in."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)
