"""Was a forecast of losses right? Coverage and independence of exceedances, and the shortfall beyond them.

Losses and forecasts are positive numbers of one unit; an exceedance is a loss above its forecast.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Hits = NDArray[np.bool_]


class Ratio(NamedTuple):
    """A likelihood ratio and the probability of one at least as large if the forecast is right."""

    statistic: float
    p_value: float


def kupiec(exceedances: int, observations: int, tail: float) -> Ratio:
    """Likelihood ratio of unconditional coverage, chi-squared of one degree: are there as many as `tail` promises?

    Source: Kupiec (1995), "Techniques for Verifying the Accuracy of Risk Measurement Models", equation 5.
    """
    assert 0 <= exceedances <= observations, f"{exceedances} of {observations}"
    assert 0 < tail < 1, f"tail {tail}"
    quiet = observations - exceedances
    found = exceedances / observations if observations else tail
    ratio = 2.0 * (_log(exceedances, found) + _log(quiet, 1 - found) - _log(exceedances, tail) - _log(quiet, 1 - tail))
    return Ratio(max(ratio, 0.0), _chi2_1(ratio))


def independence(hits: Hits) -> Ratio:
    """Likelihood ratio against a first-order Markov chain, chi-squared of one degree: do exceedances cluster?

    Source: Christoffersen (1998), "Evaluating Interval Forecasts", section 3.2.
    """
    return independence_of(*transitions(hits))


def independence_of(n00: int, n01: int, n10: int, n11: int) -> Ratio:
    """The same from the counts of transitions: n01 quiet days were followed by an exceedance, and so on."""
    after_quiet = n01 / (n00 + n01) if n00 + n01 else 0.0
    after_hit = n11 / (n10 + n11) if n10 + n11 else 0.0
    total = n00 + n01 + n10 + n11
    always = (n01 + n11) / total if total else 0.0
    free = _log(n00, 1 - after_quiet) + _log(n01, after_quiet) + _log(n10, 1 - after_hit) + _log(n11, after_hit)
    bound = _log(n00 + n10, 1 - always) + _log(n01 + n11, always)
    ratio = 2.0 * (free - bound)
    return Ratio(max(ratio, 0.0), _chi2_1(ratio))


def conditional_coverage(hits: Hits, tail: float) -> Ratio:
    """Both at once, chi-squared of two degrees. Source: Christoffersen (1998), section 3.3."""
    ratio = kupiec(int(hits.sum()), len(hits), tail).statistic + independence(hits).statistic
    return Ratio(ratio, math.exp(-ratio / 2.0))


def transitions(hits: Hits) -> tuple[int, int, int, int]:
    """n00, n01, n10, n11: how often a day without (0) or with (1) an exceedance was followed by one without or with."""
    before, after = hits[:-1], hits[1:]
    return (
        int((~before & ~after).sum()),
        int((~before & after).sum()),
        int((before & ~after).sum()),
        int((before & after).sum()),
    )


def acerbi_szekely(losses: F64, var: F64, shortfall: F64, tail: float) -> float:
    """Z2: 0 if the expected shortfall is right, below if losses beyond value at risk are more or larger than forecast.

    Z2 = 1 - sum(loss x hit / shortfall) / (T x tail), all arrays of shape (T,). At 2.5 % and 250 days, Z2 below -0.70
    has a probability of about 5 % and below -1.8 of 0.01 %, for normal and Student tails alike.
    Source: Acerbi & Szekely (2014), "Backtesting Expected Shortfall", equation 6 and table 4.
    """
    hits = losses > var
    return 1.0 - float((losses[hits] / shortfall[hits]).sum()) / (len(losses) * tail)


def _log(count: float, probability: float) -> float:
    return count * math.log(probability) if count else 0.0


def _chi2_1(statistic: float) -> float:
    """P(chi-squared of one degree >= statistic)."""
    return math.erfc(math.sqrt(max(statistic, 0.0) / 2.0))
