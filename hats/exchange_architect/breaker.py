"""A circuit breaker for reads: after failures in a row nothing is asked for a while, then one question tries again.

Pure: it is told the time, which only has to rise. Actions never go through it, for their fate must be found out.
"""

from __future__ import annotations

from enum import StrEnum


class BreakerState(StrEnum):
    """CLOSED: reads go out. OPEN: none does. HALF_OPEN: one is on its way, and its outcome decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens at the `failures_max`th failure in a row for `pause_ns`; each failed trial doubles that, to the maximum."""

    def __init__(self, failures_max: int, pause_ns: int, pause_ns_max: int) -> None:
        assert failures_max > 0, "a breaker that opens before anything failed would stay open"
        assert 0 < pause_ns <= pause_ns_max, f"expected 0 < {pause_ns} <= {pause_ns_max}"
        self.state = BreakerState.CLOSED
        self._failures_max = failures_max
        self._pause_ns_first, self._pause_ns_max = pause_ns, pause_ns_max
        self._pause_ns = pause_ns
        self._failures = 0
        self._closed_until_ns = 0

    def may_ask(self, now: int) -> bool:
        """May a read go out now? True in HALF_OPEN means that it is the trial: `succeeded` or `failed` must follow."""
        if self.state is BreakerState.OPEN and now >= self._closed_until_ns:
            self.state = BreakerState.HALF_OPEN
            return True
        return self.state is BreakerState.CLOSED

    def wait_ns(self, now: int) -> int:
        """How long nothing will be asked; 0 unless it is open."""
        return max(self._closed_until_ns - now, 0) if self.state is BreakerState.OPEN else 0

    def succeeded(self) -> None:
        """The venue answered, whatever it said."""
        self.state = BreakerState.CLOSED
        self._failures, self._pause_ns = 0, self._pause_ns_first

    def failed(self, now: int) -> None:
        """No answer, an error of the server, or a refusal for too many requests."""
        self._failures += 1
        if self.state is BreakerState.HALF_OPEN:
            self._pause_ns = min(2 * self._pause_ns, self._pause_ns_max)
        elif self._failures < self._failures_max:
            return
        self.state = BreakerState.OPEN
        self._closed_until_ns = now + self._pause_ns
