"""Fits GARCH(1,1) by `arch` to the closes that the warehouse and the run have of each coin. Slow, so a job does it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.errors import DataError, ExtraMissing
from shared.messages.market import CandlesTold
from shared.warehouse.reading import Warehouse

F64 = NDArray[np.float64]
RETURNS_MAX: Final = 5_000
"""The newest are fitted, as many as the venue keeps candles."""
_SPREAD: Final = 10.0
"""Returns are brought to this standard deviation, where the optimiser is at home; the weights have no unit."""
BOUND: Final = 1e-4
"""Weights nearer to nothing than this, or to one in sum, are the optimiser's bound and no finding: how near it comes
depends on the processor."""

Closes = dict[int, int]
"""Where each candle began, and its close, in the coin's price units."""


class Weights(NamedTuple):
    """What was fitted, and to how many returns."""

    alpha: float
    beta: float
    returns: int


def captured_closes(warehouse: Warehouse, interval: str) -> dict[str, Closes]:
    """Each coin's closes; what was asked for goes before what was pushed, the last push before earlier ones."""
    found: dict[str, dict[int, tuple[float, int]]] = {}
    for group in warehouse.groups("candles", (), None, None):
        for row in group.select(["coin", "interval", "exch_ns", "recv_ns", "close_px"]).to_pylist():
            if row["interval"] != interval:
                continue
            rank = math.inf if row["recv_ns"] is None else float(row["recv_ns"])
            closes = found.setdefault(row["coin"], {})
            if rank >= closes.get(row["exch_ns"], (-math.inf, 0))[0]:
                closes[row["exch_ns"]] = rank, row["close_px"]
    return {coin: {ns: px for ns, (_, px) in closes.items()} for coin, closes in found.items()}


def told_closes(told: Iterable[CandlesTold], interval: str) -> dict[str, Closes]:
    """The closes that the venue told this run."""
    found: dict[str, Closes] = {}
    for one in told:
        if one.query.interval == interval:
            found.setdefault(one.query.coin, {}).update({close.open_ns: close.px for close in one.closes})
    return found


def returns_of(closes: Mapping[int, int], every_ns: int) -> F64:
    """The newest logarithmic returns between neighbours; a gap gives none, for nobody knows what happened within."""
    begun = sorted(closes)
    pairs = [(closes[a], closes[b]) for a, b in pairwise(begun) if b - a == every_ns]
    return np.array([math.log(after / before) for before, after in pairs[-RETURNS_MAX:]])


def fitted(returns: F64) -> Weights:
    """The weights by maximum likelihood with Student errors around a mean of zero.

    DataError if the fit does not converge, or its variance would not return to a mean; ExtraMissing without `arch`.
    """
    spread = float(returns.std()) if len(returns) else 0.0
    if not spread:
        raise DataError(f"{len(returns)} returns that do not vary")
    model = _arch().arch_model(returns / spread * _SPREAD, mean="Zero", dist="t", rescale=False)
    result = model.fit(disp="off", show_warning=False)
    if result.convergence_flag:
        raise DataError(f"the fit did not converge (flag {result.convergence_flag})")
    alpha, beta = float(result.params["alpha[1]"]), float(result.params["beta[1]"])
    if not (alpha > BOUND and beta > BOUND and alpha + beta < 1.0 - BOUND):
        raise DataError(f"alpha {alpha:.4f}, beta {beta:.4f} are not stationary")
    return Weights(alpha, beta, len(returns))


def check_installed() -> None:
    """Nothing if fits can be made here; ExtraMissing without `arch`."""
    if find_spec("arch") is None:
        raise ExtraMissing("var_fit_every_s is set, and fitting GARCH needs arch: pip install 'hyperhats[fit]'")


def _arch() -> Any:
    check_installed()
    return import_module("arch")
