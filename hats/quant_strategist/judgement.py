"""Holds fills against the mid that came later."""

from __future__ import annotations

import msgspec

from shared.order import Side
from shared.units import BPS, Ns

PENDING_MAX = 4_096


class PendingMarkout(msgspec.Struct, frozen=True, array_like=True):
    """A fill waiting for the mid at `due_ns`; `px` in USDC."""

    due_ns: Ns
    coin: str
    side: Side
    px: float


def due_markouts(pending: list[PendingMarkout], coin: str, mid: float, ns: Ns, late_ns: int) -> list[float]:
    """Edge in bps of each fill of `coin` that is due at `ns`, taken off `pending`; positive is ours.

    A fill whose mid comes more than `late_ns` late is dropped: that mid says nothing about the moment asked for.
    """
    edges = []
    kept = []
    for fill in pending:
        if fill.coin != coin or fill.due_ns > ns:
            kept.append(fill)
        elif ns - fill.due_ns <= late_ns:
            edges.append(fill.side.value * (mid / fill.px - 1.0) * BPS)
    pending[:] = kept
    return edges
