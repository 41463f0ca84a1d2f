"""When to connect again: pauses that double, with jitter, and never more than so many new connections a minute."""

from __future__ import annotations

import random
from collections import deque

from shared.units import MINUTE, Ns


class Backoff:
    """Pauses between attempts. Full jitter: a pause is drawn between half and the whole of the doubled first one.

    The venue allows 30 new connections a minute to one address; `most_per_minute` holds whatever the pauses are.
    """

    def __init__(self, first_ns: int, most_ns: int, most_per_minute: int, rng: random.Random) -> None:
        assert 0 < first_ns <= most_ns, f"expected 0 < {first_ns} <= {most_ns}"
        assert most_per_minute > 0, "a limit of 0 would never connect"
        self._first_ns = first_ns
        self._most_ns = most_ns
        self._rng = rng
        self._failures = 0
        self._attempts: deque[Ns] = deque(maxlen=most_per_minute)

    def next_attempt(self, now: Ns) -> Ns:
        """When the next attempt may be made, seen from `now`; at once after a success, if the minute allows."""
        pause = 0
        if self._failures:
            doubled = min(self._first_ns << min(self._failures - 1, 32), self._most_ns)
            pause = self._rng.randint(doubled // 2, doubled)
        at = now + pause
        if len(self._attempts) == self._attempts.maxlen:
            at = max(at, self._attempts[0] + MINUTE)
        return Ns(at)

    def attempted(self, now: Ns) -> None:
        """An attempt is made now; until `succeeded` it counts as failed."""
        self._attempts.append(now)
        self._failures += 1

    def succeeded(self) -> None:
        """The connection proved useful: the next pause starts from nothing."""
        self._failures = 0
