"""Fundamental prices follow from the seed and have the properties that their parameters promise."""

from __future__ import annotations

import math
import statistics

import pytest

from shared.venue.flow.coins import COINS
from shared.venue.flow.fundamental import Fundamentals, PriceProcess
from shared.venue.flow.regimes import STEADY

YEAR_S = 365 * 24 * 3600


def path(process: PriceProcess, seed: int, n: int = 4_000, index: int = 0) -> list[float]:
    """Log-returns of one coin over seconds."""
    prices = Fundamentals(COINS, process, seed)
    found = []
    for _ in range(n):
        before = prices.spot(index)
        prices.step(1.0)
        found.append(math.log(prices.spot(index) / before))
    return found


def test_the_seed_decides_the_path() -> None:
    """Equal seeds give equal prices, other seeds others."""
    assert path(PriceProcess(), 3, 50) == path(PriceProcess(), 3, 50)
    assert path(PriceProcess(), 3, 50) != path(PriceProcess(), 4, 50)


def test_the_yearly_volatility_is_as_asked() -> None:
    """Without jumps and with steady volatility the deviation of returns is the coin's figure, within sampling error."""
    steady = PriceProcess(log_sigma=0.0, jump_bps=0.0)
    for index, coin in enumerate(COINS):
        found = statistics.pstdev(path(steady, 5, index=index)) * math.sqrt(YEAR_S)
        assert found == pytest.approx(coin.sigma_annual, rel=0.06)


def test_volatility_clusters_only_when_it_may() -> None:
    """The autocorrelation of absolute returns is clear with stochastic volatility and nil without."""
    for process, low, high in (
        (PriceProcess(log_sigma=0.8), 0.1, 1.0),
        (PriceProcess(0.0, jump_bps=0.0, regimes=STEADY), -0.05, 0.05),
    ):
        sizes = [abs(move) for move in path(process, 11)]
        mean = statistics.fmean(sizes)
        spread = sum((size - mean) ** 2 for size in sizes)
        found = sum((a - mean) * (b - mean) for a, b in zip(sizes, sizes[5:], strict=False)) / spread
        assert low <= found <= high


def test_coins_move_together_as_far_as_asked() -> None:
    """The correlation of two coins' returns is the product of their loads on the common factor."""
    steady = PriceProcess(log_sigma=0.0, jump_bps=0.0)
    found = statistics.correlation(path(steady, 9, index=0), path(steady, 9, index=1))
    assert found == pytest.approx(COINS[0].correlation * COINS[1].correlation, abs=0.05)
