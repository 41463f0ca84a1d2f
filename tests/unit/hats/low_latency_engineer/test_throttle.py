"""The throttle comes after lasting evidence and goes with hysteresis."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from hats.low_latency_engineer.settings import Settings
from hats.low_latency_engineer.throttle import ThrottleState, judge
from shared.units import MS

SETTINGS = Settings(throttle_after_reports=3, lift_after_reports=4)
OVER, BETWEEN, UNDER = 20_000.0, 9_000.0, 1_000.0


def after(*reports: float | None) -> ThrottleState:
    """The state after these reports."""
    state = ThrottleState()
    for report in reports:
        judge(state, report, SETTINGS)
    return state


def test_a_single_slow_report_changes_nothing() -> None:
    """Only the third report over budget in a row throttles."""
    assert after(OVER, OVER, UNDER, OVER, OVER).min_interval_ns == 0
    assert after(OVER, OVER, OVER).min_interval_ns == 200 * MS


def test_it_doubles_while_the_budget_stays_broken_up_to_its_limit() -> None:
    """Three more reports double it; it never exceeds the most that is allowed."""
    assert after(*[OVER] * 6).min_interval_ns == 400 * MS
    assert after(*[OVER] * 60).min_interval_ns == 5_000 * MS


def test_it_is_lifted_only_well_below_the_budget() -> None:
    """Just under the budget holds it; four reports well under, or without samples, lift it."""
    assert after(OVER, OVER, OVER, *[BETWEEN] * 20).min_interval_ns == 200 * MS
    assert after(OVER, OVER, OVER, UNDER, UNDER, BETWEEN, UNDER, UNDER).min_interval_ns == 200 * MS
    assert after(OVER, OVER, OVER, UNDER, None, UNDER, None).min_interval_ns == 0


@settings(max_examples=60)
@given(st.lists(st.none() | st.floats(0, 10**6), max_size=60))
def test_it_never_flaps(reports: list[float | None]) -> None:
    """Whatever is reported, two changes are at least three reports apart."""
    state, changes = ThrottleState(), []
    for n, report in enumerate(reports):
        if judge(state, report, SETTINGS):
            changes.append(n)
    assert all(b - a >= 3 for a, b in itertools.pairwise(changes))
