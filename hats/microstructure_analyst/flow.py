"""Order-flow imbalance at the best quotes over a rolling window, O(1) a book."""

from __future__ import annotations

import msgspec

from shared.book import Level

_COMPACT_AFTER = 256


class Flow(msgspec.Struct):
    """The window's book events: when, net size added on the bid (less the ask), and mean depth at the best."""

    times_ns: list[int] = []
    events: list[int] = []
    depths: list[int] = []
    head: int = 0
    event_sum: int = 0
    depth_sum: int = 0

    def add(self, ns: int, event: int, depth: int, window_ns: int) -> None:
        """Take one book event in and let those older than the window go."""
        self.times_ns.append(ns)
        self.events.append(event)
        self.depths.append(depth)
        self.event_sum += event
        self.depth_sum += depth
        oldest = ns - window_ns
        while self.times_ns[self.head] <= oldest:
            self.event_sum -= self.events[self.head]
            self.depth_sum -= self.depths[self.head]
            self.head += 1
        if self.head >= _COMPACT_AFTER:
            self._compact()

    def imbalance(self) -> float:
        """Net flow over the mean size of one best quote in the window; 0.0 before the first event."""
        n = len(self.times_ns) - self.head
        # depth_sum counts both sides, so half of its mean is the size of one quote
        return 2.0 * self.event_sum * n / self.depth_sum if n and self.depth_sum else 0.0

    def _compact(self) -> None:
        del self.times_ns[: self.head], self.events[: self.head], self.depths[: self.head]
        self.head = 0


def flow_event(last_bid: Level, last_ask: Level, bid: Level, ask: Level) -> int:
    """Size that arrived on the bid less what arrived on the ask between two books, in lots.

    A better bid brings its whole size, a worse one takes the old size away, an unchanged one counts the difference;
    the ask mirrors it. Source: Cont, Kukanov & Stoikov (2014), "The price impact of order book events".
    """
    event = 0
    if bid.px >= last_bid.px:
        event += bid.sz
    if bid.px <= last_bid.px:
        event -= last_bid.sz
    if ask.px <= last_ask.px:
        event -= ask.sz
    if ask.px >= last_ask.px:
        event += last_ask.sz
    return event
