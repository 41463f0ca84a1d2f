"""Knows where time goes, says when a budget is broken, and slows the desk's quoting before it drowns.

In: HopTimings, HatStateChanged, Woke, Started. Out: LatencyReport, Throttle, Measured, WakeAt.
"""

from __future__ import annotations

from hats.low_latency_engineer.logic import LowLatencyEngineer

__all__ = ["LowLatencyEngineer"]
