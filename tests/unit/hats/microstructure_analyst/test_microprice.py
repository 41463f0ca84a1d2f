"""Stoikov's microprice, fitted online."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.microstructure_analyst.microprice import (
    STATES,
    MicropriceFit,
    folded_state,
    solve_moves,
    weighted_mid,
)

sizes = st.integers(1, 10_000)


@given(sizes, sizes, st.integers(1, 5))
def test_the_mirror_book_is_the_same_state_with_the_other_sign(bid_sz: int, ask_sz: int, ticks: int) -> None:
    """Swapping the sizes keeps the folded state; the sign turns unless the book is balanced."""
    state, sign = folded_state(bid_sz, ask_sz, ticks)
    mirrored, mirrored_sign = folded_state(ask_sz, bid_sz, ticks)
    assert 0 <= state < STATES
    assert mirrored == state
    assert mirrored_sign == (sign if bid_sz == ask_sz else -sign)


@given(st.integers(1, 1_000), sizes, st.integers(1_001, 2_000), sizes)
def test_weighted_mid_stays_inside_the_quotes(bid_px: int, bid_sz: int, ask_px: int, ask_sz: int) -> None:
    """The fall-back never leaves the spread."""
    assert bid_px <= weighted_mid(bid_px, bid_sz, ask_px, ask_sz) <= ask_px


def test_solution_satisfies_its_equation() -> None:
    """g solves (visits + prior) g = drift + jumps g on random counts."""
    rng = random.Random(5)
    jumps = [float(rng.randint(-3, 6)) for _ in range(STATES * STATES)]
    visits = [sum(abs(j) for j in jumps[s * STATES : (s + 1) * STATES]) for s in range(STATES)]
    drift = [rng.uniform(-5.0, 5.0) for _ in range(STATES)]
    moves = solve_moves(visits, drift, jumps)
    for state in range(STATES):
        follows = sum(jumps[state * STATES + other] * moves[other] for other in range(STATES))
        assert (visits[state] + 2.0) * moves[state] == pytest.approx(drift[state] + follows)


def test_unseen_states_stay_at_the_mid() -> None:
    """Without any observation the expected move is zero everywhere."""
    assert solve_moves([0.0] * STATES, [0.0] * STATES, [0.0] * STATES**2) == [0.0] * STATES


def test_a_lean_that_moves_the_mid_is_learned() -> None:
    """If a heavy bid is followed by +1 bp and a heavy ask by -1 bp, the fit says so for both."""
    rng, fit = random.Random(1), MicropriceFit()
    balanced = (0, 1)
    for _ in range(2_000):
        sign = rng.choice((1, -1))
        heavy = (12, sign)
        fit.observe(balanced, heavy, 0.0)
        fit.observe(heavy, balanced, sign * 1.0)
    fit.refit(100, 1.0)
    assert fit.move_bps((12, 1)) == pytest.approx(1.0, abs=0.05)
    assert fit.move_bps((12, -1)) == pytest.approx(-1.0, abs=0.05)
    assert fit.move_bps((0, 1)) == pytest.approx(0.0, abs=0.1)


states = st.tuples(st.integers(0, STATES - 1), st.sampled_from((1, -1)))


@given(st.lists(st.tuples(states, states, st.floats(-5.0, 5.0)), min_size=1, max_size=30))
def test_the_mirror_market_teaches_the_same(seen: list[tuple[tuple[int, int], tuple[int, int], float]]) -> None:
    """Swapping bid and ask in every observation leaves the fit as it is."""
    fit, mirrored = MicropriceFit(), MicropriceFit()
    for source, target, move_bps in seen:
        fit.observe(source, target, move_bps)
        mirrored.observe((source[0], -source[1]), (target[0], -target[1]), -move_bps)
    assert fit == mirrored


def test_no_fit_before_enough_was_seen() -> None:
    """Fewer transitions than asked for leave the fit empty, and old counts fade."""
    fit = MicropriceFit()
    fit.observe((0, 1), (1, 1), 1.0)
    fit.refit(2, 0.5)
    assert not fit.moves_bps
    assert fit.seen == 0.5
