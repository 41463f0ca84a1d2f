"""What good looks like for the Risk Oversight Officer."""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

LIMIT_BREACHES: Final = Measure(
    name="limit_breaches",
    unit="coins",
    meaning="Coins whose position is over its limit and beyond everything that was approved, found afterwards.",
    statistic=Statistic.MAX,
    floor=1.0,
    target=0.0,
    min_samples=10,
    critical=True,
)
OVER_LIMIT: Final = Measure(
    name="over_limit_share",
    unit="share",
    meaning="Approvals after which the coin's worst case was further over its position limit than before.",
    statistic=Statistic.MEAN,
    floor=0.02,
    target=0.0,
    min_samples=10,
    critical=True,
)
RESERVATION_DRIFT: Final = Measure(
    name="reservation_drift_lots",
    unit="lots",
    meaning="Lots by which what is reserved differs from the open orders, and our positions from the reconciled ones.",
    statistic=Statistic.MAX,
    floor=1.0,
    target=0.0,
    min_samples=10,
    critical=True,
)
EVIDENCE_AGE: Final = Measure(
    name="evidence_age_ms",
    unit="ms",
    meaning="Age of our own book of the coin when an intent was judged.",
    statistic=Statistic.P99,
    floor=3_000.0,
    target=1_000.0,
    min_samples=10,
    weight=3.0,
)
EQUITY_AGE: Final = Measure(
    name="equity_age_ms",
    unit="ms",
    meaning="Age of the equity that leverage and drawdown are judged on.",
    statistic=Statistic.P99,
    floor=10_000.0,
    target=3_000.0,
    min_samples=10,
)
APPROVALS_USED: Final = Measure(
    name="approvals_used",
    unit="share",
    meaning="Approvals that became orders before they were void; the Execution Manager's doing, so it is not counted.",
    statistic=Statistic.MEAN,
    floor=0.8,
    target=0.99,
    min_samples=20,
    weight=0.0,
)
MEASURES: Final[tuple[Measure, ...]] = (
    LIMIT_BREACHES,
    OVER_LIMIT,
    RESERVATION_DRIFT,
    EVIDENCE_AGE,
    EQUITY_AGE,
    APPROVALS_USED,
)
