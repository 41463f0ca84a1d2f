"""Wake-ups that Hats asked for: one pending wake-up for each (Hat, timer), the latest word holds."""

from __future__ import annotations

import heapq

from shared.ids import Role
from shared.units import Ns


class Timers:
    """A heap of due times. Ties are broken by the order in which they were asked for."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Role, str]] = []
        self._current: dict[tuple[Role, str], int] = {}
        self._n = 0

    def set(self, role: Role, timer: str, ns: int) -> None:
        """Wake `role` at `ns`; replaces what was pending for that timer."""
        self._n += 1
        self._current[role, timer] = self._n
        heapq.heappush(self._heap, (ns, self._n, role, timer))

    def pending(self) -> list[tuple[Role, str, int]]:
        """Everything that is pending, in the order in which it falls due."""
        return [(role, timer, ns) for ns, n, role, timer in sorted(self._heap) if self._current.get((role, timer)) == n]

    def cleared(self, role: Role, timer: str) -> None:
        """That wake-up was said already (recovery only)."""
        self._current.pop((role, timer), None)

    def due(self, now: int) -> list[tuple[Role, str, Ns]]:
        """What is due at `now`, in order, each with the time asked for; no longer pending afterwards."""
        woken = []
        while self._heap and self._heap[0][0] <= now:
            ns, n, role, timer = heapq.heappop(self._heap)
            if self._current.get((role, timer)) == n:
                del self._current[role, timer]
                woken.append((role, timer, Ns(ns)))
        return woken

    def next_ns(self) -> int | None:
        """When the next wake-up is due; None if nothing is pending."""
        while self._heap and self._current.get((self._heap[0][2], self._heap[0][3])) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
