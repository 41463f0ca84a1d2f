"""A trend follower: long while the fast average of the mid is far above the slow one, short while far below.

Under a random walk the gap of two exponential averages with time constants a < b has variance
sigma^2 (b - a)^2 / (2 (a + b)); the cross is measured in that standard deviation, so thresholds mean the same in every
regime. Funding that a position would cost over the slow horizon is taken off first. Size shrinks as volatility rises.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hats.quant_strategist.settings import TrendSettings
from hats.quant_strategist.strategies.decision import NOTHING, Holding, Row, Wish


class Params(NamedTuple):
    """The settings as plain floats; units as there."""

    fast_s: float
    slow_s: float
    enter_z: float
    exit_z: float
    full_z: float
    sigma_target_bps: float
    rebalance_share: float
    collar_bps: float


def params_from(settings: TrendSettings) -> Params:
    """The parameters of these settings."""
    return Params(*(float(getattr(settings, name)) for name in Params._fields))


def cross_z(row: Row, params: Params) -> float:
    """How far the averages are apart, in standard deviations of a random walk; positive is up."""
    gap_bps = (row.fast - row.slow) / row.slow * 1e4 - row.funding_bps * params.slow_s / 3_600.0
    usual_bps = row.sigma_bps * (params.slow_s - params.fast_s) / math.sqrt(2.0 * (params.fast_s + params.slow_s))
    return gap_bps / usual_bps


def target_net(z: float, row: Row, holding: Holding, params: Params) -> float:
    """The position that the cross calls for, in coins; between the thresholds an agreeing position is kept."""
    scale = min(1.0, params.sigma_target_bps / row.sigma_bps)
    if abs(z) >= params.enter_z:
        return math.copysign(min(abs(z) / params.full_z, 1.0) * scale * holding.limit, z)
    if abs(z) < params.exit_z or z * holding.net <= 0.0:
        return 0.0
    return min(max(holding.net, -holding.limit), holding.limit)


def decide(row: Row, holding: Holding, params: Params) -> Wish:
    """One order toward the target, reaching through the best quote by the collar; nothing while averages are young."""
    if row.slow <= 0.0:
        return NOTHING
    target = target_net(cross_z(row, params), row, holding, params)
    change = target - holding.net
    if change == 0.0 or (target != 0.0 and abs(change) < params.rebalance_share * holding.limit):
        return NOTHING
    reach = params.collar_bps * 1e-4
    if change > 0.0:
        return Wish(row.best_ask * (1.0 + reach), change, 0.0, 0.0)
    return Wish(0.0, 0.0, row.best_bid * (1.0 - reach), -change)
