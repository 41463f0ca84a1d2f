"""What the orchestrator measures of single Hats by comparing what they said with what they and others were told.

No Hat says these of itself, so a broken one cannot hide behind a measurement that is broken too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.ids import Role
from shared.scorecard import Measure, Statistic

BOOKS_ANSWERED: Final = Measure(
    name="books_answered",
    unit="share",
    meaning="Looks at a coin at which no book had waited over a second for its features; features of another book.",
    statistic=Statistic.MEAN,
    floor=0.5,
    target=0.98,
    min_samples=10,
    critical=True,
)
PRINTS_ANSWERED: Final = Measure(
    name="prints_answered",
    unit="share",
    meaning="Looks at a coin that prints at which its regime was young.",
    statistic=Statistic.MEAN,
    floor=0.5,
    target=0.95,
    min_samples=10,
    critical=True,
)
LATENCY_ERROR: Final = Measure(
    name="latency_error",
    unit="ratio",
    meaning="Distance of the reported median tick-to-wire from that of the timings it was made of; 1 without a report.",
    statistic=Statistic.MEAN,
    floor=0.5,
    target=0.1,
    min_samples=10,
    weight=2.0,
    critical=True,
)
AS_APPROVED: Final = Measure(
    name="as_approved",
    unit="share",
    meaning="Orders asked to be signed that say exactly what was approved, once.",
    statistic=Statistic.MEAN,
    floor=0.98,
    target=1.0,
    min_samples=20,
    critical=True,
)
CANCELS_HEEDED: Final = Measure(
    name="cancels_heeded",
    unit="share",
    meaning="Wishes to cancel a resting order that were carried out within two seconds.",
    statistic=Statistic.MEAN,
    floor=0.5,
    target=0.98,
    min_samples=3,
    weight=2.0,
    critical=True,
)
ANSWERS_HEEDED: Final = Measure(
    name="answers_heeded",
    unit="share",
    meaning="Answers that an order rests or was refused, after which its state said so within two seconds.",
    statistic=Statistic.MEAN,
    floor=0.9,
    target=1.0,
    min_samples=5,
    critical=True,
)
FILLS_BOOKED: Final = Measure(
    name="fills_booked",
    unit="share",
    meaning="Fills told by the venue that were booked within five seconds, and once.",
    statistic=Statistic.MEAN,
    floor=0.8,
    target=1.0,
    min_samples=3,
    critical=True,
)
VERDICTS_RIGHT: Final = Measure(
    name="verdicts_right",
    unit="share",
    meaning="Orders that were signed exactly if they were as approved and in time.",
    statistic=Statistic.MEAN,
    floor=0.95,
    target=1.0,
    min_samples=20,
    critical=True,
)
RESERVED_DIFFERENCE: Final = Measure(
    name="reserved_difference",
    unit="orders",
    meaning="Orders that the Risk Officer counts against those that are approved or open.",
    statistic=Statistic.MEDIAN,
    floor=5.0,
    target=1.0,
    min_samples=10,
    critical=True,
)
WITNESSED: Final[Mapping[Role, tuple[Measure, ...]]] = {
    Role.MICROSTRUCTURE_ANALYST: (BOOKS_ANSWERED,),
    Role.ML_RESEARCH_SCIENTIST: (PRINTS_ANSWERED,),
    Role.LOW_LATENCY_ENGINEER: (LATENCY_ERROR,),
    Role.EXECUTION_MANAGER: (AS_APPROVED, CANCELS_HEEDED, ANSWERS_HEEDED, FILLS_BOOKED),
    Role.SECURITY_ARCHITECT: (VERDICTS_RIGHT,),
    Role.RISK_OVERSIGHT_OFFICER: (RESERVED_DIFFERENCE,),
}
"""Whose measures they are."""
