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

from hats.risk_oversight_officer import moments
from hats.risk_oversight_officer.estimators import normal_tail
from hats.risk_oversight_officer.history import RETURN_SCALE, Returns
from hats.risk_oversight_officer.scenarios import SCENARIOS
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.volatility import filtered, simulated
from shared.messages.risk import RiskModel
from shared.units import USD

VAR_TAIL: Final = 100
"""Value at risk leaves 1 in 100 beyond it."""
SHORTFALL_TAIL: Final = 40
"""Expected shortfall is the mean of the worst 1 in 40 (2.5 %)."""
AT_VAR: Final = normal_tail(1 / VAR_TAIL)
AT_SHORTFALL: Final = normal_tail(1 / SHORTFALL_TAIL)

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
    """Value at risk and expected shortfall of the worst corner, micro-USDC, never below zero, and whose they are.

    `unheard`: why a model has no say on these positions.
    """

    var_usd: int
    shortfall_usd: int
    var_model: RiskModel
    shortfall_model: RiskModel
    unheard: str = ""


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
        self._rows = _rows(returns, coins, settings)
        self._models = settings.var_models
        self._shocks: tuple[tuple[str, ...], F64] = ((), np.zeros((len(SCENARIOS), 0)))

    def losses(self, positions: Positions) -> Losses | None:
        """What these positions may lose by the model that fears most; None if a coin has too little history."""
        if not positions.coins:
            return Losses(0, 0, self._models[0], self._models[0])
        columns = [self._columns.get(coin, -1) for coin in positions.coins]
        if min(columns) < 0:
            return None
        held = np.zeros((3, len(self._columns)))
        held[:, columns] = positions.extremes
        var_usd = shortfall_usd = 0
        var_model: RiskModel = self._models[0]
        shortfall_model: RiskModel = self._models[0]
        unheard = ""
        for rows, models in self._rows:
            outcomes = held @ rows
            for model in models:
                if model is RiskModel.CORNISH_FISHER:
                    var, shortfall, unheard = moments.losses(outcomes, AT_VAR, AT_SHORTFALL)
                else:
                    var, shortfall = _counted(outcomes)
                if var > var_usd:
                    var_usd, var_model = var, model
                if shortfall > shortfall_usd:
                    shortfall_usd, shortfall_model = shortfall, model
        return Losses(var_usd, shortfall_usd, var_model, shortfall_model, unheard)

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


def _counted(outcomes: F64) -> tuple[int, int]:
    """Value at risk and shortfall of the worst corner by counting outcomes, (corners, outcomes)."""
    samples = outcomes.shape[1]
    worst, tail = max(samples // VAR_TAIL, 1), max(samples // SHORTFALL_TAIL, 1)
    beyond = np.sort(np.partition(outcomes, tail - 1, axis=1)[:, :tail], axis=1)
    return -int(beyond[:, worst - 1].min()), -int(beyond.sum(axis=1).min()) // tail


def _rows(returns: Returns, coins: Sequence[str], settings: Settings) -> list[tuple[F64, tuple[RiskModel, ...]]]:
    """Possible returns over the horizon, 10^-6, (coins, outcomes), and the models that are asked of them."""
    if not coins:
        return []
    raw = np.zeros((max(len(returns.rows[coin]) for coin in coins), len(coins)))
    for column, coin in enumerate(coins):
        row = returns.rows[coin]
        raw[len(raw) - len(row) :, column] = row
    weights = [returns.weights.get(coin, (settings.var_alpha, settings.var_beta)) for coin in coins]
    alpha, beta = np.array(weights).T
    rows: list[tuple[F64, tuple[RiskModel, ...]]] = []
    if RiskModel.HISTORICAL in settings.var_models:
        rows.append((raw, (RiskModel.HISTORICAL,)))
    of_today = tuple(m for m in settings.var_models if m in {RiskModel.FILTERED, RiskModel.CORNISH_FISHER})
    if of_today:
        rows.append((filtered(raw, alpha, beta), of_today))
    if RiskModel.MONTE_CARLO in settings.var_models:
        chance = np.random.Generator(np.random.PCG64(settings.var_seed))
        rows.append((simulated(raw, alpha, beta, settings.var_simulations, chance), (RiskModel.MONTE_CARLO,)))
    root = math.sqrt(settings.var_horizon_samples)
    return [(_ahead(outcomes * root), models) for outcomes, models in rows]


def _ahead(outcomes: F64) -> F64:
    """Whole 10^-6 that a coin can fall or rise by, laid out to be multiplied with positions."""
    return np.ascontiguousarray(np.clip(np.rint(outcomes), -RETURN_SCALE, 10 * RETURN_SCALE).T)


def _whole(usd: int) -> int:
    """Micro-USDC as whole USDC, rounded away from zero."""
    return -(-usd // USD) if usd > 0 else usd // USD
