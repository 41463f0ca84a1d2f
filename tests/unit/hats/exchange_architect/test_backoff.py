"""Reconnecting is patient: pauses double with jitter, and a minute has a limit."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.backoff import Backoff, Quota
from shared.units import MINUTE, MS, SECOND, Ns


def attempts(seed: int, limit: int, count: int, succeed_every: int) -> list[Ns]:
    """When `count` attempts are made by a caller who never hesitates."""
    backoff = Backoff(250 * MS, 20 * SECOND, Quota(limit), random.Random(seed))
    now, made = Ns(0), []
    for number in range(count):
        now = backoff.next_attempt(now)
        backoff.attempted(now)
        made.append(now)
        if succeed_every and number % succeed_every == 0:
            backoff.succeeded()
    return made


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(0, 3))
def test_no_minute_has_more_attempts_than_allowed(seed: int, limit: int, succeed_every: int) -> None:
    """Whatever succeeds in between, any window of a minute has at most `limit` attempts."""
    made = attempts(seed, limit, 100, succeed_every)
    assert all(later - earlier >= MINUTE for earlier, later in zip(made, made[limit:], strict=False))


@given(st.integers(0, 2**32))
def test_pauses_double_with_jitter_up_to_the_longest(seed: int) -> None:
    """Each pause is between half and the whole of its doubled span."""
    made = attempts(seed, 1_000, 12, 0)
    for number, (earlier, later) in enumerate(pairwise(made)):
        span = min(250 * MS << number, 20 * SECOND)
        assert span // 2 <= later - earlier <= span


def test_the_first_attempt_and_one_after_success_are_immediate() -> None:
    """Nothing is waited for without a failure."""
    backoff = Backoff(250 * MS, 20 * SECOND, Quota(30), random.Random(1))
    assert backoff.next_attempt(Ns(5)) == 5
    backoff.attempted(Ns(5))
    assert backoff.next_attempt(Ns(5)) > 5
    backoff.succeeded()
    assert backoff.next_attempt(Ns(6)) == 6


def test_sockets_share_one_quota() -> None:
    """However many sockets try, together they stay within the minute; who waited must ask again."""
    quota = Quota(2)
    backoffs = [Backoff(MS, SECOND, quota, random.Random(seed)) for seed in range(3)]
    for backoff in backoffs[:2]:
        assert backoff.next_attempt(Ns(0)) == 0
        backoff.attempted(Ns(0))
    assert backoffs[2].next_attempt(Ns(0)) >= MINUTE
    assert not quota.spend(Ns(MINUTE // 2))
