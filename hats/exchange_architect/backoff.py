"""When to connect again: pauses that double, with jitter, within a quota that all sockets share."""

from __future__ import annotations

import random
from collections import deque
from typing import Final

from shared.units import MINUTE, SECOND, Ns

WINDOW: Final = MINUTE + SECOND
"""The venue counts when we arrive, we count when we set out: a second more keeps any minute of its own within."""


class Quota:
    """At most so many in any `window_ns`."""

    def __init__(self, most: int, window_ns: int = WINDOW) -> None:
        assert most > 0, "a quota of 0 would never let anything through"
        self._window_ns = window_ns
        self._spent: deque[Ns] = deque(maxlen=most)

    def free_ns(self, now: Ns) -> Ns:
        """When the next one is allowed, seen from `now`."""
        if len(self._spent) < (self._spent.maxlen or 0):
            return now
        return Ns(max(now, self._spent[0] + self._window_ns))

    def spend(self, now: Ns) -> bool:
        """Was one allowed now? It is counted then."""
        if self.free_ns(now) > now:
            return False
        self._spent.append(now)
        return True


class Backoff:
    """Pauses between attempts of one socket. A pause is drawn between half and the whole of the doubled first one.

    The venue allows 30 new connections a minute to one address; the `quota` holds whatever the pauses are.
    """

    def __init__(self, first_ns: int, most_ns: int, quota: Quota, rng: random.Random) -> None:
        assert 0 < first_ns <= most_ns, f"expected 0 < {first_ns} <= {most_ns}"
        self._first_ns = first_ns
        self._most_ns = most_ns
        self._quota = quota
        self._rng = rng
        self._failures = 0
        self._not_before: Ns | None = None

    def next_attempt(self, now: Ns) -> Ns:
        """When the next attempt may be made, seen from `now`; at once after a success, if the quota allows.

        The pause begins with the first question after an attempt. Who waited asks again: others may have gone first.
        """
        if self._not_before is None:
            pause = 0
            if self._failures:
                doubled = min(self._first_ns << min(self._failures - 1, 32), self._most_ns)
                pause = self._rng.randint(doubled // 2, doubled)
            self._not_before = Ns(now + pause)
        return Ns(max(self._not_before, self._quota.free_ns(now)))

    def attempted(self, now: Ns) -> None:
        """An attempt is made now; until `succeeded` it counts as failed."""
        assert self._quota.spend(now), "an attempt before its time"
        self._not_before = None
        self._failures += 1

    def succeeded(self) -> None:
        """The connection proved useful: the next pause starts from nothing."""
        self._failures = 0
        self._not_before = None
