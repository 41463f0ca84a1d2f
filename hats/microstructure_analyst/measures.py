"""What good looks like for the Microstructure Analyst."""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

MICROPRICE_SKILL: Final = Measure(
    name="microprice_skill",
    unit="ratio",
    meaning="Squared error that the microprice saves against the plain mid, as a share, judged by the later mid.",
    statistic=Statistic.MEAN,
    floor=-1.0,
    target=0.0,
    min_samples=120,
    weight=3.0,
)
SLIPPAGE_ERROR: Final = Measure(
    name="slippage_error_bps",
    unit="bps",
    meaning="Distance between the forecast and the realised cost of our own taker fills.",
    statistic=Statistic.MEDIAN,
    floor=5.0,
    target=1.0,
    min_samples=3,
    critical=True,
)
BOOK_AGE: Final = Measure(
    name="book_age_ms",
    unit="ms",
    meaning="Age of the newest sound book of an expected coin; the feed's and ours, so it is not counted.",
    statistic=Statistic.MEDIAN,
    floor=5_000.0,
    target=1_000.0,
    min_samples=10,
    weight=0.0,
)
UNSOUND: Final = Measure(
    name="unsound_share",
    unit="share",
    meaning="Books set aside: crossed, locked, one-sided, older than the last; they came so, hence it is not counted.",
    statistic=Statistic.MEAN,
    floor=0.05,
    target=0.0,
    min_samples=20,
    weight=0.0,
)
COVERAGE: Final = Measure(
    name="coverage",
    unit="share",
    meaning="Expected coins with a fresh sound book; the feed's and ours, so it is not counted.",
    statistic=Statistic.MEAN,
    floor=0.5,
    target=0.99,
    min_samples=10,
    weight=0.0,
)
PRINT_DISTANCE: Final = Measure(
    name="print_distance_bps",
    unit="bps",
    meaning="How far public prints lie outside the quotes last seen; rises when books come late or wrong.",
    statistic=Statistic.MEAN,
    floor=10.0,
    target=1.0,
    min_samples=20,
)
MEASURES: Final[tuple[Measure, ...]] = (MICROPRICE_SKILL, SLIPPAGE_ERROR, BOOK_AGE, UNSOUND, COVERAGE, PRINT_DISTANCE)
