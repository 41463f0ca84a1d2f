"""Fundamental prices: log-price diffusion with stochastic volatility, jumps, a common factor and a slow basis.

d log p = exp(x) sigma dW + J dN, with x an Ornstein-Uhlenbeck log-volatility shared by all coins, so that volatility
clusters. Source of the form: Taylor (1986), stochastic volatility; Merton (1976), jumps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from shared.units import DAY, SECOND
from shared.venue.flow.coins import Coin

_YEAR_S: Final = 365 * DAY / SECOND


class PriceProcess(msgspec.Struct, frozen=True):
    """Parameters common to all coins. `log_sigma` is the standard deviation of log-volatility at rest."""

    log_sigma: float = 0.6
    log_sigma_relax_s: float = 60.0
    jump_interval_s: float = 240.0
    jump_bps: float = 6.0
    basis_bps: float = 2.0
    basis_relax_s: float = 900.0


class Fundamentals:
    """Spot and fair perp prices of several coins, advanced in even steps of virtual time.

    Every source of chance has its own generator, so a coin's path does not depend on which others are listed,
    common factor aside.
    """

    def __init__(self, coins: Sequence[Coin], process: PriceProcess, seed: int) -> None:
        self._coins = tuple(coins)
        self._process = process
        self._common = Random(f"{seed}/fundamental/common")
        self._own = [Random(f"{seed}/fundamental/{coin.name}") for coin in coins]
        self._log = [math.log(coin.start) for coin in coins]
        self._basis = [0.0 for _ in coins]
        self._log_volatility = 0.0

    def step(self, seconds: float) -> None:
        """Advance every coin by `seconds`."""
        process, common = self._process, self._common
        self._log_volatility = _relaxed(
            self._log_volatility, seconds / process.log_sigma_relax_s, process.log_sigma, common.gauss(0.0, 1.0)
        )
        # half the variance of a log-normal keeps the mean volatility where the coin's figure puts it
        level = math.exp(self._log_volatility - process.log_sigma**2) * math.sqrt(seconds / _YEAR_S)
        shock = common.gauss(0.0, 1.0)
        for index, (coin, own) in enumerate(zip(self._coins, self._own, strict=True)):
            mixed = coin.correlation * shock + math.sqrt(1.0 - coin.correlation**2) * own.gauss(0.0, 1.0)
            move = coin.sigma_annual * level * mixed
            if own.random() < seconds / process.jump_interval_s:
                move += own.gauss(0.0, process.jump_bps * 1e-4)
            self._log[index] += move
            self._basis[index] = _relaxed(
                self._basis[index], seconds / process.basis_relax_s, process.basis_bps * 1e-4, own.gauss(0.0, 1.0)
            )

    def spot(self, index: int) -> float:
        """What the oracle sees, in USDC."""
        return math.exp(self._log[index])

    def fair(self, index: int) -> float:
        """What the perp is worth, basis included, in USDC."""
        return math.exp(self._log[index] + self._basis[index])

    def sigma(self, index: int) -> float:
        """Standard deviation of the log-price over one second, as it is now (jumps aside)."""
        level = math.exp(self._log_volatility - self._process.log_sigma**2)
        return self._coins[index].sigma_annual * level / math.sqrt(_YEAR_S)


def _relaxed(value: float, share: float, sigma: float, normal: float) -> float:
    """One exact step of an Ornstein-Uhlenbeck process around 0 over `share` of its relaxation time."""
    kept = math.exp(-share)
    return value * kept + sigma * math.sqrt(1.0 - kept * kept) * normal
