"""What good looks like for the Execution Manager."""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

ACK: Final = Measure(
    name="ack_ms",
    unit="ms",
    meaning="From an order's bytes on the wire to the venue's answer; theirs and the door's, so it is not counted.",
    statistic=Statistic.P99,
    floor=3_000.0,
    target=1_000.0,
    min_samples=10,
    weight=0.0,
)
REJECTED: Final = Measure(
    name="rejected_share",
    unit="share",
    meaning="Orders that ended rejected or never arrived: mostly for their price or a refused signature; not counted.",
    statistic=Statistic.MEAN,
    floor=0.5,
    target=0.1,
    min_samples=20,
    weight=0.0,
)
UNKNOWN: Final = Measure(
    name="unknown_s",
    unit="s",
    meaning="How long an order's fate was unknown.",
    statistic=Statistic.MAX,
    floor=30.0,
    target=6.0,
    min_samples=1,
)
CANCEL: Final = Measure(
    name="cancel_ms",
    unit="ms",
    meaning="From the wish to cancel an order to its proven end; half of it is others' work, so it is not counted.",
    statistic=Statistic.P99,
    floor=6_000.0,
    target=1_500.0,
    min_samples=10,
    weight=0.0,
)
DIFFERENCES: Final = Measure(
    name="reconcile_differences",
    unit="differences",
    meaning="Confirmed differences between our books and the venue's in one comparison.",
    statistic=Statistic.MAX,
    floor=1.0,
    target=0.0,
    min_samples=1,
    critical=True,
)
DUPLICATES: Final = Measure(
    name="duplicate_effects",
    unit="orders",
    meaning="An intent that had more effect than wanted: two orders at the venue, or more filled than its size.",
    statistic=Statistic.MAX,
    floor=1.0,
    target=0.0,
    min_samples=10,
    critical=True,
)
SHORTFALL: Final = Measure(
    name="shortfall_bps",
    unit="bps",
    meaning="What a parent's fills cost against the mid at its arrival, without fees; the market's part is in it.",
    statistic=Statistic.MEAN,
    floor=50.0,
    target=5.0,
    min_samples=10,
    weight=0.0,
)
UNPROTECTED: Final = Measure(
    name="unprotected_s",
    unit="s",
    meaning="How long a position was without a proven stop at the venue, the wait before it is placed included.",
    statistic=Statistic.MAX,
    floor=60.0,
    target=10.0,
    min_samples=1,
    weight=0.0,
)
MEASURES: Final[tuple[Measure, ...]] = (ACK, REJECTED, UNKNOWN, CANCEL, DIFFERENCES, DUPLICATES, SHORTFALL, UNPROTECTED)
