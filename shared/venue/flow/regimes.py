"""Regimes: a Markov chain of market weathers that scale how often people trade and how much prices move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec


class Regime(msgspec.Struct, frozen=True):
    """One weather. `weight` says how readily it is entered, `dwell_s` how long it lasts on average.

    `intensity` scales takers' arrivals and `volatility` the diffusion, both relative to the long-run mean; `drift` is a
    trend in standard deviations of one second, per second, its direction drawn anew at each entry.
    """

    name: str
    weight: float
    dwell_s: float
    intensity: float
    volatility: float
    drift: float = 0.0


CALM: Final = Regime("calm", 0.5, 120.0, 0.7, 0.75)
VOLATILE: Final = Regime("volatile", 0.25, 25.0, 2.2, 2.2)
TRENDING: Final = Regime("trending", 0.25, 40.0, 1.3, 1.0, 0.25)
REGIMES: Final = (CALM, VOLATILE, TRENDING)
STEADY: Final = (Regime("steady", 1.0, math.inf, 1.0, 1.0),)
"""No switches at all."""


class RegimeChain:
    """Which regime holds, in continuous time: exponential dwellings, jumps in proportion to the others' weights.

    Intensity and squared volatility are scaled so that their long-run means are 1, whatever the regimes say.
    """

    def __init__(self, regimes: Sequence[Regime], chance: Random) -> None:
        assert regimes, "a market needs at least one regime"
        self._regimes = tuple(regimes)
        self._chance = chance
        shares = time_shares(regimes)
        self._intensity_scale = 1.0 / sum(share * each.intensity for share, each in zip(shares, regimes, strict=True))
        variance = sum(share * each.volatility**2 for share, each in zip(shares, regimes, strict=True))
        self._volatility_scale = 1.0 / math.sqrt(variance)
        self.most_intense = max(each.intensity for each in regimes) * self._intensity_scale
        self._direction = 1.0
        self._left_s = 0.0
        self._enter(chance.choices(self._regimes, shares)[0])

    def step(self, seconds: float) -> None:
        """Let time pass; a step much shorter than the dwellings sees every regime."""
        self._left_s -= seconds
        while self._left_s <= 0.0:
            left = self._left_s
            others = [each for each in self._regimes if each is not self._now] or [self._now]
            self._enter(self._chance.choices(others, [each.weight for each in others])[0])
            self._left_s += left

    @property
    def name(self) -> str:
        """Name of the regime that holds."""
        return self._now.name

    def intensity(self) -> float:
        """Factor on arrivals now, 1 in the long run."""
        return self._now.intensity * self._intensity_scale

    def volatility(self) -> float:
        """Factor on standard deviations now; its square is 1 in the long run."""
        return self._now.volatility * self._volatility_scale

    def drift(self) -> float:
        """Signed trend in standard deviations of one second, per second."""
        return self._now.drift * self._direction

    def _enter(self, regime: Regime) -> None:
        self._now = regime
        self._left_s = math.inf if math.isinf(regime.dwell_s) else self._chance.expovariate(1.0 / regime.dwell_s)
        self._direction = 1.0 if self._chance.random() < 0.5 else -1.0


def time_shares(regimes: Sequence[Regime]) -> tuple[float, ...]:
    """Long-run share of time in each regime.

    With jumps in proportion to weights w, the jump chain is reversible with w (1 - w); dwellings weigh it by time.
    """
    if len(regimes) == 1:
        return (1.0,)
    total = sum(each.weight for each in regimes)
    raw = [each.weight / total * (1.0 - each.weight / total) * each.dwell_s for each in regimes]
    return tuple(share / sum(raw) for share in raw)
