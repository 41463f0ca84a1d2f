"""What it adds to everything else that we hold or may still come to hold, every coin at its worst."""

from __future__ import annotations

from hats.risk_oversight_officer.case import Breach, Case, over_equity
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.sizing import budget_usd
from hats.risk_oversight_officer.state import State
from shared.messages.risk import DenyReason
from shared.units import USD

OTHERS = "others"


def check_position(case: Case) -> Breach | None:
    """The coin's position stays within its limit if every open order on that side fills, replaced ones too."""
    coin = case.intent.coin
    limit_usd = position_limit_usd(case.state, case.settings, coin)
    worst_usd = case.worst.on(case.intent.side) * case.state.market.reference_px(coin)
    if worst_usd <= limit_usd:
        return None
    return Breach(DenyReason.POSITION_LIMIT, limit_usd, worst_usd, "micro-USDC, everything open filled against us")


def check_gross(case: Case) -> Breach | None:
    """All coins' worst positions together stay within their limit."""
    limit_usd, unpriced = case.settings.gross_limit_usd * USD, case.others[1]
    if unpriced is not None:
        found = f"micro-USDC, but nobody knows the price of {unpriced} now"
        return Breach(DenyReason.GROSS_EXPOSURE, limit_usd, case.gross_usd, found)
    if case.gross_usd <= limit_usd:
        return None
    return Breach(DenyReason.GROSS_EXPOSURE, limit_usd, case.gross_usd, "micro-USDC, every coin at its worst")


def check_net(case: Case) -> Breach | None:
    """The positions with their signs stay within their limit, whichever side fills; what brings it nearer passes."""
    limit_usd = case.settings.net_limit_usd * USD
    is_buy = case.intent.side.value > 0
    found = sum(corner.long_usd if is_buy else corner.short_usd for corner in case.corners)
    if found <= limit_usd:
        return None
    return Breach(DenyReason.NET_EXPOSURE, limit_usd, found, "micro-USDC net, everything on that side filled")


def check_cluster(case: Case) -> Breach | None:
    """The worst positions of the coins that fall together with this one stay within their limit."""
    limit_usd = case.settings.cluster_limit_usd * USD
    name = cluster_of(case.settings, case.intent.coin)
    found = sum(corner.worst_usd for corner in case.corners if cluster_of(case.settings, corner.coin) == name)
    if found <= limit_usd:
        return None
    return Breach(DenyReason.CLUSTER_EXPOSURE, limit_usd, found, f"micro-USDC of the cluster {name}")


def check_strategy_capital(case: Case) -> Breach | None:
    """What one strategy holds and has open stays within its limit: no room of another's can be used up by it."""
    intent, state = case.intent, case.state
    limit_usd = case.settings.strategy_limit_usd * USD
    open_sz = {
        coin: sum(order.left_sz for order in exposure.orders.values() if order.strategy == intent.strategy)
        for coin, exposure in state.exposures.items()
    }
    held = case.strategy.nets
    lots = {coin: open_sz.get(coin, 0) + abs(held.get(coin, 0)) for coin in {*open_sz, *held}}
    lots[intent.coin] = lots.get(intent.coin, 0) + intent.sz
    found = sum(sz * state.market.reference_px(coin) for coin, sz in lots.items() if sz)
    if found <= limit_usd:
        return None
    return Breach(DenyReason.STRATEGY_CAPITAL, limit_usd, found, f"micro-USDC of {intent.strategy}")


def check_size_budget(case: Case) -> Breach | None:
    """The coin's worst position stays within what its volatility, the regime and the edge make of our equity."""
    limit_usd, rule = budget_usd(case.state, case.settings, case.intent.coin, case.intent.strategy)
    if limit_usd is None:
        return None
    worst_usd = case.worst.sz * case.state.market.reference_px(case.intent.coin)
    if worst_usd <= limit_usd:
        return None
    return Breach(DenyReason.SIZE_BUDGET, limit_usd, worst_usd, f"micro-USDC by {rule}")


def check_concentration(case: Case) -> Breach | None:
    """One coin's worst position is not too large a part of equity."""
    limit = case.settings.concentration_limit_percent
    worst_usd = case.worst.sz * case.state.market.reference_px(case.intent.coin)
    if worst_usd * 100 <= limit * case.equity_usd:
        return None
    found = over_equity(worst_usd, case.equity_usd, 100)
    return Breach(DenyReason.CONCENTRATION, limit, found, "percent of equity in one coin")


def position_limit_usd(state: State, settings: Settings, coin: str) -> int:
    """The position limit that holds for the coin now, in micro-USDC; tighter in a turbulent market."""
    limit_usd = settings.position_limits_usd.get(coin, settings.position_limit_usd) * USD
    return limit_usd * settings.turbulent_scale_percent // 100 if state.market.is_turbulent(coin) else limit_usd


def cluster_of(settings: Settings, coin: str) -> str:
    """The cluster that the coin belongs to."""
    return next((name for name, coins in settings.clusters.items() if coin in coins), OTHERS)
