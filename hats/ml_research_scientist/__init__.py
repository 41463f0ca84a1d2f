"""Says how volatile the market is and will be next, from nothing but the prints so far.

In: UniverseUpdate, Trade, Started, Woke.
Out: RegimeUpdate, WakeAt, Measured.
"""

from __future__ import annotations

from hats.ml_research_scientist.logic import MlResearchScientist
from hats.ml_research_scientist.settings import Settings

__all__ = ["MlResearchScientist", "Settings"]
