"""How much and how often: rates, open orders, orders in doubt and what was approved in a day."""

from __future__ import annotations

from hats.risk_oversight_officer.case import Breach, Case
from hats.risk_oversight_officer.state import since
from shared.messages.risk import DenyReason
from shared.units import MS, USD


def check_rate(case: Case) -> Breach | None:
    """Not too many orders within the window."""
    return _rate(case, case.state.approved_ns, case.settings.order_rate_limit, "")


def check_strategy_rate(case: Case) -> Breach | None:
    """Not too many orders of one strategy within the window."""
    return _rate(case, case.strategy.approved_ns, case.settings.strategy_rate_limit, f" by {case.intent.strategy}")


def check_open_orders(case: Case) -> Breach | None:
    """Not too many orders open at once, those in doubt included."""
    found, limit = len(case.state.order_coins) + 1, case.settings.open_orders_limit
    return None if found <= limit else Breach(DenyReason.OPEN_ORDERS, limit, found, "open orders")


def check_coin_orders(case: Case) -> Breach | None:
    """Not too many orders open in one coin."""
    found, limit = len(case.exposure.orders) + 1, case.settings.coin_orders_limit
    return None if found <= limit else Breach(DenyReason.OPEN_ORDERS, limit, found, f"open in {case.intent.coin}")


def check_in_doubt(case: Case) -> Breach | None:
    """Not so many orders in doubt that nobody knows what is open."""
    found, limit = case.state.in_doubt(), case.settings.in_doubt_limit
    return None if found < limit else Breach(DenyReason.IN_DOUBT, limit - 1, found, "orders without a definite answer")


def check_daily_volume(case: Case) -> Breach | None:
    """What was approved within the UTC day stays within its limit."""
    limit_usd = case.settings.daily_volume_limit_usd * USD
    found = case.state.day.approved_usd + case.notional_usd
    return (
        None if found <= limit_usd else Breach(DenyReason.DAILY_VOLUME, limit_usd, found, "micro-USDC since 0:00 UTC")
    )


def _rate(case: Case, times: list[int], limit: int, whose: str) -> Breach | None:
    window_ms = case.settings.order_rate_window_ms
    found = 1 + since(times, case.now - window_ms * MS)
    return None if found <= limit else Breach(DenyReason.ORDER_RATE, limit, found, f"in {window_ms} ms{whose}")
