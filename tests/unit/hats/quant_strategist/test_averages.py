"""Averages at fixed intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.quant_strategist.averages import Averages
from shared.units import SECOND


def fed(mids: list[tuple[int, float]]) -> Averages:
    """Averages of 10 and 40 s, sampled every second, that saw these mids."""
    averages = Averages()
    for ns, mid in mids:
        averages.take(ns, mid, 1_000, 10.0, 40.0)
    return averages


def test_only_the_last_mid_of_an_interval_counts() -> None:
    """More books in a second change nothing but its last mid."""
    busy = fed([(0, 1.0), (SECOND // 2, 7.0), (SECOND - 1, 3.0), (SECOND, 5.0), (2 * SECOND, 5.0)])
    assert busy == fed([(0, 3.0), (SECOND, 5.0), (2 * SECOND, 5.0)])
    assert busy.samples == 2


@given(st.lists(st.floats(1.0, 100.0), min_size=2, max_size=30), st.integers(1, 20))
def test_silence_repeats_the_last_mid(mids: list[float], silent: int) -> None:
    """A gap of n intervals equals hearing the last mid n times."""
    quiet = [(n * SECOND, mid) for n, mid in enumerate(mids)]
    end = len(mids) - 1
    spoken = quiet + [((end + n) * SECOND, mids[-1]) for n in range(1, silent + 1)]
    jumped = [*quiet, ((end + silent) * SECOND, mids[-1])]
    one, other = fed(spoken), fed(jumped)
    assert one.samples == other.samples
    assert one.fast == pytest.approx(other.fast)
    assert one.slow == pytest.approx(other.slow)


def test_grown_after_one_slow_constant() -> None:
    """Forty samples of a second fill the slow average of 40 s, thirty-nine do not."""
    averages = fed([(n * SECOND, 1.0) for n in range(40)])
    assert not averages.are_grown(1_000, 40.0)
    averages.take(40 * SECOND, 1.0, 1_000, 10.0, 40.0)
    assert averages.are_grown(1_000, 40.0)


def test_time_that_goes_back_is_ignored() -> None:
    """An older mid changes nothing."""
    assert fed([(5 * SECOND, 2.0), (3 * SECOND, 9.0)]) == fed([(5 * SECOND, 2.0)])
