"""Cornish-Fisher on a portfolio's outcomes: skew and kurtosis are exact sums of small integers.

Powers of outcomes are beyond what a float adds exactly, and a library may add in any order. So outcomes are first cut
to RESOLUTION_BITS by a power of two; the fourth powers of 5,000 of those still sum within 64 bits.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hats.risk_oversight_officer.estimators import (
    NormalTail,
    expanded,
    expanded_beyond,
    is_in_domain,
    out_of_domain,
)

F64 = NDArray[np.float64]
RESOLUTION_BITS: Final = 12


def losses(outcomes: F64, at_var: NormalTail, at_shortfall: NormalTail) -> tuple[int, int, str]:
    """Value at risk and shortfall of the worst of the corners (corners, outcomes), whole numbers of their unit.

    The third says why a corner was left out: the expansion is no distribution there, or nothing varies. Left out of
    all corners, both losses are 0.
    """
    largest = float(np.abs(outcomes).max())
    exponent = max(math.frexp(largest)[1] - RESOLUTION_BITS, 0)
    unit = 2.0**exponent
    small = np.rint(outcomes / unit).astype(np.int64)
    squares = small * small
    sums = np.stack([small, squares, squares * small, squares * squares]).sum(axis=2)
    var = shortfall = 0
    unheard = ""
    count = outcomes.shape[1]
    for first, second, third, fourth in sums.T.tolist():
        mean, sigma, skew, excess = _shape(count, first, second, third, fourth)
        if not sigma:
            continue
        if not is_in_domain(skew, excess):
            unheard = out_of_domain(skew, excess)
            continue
        var = max(var, math.ceil(-(mean + sigma * expanded(at_var.quantile, skew, excess)) * unit))
        shortfall = max(shortfall, math.ceil(-(mean + sigma * expanded_beyond(at_shortfall, skew, excess)) * unit))
    return var, shortfall, unheard


def _shape(n: int, first: int, second: int, third: int, fourth: int) -> tuple[float, float, float, float]:
    """Mean, standard deviation, skew and excess kurtosis from the sums of powers of `n` integers, by exact integers."""
    spread = n * second - first * first
    if not spread:
        return first / n, 0.0, 0.0, 0.0
    cubic = n * n * third - 3 * n * first * second + 2 * first**3
    quartic = n**3 * fourth - 4 * n * n * first * third + 6 * n * first * first * second - 3 * first**4
    root = math.sqrt(spread)
    return first / n, root / n, cubic / spread / root, quartic / (spread * spread) - 3.0
