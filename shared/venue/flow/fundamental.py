"""Fundamental prices: diffusion with stochastic volatility, regimes, jumps, a common factor and a slow basis.

d log p = r exp(x) sigma (dW + d dt) + J dN, with x an Ornstein-Uhlenbeck log-volatility shared by all coins and (r, d)
the volatility and drift of the regime that holds, so that volatility clusters. Source of the form: Taylor (1986),
stochastic volatility; Merton (1976), jumps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from shared.units import DAY, SECOND
from shared.venue.flow.coins import Coin
from shared.venue.flow.regimes import REGIMES, Regime, RegimeChain

_YEAR_S: Final = 365 * DAY / SECOND


class PriceProcess(msgspec.Struct, frozen=True):
    """Parameters common to all coins. `log_sigma` is the standard deviation of log-volatility at rest."""

    log_sigma: float = 0.6
    log_sigma_relax_s: float = 60.0
    jump_interval_s: float = 240.0
    jump_bps: float = 3.0
    basis_bps: float = 2.0
    basis_relax_s: float = 900.0
    regimes: tuple[Regime, ...] = REGIMES


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
        self.regimes = RegimeChain(process.regimes, Random(f"{seed}/fundamental/regimes"))

    def step(self, seconds: float) -> None:
        """Advance every coin by `seconds`."""
        process, common = self._process, self._common
        self.regimes.step(seconds)
        self._log_volatility = _relaxed(
            self._log_volatility, seconds / process.log_sigma_relax_s, process.log_sigma, common.gauss(0.0, 1.0)
        )
        level = self.stress() * math.sqrt(seconds / _YEAR_S)
        shock = common.gauss(0.0, 1.0) + self.regimes.drift() * math.sqrt(seconds)
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
        return self._coins[index].sigma_annual * self.stress() / math.sqrt(_YEAR_S)

    def stress(self) -> float:
        """Volatility now over the usual one; its square is 1 in the long run."""
        # the variance of a log-normal is taken off so that the mean volatility stays where the coin's figure puts it
        return math.exp(self._log_volatility - self._process.log_sigma**2) * self.regimes.volatility()

    def shift(self, index: int, log_move: float) -> None:
        """Move one coin at once: news, for whoever stages a crash."""
        self._log[index] += log_move


def _relaxed(value: float, share: float, sigma: float, normal: float) -> float:
    """One exact step of an Ornstein-Uhlenbeck process around 0 over `share` of its relaxation time."""
    kept = math.exp(-share)
    return value * kept + sigma * math.sqrt(1.0 - kept * kept) * normal
