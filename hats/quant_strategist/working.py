"""The strategist's own record of an order that may be open, kept by what the Execution Manager says of it."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.ids import Cloid, StrategyId
from shared.messages.order import OrderChanged
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side, Tif
from shared.units import Ns, Px, Sz

SETTLED: Final = frozenset({OrderState.RESTING, OrderState.PARTIALLY_FILLED})
"""Known to rest at the venue: only such an order may be replaced."""
_CANCELLABLE: Final = SETTLED | {
    OrderState.PENDING_SUBMIT,
    OrderState.PENDING_MODIFY,
    OrderState.UNKNOWN,
    OrderState.TRIGGERED,
}


class WorkingOrder(msgspec.Struct):
    """One order from intent to end. NEW until others spoke of it; `cancel_ns` is 0 until a cancel was asked."""

    cloid: Cloid
    strategy: StrategyId
    coin: str
    side: Side
    px: Px
    sz: Sz
    tif: Tif
    reduce_only: bool
    state: OrderState = OrderState.NEW
    filled_sz: Sz = Sz(0)
    cancel_ns: Ns = Ns(0)

    @property
    def left_sz(self) -> int:
        """Lots that may still trade."""
        return self.sz - self.filled_sz

    def is_settled(self) -> bool:
        """Does it rest, with nothing under way that changes it?"""
        return self.state in SETTLED and not self.cancel_ns

    def can_be_cancelled(self, now: Ns, retry_ns: int) -> bool:
        """Is asking for its end useful now? Not before it left us, not for what ends by itself, not twice in a row."""
        if self.state not in _CANCELLABLE or (self.tif is Tif.IOC and self.state not in SETTLED):
            return False
        return not self.cancel_ns or now - self.cancel_ns >= retry_ns

    def follow(self, change: OrderChanged) -> None:
        """Take over what the Execution Manager says."""
        self.px, self.sz, self.filled_sz, self.state = change.px, change.sz, change.filled_sz, change.state


def working_from(intent: OrderIntent) -> WorkingOrder:
    """The record of an intent just made."""
    return WorkingOrder(
        intent.cloid,
        intent.strategy,
        intent.coin,
        intent.side,
        intent.px,
        intent.sz,
        intent.tif,
        intent.reduce_only,
    )


def adopted_from(change: OrderChanged) -> WorkingOrder:
    """The record of an order of ours that we hear of for the first time (of an earlier run).

    Its time in force is not told; GTC is assumed, so that it is cancelled rather than modified.
    """
    order = WorkingOrder(
        change.cloid, change.strategy, change.coin, change.side, change.px, change.sz, Tif.GTC, change.reduce_only
    )
    order.follow(change)
    return order
