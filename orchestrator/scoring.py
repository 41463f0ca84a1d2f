"""Raw samples in, scorecards out. A fold over `Measured` messages, so the journal alone gives every score."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from orchestrator.witness.measures import WITNESSED
from shared.ids import HATS, Role
from shared.messages import Envelope
from shared.messages.control import Measured
from shared.scorecard import Dimension, Measure, Scorecard, Statistic, score_of, total_of
from shared.units import SECOND

EVIDENCE_KEPT: Final = 5
"""How many sequence numbers a dimension shows."""
REPORTS_KEPT: Final = 4096
"""Most reports of one measure that are remembered, whatever its window."""

TIMELINESS: Final = Measure(
    name="timeliness_ms",
    unit="ms",
    meaning="Time from sequenced to handled (waiting in the mailbox included), 99th percentile.",
    statistic=Statistic.P99,
    floor=250.0,
    target=10.0,
    min_samples=50,
    weight=3.0,
)
UPTIME: Final = Measure(
    name="uptime",
    unit="share",
    meaning="Share of seconds in which the Hat was connected and answered.",
    statistic=Statistic.MEAN,
    floor=0.90,
    target=0.999,
    min_samples=10,
    critical=True,
)
HUB_MEASURES: Final = (TIMELINESS, UPTIME)
"""What the orchestrator itself measures of every Hat."""


class _Report(NamedTuple):
    ts: int
    seq: int
    samples: tuple[float, ...]


class Scores:
    """The running evidence for nine scorecards."""

    def __init__(self, catalogue: Mapping[Role, Sequence[Measure]]) -> None:
        self._measures = {role: (*HUB_MEASURES, *WITNESSED.get(role, ()), *catalogue.get(role, ())) for role in HATS}
        self._reports: dict[tuple[Role, str], deque[_Report]] = {
            (role, measure.name): deque(maxlen=REPORTS_KEPT)
            for role, measures in self._measures.items()
            for measure in measures
        }
        self._previous: dict[tuple[Role, str], float] = {}

    def add(self, envelope: Envelope) -> None:
        """Take one report in. KeyError if nobody declared that measure: a wiring bug, not data."""
        message = envelope.message
        assert isinstance(message, Measured)
        self._reports[message.role, message.measure].append(_Report(envelope.ts, envelope.seq, message.samples))

    def cards(self, now: int) -> tuple[Scorecard, ...]:
        """All nine scorecards at `now`. Does not move the trend; `mark` does."""
        return tuple(self._card(role, now) for role in HATS)

    def mark(self, cards: Iterable[Scorecard]) -> None:
        """Remember these scores as what the next trend is measured against."""
        for card in cards:
            for dimension in card.dimensions:
                if dimension.score is not None:
                    self._previous[card.role, dimension.measure.name] = dimension.score

    def _card(self, role: Role, now: int) -> Scorecard:
        dimensions = tuple(self._dimension(role, measure, now) for measure in self._measures[role])
        total, capped_by = total_of(dimensions)
        return Scorecard(role=role, total=total, capped_by=capped_by, dimensions=dimensions, ts=now)

    def _dimension(self, role: Role, measure: Measure, now: int) -> Dimension:
        since = now - int(measure.window_s * SECOND)
        reports = [report for report in self._reports[role, measure.name] if report.ts >= since]
        samples = [sample for report in reports for sample in report.samples if math.isfinite(sample)]
        evidence = tuple(report.seq for report in reports[-EVIDENCE_KEPT:])
        value = statistic(measure.statistic, samples) if len(samples) >= measure.min_samples else None
        score = None if value is None else score_of(measure, value)
        before = self._previous.get((role, measure.name))
        trend = None if score is None or before is None else score - before
        return Dimension(measure=measure, value=value, score=score, n=len(samples), evidence=evidence, trend=trend)


def statistic(kind: Statistic, samples: Sequence[float]) -> float:
    """One value from at least one sample. P99 is the nearest rank, so it is always a value that occurred."""
    match kind:
        case Statistic.MEAN:
            return math.fsum(samples) / len(samples)
        case Statistic.MEDIAN:
            return nearest_rank(samples, 0.5)
        case Statistic.P99:
            return nearest_rank(samples, 0.99)
        case Statistic.MAX:
            return max(samples)
        case Statistic.LAST:
            return samples[-1]
        case Statistic.SUM:
            return math.fsum(samples)


def nearest_rank(samples: Sequence[float], share: float) -> float:
    """The smallest sample with at least `share` of all samples at or below it."""
    return sorted(samples)[max(math.ceil(share * len(samples)), 1) - 1]
