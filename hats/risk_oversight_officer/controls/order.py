"""The order by itself: its price, its size, and that it does not trade with our own."""

from __future__ import annotations

import math

from hats.risk_oversight_officer.case import Breach, Case, bps_between, within
from shared.instrument import MIN_NOTIONAL_USD
from shared.messages.risk import DenyReason
from shared.order import Side, TriggerKind, VenueTwap
from shared.units import BPS, USD, tick_at


def check_tick(case: Case) -> Breach | None:
    """The venue would take the price: positive and on the tick that holds at it."""
    instrument, px = case.instrument, case.intent.px
    if instrument.is_on_tick(px):
        return None
    return Breach(DenyReason.BAD_PRICE, tick_at(px, instrument.sz_decimals), px, "price units; the limit is the tick")


def check_size(case: Case) -> Breach | None:
    """There is something to trade."""
    return None if case.intent.sz > 0 else Breach(DenyReason.BAD_SIZE, 1, case.intent.sz, "lots")


def _collar_bps(case: Case, bps: int) -> int:
    """A closing order may give way further, for what nobody buys near the mid must be sold all the same."""
    return max(bps, case.settings.exit_collar_bps) if case.is_exit else bps


def check_collar(case: Case) -> Breach | None:
    """The price lies within its collar around our own mid; a trigger's counts from the price that wakes it."""
    if case.trigger is not None:
        return None
    px, limit = case.intent.px, _collar_bps(case, case.settings.price_collar_bps)
    if within(2 * px, case.twice_mid, limit):
        return None
    return Breach(DenyReason.PRICE_COLLAR, limit, bps_between(2 * px, case.twice_mid), "bps away from our mid")


def check_oracle_collar(case: Case) -> Breach | None:
    """The price lies within its collar around the venue's oracle; a trigger's does not yet count.

    Without a fresh oracle nothing is added (`check_context_age`, `check_price_gap`), and what reduces is not held up.
    """
    px, limit = case.intent.px, _collar_bps(case, case.settings.oracle_collar_bps)
    if case.trigger is not None or case.oracle_px <= 0 or within(px, case.oracle_px, limit):
        return None
    return Breach(DenyReason.PRICE_COLLAR, limit, bps_between(px, case.oracle_px), "bps away from the oracle")


def check_drift_collar(case: Case) -> Breach | None:
    """The price lies not too far beyond where our mid was within the window: a collar that walks along is none."""
    bounds, limit = case.state.trail.bounds(case.intent.coin), case.settings.drift_collar_bps
    if bounds is None:
        return None
    low, high = bounds
    twice_px = 2 * case.intent.px
    # the ends of the window's range: a buy is held against the lowest mid, a sell against the highest
    anchor, beyond = (low, twice_px - low) if case.intent.side is Side.BUY else (high, high - twice_px)
    if beyond * BPS <= limit * anchor:
        return None
    return Breach(DenyReason.PRICE_DRIFT, limit, -(-beyond * BPS // anchor), "bps beyond the mids of the window")


def check_trigger(case: Case) -> Breach | None:
    """A trigger reduces, wakes only after the market has moved, and not too far from it."""
    trigger, limit = case.trigger, case.settings.trigger_limit_bps
    if trigger is None:
        return None
    if not case.intent.reduce_only:
        return Breach(DenyReason.BAD_TRIGGER, 1, 0, "a trigger must be reduce-only")
    if not case.instrument.is_on_tick(trigger.px):
        return Breach(DenyReason.BAD_TRIGGER, case.instrument.tick(trigger.px), trigger.px, "price units, not on tick")
    # a stop of a buy lies above the market, so does the profit of a sell
    away = case.intent.side.value if trigger.kind is TriggerKind.STOP_LOSS else -case.intent.side.value
    if away * (2 * trigger.px - case.twice_mid) <= 0:
        return Breach(DenyReason.BAD_TRIGGER, case.twice_mid, 2 * trigger.px, "twice our mid: it would wake at once")
    if within(2 * trigger.px, case.twice_mid, limit):
        return None
    return Breach(DenyReason.BAD_TRIGGER, limit, bps_between(2 * trigger.px, case.twice_mid), "bps away from our mid")


def check_trigger_reach(case: Case) -> Breach | None:
    """The limit price of a trigger lies not too far from the price that wakes it."""
    trigger, limit = case.trigger, case.settings.trigger_reach_bps
    if trigger is None or within(case.intent.px, trigger.px, limit):
        return None
    return Breach(DenyReason.PRICE_COLLAR, limit, bps_between(case.intent.px, trigger.px), "bps away from its trigger")


def check_min_notional(case: Case) -> Breach | None:
    """It reaches the venue's minimum, unless it closes the whole position."""
    if case.notional_usd >= MIN_NOTIONAL_USD or (case.is_reducing and case.intent.sz == abs(case.exposure.net_sz)):
        return None
    return Breach(DenyReason.BELOW_MIN_NOTIONAL, MIN_NOTIONAL_USD, case.notional_usd, "micro-USDC")


def check_order_notional(case: Case) -> Breach | None:
    """It is not larger than one order may be; closing everything is bounded by the position."""
    limit_usd = case.settings.order_limit_usd * USD
    if case.notional_usd <= limit_usd:
        return None
    return Breach(DenyReason.ORDER_NOTIONAL, limit_usd, case.notional_usd, "micro-USDC of one order")


def check_fat_finger(case: Case) -> Breach | None:
    """Valued by two prices that are not its own, it is still of a believable size."""
    limit_usd = case.settings.fat_finger_limit_usd * USD
    at_mid, at_oracle = -(-case.intent.sz * case.twice_mid // 2), case.intent.sz * case.oracle_px
    if max(at_mid, at_oracle) <= limit_usd:
        return None
    whose = "our mid" if at_mid >= at_oracle else "the oracle"
    return Breach(DenyReason.FAT_FINGER, limit_usd, max(at_mid, at_oracle), f"micro-USDC at {whose}")


def check_depth(case: Case) -> Breach | None:
    """It is not many times what the book shows on the side that it would take; a TWAP takes it in parts."""
    if isinstance(case.intent.how, VenueTwap):
        return None
    feature = case.feature
    depth = feature.ask_depth_usd if case.intent.side is Side.BUY else feature.bid_depth_usd
    depth_usd = int(depth * USD) if math.isfinite(depth) else 0
    limit_usd = case.settings.depth_limit_percent * depth_usd // 100
    if case.notional_usd <= limit_usd:
        return None
    return Breach(DenyReason.ORDER_DEPTH, limit_usd, case.notional_usd, "micro-USDC; the book shows too little")


def check_self_match(case: Case) -> Breach | None:
    """It would not trade with an order of our own. What it replaces leaves the book first; what sleeps is in none.

    Closing everything is spared: an order in doubt must not hold it up, and the venue cancels the resting side of a
    self-match without a trade.
    """
    if case.intent.how is not None:
        return None
    intent, sign = case.intent, case.intent.side.value
    crossed = [
        (cloid, order.px)
        for cloid, order in case.exposure.orders.items()
        if not order.is_asleep
        and order.side is not intent.side
        and cloid != intent.replaces
        and sign * (intent.px - order.px) >= 0
    ]
    if not crossed:
        return None
    cloid, px = min(crossed)
    return Breach(DenyReason.SELF_MATCH, px, intent.px, f"price units; {cloid} is our own order")
