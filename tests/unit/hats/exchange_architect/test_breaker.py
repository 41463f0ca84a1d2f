"""The circuit breaker of reads: when it opens, for how long, and what closes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.breaker import Breaker, BreakerState


def opened(failures_max: int = 3) -> Breaker:
    """One that opened at 0 for 100."""
    breaker = Breaker(failures_max, 100, 350)
    for _ in range(failures_max):
        assert breaker.may_ask(0)
        breaker.failed(0)
    return breaker


def test_it_opens_at_the_last_failure_in_a_row() -> None:
    """A success between starts the count anew."""
    breaker = Breaker(3, 100, 350)
    for _ in range(5):
        breaker.failed(0)
        breaker.failed(0)
        assert breaker.may_ask(0)
        breaker.succeeded()
    assert opened().state is BreakerState.OPEN


def test_one_trial_after_the_pause_decides() -> None:
    """Nothing before; then exactly one; its success closes, its failure opens for twice as long, up to the most."""
    breaker = opened()
    assert (breaker.may_ask(99), breaker.wait_ns(99)) == (False, 1)
    now = 100
    for pause in (200, 350, 350):
        assert breaker.may_ask(now)
        assert breaker.state is BreakerState.HALF_OPEN
        assert not breaker.may_ask(now)
        breaker.failed(now)
        assert not breaker.may_ask(now + pause - 1)
        now += pause
    assert breaker.may_ask(now)
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.may_ask(now)
    for _ in range(3):
        breaker.failed(now)
    assert not breaker.may_ask(now + 99)
    assert breaker.may_ask(now + 100), "after a success the pause is the first one again"


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=200))
def test_a_dead_venue_is_asked_less_and_less_and_a_live_one_always(steps: list[tuple[int, bool]]) -> None:
    """Whatever happens: never two questions within an open pause, and after a success the next one passes."""
    breaker, now, failures, last_failed = Breaker(3, 100, 350), 0, 0, -1_000
    for passed, is_good in steps:
        now += passed
        if not breaker.may_ask(now):
            assert failures >= 3
            assert now < last_failed + 350
            continue
        assert failures < 3 or now >= last_failed + 100
        if is_good:
            breaker.succeeded()
            failures = 0
        else:
            breaker.failed(now)
            failures, last_failed = failures + 1, now
