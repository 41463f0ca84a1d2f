"""What a portfolio loses on a bad day: value at risk, expected shortfall and named stress, for the veto on each order.

Positions are whole USDC and returns whole 10^-6, held as floats: their products and sums are integers below 2^53, so
the same journal gives the same evidence on every machine, whatever order a library adds in. The rows that losses are
read from are made anew when a return was sampled, never while an order waits.
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

VAR_TAIL: Final = 100
"""Value at risk leaves 1 in 100 beyond it."""
SHORTFALL_TAIL: Final = 40
"""Expected shortfall is the mean of the worst 1 in 40 (2.5 %)."""

F64 = NDArray[np.float64]


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


class Positions(NamedTuple):
    """Coins, and three corners of the box that their open orders span, in whole USDC away from zero, (3, coins).

    All as long as can be, all as short as can be, and each at its larger side. Losses are convex in the positions, so
    the worst lies in a corner; these three are where coins that move together, or are hedged against each other, have
    it. The box has 2^coins corners and is not searched further.
    """

    coins: tuple[str, ...]
    extremes: F64


def positions_of(corners: Sequence[Corner]) -> Positions:
    """What these corners may come to."""
    long = [_whole(corner.long_usd) for corner in corners]
    short = [_whole(-corner.short_usd) for corner in corners]
    larger = [
        up if corner.long_usd >= corner.short_usd else down
        for up, down, corner in zip(long, short, corners, strict=True)
    ]
    return Positions(tuple(corner.coin for corner in corners), np.array([long, short, larger], dtype=np.float64))


class Tail:
    """Rows of returns (samples x coins) and the named scenarios, ready to be multiplied with positions."""

    def __init__(self, returns: Returns, settings: Settings) -> None:
        self.samples = returns.samples
        coins = sorted(coin for coin, row in returns.rows.items() if len(row) >= settings.var_samples_min)
        self._columns = {coin: n for n, coin in enumerate(coins)}
        self._rows = np.ascontiguousarray(_rows(returns, coins, settings).T)
        self._shocks: tuple[tuple[str, ...], F64] = ((), np.zeros((len(SCENARIOS), 0)))

    def losses(self, positions: Positions) -> Losses | None:
        """What these positions may lose by their history; None if one of their coins has too little of it."""
        if not positions.coins:
            return Losses(0, 0)
        columns = [self._columns.get(coin, -1) for coin in positions.coins]
        if min(columns) < 0:
            return None
        held = np.zeros((3, len(self._columns)))
        held[:, columns] = positions.extremes
        outcomes = held @ self._rows
        samples = outcomes.shape[1]
        worst, tail = max(samples // VAR_TAIL, 1), max(samples // SHORTFALL_TAIL, 1)
        beyond = np.sort(np.partition(outcomes, tail - 1, axis=1)[:, :tail], axis=1)
        var = -int(beyond[:, worst - 1].min())
        shortfall = -int(beyond.sum(axis=1).min()) // tail
        return Losses(max(var, 0), max(shortfall, 0))

    def stress(self, positions: Positions) -> Stressed:
        """What the worst scenario costs these positions."""
        if not positions.coins:
            return Stressed(0, SCENARIOS[0].name)
        shocks = self._shocks_of(positions.coins)
        outcomes = (shocks @ positions.extremes.T).min(axis=1)
        for index in _LOSES_ITS_WINNERS:
            outcomes[index] = np.minimum(positions.extremes * shocks[index], 0.0).sum(axis=1).min()
        index = int(outcomes.argmin())
        return Stressed(max(-int(outcomes[index]), 0), SCENARIOS[index].name)

    def _shocks_of(self, coins: tuple[str, ...]) -> F64:
        """(scenarios, coins), 10^-6; the last answer is kept, for the next order asks of the same coins."""
        if self._shocks[0] != coins:
            moves = [[scenario.move(coin) for coin in coins] for scenario in SCENARIOS]
            self._shocks = coins, np.array(moves, dtype=np.float64)
        return self._shocks[1]


_LOSES_ITS_WINNERS: Final = tuple(n for n, scenario in enumerate(SCENARIOS) if scenario.is_deleveraged)


def _rows(returns: Returns, coins: Sequence[str], settings: Settings) -> F64:
    """Possible returns over the horizon, 10^-6, (rows, coins), by the configured method."""
    length = max((len(returns.rows[coin]) for coin in coins), default=0)
    raw = np.zeros((length, len(coins)))
    for column, coin in enumerate(coins):
        row = returns.rows[coin]
        raw[length - len(row) :, column] = row
    if not coins:
        return np.zeros((0, 0))
    match settings.var_method:
        case "historical":
            rows = raw
        case "filtered":
            rows = filtered(raw, settings.var_alpha, settings.var_beta)
        case "monte_carlo":
            chance = np.random.Generator(np.random.PCG64(settings.var_seed))
            rows = simulated(raw, settings.var_alpha, settings.var_beta, settings.var_simulations, chance)
    scaled = np.rint(rows * math.sqrt(settings.var_horizon_samples))
    clipped: F64 = np.clip(scaled, -RETURN_SCALE, 10 * RETURN_SCALE)
    return clipped


def _whole(usd: int) -> int:
    """Micro-USDC as whole USDC, rounded away from zero."""
    return -(-usd // USD) if usd > 0 else usd // USD
