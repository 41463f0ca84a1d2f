"""Two exponential averages of the mid, fed at fixed intervals whatever the rhythm of the feed."""

from __future__ import annotations

import math

import msgspec

from shared.units import MS, SECOND


class Averages(msgspec.Struct):
    """`slot` numbers the running interval (time over interval, -1: none yet); `mid` is the newest mid in it."""

    slot: int = -1
    mid: float = 0.0
    fast: float = 0.0
    slow: float = 0.0
    samples: int = 0

    def take(self, ns: int, mid: float, sample_ms: int, fast_s: float, slow_s: float) -> None:
        """See a mid. Each interval that has ended counts its last mid once; a silent one repeats the mid before it."""
        slot = ns // (sample_ms * MS)
        ended = slot - self.slot if self.slot >= 0 else 0
        if ended > 0:
            self._sample(ended, ended * sample_ms * MS / SECOND, fast_s, slow_s)
        if ended >= 0:
            self.slot, self.mid = max(slot, self.slot), mid

    def are_grown(self, sample_ms: int, slow_s: float) -> bool:
        """Has a whole slow time constant been seen?"""
        return self.samples * sample_ms * MS >= slow_s * SECOND

    def _sample(self, count: int, span_s: float, fast_s: float, slow_s: float) -> None:
        if not self.samples:
            self.fast = self.slow = self.mid
        self.fast += (1.0 - math.exp(-span_s / fast_s)) * (self.mid - self.fast)
        self.slow += (1.0 - math.exp(-span_s / slow_s)) * (self.mid - self.slow)
        self.samples += count
