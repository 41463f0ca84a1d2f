"""What a trigger order must satisfy: by its payload alone, and at its turn."""

from __future__ import annotations

from typing import NamedTuple

from shared.rules.limits import may_open_another, meets_min_notional
from shared.venue.core import words
from shared.venue.core.accounts import Account
from shared.venue.core.commands import OrderSpec, TriggerSpec
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.trigger import Phase


def trigger_fault(spec: OrderSpec, trigger: TriggerSpec, market: Market) -> str | None:
    """What is wrong with the trigger by itself."""
    if trigger.px <= 0:
        return words.INVALID_PRICE
    if not market.instrument.is_on_tick(trigger.px):
        return words.for_asset(words.TICK, spec.asset)
    return None


class Terms(NamedTuple):
    """How a trigger order is to wait: for what, the price that must not have reached it yet, and the position
    (signed lots, what the parent would make of it included) against which it is placed."""

    phase: Phase
    reference_px: int
    net_sz: int


def trigger_refusal(order: Order, account: Account, policy: VenuePolicy, terms: Terms) -> tuple[str, str] | None:
    """(text, status) of why a trigger order may not wait, or None."""
    net_sz = terms.net_sz
    if not may_open_another(len(account.open_orders), account.volume_usd, reduce_only=True):
        return words.TOO_MANY, "tooManyOpenOrdersRejected"
    trigger = order.trigger
    assert trigger is not None
    if trigger.is_satisfied(terms.reference_px) or _is_limit_short(order, policy):
        return words.BAD_TRIGGER, "badTriggerPxRejected"
    if not trigger.is_whole and not meets_min_notional(order.px, order.sz, order.is_buy, order.reduce_only, net_sz):
        return words.MIN_NOTIONAL, "minTradeNtlRejected"
    is_idle = order.reduce_only and (net_sz == 0 or order.is_buy == (net_sz > 0))
    if is_idle and (net_sz or order.family is not None or policy.flat_reduce_only_trigger == "refused"):
        return words.REDUCE_ONLY, "reduceOnlyRejected"
    return None


def _is_limit_short(order: Order, policy: VenuePolicy) -> bool:
    """Is it a stop-market whose limit does not reach its own trigger? Source: nautilus_trader issue 3611."""
    trigger = order.trigger
    assert trigger is not None
    if policy.stop_market_limit == "anywhere" or trigger.is_tp or not trigger.is_market:
        return False
    return order.px < trigger.px if order.is_buy else order.px > trigger.px
