"""How a TWAP order is cut into suborders: when each is due, how large it is and how far its price may reach.

Source: Hyperliquid documentation, "Order types": a suborder every 30 seconds; the execution target is elapsed time
divided by total time, times total size; at most 3 % slippage a suborder; after suborders that did not fill, later
ones are larger, up to 3 times the normal size, which is total size divided by the number of suborders.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from shared.units import SECOND, USD

SLICE_SPAN: Final = 30 * SECOND
MIN_MINUTES: Final = 5
MAX_MINUTES: Final = 7 * 24 * 60
MIN_VALUE_USD: Final = 100 * USD
SLIPPAGE_PERCENT: Final = 3
CATCH_UP: Final = 3
RANDOM_PERCENT: Final = 20


def is_duration(minutes: int) -> bool:
    """May a TWAP order run this long?"""
    return MIN_MINUTES <= minutes <= MAX_MINUTES


def slice_count(minutes: int, is_first_at_once: bool = False) -> int:
    """How many suborders there are: one an interval, and one more if the first is sent at the very start."""
    return 2 * minutes + is_first_at_once


def target_sz(sz: int, number: int, count: int) -> int:
    """Lots that should be executed after suborder `number` (from 1) of `count`, rounded down."""
    return sz * min(number, count) // count


def most_sz(sz: int, count: int) -> int:
    """Largest suborder: three times the normal size, at least a lot."""
    return max(CATCH_UP * sz // count, 1)


def slice_sz(sz: int, executed_sz: int, number: int, count: int, percent: int = 100, least_sz: int = 0) -> int:
    """Lots of suborder `number`: what is missing to the target, x `percent`, within what one suborder may be.

    Below `least_sz` (the venue's smallest order) nothing is sent and the lots wait for the next; the last suborder
    takes all that is left and may be smaller.
    """
    is_last = number >= count
    missing = target_sz(sz, number, count) - executed_sz
    wanted = missing if is_last else missing * percent // 100
    sent = min(wanted, sz - executed_sz, max(most_sz(sz, count), least_sz))
    return sent if sent > 0 and (is_last or sent >= least_sz) else 0


def slice_percent(twap_id: int, number: int) -> int:
    """80 to 120: how a randomised suborder differs from its size. A function of the two numbers alone."""
    drawn = int.from_bytes(sha256(b"twap %d slice %d" % (twap_id, number)).digest()[:8], "big")
    return 100 - RANDOM_PERCENT + drawn % (2 * RANDOM_PERCENT + 1)


def slice_reach_px(reference_px: int, is_buy: bool) -> int:
    """The worst price of a suborder, 3 % from the reference, rounded toward it; not yet on a tick."""
    if is_buy:
        return reference_px * (100 + SLIPPAGE_PERCENT) // 100
    return -(-reference_px * (100 - SLIPPAGE_PERCENT) // 100)
