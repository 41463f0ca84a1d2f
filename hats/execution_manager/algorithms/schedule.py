"""How much of a parent should be done by when: even slices, or Almgren and Chriss's optimal trajectory.

Source: Almgren and Chriss, "Optimal execution of portfolio transactions", J. Risk 3 (2001), eq. 18: holdings after
time t of T are x(t) = X sinh(k (T - t)) / sinh(k T). With k T = 0 that is a straight line.
"""

from __future__ import annotations

import math


def cumulative(total_sz: int, slices: int, urgency: float = 0.0) -> tuple[int, ...]:
    """Lots that should be done by the end of each slice; never falling, and the last is the total exactly.

    `urgency` is k T, without unit: 0 is even, 1 to 3 sells early what the market's risk makes dear to hold.
    """
    assert total_sz > 0, f"expected something to trade, got {total_sz}"
    assert slices > 0, f"expected at least one slice, got {slices}"
    if not urgency:
        return tuple(total_sz * done // slices for done in range(1, slices + 1))
    scale = math.sinh(urgency)
    held = (math.sinh(urgency * (slices - done) / slices) / scale for done in range(1, slices))
    return (*(total_sz - math.ceil(total_sz * share) for share in held), total_sz)


def slice_at(now: int, began_ns: int, end_ns: int, slices: int) -> tuple[int, int, int]:
    """(index, begin, end) of the slice that `now` is in; times are ns, and after the end it is the last one."""
    span_ns = end_ns - began_ns
    index = min(max((now - began_ns) * slices // span_ns, 0), slices - 1)
    return index, began_ns + span_ns * index // slices, began_ns + span_ns * (index + 1) // slices
