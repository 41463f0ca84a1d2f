"""What a portfolio loses on a bad day: value at risk, expected shortfall and named stress, for the veto on each order.

What is held is one point, what open orders may make of it a whole box of points, and the worst of the box counts. Named
stress is exact, coin by coin. Expected shortfall is convex in the positions, so its worst lies in a corner of the box:
all corners of EXACT coins are tried, and every further coin stands, in each outcome, where it hurts most in that one.
Shortfall that is counted in outcomes is thus never below what any fill of open orders can lead to. Value at risk is not
convex: it is read at the same corners, and a point between those may have more. Cornish-Fisher is no bound either; it
is asked where the counted losses are worst.

Positions are whole USDC and returns whole 10^-6, held as floats: their products and sums are integers below 2^53, so
the same journal gives the same evidence on every machine, whatever order a library adds in. The rows that losses are
read from are made anew when a return was sampled, never while an order waits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import product
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
EXACT: Final = 4
"""So many coins are tried at both ends, each with each; one more doubles what a judgement takes."""

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]


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

    `unheard`: why a model has no say on these positions. `is_thin`: too few returns are known of all coins together, so
    where one is not known it counts as one that did not move.
    """

    var_usd: int
    shortfall_usd: int
    var_model: RiskModel
    shortfall_model: RiskModel
    unheard: str = ""
    is_thin: bool = False


class Stressed(NamedTuple):
    """What the worst named scenario costs, micro-USDC, and its name."""

    usd: int
    name: str


class Box(NamedTuple):
    """Coins, and the lowest and highest position that each can come to, whole USDC, (coins,); a point if they equal."""

    coins: tuple[str, ...]
    low: F64
    high: F64


