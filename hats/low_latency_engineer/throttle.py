"""When the desk is too slow, it decides less often: the throttle's rule, with hysteresis."""

from __future__ import annotations

import msgspec

from hats.low_latency_engineer.settings import Settings
from shared.units import MS


class ThrottleState(msgspec.Struct):
    """The interval in force (0: none) and how long the evidence points one way."""

    min_interval_ns: int = 0
    over: int = 0
    under: int = 0


def judge(state: ThrottleState, p99_us: float | None, settings: Settings) -> bool:
    """Whether the interval in force changed after one more report with this tick-to-wire p99.

    None means too few samples: no evidence against the desk, so it counts toward lifting. Between the lifting share
    and the budget neither count grows.
    """
    budget = settings.tick_to_wire_budget_us
    is_over = p99_us is not None and p99_us > budget
    is_under = p99_us is None or p99_us < budget * settings.lift_below_ratio
    state.over = state.over + 1 if is_over else 0
    state.under = state.under + 1 if is_under else 0
    before = state.min_interval_ns
    if state.over >= settings.throttle_after_reports:
        doubled = max(2 * before, settings.throttle_first_ms * MS)
        state.min_interval_ns, state.over = min(doubled, settings.throttle_most_ms * MS), 0
    elif state.under >= settings.lift_after_reports:
        state.min_interval_ns, state.under = 0, 0
    return state.min_interval_ns != before
