"""What is measured of the door to the venue, and what good looks like."""

from __future__ import annotations

from typing import Final

from shared.scorecard import Measure, Statistic

BOOK_AGE: Final = "book_age_ms"
FEED_DELAY: Final = "feed_delay_ms"
AVAILABILITY: Final = "feed_availability"
GAPS: Final = "gaps"
BAD_DATA: Final = "bad_data_share"
ANSWER: Final = "answer_ms"
UNANSWERED: Final = "unanswered_share"
DECODE: Final = "decode_us"
COMPLETENESS: Final = "trades_heard_share"
RECOVERY: Final = "recovery_ms"
DUPLICATES: Final = "duplicate_share"
REORDERED: Final = "reordered_share"
CLOCK_OFFSET: Final = "clock_offset_ms"
CONFLATED: Final = "books_conflated"
READS_SUSPENDED: Final = "reads_suspended_share"

MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        name=BOOK_AGE,
        unit="ms",
        meaning="Age of each coin's newest book, looked at every report; the venue sends one every 0.5 to 5 s.",
        statistic=Statistic.P99,
        floor=20_000.0,
        target=6_000.0,
        min_samples=10,
    ),
    Measure(
        name=FEED_DELAY,
        unit="ms",
        meaning="From the venue's time on a book to its receipt; holds the clocks' difference too.",
        statistic=Statistic.MEDIAN,
        floor=4_000.0,
        target=1_500.0,
        min_samples=20,
        critical=True,
    ),
    Measure(
        name=AVAILABILITY,
        unit="share",
        meaning="Share of looks at which the feed was up.",
        statistic=Statistic.MEAN,
        floor=0.90,
        target=0.995,
        min_samples=10,
        weight=2.0,
        critical=True,
    ),
    Measure(
        name=GAPS,
        unit="count",
        meaning="Cuts, silences beyond their deadline and books that went back in time, in the window.",
        statistic=Statistic.SUM,
        floor=10.0,
        target=0.0,
        min_samples=10,
    ),
    Measure(
        name=BAD_DATA,
        unit="share",
        meaning="Share of frames with something that could not be read or decided on.",
        statistic=Statistic.MEAN,
        floor=0.01,
        target=0.0,
        min_samples=20,
        critical=True,
    ),
    Measure(
        name=ANSWER,
        unit="ms",
        meaning="From signed bytes on the socket to the venue's answer; without an answer, the time given up after.",
        statistic=Statistic.P99,
        floor=4_000.0,
        target=1_200.0,
        min_samples=10,
    ),
    Measure(
        name=UNANSWERED,
        unit="share",
        meaning="Share of sent actions whose fate no answer proved.",
        statistic=Statistic.MEAN,
        floor=0.05,
        target=0.0,
        min_samples=10,
        weight=2.0,
    ),
    Measure(
        name=DECODE,
        unit="us",
        meaning="From a frame's bytes to messages.",
        statistic=Statistic.P99,
        floor=2_000.0,
        target=300.0,
        min_samples=20,
        weight=0.5,
    ),
    Measure(
        name=COMPLETENESS,
        unit="share",
        meaning="Share of a minute's trades, by the venue's candle, that were heard; minute by minute, coin by coin.",
        statistic=Statistic.MEAN,
        floor=0.98,
        target=1.0,
        min_samples=5,
        weight=2.0,
    ),
    Measure(
        name=RECOVERY,
        unit="ms",
        meaning="From the feed's last word of being up to the next: reconnected, subscribed, fresh, account read.",
        statistic=Statistic.P99,
        floor=60_000.0,
        target=5_000.0,
        min_samples=1,
    ),
    Measure(
        name=DUPLICATES,
        unit="share",
        meaning="Share of streamed trades, fills and payments that had come before; each is said once.",
        statistic=Statistic.MEAN,
        floor=0.05,
        target=0.0,
        min_samples=20,
        weight=0.0,
    ),
    Measure(
        name=REORDERED,
        unit="share",
        meaning="Share of books that were older than the one before; none is decided on.",
        statistic=Statistic.MEAN,
        floor=0.05,
        target=0.0,
        min_samples=20,
        weight=0.0,
    ),
    Measure(
        name=CLOCK_OFFSET,
        unit="ms",
        meaning="The venue's clock minus ours, by the fastest book and the fastest ping.",
        statistic=Statistic.LAST,
        floor=2_000.0,
        target=500.0,
        min_samples=1,
        weight=0.0,
    ),
    Measure(
        name=CONFLATED,
        unit="count",
        meaning="Books that a newer one of their coin replaced before they were read, in the window; all are captured.",
        statistic=Statistic.SUM,
        floor=100_000.0,
        target=0.0,
        min_samples=1,
        weight=0.0,
    ),
    Measure(
        name=READS_SUSPENDED,
        unit="share",
        meaning="Reads that were not made because those before them had failed: the circuit breaker was open.",
        statistic=Statistic.MEAN,
        floor=0.5,
        target=0.0,
        min_samples=5,
        weight=0.0,
    ),
)
