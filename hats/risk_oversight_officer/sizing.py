"""How large a position equity, volatility, the regime and a proven edge allow: the smallest of the rules that are set.

The strategist proposes a size; what comes of these rules is a limit on it like any other, so nothing is clipped here.
`budgets.py` tells the strategist beforehand.
"""

from __future__ import annotations

import math

from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State
from shared.ids import StrategyId
from shared.units import BPS, DAY


def fixed_fraction(equity_usd: int, percent: float) -> int:
    """Position of `percent` of equity, micro-USDC, rounded down."""
    return max(math.floor(equity_usd * percent / 100.0), 0)


def volatility_target(equity_usd: int, target_bps: float, sigma_bps: float) -> int:
    """Position whose standard deviation over the same span is `target_bps` of equity, micro-USDC.

    Source: Moreira & Muir (2017) scale by inverse variance; this is inverse volatility, as futures funds do.
    """
    assert sigma_bps > 0, "no volatility, no target"
    return max(math.floor(equity_usd * target_bps / sigma_bps), 0)


def kelly(equity_usd: int, edge_bps: float, sigma_bps: float, share: float, bound_percent: float) -> int:
    """`share` of the Kelly position, edge / variance of equity, at most `bound_percent` of equity; 0 without an edge.

    Edge and sigma are of the same span. Source: Kelly (1956); Thorp (2006), section 7: f = m / s^2.
    """
    assert sigma_bps > 0, "no volatility, no Kelly"
    fraction = share * (edge_bps / BPS) / (sigma_bps / BPS) ** 2
    return fixed_fraction(equity_usd, min(max(fraction * 100.0, 0.0), bound_percent))


def daily_sigma_bps(sigma_bps: float, bar_ns: int) -> float:
    """A bar's standard deviation over a day, bps, by the square root of time."""
    return sigma_bps * math.sqrt(DAY / bar_ns)


def budget_usd(state: State, settings: Settings, coin: str, strategy: StrategyId | None) -> tuple[int | None, str]:
    """The largest position of the coin (micro-USDC) and the rule that says so; None if no rule is set or can speak.

    The rules are scaled down by regime. Before anyone told a volatility, a strategy that is held to Kelly gets nothing,
    and the volatility target is silent: an unknown regime counts as turbulent for the position's limit meanwhile.
    """
    equity_usd = state.equity_usd or 0
    rules: list[tuple[int, str]] = []
    if settings.sizing_fraction_percent:
        rules.append((fixed_fraction(equity_usd, settings.sizing_fraction_percent), "fixed fraction"))
    edge_bps = None if strategy is None else settings.sizing_edges_bps.get(strategy)
    news = state.market.regimes.get(coin)
    if news is not None and news.sigma_bps > 0 and news.bar_ns > 0:
        sigma_bps = daily_sigma_bps(news.sigma_bps, news.bar_ns)
        if settings.sizing_volatility_bps:
            rules.append(
                (volatility_target(equity_usd, settings.sizing_volatility_bps, sigma_bps), "volatility target")
            )
        if edge_bps is not None:
            share, bound = settings.sizing_kelly_share, settings.sizing_kelly_bound_percent
            rules.append((kelly(equity_usd, edge_bps, sigma_bps, share, bound), "fractional Kelly"))
    elif edge_bps is not None:
        rules.append((0, "fractional Kelly, whose volatility is unknown"))
    if not rules:
        return None, ""
    usd, rule = min(rules)
    if state.market.is_turbulent(coin):
        return usd * settings.turbulent_scale_percent // 100, f"{rule}, turbulent"
    return usd, rule
