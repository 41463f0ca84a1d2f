"""What a portfolio loses on a bad day: value at risk, expected shortfall and named stress, for the veto on each order.

An order is judged by integers (cents x 10^-6), so that the same journal gives the same evidence on every machine. The
rows that losses are read from are made anew when a return was sampled, never while an order waits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hats.risk_oversight_officer.history import RETURN_SCALE, Returns
from hats.risk_oversight_officer.scenarios import SCENARIOS
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.volatility import filtered, simulated
from shared.units import USD

CENT: Final = USD // 100
VAR_TAIL: Final = 100
"""Value at risk leaves 1 in 100 beyond it."""
SHORTFALL_TAIL: Final = 40
"""Expected shortfall is the mean of the worst 1 in 40 (2.5 %)."""

Int = NDArray[np.int64]


class Corner(NamedTuple):
    """One coin's furthest positions either way, micro-USDC; below zero where it can't get to that side."""

    coin: str
    long_usd: int
    short_usd: int

    @property
    def worst_usd(self) -> int:
        """The larger of the two."""
        return max(self.long_usd, self.short_usd)


class Losses(NamedTuple):
    """Value at risk and expected shortfall of the worst corner, micro-USDC; never below zero."""

    var_usd: int
    shortfall_usd: int


class Stressed(NamedTuple):
    """What the worst named scenario costs, micro-USDC, and its name."""

    usd: int
    name: str


class Tail:
    """Rows of returns (samples x coins) and the named scenarios, ready to be multiplied with positions."""

    def __init__(self, returns: Returns, settings: Settings) -> None:
        self.samples = returns.samples
        self._known = {c for c, row in returns.rows.items() if len(row) >= settings.var_samples_min}
        self._columns = {coin: n for n, coin in enumerate(sorted(self._known))}
        self._rows = _rows(returns, sorted(self._known), settings)
        self._shocks: dict[str, tuple[int, ...]] = {}

    def losses(self, corners: Sequence[Corner]) -> Losses | None:
        """What these positions may lose by their history; None if one of their coins has too little of it."""
        if any(corner.coin not in self._known for corner in corners):
            return None
        if not corners:
            return Losses(0, 0)
        rows = self._rows[:, [self._columns[corner.coin] for corner in corners]]
        outcomes = rows @ _extremes(corners).T
        samples = len(outcomes)
        worst = max(samples // VAR_TAIL, 1)
        tail = max(samples // SHORTFALL_TAIL, 1)
        sorted_tail = np.sort(np.partition(outcomes, tail - 1, axis=0)[:tail], axis=0)
        var = -int(sorted_tail[worst - 1].min())
        shortfall = -int(sorted_tail.sum(axis=0).min()) // tail
        return Losses(max(_micro(var), 0), max(_micro(shortfall), 0))

    def stress(self, corners: Sequence[Corner]) -> Stressed:
        """What the worst scenario costs these positions."""
        if not corners:
            return Stressed(0, SCENARIOS[0].name)
        shocks = np.array([self._shock(corner.coin) for corner in corners], dtype=np.int64).T
        parts = _extremes(corners)[None, :, :] * shocks[:, None, :]
        parts[_LOSES_ITS_WINNERS] = np.minimum(parts[_LOSES_ITS_WINNERS], 0)
        outcomes = parts.sum(axis=2).min(axis=1)
        index = int(outcomes.argmin())
        return Stressed(max(_micro(-int(outcomes[index])), 0), SCENARIOS[index].name)

    def _shock(self, coin: str) -> tuple[int, ...]:
        known = self._shocks.get(coin)
        if known is None:
            known = self._shocks[coin] = tuple(scenario.move(coin) for scenario in SCENARIOS)
        return known


_LOSES_ITS_WINNERS: Final = np.array([scenario.is_deleveraged for scenario in SCENARIOS])


def _rows(returns: Returns, coins: Sequence[str], settings: Settings) -> Int:
    """Possible returns over the horizon, 10^-6, (rows, coins), by the configured method."""
    length = max((len(returns.rows[coin]) for coin in coins), default=0)
    raw = np.zeros((length, len(coins)))
    for column, coin in enumerate(coins):
        row = returns.rows[coin]
        raw[length - len(row) :, column] = row
    if not coins:
        return np.zeros((0, 0), dtype=np.int64)
    match settings.var_method:
        case "historical":
            rows = raw
        case "filtered":
            rows = filtered(raw, settings.var_alpha, settings.var_beta)
        case "monte_carlo":
            chance = np.random.Generator(np.random.PCG64(settings.var_seed))
            rows = simulated(raw, settings.var_alpha, settings.var_beta, settings.var_simulations, chance)
    scaled = np.rint(rows * math.sqrt(settings.var_horizon_samples))
    return np.clip(scaled, -RETURN_SCALE, 10 * RETURN_SCALE).astype(np.int64)


def _extremes(corners: Sequence[Corner]) -> Int:
    """Three corners of the box that open orders span, in cents, (3, coins).

    All as long as can be, all as short as can be, and each at its larger side. Losses are convex in the positions, so
    the worst lies in a corner; these three are where coins that move together, or are hedged against each other, have
    it. The box has 2^coins corners and is not searched further.
    """
    long = [corner.long_usd // CENT for corner in corners]
    short = [-corner.short_usd // CENT for corner in corners]
    larger = [
        up if corner.long_usd >= corner.short_usd else down
        for up, down, corner in zip(long, short, corners, strict=True)
    ]
    return np.array([long, short, larger], dtype=np.int64)


def _micro(scaled: int) -> int:
    """Micro-USDC from cents x 10^-6, rounded up."""
    return -(-scaled * CENT // RETURN_SCALE)
