"""What the Low-Latency Engineer is measured by: how much the engineer sees, and, not counted, how fast the house is.

Any Hat can make the house slow; the engineer answers for saying so truly, which the orchestrator checks
(`latency_error`).
"""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        name="tick_to_wire_p99_us",
        unit="us",
        meaning="p99 from a book's receipt to the signed bytes on the socket",
        statistic=Statistic.P99,
        floor=100_000.0,
        target=10_000.0,
        min_samples=20,
        weight=0.0,
    ),
    Measure(
        name="budget_compliance",
        unit="share",
        meaning="judged hops and tick-to-wire paths whose p99 was within budget, report by report",
        statistic=Statistic.MEAN,
        floor=0.5,
        target=0.98,
        min_samples=20,
        weight=0.0,
    ),
    Measure(
        name="loop_lag_ms",
        unit="ms",
        meaning="how late the hub's own loop ran",
        statistic=Statistic.P99,
        floor=200.0,
        target=20.0,
        min_samples=5,
        weight=0.0,
    ),
    Measure(
        name="clock_offset_ms",
        unit="ms",
        meaning="how far the system clock moved from the clock that stamps messages, either way",
        statistic=Statistic.MAX,
        floor=500.0,
        target=5.0,
        min_samples=5,
        weight=0.0,
    ),
    Measure(
        name="sample_coverage",
        unit="share",
        meaning="working Hats whose latencies were seen within the last three reports",
        statistic=Statistic.MEAN,
        floor=0.3,
        target=0.95,
        min_samples=5,
        critical=True,
    ),
)
