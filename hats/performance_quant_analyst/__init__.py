"""Keeps the desk's exact ledger and says who earned what.

In: UniverseUpdate, AssetContext, FundingClock, FillBooked, OrderChanged, AccountSnapshot, FundingPayment,
BalanceChanged, AccountLiquidated, Reconciled, Woke, Started. Out: LedgerReport, FundingSettled, Measured, WakeAt.
"""

from __future__ import annotations

from hats.performance_quant_analyst.logic import PerformanceQuantAnalyst

__all__ = ["PerformanceQuantAnalyst"]
