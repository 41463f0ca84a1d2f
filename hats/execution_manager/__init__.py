"""Makes each approved intent at most one order and follows it to its proven end; its books equal the venue's.

In: OrderApproved, CancelIntent, OrderDenied; ActionSent, ActionAnswered, SignatureRefused; VenueOrder, Fill,
AccountSnapshot; UniverseUpdate, FeatureUpdate, FeedStatus; TradingStateChanged, KillOrdered, ResumeOrdered,
DrainOrdered, Armed, Disarmed, Started, Woke.
Out: SubmitOrder, CancelOrder, QueryOrder, QueryTwap, QueryAccount, OrderIntent (closing, stops, children),
OrderChanged, FillBooked, Reconciled, Drained, WakeAt, Measured.
"""

from __future__ import annotations

from hats.execution_manager.logic import ExecutionManager
from hats.execution_manager.settings import Settings

__all__ = ["ExecutionManager", "Settings"]
