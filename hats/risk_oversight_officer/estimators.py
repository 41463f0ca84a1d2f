"""Value at risk and expected shortfall of one series of returns, by each method; positive numbers are losses."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.errors import DataError

F64 = NDArray[np.float64]
_NORMAL: Final = NormalDist()
_Z_MAX: Final = 6.0


class Risk(NamedTuple):
    """What is lost at least in the worst `tail` of cases, and what on average then; in the unit of the returns."""

    var: float
    shortfall: float


def historical(returns: F64, tail: float) -> Risk:
    """The sample's own quantile (linear between order statistics) and the mean of what lies at or beyond it."""
    quantile = float(np.quantile(returns, tail))
    return Risk(-quantile, -float(returns[returns <= quantile].mean()))


def normal(returns: F64, tail: float) -> Risk:
    """As if returns were normal with the sample's mean and standard deviation; too thin in the tails of any market."""
    mean, sigma, z = float(returns.mean()), float(returns.std(ddof=1)), _NORMAL.inv_cdf(tail)
    return Risk(-(mean + sigma * z), -(mean - sigma * _NORMAL.pdf(z) / tail))


class NormalTail(NamedTuple):
    """A normal's quantile at a tail, and how far below zero it is on average beyond, both in standard deviations."""

    quantile: float
    beyond: float


def normal_tail(tail: float) -> NormalTail:
    """Rounded, so that no machine's logarithm shows."""
    z = _NORMAL.inv_cdf(tail)
    return NormalTail(round(z, 12), round(_NORMAL.pdf(z) / tail, 12))


def cornish_fisher(returns: F64, tail: float) -> Risk:
    """The normal quantile corrected for skew and excess kurtosis, and the mean of the corrected quantiles beyond it.

    DataError where the expansion is no quantile function (not rising) for this skew and kurtosis: there it says less
    than nothing. Source: Maillard (2012), "A User's Guide to the Cornish Fisher Expansion".
    """
    mean, sigma = float(returns.mean()), float(returns.std())
    if sigma == 0.0:
        raise DataError("expected returns that vary")
    standard = (returns - mean) / sigma
    skew, excess = float((standard**3).mean()), float((standard**4).mean()) - 3.0
    if not is_in_domain(skew, excess):
        raise DataError(out_of_domain(skew, excess))
    at = normal_tail(tail)
    return Risk(
        -(mean + sigma * expanded(at.quantile, skew, excess)), -(mean + sigma * expanded_beyond(at, skew, excess))
    )


def out_of_domain(skew: float, excess: float) -> str:
    """Why Cornish-Fisher has no say, in words."""
    return f"Cornish-Fisher is no quantile function at skew {skew:.3f} and excess kurtosis {excess:.3f}"


def is_in_domain(skew: float, excess: float) -> bool:
    """Does the expansion rise wherever a quantile may be asked for, at |z| <= 6?

    w'(z) = (1 + 5 s^2 / 36 - k / 8) + (s / 3) z + (k / 8 - s^2 / 6) z^2; a parabola is least at an end or its vertex.
    Source: Maillard (2012), equation 7, who asks it of all z.
    """
    square, linear = excess / 8.0 - skew**2 / 6.0, skew / 3.0
    constant = 1.0 + 5.0 * skew**2 / 36.0 - excess / 8.0
    vertex = -linear / (2.0 * square) if square else 0.0
    places = (-_Z_MAX, _Z_MAX, min(max(vertex, -_Z_MAX), _Z_MAX))
    return all(constant + linear * z + square * z * z >= 0.0 for z in places)


def expanded(z: float, skew: float, excess: float) -> float:
    """The corrected quantile of a normal's `z`."""
    square = z * z
    return (
        z
        + (square - 1.0) * skew / 6.0
        + z * (square - 3.0) * excess / 24.0
        - z * (2.0 * square - 5.0) * skew * skew / 36.0
    )


def expanded_beyond(at: NormalTail, skew: float, excess: float) -> float:
    """The mean of the corrected quantiles beyond a normal's.

    By the truncated normal's moments: E[z] = -b, E[z^2] = 1 - q b, E[z^3] = -(q^2 + 2) b for quantile q, beyond b.
    """
    q = at.quantile
    square = q * q
    return -at.beyond * (
        1.0 + q * skew / 6.0 + (square - 1.0) * excess / 24.0 - (2.0 * square - 1.0) * skew * skew / 36.0
    )
