"""Scores from measurements: what a measure is, the published formula, and the card that shows the result.

The formula is piecewise linear: 0 at the floor, 10 at the target, straight between and flat outside. A Hat's total is
the weighted mean of its scored dimensions, capped by its worst critical one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.ids import Role
from shared.messages.control import Measured

SAMPLES_PER_REPORT: Final = 512
"""Most samples of one measure that one report carries; beyond it every second sample is kept, deterministically."""


class Statistic(StrEnum):
    """How samples become one value."""

    MEAN = "mean"
    MEDIAN = "median"
    P99 = "p99"
    MAX = "max"
    LAST = "last"
    SUM = "sum"


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One dimension of one Hat: what is sampled, and what good and bad look like.

    `target` scores 10 and `floor` 0; target below floor means that less is better. A share is the MEAN of zeros and
    ones. `critical` caps the Hat's total. A weight of 0 is shown and not counted: it tells of the house or the venue
    rather than of the Hat. Fewer than `min_samples` in the window is insufficient evidence.
    """

    name: str
    unit: str
    meaning: str
    statistic: Statistic
    floor: float
    target: float
    min_samples: int
    window_s: float = 600.0
    weight: float = 1.0
    critical: bool = False


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a scorecard. `score` and `value` are None when the evidence is insufficient.

    `evidence` are journal sequence numbers of the newest reports behind the value; `trend` is the score's change
    against the previous card.
    """

    measure: Measure
    value: float | None
    score: float | None
    n: int
    evidence: tuple[int, ...]
    trend: float | None


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """One Hat's card. `total` is None while nothing can be scored; `capped_by` is the dimension that held it down."""

    role: Role
    total: float | None
    capped_by: str | None
    dimensions: tuple[Dimension, ...]
    ts: int


def score_of(measure: Measure, value: float) -> float:
    """Score 0 to 10 of a value, by the published formula."""
    assert measure.floor != measure.target, f"{measure.name}: floor and target are equal"
    share = (value - measure.floor) / (measure.target - measure.floor)
    return 10.0 * min(max(share, 0.0), 1.0)


def total_of(dimensions: tuple[Dimension, ...]) -> tuple[float | None, str | None]:
    """Weighted mean of what could be scored, capped by the worst critical dimension, and that dimension's name."""
    scored = [(d, d.score) for d in dimensions if d.score is not None and d.measure.weight]
    if not scored:
        return None, None
    weight = sum(d.measure.weight for d, _ in scored)
    mean = sum(d.measure.weight * score for d, score in scored) / weight
    worst = min(((score, d.measure.name) for d, score in scored if d.measure.critical), default=None)
    if worst is not None and worst[0] < mean:
        return worst
    return mean, None


class Samples(msgspec.Struct):
    """A Hat's raw samples since its last report; part of its state."""

    values: dict[str, list[float]] = {}
    strides: dict[str, int] = {}
    seen: dict[str, int] = {}

    def add(self, measure: str, value: float) -> None:
        """Take one sample in, thinning evenly once a report would be too long."""
        count = self.seen.get(measure, 0)
        self.seen[measure] = count + 1
        stride = self.strides.setdefault(measure, 1)
        if count % stride:
            return
        values = self.values.setdefault(measure, [])
        values.append(value)
        if len(values) > SAMPLES_PER_REPORT:
            self.values[measure] = values[::2]
            self.strides[measure] = 2 * stride

    def report(self, role: Role) -> list[Measured]:
        """One Measured for each measure that has samples; starts afresh."""
        said = [Measured(role, name, tuple(values)) for name, values in sorted(self.values.items()) if values]
        self.values, self.strides, self.seen = {}, {}, {}
        return said
