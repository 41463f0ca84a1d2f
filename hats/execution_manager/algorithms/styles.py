"""The algorithms: each says, from what it sees, which child should be working now. No memory, no clock, no chance."""

from __future__ import annotations

from typing import Final

from hats.execution_manager.algorithms.child import View, Wanted, crossing, waiting
from hats.execution_manager.algorithms.schedule import cumulative, slice_at
from shared.messages.parent import (
    Algorithm,
    AlmgrenChriss,
    Chase,
    Iceberg,
    NativeTwap,
    Participate,
    PassiveThenCross,
    Twap,
)
from shared.order import Tif, VenueTwap
from shared.rules.twap import MIN_VALUE_USD, is_duration
from shared.units import BPS, MINUTE, MS, SECOND, Ns, Sz, notional

TWAP_GRACE_NS: Final = 5 * SECOND
"""The venue's TWAP may end so much later than its parent: five minutes that were asked for are a moment less by now."""


def wanted(algorithm: Algorithm, view: View) -> Wanted | None:
    """The child to have working now; None for none. Never more than what is left, never beyond the limit price."""
    match algorithm:
        case PassiveThenCross(patience_ms=patience_ms):
            return _patient(view, view.left_sz, Ns(view.began_ns + patience_ms * MS))
        case Twap(slices=slices):
            return _scheduled(view, slices, 0.0)
        case AlmgrenChriss(slices=slices, urgency=urgency):
            return _scheduled(view, slices, urgency)
        case Iceberg(display_sz=display_sz):
            return _iceberg(view, display_sz)
        case Participate(share_bps=share_bps, lag_bps=lag_bps):
            return _participate(view, share_bps, lag_bps)
        case Chase():
            return waiting(view, view.left_sz)
        case NativeTwap(randomize=randomize):
            return _native(view, randomize=randomize)


def twap_minutes(left_ns: int) -> int:
    """Minutes that the venue's TWAP is to take where so much is left: the whole ones, within the grace."""
    return (left_ns + TWAP_GRACE_NS) // MINUTE


def _native(view: View, *, randomize: bool) -> Wanted | None:
    """All that is left as the venue's own TWAP over the minutes that are left; None beyond the limit.

    None, too, where the venue takes none: too little time is left, or too little to trade.
    """
    minutes = twap_minutes(view.end_ns - view.now)
    is_enough = notional(view.limit_px, Sz(view.left_sz)) >= MIN_VALUE_USD
    if not is_enough or not view.can_cross or not is_duration(minutes):
        return None
    return Wanted(view.limit_px, Sz(view.left_sz), Tif.GTC, VenueTwap(minutes, randomize))


def _patient(view: View, sz: int, until_ns: int) -> Wanted | None:
    """Wait at our side's best price, then take what the other side offers within the limit."""
    return waiting(view, sz) if view.now < until_ns else crossing(view, sz)


def _scheduled(view: View, slices: int, urgency: float) -> Wanted | None:
    """What the schedule is ahead of us by: patiently in the first half of a slice, by crossing in the second."""
    index, begin_ns, end_ns = slice_at(view.now, view.began_ns, view.end_ns, slices)
    due_sz = cumulative(view.sz, slices, urgency)[index] - view.filled_sz
    return _patient(view, due_sz, (begin_ns + end_ns) // 2)


def _iceberg(view: View, display_sz: int) -> Wanted | None:
    """A small part of a large order, resting at the limit price; the next part follows when it is filled."""
    sz = min(display_sz, view.left_sz)
    return Wanted(view.limit_px, Sz(sz), Tif.GTC) if sz > 0 else None


def _participate(view: View, share_bps: int, lag_bps: int) -> Wanted | None:
    """Our share of what the market trades: patiently, and by crossing once we lag behind by too much of it."""
    target_sz = min(view.traded_sz * share_bps // BPS, view.sz)
    due_sz = target_sz - view.filled_sz
    if due_sz * BPS > target_sz * lag_bps:
        return crossing(view, due_sz)
    return waiting(view, due_sz)
