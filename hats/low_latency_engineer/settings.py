"""The Low-Latency Engineer's section of the configuration."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from shared.config import Section
from shared.ids import HATS, Role

# a Hat on the hot path has 2 ms from mailbox to answer; the others may think
_HOT = (
    Role.EXCHANGE_ARCHITECT,
    Role.MICROSTRUCTURE_ANALYST,
    Role.QUANT_STRATEGIST,
    Role.RISK_OVERSIGHT_OFFICER,
    Role.EXECUTION_MANAGER,
    Role.SECURITY_ARCHITECT,
)


def _hop_budgets() -> dict[Role, float]:
    return {role: 2_000.0 if role in _HOT else 20_000.0 for role in HATS}


class Settings(Section):
    """Budgets in microseconds at p99, and when to throttle."""

    ASCENDING: ClassVar = (("throttle_first_ms", "throttle_most_ms"),)

    report_every_ms: int = Field(1_000, ge=1, description="A LatencyReport this often.")
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")
    window_reports: int = Field(10, ge=1, description="Percentiles are over the samples of this many reports.")
    hop_budgets_us: dict[Role, Annotated[float, Field(gt=0)]] = Field(
        default_factory=_hop_budgets, description="p99 of a message's way through each Hat: waiting and handling."
    )
    tick_to_wire_budget_us: float = Field(
        10_000.0, gt=0, description="p99 from a book's receipt to the signed bytes on the socket."
    )
    min_samples: int = Field(20, ge=1, description="Fewer samples than this in the window are not judged.")
    throttle_after_reports: int = Field(5, ge=1, description="Reports over the tick-to-wire budget before a throttle.")
    lift_after_reports: int = Field(10, ge=1, description="Reports well under it before the throttle is lifted.")
    lift_below_ratio: float = Field(
        0.8, gt=0, le=1, description="Well under means below this share of the budget, so that it does not flap."
    )
    throttle_first_ms: int = Field(200, gt=0, description="First minimum time between two decisions of a strategy.")
    throttle_most_ms: int = Field(5_000, gt=0, description="It doubles while the budget stays broken, up to this.")
