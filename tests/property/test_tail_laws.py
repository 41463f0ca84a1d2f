"""Laws of the tail: whatever open orders come to, no counted shortfall and no scenario costs more than the veto saw."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hats.risk_oversight_officer import Settings
from hats.risk_oversight_officer.history import RETURN_SCALE, Returns
from hats.risk_oversight_officer.scenarios import SCENARIOS
from hats.risk_oversight_officer.tail import EXACT, SHORTFALL_TAIL, VAR_TAIL, Corner, Tail, box_of
from shared.messages.risk import RiskModel
from shared.units import USD

SAMPLES = 200
RAW = Settings(var_models=(RiskModel.HISTORICAL,), var_horizon_samples=1, var_samples_min=SAMPLES)
POINTS = 200

Ends = list[tuple[int, int]]


@st.composite
def books(draw: st.DrawFn, coins: st.SearchStrategy[int]) -> tuple[NDArray[Any], Ends]:
    """Returns (coins, outcomes), fat-tailed and more or less together, and each coin's lowest and highest USDC."""
    count = draw(coins)
    chance = np.random.Generator(np.random.PCG64(draw(st.integers(0, 2**32))))
    together = draw(st.sampled_from([0.0, 0.5, 0.95]))
    own, market = chance.standard_t(3, (count, SAMPLES)), chance.standard_t(3, SAMPLES)
    moves = np.rint(4_000 * (together * market + (1 - together) * own) * chance.integers(1, 4, (count, 1)))
    ends = [
        (low, low + draw(st.sampled_from([0, 2, 10, 1_000, 50_000]))) for low in chance.integers(-40_000, 40_000, count)
    ]
    return np.clip(moves, -RETURN_SCALE, 10 * RETURN_SCALE), [(int(low), int(high)) for low, high in ends]


def judged(moves: NDArray[Any], ends: Ends, coin: str | None = None) -> tuple[int, int]:
    """Value at risk and shortfall as the veto sees them."""
    rows: dict[str, list[int | None]] = {f"C{n:02d}": [int(each) for each in row] for n, row in enumerate(moves)}
    corners = [Corner(f"C{n:02d}", high * USD, -low * USD) for n, (low, high) in enumerate(ends)]
    found = Tail(Returns(rows=rows, samples=1), RAW).losses(box_of(corners), coin)
    assert found is not None
    return found.var_usd, found.shortfall_usd


def losses_at(moves: NDArray[Any], held: NDArray[Any]) -> tuple[int, float]:
    """Value at risk and shortfall of one point, by sorting."""
    outcomes = np.sort(held @ moves)
    tail = SAMPLES // SHORTFALL_TAIL
    return max(-int(outcomes[SAMPLES // VAR_TAIL - 1]), 0), max(-float(outcomes[:tail].sum()) / tail, 0.0)


def at_corners(moves: NDArray[Any], ends: Ends) -> tuple[int, float]:
    """The worst of all corners, each tried."""
    found = [losses_at(moves, np.array(corner)) for corner in product(*ends)]
    return max(var for var, _ in found), max(shortfall for _, shortfall in found)


@given(book=books(st.integers(1, EXACT)))
@settings(max_examples=60)
def test_as_many_coins_as_are_tried_at_both_ends_are_judged_exactly(book: tuple[NDArray[Any], Ends]) -> None:
    """Both losses are those of the worst corner, and no point within loses more on average beyond its tail."""
    moves, ends = book
    var, shortfall = judged(moves, ends)
    worst_var, worst_shortfall = at_corners(moves, ends)
    assert (var, shortfall) == (worst_var, -int(-worst_shortfall // 1))
    _nothing_within_is_worse(moves, ends, shortfall)


@given(book=books(st.integers(EXACT + 1, EXACT + 4)), data=st.data())
@settings(max_examples=40)
def test_more_coins_are_bounded(book: tuple[NDArray[Any], Ends], data: st.DataObject) -> None:
    """Neither a corner nor a point within is worse than what the veto saw, whichever coin is asked about."""
    moves, ends = book
    coin = data.draw(st.sampled_from([None, "C00", "C03"]))
    var, shortfall = judged(moves, ends, coin)
    worst_var, worst_shortfall = at_corners(moves, ends)
    assert var >= worst_var
    assert shortfall >= worst_shortfall
    _nothing_within_is_worse(moves, ends, shortfall)


@given(book=books(st.integers(1, 4)), low=st.integers(0, 5_000), high=st.integers(0, 5_000))
@settings(max_examples=30)
def test_an_order_never_lowers_the_shortfall(book: tuple[NDArray[Any], Ends], low: int, high: int) -> None:
    """A wider box holds the narrower one, so what is asked with an order is never below what is asked without."""
    moves, ends = book
    wider = [(ends[0][0] - low, ends[0][1] + high), *ends[1:]]
    assert judged(moves, wider, "C00")[1] >= judged(moves, ends, "C00")[1]


@given(book=books(st.integers(1, 5)))
@settings(max_examples=40)
def test_stress_is_the_worst_corner_of_the_worst_scenario(book: tuple[NDArray[Any], Ends]) -> None:
    """By trying all corners; where winners are taken away, only what loses counts."""
    _, ends = book
    coins = ("BTC", "DOGE", "ETH", "XYZ", "SOL")[: len(ends)]
    corners = [Corner(coin, high * USD, -low * USD) for coin, (low, high) in zip(coins, ends, strict=True)]
    worst = 0
    for scenario in SCENARIOS:
        for corner in product(*ends):
            by_coin = [usd * scenario.move(coin) for usd, coin in zip(corner, coins, strict=True)]
            worst = max(worst, -sum(min(each, 0) if scenario.is_deleveraged else each for each in by_coin))
    assert Tail(Returns(), RAW).stress(box_of(corners)).usd == worst


def _nothing_within_is_worse(moves: NDArray[Any], ends: Ends, shortfall: int) -> None:
    chance = np.random.Generator(np.random.PCG64(1))
    low, high = np.array(ends).T
    for point in chance.integers(low, high + 1, (POINTS, len(ends))):
        assert losses_at(moves, point)[1] <= shortfall
