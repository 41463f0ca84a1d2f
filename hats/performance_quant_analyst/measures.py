"""What the Performance Quant Analyst is measured by."""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        name="ledger_difference_usd",
        unit="USD",
        meaning="cash and positions against the venue's, to the last unit; equity beyond the tolerance of its marks",
        statistic=Statistic.MAX,
        floor=0.01,
        target=0.0,
        min_samples=1,
        weight=2.0,
        critical=True,
    ),
    Measure(
        name="attribution_residual_usd",
        unit="USD",
        meaning="cash side of the ledger minus its earnings side by strategy and coin",
        statistic=Statistic.MAX,
        floor=0.000001,
        target=0.0,
        min_samples=5,
        weight=2.0,
        critical=True,
    ),
    Measure(
        name="order_completeness",
        unit="share",
        meaning="ended orders whose fills in the ledger sum to the size they are said to have filled",
        statistic=Statistic.MEAN,
        floor=0.9,
        target=1.0,
        min_samples=3,
    ),
    Measure(
        name="attribution_coverage",
        unit="share",
        meaning="fills that belong to a strategy of ours",
        statistic=Statistic.MEAN,
        floor=0.9,
        target=1.0,
        min_samples=3,
    ),
    Measure(
        name="report_lateness_ms",
        unit="ms",
        meaning="how long after its time a ledger report was made",
        statistic=Statistic.P99,
        floor=1000.0,
        target=100.0,
        min_samples=20,
    ),
    Measure(
        name="mark_age_ms",
        unit="ms",
        meaning="age of the oldest mark that equity is computed with; the feed's doing, so it is not counted",
        statistic=Statistic.P99,
        floor=30_000.0,
        target=6_000.0,
        min_samples=10,
        weight=0.0,
    ),
    Measure(
        name="fee_error_bps",
        unit="bps",
        meaning="fee booked against the published schedule, of the fill's notional",
        statistic=Statistic.MEAN,
        floor=1.0,
        target=0.01,
        min_samples=3,
        weight=0.5,
    ),
    Measure(
        name="funding_booked",
        unit="share",
        meaning="positions held over a funding instant whose payment was booked in time",
        statistic=Statistic.MEAN,
        floor=0.5,
        target=1.0,
        min_samples=1,
        weight=0.5,
    ),
)
