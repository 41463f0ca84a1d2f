"""Every control in the order in which it is asked, whom it spares, its setting and its unit."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple

from hats.risk_oversight_officer.case import Breach, Case
from hats.risk_oversight_officer.controls import bad_day, data, exposure, money, order, pace, standing
from shared.messages.risk import DenyReason as Deny


class Spares(IntEnum):
    """Whom a control lets pass unasked. Exits are in each kind but the first.

    An order that only reduces may add to the worst case all the same: once it has closed the position, what rests on
    its side opens one the other way. What bounds the worst case in USDC asks it, unless the house itself closes.
    """

    NOBODY = 0
    EXITS = 1
    REDUCING = 2
    NOT_ADDING = 3
    EASING = 4


class Control(NamedTuple):
    """One hard block. `setting` is the key of its limit; empty where the limit is a fact and not a choice."""

    check: Callable[[Case], Breach | None]
    reason: Deny
    setting: str
    unit: str
    spares: Spares

    @property
    def name(self) -> str:
        """The function's name without its verb."""
        return self.check.__name__.removeprefix("check_")


N, E, R, A, S = Spares.NOBODY, Spares.EXITS, Spares.REDUCING, Spares.NOT_ADDING, Spares.EASING

CONTROLS: Final = (
    # may anything be done at all
    Control(standing.check_purpose, Deny.NOT_REDUCING, "", "lots", N),
    Control(money.check_drawdown, Deny.DRAWDOWN, "drawdown_limit_bps", "bps of the highest equity", R),
    Control(standing.check_halted, Deny.HALTED, "", "state", E),
    Control(standing.check_armed, Deny.DISARMED, "", "state", E),
    Control(standing.check_reducing, Deny.REDUCING_ONLY, "", "state", R),
    Control(standing.check_strategy, Deny.STRATEGY_DISABLED, "repeated_fills_limit", "fills one way in the window", E),
    Control(standing.check_coin, Deny.UNKNOWN_COIN, "", "listed", N),
    Control(standing.check_id, Deny.DUPLICATE, "", "intent number", N),
    # what the venue takes
    Control(order.check_tick, Deny.BAD_PRICE, "", "tick", N),
    Control(order.check_size, Deny.BAD_SIZE, "", "lots", N),
    # is what we know good enough
    Control(data.check_feed, Deny.STALE_DATA, "", "state", N),
    Control(data.check_capture, Deny.NOT_CAPTURED, "", "bytes", R),
    Control(data.check_intent_age, Deny.STALE_DATA, "data_age_limit_ms", "ms", N),
    Control(data.check_book_age, Deny.STALE_DATA, "data_age_limit_ms", "ms", N),
    Control(data.check_context_age, Deny.STALE_DATA, "context_age_limit_ms", "ms", R),
    Control(data.check_clock, Deny.CLOCK_OFFSET, "clock_offset_limit_ms", "ms", R),
    Control(data.check_spread, Deny.WIDE_SPREAD, "spread_limit_bps", "bps", R),
    Control(data.check_price_gap, Deny.PRICE_DISAGREEMENT, "price_gap_limit_bps", "bps", R),
    # the order by itself
    Control(order.check_collar, Deny.PRICE_COLLAR, "price_collar_bps", "bps", N),
    Control(order.check_oracle_collar, Deny.PRICE_COLLAR, "oracle_collar_bps", "bps", N),
    Control(order.check_drift_collar, Deny.PRICE_DRIFT, "drift_collar_bps", "bps", R),
    Control(order.check_trigger, Deny.BAD_TRIGGER, "trigger_limit_bps", "bps", N),
    Control(order.check_trigger_reach, Deny.PRICE_COLLAR, "trigger_reach_bps", "bps", N),
    Control(order.check_min_notional, Deny.BELOW_MIN_NOTIONAL, "", "micro-USDC", N),
    Control(order.check_order_notional, Deny.ORDER_NOTIONAL, "order_limit_usd", "USDC", E),
    Control(order.check_fat_finger, Deny.FAT_FINGER, "fat_finger_limit_usd", "USDC", E),
    Control(order.check_depth, Deny.ORDER_DEPTH, "depth_limit_percent", "percent of the book's depth", R),
    Control(order.check_self_match, Deny.SELF_MATCH, "", "price units", E),
    # what it adds to everything else
    Control(exposure.check_position, Deny.POSITION_LIMIT, "position_limit_usd", "USDC", E),
    Control(exposure.check_gross, Deny.GROSS_EXPOSURE, "gross_limit_usd", "USDC", A),
    Control(exposure.check_net, Deny.NET_EXPOSURE, "net_limit_usd", "USDC", A),
    Control(exposure.check_cluster, Deny.CLUSTER_EXPOSURE, "cluster_limit_usd", "USDC", A),
    Control(exposure.check_strategy_capital, Deny.STRATEGY_CAPITAL, "strategy_limit_usd", "USDC", A),
    # what equity allows
    Control(money.check_equity, Deny.NO_EQUITY, "equity_age_limit_ms", "ms", S),
    Control(money.check_cash, Deny.CASH_GAP, "cash_gap_limit_usd", "USDC", S),
    Control(money.check_daily_loss, Deny.DAILY_LOSS, "daily_loss_limit_bps", "bps of the day's first equity", S),
    Control(money.check_leverage, Deny.LEVERAGE, "leverage_limit_percent", "percent of equity", S),
    Control(exposure.check_concentration, Deny.CONCENTRATION, "concentration_limit_percent", "percent of equity", S),
    Control(exposure.check_size_budget, Deny.SIZE_BUDGET, "", "USDC by the sizing rules", S),
    Control(money.check_margin_use, Deny.MARGIN_USE, "margin_use_limit_percent", "percent of equity", S),
    Control(
        money.check_liquidation_distance, Deny.LIQUIDATION_DISTANCE, "liquidation_distance_bps", "bps of the price", S
    ),
    Control(money.check_funding, Deny.FUNDING_COST, "funding_limit_bps", "bps an hour", S),
    # how much and how often
    Control(pace.check_rate, Deny.ORDER_RATE, "order_rate_limit", "orders in the window", E),
    Control(pace.check_strategy_rate, Deny.ORDER_RATE, "strategy_rate_limit", "orders in the window", E),
    Control(pace.check_open_orders, Deny.OPEN_ORDERS, "open_orders_limit", "orders", E),
    Control(pace.check_coin_orders, Deny.OPEN_ORDERS, "coin_orders_limit", "orders of one coin", E),
    Control(pace.check_in_doubt, Deny.IN_DOUBT, "in_doubt_limit", "orders", S),
    Control(pace.check_daily_volume, Deny.DAILY_VOLUME, "daily_volume_limit_usd", "USDC", S),
    # a bad hour and a bad day
    Control(bad_day.check_stress, Deny.STRESS, "stress_limit_bps", "bps of equity", S),
    Control(bad_day.check_value_at_risk, Deny.VALUE_AT_RISK, "var_limit_bps", "bps of equity", S),
    Control(bad_day.check_expected_shortfall, Deny.EXPECTED_SHORTFALL, "shortfall_limit_bps", "bps of equity", S),
)


def first_breach(case: Case) -> Breach | None:
    """The first limit that the intent breaks; None if it may pass."""
    for control in CONTROLS:
        if control.spares and _is_spared(case, control.spares):
            continue
        breach = control.check(case)
        if breach is not None:
            return breach
    return None


def _is_spared(case: Case, spares: Spares) -> bool:
    match spares:
        case Spares.NOBODY:
            return False
        case Spares.EXITS:
            return case.is_exit
        case Spares.REDUCING:
            return case.is_reducing
        case Spares.NOT_ADDING:
            return case.is_exit or not case.adds_exposure
        case Spares.EASING:
            return case.is_reducing or not case.adds_exposure
