"""Avellaneda and Stoikov's market maker: quotes around a price that leans against its own inventory.

In basis points of the microprice s, with inventory q counted in quotes and a rolling horizon t:
reservation = s - q gamma sigma^2 t, half spread = gamma sigma^2 t / 2 + ln(1 + gamma / kappa) / gamma.
Source: Avellaneda & Stoikov (2008), "High-frequency trading in a limit order book"; the finite horizon is made to roll,
as is customary where a market does not close.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hats.quant_strategist.settings import AvellanedaStoikovSettings
from hats.quant_strategist.strategies.decision import Holding, Row, Wish


class Params(NamedTuple):
    """The settings as plain floats; units as there."""

    quote_share: float
    risk_aversion: float
    arrival_decay: float
    horizon_s: float
    half_spread_min_bps: float
    half_spread_max_bps: float
    turbulent_widening: float
    turbulent_shrinking: float


def params_from(settings: AvellanedaStoikovSettings) -> Params:
    """The parameters of these settings."""
    return Params(*(float(getattr(settings, name)) for name in Params._fields))


def decide(row: Row, holding: Holding, params: Params) -> Wish:
    """Both quotes; a side that would carry the position beyond its limit is cut down to it."""
    quote_sz = params.quote_share * holding.limit
    inventory = holding.net / quote_sz
    risk = params.risk_aversion * row.sigma_bps * row.sigma_bps * params.horizon_s
    half_bps = 0.5 * risk + math.log(1.0 + params.risk_aversion / params.arrival_decay) / params.risk_aversion
    half_bps *= 1.0 + params.turbulent_widening * row.turbulence
    half_bps = min(max(half_bps, params.half_spread_min_bps), params.half_spread_max_bps)
    carry_bps = row.funding_bps * params.horizon_s / 3_600.0
    shift_bps = -inventory * risk - carry_bps
    shift_bps = min(max(shift_bps, -params.half_spread_max_bps), params.half_spread_max_bps)
    sz = quote_sz * (1.0 - params.turbulent_shrinking * row.turbulence)
    return Wish(
        row.microprice * (1.0 + (shift_bps - half_bps) * 1e-4),
        min(max(holding.limit - holding.net, 0.0), sz),
        row.microprice * (1.0 + (shift_bps + half_bps) * 1e-4),
        min(max(holding.limit + holding.net, 0.0), sz),
    )
