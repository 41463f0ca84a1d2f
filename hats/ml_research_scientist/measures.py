"""What good looks like for the ML Research Scientist."""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

LIKELIHOOD_SKILL: Final = Measure(
    name="likelihood_skill_nats",
    unit="nats/bar",
    meaning="Log likelihood of a return under its foretold sigma less that under a constant one; at most 2 nats a bar.",
    statistic=Statistic.MEAN,
    floor=-0.5,
    target=0.02,
    min_samples=30,
    weight=3.0,
)
CALIBRATION: Final = Measure(
    name="calibration_gap",
    unit="share",
    meaning="Distance of the recent share of returns inside one foretold sigma from the Gaussian 0.683.",
    statistic=Statistic.MEDIAN,
    floor=0.3,
    target=0.12,
    min_samples=30,
)
BAR_DELAY: Final = Measure(
    name="bar_delay_ms",
    unit="ms",
    meaning="From a bar's end to its regime being said.",
    statistic=Statistic.P99,
    floor=5_000.0,
    target=1_000.0,
    min_samples=20,
)
COVERAGE: Final = Measure(
    name="coverage",
    unit="share",
    meaning="Expected coins with a print within the last bars, while the feed was up.",
    statistic=Statistic.MEAN,
    floor=0.3,
    target=0.95,
    min_samples=10,
    critical=True,
)
LATE_PRINTS: Final = Measure(
    name="late_print_share",
    unit="share",
    meaning="Prints that came in time and yet after their bar was closed, so that they are missing from it.",
    statistic=Statistic.MEAN,
    floor=0.1,
    target=0.005,
    min_samples=20,
)
MEASURES: Final[tuple[Measure, ...]] = (LIKELIHOOD_SKILL, CALIBRATION, BAR_DELAY, COVERAGE, LATE_PRINTS)