def box_of(corners: Sequence[Corner]) -> Box:
    """What these corners may come to, rounded outwards."""
    low = [-corner.short_usd // USD for corner in corners]
    high = [-(-corner.long_usd // USD) for corner in corners]
    coins = tuple(corner.coin for corner in corners)
    return Box(coins, np.array(low, dtype=np.float64), np.array(high, dtype=np.float64))


class Outlook(NamedTuple):
    """Possible returns over the horizon, 10^-6, (coins, outcomes), how far each is from 0, and who is asked of them.

    `room` is for what corners come to, (2^EXACT, outcomes): memory that is asked for anew takes longer than the sums.
    """

    returns: F64
    sizes: F64
    models: tuple[RiskModel, ...]
    room: F64


class Tail:
    """Rows of returns (samples x coins) and the named scenarios, ready to be multiplied with positions."""

    def __init__(self, returns: Returns, settings: Settings) -> None:
        self.samples = returns.samples
        coins = sorted(coin for coin, row in returns.rows.items() if len(row) >= settings.var_samples_min)
        self._columns = {coin: n for n, coin in enumerate(coins)}
        raw = _raw(returns, coins)
        self._known = ~np.isnan(raw.T)
        self._partly = set(np.flatnonzero(~self._known.all(axis=1)).tolist())
        self._common: tuple[list[int], Rows] = ([], np.arange(len(raw)))
        self._samples_min = settings.var_samples_min
        self._outlooks = _outlooks(raw, returns, coins, settings)
        self._restless = self._outlooks[0].sizes.sum(axis=1) if coins else np.zeros(0)
        self._models = settings.var_models

    def losses(self, box: Box, coin: str | None = None) -> Losses | None:
        """The most that the box may lose, by the model that fears most; None if its coins have too little history.

        `coin` is one of the EXACT: whoever asks what an order in it changes compares like with like.
        """
        if not box.coins:
            return Losses(0, 0, self._models[0], self._models[0])
        columns = [self._columns.get(name, -1) for name in box.coins]
        if min(columns) < 0:
            return None
        common = self._common_of(columns)
        is_thin = len(common) < self._samples_min
        if is_thin:  # silence of one coin must not lift the limit on all: better the whole rows than none
            common = np.arange(len(self._known.T))
        low, high = np.zeros((2, len(self._columns)))
        low[columns], high[columns] = box.low, box.high
        exact = self._exact(high - low, None if coin is None else self._columns[coin])
        corners = np.array(list(product(*zip(low[exact], high[exact], strict=True))))
        middle, half = (low + high) / 2, (high - low) / 2
        middle[exact] = half[exact] = 0.0
        var_usd = shortfall_usd = 0
        var_model: RiskModel = self._models[0]
        shortfall_model: RiskModel = self._models[0]
        unheard = ""
        for returns, sizes, models, room in self._outlooks:
            outcomes = np.matmul(corners, returns[exact], out=room[: len(corners)])
            outcomes += middle @ returns - half @ sizes
            for seen in _windows(outcomes, models, common):
                counted, worst = _counted(seen)
                for model in models:
                    if model is RiskModel.CORNISH_FISHER:
                        var, shortfall, unheard = moments.losses(seen[worst], AT_VAR, AT_SHORTFALL)
                    else:
                        var, shortfall = counted
                    if var > var_usd:
                        var_usd, var_model = var, model
                    if shortfall > shortfall_usd:
                        shortfall_usd, shortfall_model = shortfall, model
        return Losses(var_usd, shortfall_usd, var_model, shortfall_model, unheard, is_thin)

    def stress(self, box: Box) -> Stressed:
        """What the worst scenario costs where in the box it costs most."""
        if not box.coins:
            return Stressed(0, SCENARIOS[0].name)
        shocks = np.array(list(zip(*map(_shocks_of, box.coins), strict=True)))  # (scenarios, coins), 10^-6
        by_coin = np.minimum(shocks * box.low, shocks * box.high)
        by_coin[_LOSES_ITS_WINNERS, :] = np.minimum(by_coin[_LOSES_ITS_WINNERS, :], 0.0)
        outcomes = by_coin.sum(axis=1)
        index = int(outcomes.argmin())
        return Stressed(max(-int(outcomes[index]), 0), SCENARIOS[index].name)

    def _exact(self, widths: F64, column: int | None) -> list[int]:
        """The columns of the coins whose ends are all tried: `column`, and those whose orders weigh most.

        No wider than a whole USDC is a point that was rounded.
        """
        weights = np.where(widths > 1.0, widths * self._restless, 0.0)
        exact = []
        if column is not None:
            weights[column] = 0.0
            exact.append(column)
        heaviest = np.argsort(-weights, kind="stable")[: EXACT - len(exact)].tolist()
        exact += [column for column in heaviest if weights[column]]
        return exact

    def _common_of(self, columns: list[int]) -> Rows:
        """The rows in which all of these coins are known; the last answer is kept."""
        partly = sorted(column for column in columns if column in self._partly)
        if self._common[0] != partly:
            self._common = partly, np.flatnonzero(self._known[partly].all(axis=0))
        return self._common[1]


@cache
def _shocks_of(coin: str) -> tuple[float, ...]:
    """The coin's move in each scenario, 10^-6."""
    return tuple(float(scenario.move(coin)) for scenario in SCENARIOS)


_LOSES_ITS_WINNERS: Final = tuple(n for n, scenario in enumerate(SCENARIOS) if scenario.is_deleveraged)


def _windows(outcomes: F64, models: tuple[RiskModel, ...], common: Rows) -> list[F64]:
    """All outcomes, and apart from them those of the `common` rows, in which every coin that is held is known.

    Where it is not known a coin counts as one that did not move, which would thin its tail out.
    """
    if len(common) == outcomes.shape[1] or RiskModel.MONTE_CARLO in models:
        return [outcomes]
    return [outcomes.take(common, axis=1), outcomes]


def _counted(outcomes: F64) -> tuple[tuple[int, int], list[int]]:
    """The most value at risk and shortfall of all corners by counting outcomes, (corners, outcomes), and which have it.

    It sorts the outcomes of each corner as far as that needs.
    """
    samples = outcomes.shape[1]
    worst, tail = max(samples // VAR_TAIL, 1), max(samples // SHORTFALL_TAIL, 1)
    outcomes.partition((worst - 1, tail - 1), axis=1)
    at, beyond = outcomes[:, worst - 1], outcomes[:, :tail].sum(axis=1)
    corners = [int(at.argmin()), int(beyond.argmin())]
    return (math.ceil(-at.min()), math.ceil(-beyond.min() / tail)), corners


def _raw(returns: Returns, coins: Sequence[str]) -> F64:
    """The coins' returns side by side, (T, coins), 10^-6; NaN where one is not known."""
    raw = np.full((max((len(returns.rows[coin]) for coin in coins), default=0), len(coins)), np.nan)
    for column, coin in enumerate(coins):
        row = returns.rows[coin]
        raw[len(raw) - len(row) :, column] = np.array(row, dtype=np.float64)
    return raw


def _outlooks(raw: F64, returns: Returns, coins: Sequence[str], settings: Settings) -> list[Outlook]:
    """The returns as they were, as they would be today and as drawn by chance, as far as a model asks for them."""
    if not coins:
        return []
    weights = [returns.weights.get(coin, (settings.var_alpha, settings.var_beta)) for coin in coins]
    alpha, beta = np.array(weights).T
    found: list[tuple[F64, tuple[RiskModel, ...]]] = []
    if RiskModel.HISTORICAL in settings.var_models:
        found.append((raw, (RiskModel.HISTORICAL,)))
    of_today = tuple(m for m in settings.var_models if m in {RiskModel.FILTERED, RiskModel.CORNISH_FISHER})
    if of_today:
        found.append((filtered(raw, alpha, beta), of_today))
    if RiskModel.MONTE_CARLO in settings.var_models:
        chance = np.random.Generator(np.random.PCG64(settings.var_seed))
        found.append((simulated(raw, alpha, beta, settings.var_simulations, chance), (RiskModel.MONTE_CARLO,)))
    root = math.sqrt(settings.var_horizon_samples)
    ahead = [(_ahead(outcomes * root), models) for outcomes, models in found]
    return [Outlook(moves, np.abs(moves), models, np.empty((2**EXACT, moves.shape[1]))) for moves, models in ahead]


def _ahead(outcomes: F64) -> F64:
    """Whole 10^-6 that a coin can fall or rise by, 0 where not known, laid out to be multiplied with positions."""
    return np.ascontiguousarray(np.clip(np.rint(np.nan_to_num(outcomes)), -RETURN_SCALE, 10 * RETURN_SCALE).T)
