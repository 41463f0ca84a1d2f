"""Says what the book says: fair price, spread, depth, flow and the cost of taking, for every sound book.

In: UniverseUpdate, BookUpdate, Trade, FeedStatus, RegimeUpdate, FillBooked, Started, Woke.
Out: FeatureUpdate, WakeAt, Measured.
"""

from __future__ import annotations

from hats.microstructure_analyst.logic import MicrostructureAnalyst
from hats.microstructure_analyst.settings import Settings

__all__ = ["MicrostructureAnalyst", "Settings"]
