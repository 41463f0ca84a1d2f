"""Volatility that remembers: one recursion for EWMA and GARCH(1,1), and history told again at today's volatility."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Weight = float | F64
"""One for all coins, or one for each, (coins,)."""


def variances(returns: F64, alpha: Weight, beta: Weight, target: F64 | None = None) -> F64:
    """Conditional variances before each return, and one more for the next: (T + 1, coins) from (T, coins).

    v' = (1 - alpha - beta) v_mean + alpha r^2 + beta v. With alpha + beta = 1 it is RiskMetrics' EWMA (lambda = beta),
    below 1 GARCH(1,1) with variance targeting. It begins at `target` and reverts to it; by default that is the mean
    square of the coin's known returns. A return that is not known (NaN) leaves the variance as it was.
    Never zero, so that a coin that has not moved can be divided by it.
    """
    known = ~np.isnan(returns)
    squares = np.where(known, returns * returns, 0.0)
    if target is None:
        target = np.maximum(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1), 1e-12)
    shocks = np.where(known, (1.0 - alpha - beta) * target + alpha * squares, 0.0)
    kept = np.where(known, beta, 1.0)
    result = np.empty((len(returns) + 1, returns.shape[1]))
    result[0] = target
    variance = result[0]
    for t, shock in enumerate(shocks):
        variance = np.maximum(shock + kept[t] * variance, 1e-12, out=result[t + 1])
    return result


def filtered(returns: F64, alpha: Weight, beta: Weight) -> F64:
    """Each return at today's volatility: r_t x sigma_next / sigma_t, (T, coins); NaN where it is not known.

    Source: Barone-Adesi, Giannopoulos & Vosper (1999); Hull & White (1998).
    """
    sigmas = np.sqrt(variances(returns, alpha, beta))
    scaled: F64 = returns / sigmas[:-1] * sigmas[-1]
    return scaled


def simulated(
    returns: F64, alpha: Weight, beta: Weight, count: int, chance: np.random.Generator, freedom: int = 4
) -> F64:
    """`count` draws from a Student t of `freedom` degrees with today's volatilities and the sample's correlation.

    One chi-squared for all coins of a draw, so that they are extreme together. `freedom` above 2.
    """
    sigmas = np.sqrt(variances(returns, alpha, beta)[-1])
    correlation = correlations(filtered(returns, alpha, beta) / sigmas)
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(len(sigmas)))
    normal = chance.standard_normal((count, len(sigmas))) @ root.T
    shared = np.sqrt((freedom - 2) / chance.chisquare(freedom, size=(count, 1)))
    drawn: F64 = normal * shared * sigmas
    return drawn


def correlations(standard: F64) -> F64:
    """Correlation about zero of each two coins over what is known of both (not NaN), (coins, coins) from (T, coins).

    Two that share no row or do not move have none. Taken two by two it need not be a correlation of all, so what is
    negative of its spectrum is cut off.
    Source: Rebonato & Jaeckel (1999), "The most general methodology to create a valid correlation matrix", section 3.
    """
    known = (~np.isnan(standard)).astype(np.float64)
    moves = np.nan_to_num(standard)
    squares = (moves * moves).T @ known
    pairs = moves.T @ moves / np.maximum(np.sqrt(squares * squares.T), 1e-12)
    np.fill_diagonal(pairs, 1.0)
    values, vectors = np.linalg.eigh(pairs)
    cut = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = np.sqrt(np.diag(cut))
    found: F64 = cut / np.outer(scale, scale)
    return found
