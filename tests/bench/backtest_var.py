"""The tail's methods on sixteen years of the S&P 500: exceedances, coverage, independence and the shortfall beyond.

Returns are 100 x the daily change of the adjusted close (`arch.data.sp500`); the 4,030 forecasts are those of
2002-12-27 to 2018-12-31, each from what was known the day before. Exit code 1 if a result is not the
one that is claimed.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import numpy as np
from arch import arch_model
from arch.data import sp500
from numpy.typing import NDArray

from hats.risk_oversight_officer import Settings, estimators
from hats.risk_oversight_officer.coverage import acerbi_szekely, conditional_coverage, independence, kupiec
from hats.risk_oversight_officer.estimators import Risk
from hats.risk_oversight_officer.history import RETURN_SCALE, Returns
from hats.risk_oversight_officer.tail import Corner, Tail, box_of
from hats.risk_oversight_officer.volatility import variances
from shared.messages.risk import RiskModel
from shared.units import USD

F64 = NDArray[np.float64]
FORECASTS: Final = 4_030
TAILS: Final = (0.05, 0.01, 0.025)
EWMA: Final = (0.06, 0.94)
SHORT: Final = 250
LONG: Final = 500
DAYS: Final = 64
"""So many days are asked of one tail."""
VETO: Final = "the desk's veto 500"
"""The worst of the models that are asked by default: careful by construction, so not held to two-sided coverage."""
Forecast = Callable[[int, float], Risk]


class Line(NamedTuple):
    """One method at one tail."""

    method: str
    tail: float
    exceedances: int
    kupiec_p: float
    independence_p: float
    both_p: float
    z2: float


def returns_of_sp500() -> F64:
    """5,030 daily returns in percent."""
    prices = sp500.load()["Adj Close"]
    found: F64 = 100.0 * prices.pct_change().dropna().to_numpy()
    return found


def garch_weights(returns: F64) -> tuple[float, float]:
    """alpha and beta of a GARCH(1,1) with Student errors, fitted by `arch`."""
    fitted = arch_model(returns, mean="Zero", dist="t").fit(disp="off").params
    return float(fitted["alpha[1]"]), float(fitted["beta[1]"])


def methods(returns: F64) -> dict[str, Forecast]:
    """Each method: what it says for day t, from the days before it. GARCH is fitted once, before the first forecast."""
    before = returns[:-FORECASTS]
    target = np.array([float((before * before).mean())])
    sigmas = {
        name: np.sqrt(variances(returns[:, None], alpha, beta, target)[:, 0])
        for name, (alpha, beta) in {"EWMA": EWMA, "GARCH": garch_weights(before)}.items()
    }

    def filtering(name: str) -> Forecast:
        sigma, standard = sigmas[name], returns / sigmas[name][:-1]
        return lambda t, tail: estimators.historical(standard[t - LONG : t] * sigma[t], tail)

    def ewma_normal(t: int, tail: float) -> Risk:
        z, sigma = NormalDist().inv_cdf(tail), float(sigmas["EWMA"][t])
        return Risk(-z * sigma, NormalDist().pdf(z) / tail * sigma)

    return {
        "historical 250": lambda t, tail: estimators.historical(returns[t - SHORT : t], tail),
        "filtered EWMA 500": filtering("EWMA"),
        "filtered GARCH 500": filtering("GARCH"),
        "normal 250": lambda t, tail: estimators.normal(returns[t - SHORT : t], tail),
        "normal EWMA": ewma_normal,
        "the desk's filtered 500": the_desks(returns, (RiskModel.FILTERED,)),
        VETO: the_desks(returns, Settings().var_models),
    }


def the_desks(returns: F64, models: tuple[RiskModel, ...]) -> Forecast:
    """What the Risk Officer's own tail says of a position of a million; only its 1 % and its 2.5 % shortfall exist.

    The days before each day are a coin of their own in it, so that one tail answers for many days.
    """
    whole = [round(each / 100 * RETURN_SCALE) for each in returns.tolist()]
    settings = Settings.model_validate({"var_horizon_samples": 1, "var_models": models})

    @functools.cache
    def tail_of(block: int) -> Tail:
        days = range(max(block * DAYS, LONG), (block + 1) * DAYS)
        return Tail(Returns(rows={str(t): whole[t - LONG : t] for t in days}, samples=1), settings)

    def forecast(t: int, tail: float) -> Risk:
        corner = Corner(str(t), 10**6 * USD, -(10**6) * USD)
        losses = tail_of(t // DAYS).losses(box_of([corner]))
        assert losses is not None
        assert tail == 0.01, "the desk's value at risk is of one in a hundred"
        return Risk(losses.var_usd / USD / 1e4, losses.shortfall_usd / USD / 1e4)

    return forecast


def line_of(method: str, returns: F64, forecast: Forecast, tail: float) -> Line:
    """The backtest of one method at one tail."""
    first = len(returns) - FORECASTS
    risks = [forecast(t, tail) for t in range(first, len(returns))]
    var, shortfall = np.array([risk.var for risk in risks]), np.array([risk.shortfall for risk in risks])
    losses = -returns[first:]
    hits = losses > var
    count = int(hits.sum())
    z2 = acerbi_szekely(losses, var, shortfall, tail)
    return Line(
        method, tail, count, kupiec(count, FORECASTS, tail).p_value, independence(hits).p_value,
        conditional_coverage(hits, tail).p_value, z2,
    )  # fmt: skip


def lines(returns: F64, wanted: Sequence[str] | None = None) -> list[Line]:
    """Every method at every tail that it knows."""
    found = []
    for name, forecast in methods(returns).items():
        if wanted is None or name in wanted:
            tails = (0.01,) if name.startswith("the desk") else TAILS
            found += [line_of(name, returns, forecast, tail) for tail in tails]
    return found


def faults(found: Sequence[Line]) -> list[str]:
    """What is not as claimed: historical counts, filtered covers, normal fails at 1 %, the veto keeps its promise.

    Covering is Kupiec's, unconditional: as many days are beyond as promised. Whether they come alone is printed beside
    it (independence and both, by Christoffersen); at 1 % they do not, for no filter sees the day that begins a crash.
    """
    counts = {0.05: 218, 0.01: 67, 0.025: 132}
    wrong = []
    for line in found:
        passes = line.kupiec_p >= 0.05
        if line.method.startswith("historical") and line.exceedances != counts[line.tail]:
            wrong.append(f"{line.method} at {line.tail}: {line.exceedances}, expected {counts[line.tail]}")
        if line.method == VETO and line.exceedances > line.tail * FORECASTS:
            wrong.append(f"{line.method} at {line.tail}: {line.exceedances}, more than it promises")
        if line.method.startswith(("filtered", "the desk's filtered")) and not passes:
            wrong.append(f"{line.method} at {line.tail}: coverage is rejected, p = {line.kupiec_p:.4f}")
        if line.method.startswith("normal") and line.tail == 0.01 and passes:
            wrong.append(f"{line.method} at 1 %: coverage is not rejected, p = {line.kupiec_p:.4f}")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    found = lines(returns_of_sp500())
    wrong = faults(found)
    if options.json:
        as_json: dict[str, Any] = {"forecasts": FORECASTS, "lines": [line._asdict() for line in found], "wrong": wrong}
        print(json.dumps(as_json))
    else:
        print(f"{'method':20} {'tail':>6} {'beyond':>6} {'kupiec p':>9} {'indep. p':>9} {'both p':>9} {'Z2':>7}")
        for each in found:
            ps = f"{each.kupiec_p:9.4f} {each.independence_p:9.4f} {each.both_p:9.4f}"
            print(f"{each.method:20} {each.tail:6.3f} {each.exceedances:6d} {ps} {each.z2:7.3f}")
        print("\n".join(wrong) or "all as claimed (coverage: Kupiec's, unconditional)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
