"""The histogram of lags: no quantile flatters, and what is unknown is None."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.warehouse.capture.lags import STEP_NS, STEPS_MAX, Lags

LAG = st.integers(-1_000, 2 * STEP_NS * STEPS_MAX)


@given(st.lists(LAG, min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.99, 0.999, 1.0]))
def test_a_quantile_is_at_least_the_true_one_and_at_most_a_step_more(lags: list[int], q: float) -> None:
    """Against the sorted list itself; beyond ten seconds only the largest is known."""
    counted = Lags()
    for start in range(0, len(lags), 7):
        counted.add(lags[start : start + 7])
    ordered = sorted(max(lag, 0) for lag in lags)
    rank = max(1, -int(-q * len(ordered) // 1))
    true_ns = ordered[rank - 1]
    found_ms = counted.quantile_ms(q)
    assert found_ms is not None
    found_ns = round(found_ms * 1e6)
    assert found_ns >= true_ns
    if true_ns < STEP_NS * STEPS_MAX:
        assert found_ns <= true_ns + STEP_NS
    assert (counted.n, counted.max_ns) == (len(lags), ordered[-1])


def test_without_a_frame_nothing_is_known() -> None:
    """None, not 0."""
    assert Lags().quantile_ms(0.99) is None
