"""Decides what the desk wants to hold and quote: several strategies at once, each a pure function with its own capital.

In: FeatureUpdate, RegimeUpdate, UniverseUpdate, AssetContext, FundingClock, FeedStatus, FillBooked, OrderChanged,
OrderDenied, SizeBudget, TradingStateChanged, Armed, Disarmed, DrainOrdered, Throttle, Started, Woke.
Out: OrderIntent, CancelIntent, WakeAt, Measured.
"""

from __future__ import annotations

from hats.quant_strategist.logic import QuantStrategist
from hats.quant_strategist.settings import Settings

__all__ = ["QuantStrategist", "Settings"]
