"""The arithmetic of the tick-to-wire benchmark: from a run's journal to percentiles, from two runs to a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from orchestrator.scoring import nearest_rank
from shared.codec import decode
from shared.journal import JournalReader
from shared.messages.control import Armed
from shared.messages.market import BookUpdate
from shared.messages.order import ActionSent
from shared.units import SECOND, US

RATIO_MIN: Final = 5.0
"""The desk's p50 must be lower than plain Ray's by at least this factor, at every rate."""
SAMPLES_MIN: Final = 20
"""Fewer orders on the wire than this prove nothing."""


class Window(NamedTuple):
    """What one run gave between `from_ns` and `to_ns`: each order's way (us) and the books received."""

    samples_us: tuple[float, ...]
    books: int
    duration_s: float


class Figures(NamedTuple):
    """Tick-to-wire of one way at one rate, over all its runs. None where there is no sample."""

    p50_us: float | None
    p99_us: float | None
    n: int
    books_per_s: float


class Comparison(NamedTuple):
    """Both ways at one rate."""

    rate: int
    desk: Figures
    plain_ray: Figures

    @property
    def ratio(self) -> float | None:
        """How many times plain Ray's p50 is the desk's; None if either has too few samples to tell."""
        if min(self.desk.n, self.plain_ray.n) < SAMPLES_MIN or not self.desk.p50_us or self.plain_ray.p50_us is None:
            return None
        return self.plain_ray.p50_us / self.desk.p50_us

    @property
    def is_met(self) -> bool:
        """Is the ratio known and large enough?"""
        return self.ratio is not None and self.ratio >= RATIO_MIN


def armed_ns(reader: JournalReader) -> int | None:
    """When the desk was first armed; None if it never was."""
    first = next(reader.messages(kind=Armed.__name__), None)
    return None if first is None else first.ts


def window_of(reader: JournalReader, from_ns: int, to_ns: int) -> Window:
    """Every order whose bytes left in that time with a book at its root, and the books sequenced then."""
    samples = []
    for entry in reader.messages(kind=ActionSent.__name__):
        sent = decode(entry.body)
        assert isinstance(sent, ActionSent)
        if entry.origin_ns and from_ns <= sent.sent_ns < to_ns:
            samples.append((sent.sent_ns - entry.origin_ns) / US)
    books = sum(from_ns <= entry.ts < to_ns for entry in reader.messages(kind=BookUpdate.__name__))
    return Window(tuple(samples), books, (to_ns - from_ns) / SECOND)


def figures_of(windows: Iterable[Window]) -> Figures:
    """The percentiles (nearest rank) of all samples together, and the mean rate of books."""
    windows = tuple(windows)
    samples = [sample for window in windows for sample in window.samples_us]
    duration_s = math.fsum(window.duration_s for window in windows)
    books_per_s = sum(window.books for window in windows) / duration_s if duration_s else 0.0
    if not samples:
        return Figures(None, None, 0, books_per_s)
    return Figures(nearest_rank(samples, 0.50), nearest_rank(samples, 0.99), len(samples), books_per_s)


def verdict(comparisons: Sequence[Comparison]) -> int:
    """The exit code: 0 if there is a comparison and each meets the ratio, 1 otherwise."""
    return 0 if comparisons and all(comparison.is_met for comparison in comparisons) else 1


def as_object(comparisons: Sequence[Comparison], load: Sequence[float]) -> dict[str, Any]:
    """All figures as one JSON object; `load` is the machine's 1-minute load average before each run."""
    return {
        "ratio_min": RATIO_MIN,
        "is_met": verdict(comparisons) == 0,
        "load_average": list(load),
        "rates": [
            {
                "events_per_s": comparison.rate,
                "desk": comparison.desk._asdict(),
                "plain_ray": comparison.plain_ray._asdict(),
                "p50_ratio": comparison.ratio,
                "is_met": comparison.is_met,
            }
            for comparison in comparisons
        ],
    }


def as_lines(comparisons: Sequence[Comparison], load: Sequence[float]) -> list[str]:
    """All figures in words, one way a line."""
    lines = []
    for comparison in comparisons:
        for name, figures in (("desk (bus)", comparison.desk), ("plain Ray", comparison.plain_ray)):
            shown = f"p50 {_us(figures.p50_us)}  p99 {_us(figures.p99_us)}  n {figures.n:5d}"
            lines.append(f"{comparison.rate:5d} events/s  {name:10s}  {shown}  ({figures.books_per_s:.0f} books/s)")
        ratio = "unknown: too few samples" if comparison.ratio is None else f"{comparison.ratio:.1f}x"
        met = "met" if comparison.is_met else "MISSED"
        lines.append(f"{comparison.rate:5d} events/s  p50 lower by {ratio} (at least {RATIO_MIN:.0f}x: {met})")
    lines.append(f"load average before each run: {', '.join(f'{value:.1f}' for value in load)}")
    return lines


def _us(value: float | None) -> str:
    return "unknown   " if value is None else f"{value:8.0f} us"
