"""Fills in the order in which they happened, and proof that none is missing: each begins where the last one ended."""

from __future__ import annotations

from collections.abc import Iterable

from shared.messages.order import Fill


def end_of(fill: Fill) -> int:
    """The signed lots held after it."""
    return fill.start_net_sz + fill.side.value * fill.sz


class FillChain:
    """The position after the newest fill of each coin. Clocks can't order fills of one millisecond; positions can."""

    def __init__(self) -> None:
        self._net_sz: dict[str, int] = {}

    def ordered(self, fills: Iterable[Fill]) -> list[Fill]:
        """The fills by time; within one instant of a coin, each where the one before it ended, if there is such."""
        waiting = sorted(fills, key=lambda fill: fill.exch_ns)
        held = dict(self._net_sz)
        done: list[Fill] = []
        while waiting:
            same = [fill for fill in waiting if fill.exch_ns == waiting[0].exch_ns]
            chosen = next((fill for fill in same if held.get(fill.coin) == fill.start_net_sz), None)
            if chosen is None:
                chosen = _first(same)
            waiting.remove(chosen)
            held[chosen.coin] = end_of(chosen)
            done.append(chosen)
        return done

    def breaks(self, fill: Fill) -> bool:
        """Was a fill before this one missed? It is the newest from here on."""
        held = self._net_sz.get(fill.coin, fill.start_net_sz)
        self._net_sz[fill.coin] = end_of(fill)
        return held != fill.start_net_sz


def _first(same: list[Fill]) -> Fill:
    """One that no other of them leads to; the first if they go in a circle."""
    ends = {(fill.coin, end_of(fill)) for fill in same}
    return next((fill for fill in same if (fill.coin, fill.start_net_sz) not in ends), same[0])
