"""A three-state Gaussian hidden Markov model of returns: forward filter and online EM, causal by construction.

Each bar's return is drawn from N(0, variance of the state); the state follows a Markov chain. After each bar the filter
knows P(state | returns so far). The parameters are learned on the way by stochastic approximation of the EM
recursion, with a step that shrinks to a constant so that old bars are forgotten. No smoothing, no second pass.
Source: Cappe (2011), "Online EM algorithm for hidden Markov models", algorithm 1, for Gaussian emissions of zero mean.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from hats.ml_research_scientist.settings import Settings

STATES: Final = 3
_RANGE: Final = range(STATES)
_START_SCALES: Final = (0.5, 1.0, 2.0)
"""Sigma of calm, normal and turbulent over the warm-up's root mean square: a choice, soon overwritten by learning."""
_STEP_POWER: Final = 0.6
_VARIANCE_RATIO_MIN: Final = 1.5
"""Neighbouring states stay at least this far apart in variance, so that labels keep their order and meaning."""
_SWITCH_MIN: Final = 0.002
"""Share of the uniform chain mixed into the learned one, so that no state becomes a trap."""


class VolatilityFilter(msgspec.Struct):
    """One coin's filter. Matrices are lists of rows; `moves[i][j]` is P(next j | now i).

    `*_stats` are Cappe's rho: expected sufficient statistics by last state k. `move_stats[i][j][k]` counts moves,
    `visit_stats[i][k]` visits and `square_stats[i][k]` squared returns. Empty until the warm-up is over.
    """

    warmup: list[float] = []
    seen: int = 0
    chances: list[float] = []
    variances: list[float] = []
    moves: list[list[float]] = []
    move_stats: list[list[list[float]]] = []
    visit_stats: list[list[float]] = []
    square_stats: list[list[float]] = []

    @property
    def is_ready(self) -> bool:
        """Has the warm-up ended?"""
        return bool(self.chances)

    def take(self, return_bps: float | None, settings: Settings) -> None:
        """Move on by one bar; None is a bar in which nothing was seen: the chain moves, nothing is learned."""
        if not self.is_ready:
            self._warm_up(return_bps, settings)
            return
        backward = _backward(self.chances, self.moves)
        ahead = self.predicted()
        if return_bps is None:
            self.chances = ahead
            self._fold_stats(backward, 0.0, 0.0)
            return
        self.seen += 1
        step = max((self.seen + settings.warmup_bars) ** -_STEP_POWER, 1.0 / settings.memory_bars)
        self.chances = filtered(ahead, self.variances, return_bps)
        self._fold_stats(backward, return_bps * return_bps, step)
        self._learn(settings)

    def predicted(self) -> list[float]:
        """Chances of the three states in the next bar."""
        return [sum(self.chances[i] * self.moves[i][j] for i in _RANGE) for j in _RANGE]

    def sigma_bps(self) -> float:
        """Standard deviation that the next bar's return should have."""
        return math.sqrt(
            sum(chance * variance for chance, variance in zip(self.predicted(), self.variances, strict=True))
        )

    def relax(self) -> None:
        """Forget where the chain stands but not what was learned: after a gap only the long-run shares are known."""
        if self.is_ready:
            self.chances = long_run(self.moves)

    def _warm_up(self, return_bps: float | None, settings: Settings) -> None:
        if return_bps is not None:
            self.warmup.append(return_bps)
        if len(self.warmup) < settings.warmup_bars:
            return
        square = sum(value * value for value in self.warmup) / len(self.warmup)
        square = max(square, settings.sigma_min_bps**2)
        stay = 1.0 - 1.0 / settings.dwell_bars
        other = (1.0 - stay) / (STATES - 1)
        self.variances = [square * scale * scale for scale in _START_SCALES]
        self.moves = [[stay if i == j else other for j in _RANGE] for i in _RANGE]
        self.chances = [1.0 / STATES] * STATES
        share = 1.0 / STATES
        self.move_stats = [[[share * self.moves[i][j]] * STATES for j in _RANGE] for i in _RANGE]
        self.visit_stats = [[share] * STATES for _ in _RANGE]
        self.square_stats = [[share * self.variances[i]] * STATES for i in _RANGE]
        replay, self.warmup = self.warmup, []
        for value in replay:
            self.take(value, settings)

    def _fold_stats(self, backward: list[list[float]], square: float, step: float) -> None:
        """Cappe's recursion for rho; step 0 only carries what is known one bar on."""
        keep = 1.0 - step
        for i in _RANGE:
            self.visit_stats[i] = _carried(self.visit_stats[i], backward, keep)
            self.square_stats[i] = _carried(self.square_stats[i], backward, keep)
            self.visit_stats[i][i] += step
            self.square_stats[i][i] += step * square
            for j in _RANGE:
                self.move_stats[i][j] = _carried(self.move_stats[i][j], backward, keep)
                self.move_stats[i][j][j] += step * backward[i][j]

    def _learn(self, settings: Settings) -> None:
        floor = settings.sigma_min_bps**2
        for i in _RANGE:
            visits = _mean(self.visit_stats[i], self.chances)
            if visits > 0.0:
                self.variances[i] = _mean(self.square_stats[i], self.chances) / visits
            self.variances[i] = max(self.variances[i], floor)
            floor = self.variances[i] * _VARIANCE_RATIO_MIN
            row = [_mean(self.move_stats[i][j], self.chances) for j in _RANGE]
            total = sum(row)
            if total > 0.0:
                self.moves[i] = [(1.0 - _SWITCH_MIN) * value / total + _SWITCH_MIN / STATES for value in row]


def filtered(ahead: list[float], variances: list[float], return_bps: float) -> list[float]:
    """Chances of the states once the return is known: prior times Gaussian density, normalised."""
    logs = [-0.5 * (math.log(variance) + return_bps * return_bps / variance) for variance in variances]
    top = max(logs)
    weights = [chance * math.exp(value - top) for chance, value in zip(ahead, logs, strict=True)]
    total = sum(weights)
    return [weight / total for weight in weights]


def log_density(return_bps: float, sigma_bps: float) -> float:
    """Log of the Gaussian density of a return, in nats."""
    return -0.5 * math.log(2.0 * math.pi) - math.log(sigma_bps) - 0.5 * (return_bps / sigma_bps) ** 2


def long_run(moves: list[list[float]]) -> list[float]:
    """Long-run shares of the states of a chain that can reach every state."""
    shares = [1.0 / STATES] * STATES
    for _ in range(200):
        shares = [sum(shares[i] * moves[i][j] for i in _RANGE) for j in _RANGE]
    return shares


def _backward(chances: list[float], moves: list[list[float]]) -> list[list[float]]:
    """P(last state i | next state j) as rows i."""
    joint = [[chances[i] * moves[i][j] for j in _RANGE] for i in _RANGE]
    ahead = [sum(joint[i][j] for i in _RANGE) for j in _RANGE]
    return [[joint[i][j] / ahead[j] for j in _RANGE] for i in _RANGE]


def _carried(stats: list[float], backward: list[list[float]], keep: float) -> list[float]:
    return [keep * sum(stats[i] * backward[i][k] for i in _RANGE) for k in _RANGE]


def _mean(stats: list[float], chances: list[float]) -> float:
    return sum(value * chance for value, chance in zip(stats, chances, strict=True))
