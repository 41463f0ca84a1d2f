"""How long frames took from the socket to the disk: counts in steps of a quarter of a millisecond, memory bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

STEP_NS: Final = 250_000
STEPS_MAX: Final = 40_000
"""Ten seconds; all beyond counts as that, and `max_ns` says how far it went."""


class Lags:
    """A histogram of lags. A quantile is the upper end of its step, so it never flatters."""

    def __init__(self) -> None:
        self.n = 0
        self.max_ns = 0
        self._counts: Counter[int] = Counter()

    def add(self, lags_ns: Iterable[int]) -> None:
        """Count these; a negative one (a clock of another machine) counts as 0."""
        lags = [max(lag, 0) for lag in lags_ns]
        if lags:
            self.n += len(lags)
            self.max_ns = max(self.max_ns, *lags)
            self._counts.update([min(lag // STEP_NS, STEPS_MAX) for lag in lags])

    def quantile_ms(self, q: float) -> float | None:
        """The lag that a share `q` of all frames did not exceed, in ms; None without a frame."""
        if not self.n:
            return None
        wanted, seen = q * self.n, 0
        for step in sorted(self._counts):
            seen += self._counts[step]
            if seen >= wanted:
                return (step + 1) * STEP_NS / 1e6 if step < STEPS_MAX else self.max_ns / 1e6
        return self.max_ns / 1e6
