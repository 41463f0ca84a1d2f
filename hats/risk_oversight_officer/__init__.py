"""Lets an intent become an order only if every limit holds in the worst case, and says which one did not.

In: OrderIntent; FillBooked, OrderChanged, Reconciled (what is open and held); UniverseUpdate, FeatureUpdate,
AssetContext, CandlesTold, VarianceFitted, FeedStatus, CaptureStatus, RegimeUpdate, LedgerReport, MarksKept (what it is
judged on); Armed, Disarmed, KillOrdered, ResumeOrdered, AlertAcknowledged, DrainOrdered, HatStateChanged, Started,
Woke.
Out: OrderApproved, OrderDenied, TradingStateChanged, RiskAlert, RiskReport, SizeBudget, VarianceJudged, QueryCandles,
WakeAt, Measured.
"""

from __future__ import annotations

from hats.risk_oversight_officer.logic import RiskOversightOfficer
from hats.risk_oversight_officer.settings import Settings

__all__ = ["RiskOversightOfficer", "Settings"]
