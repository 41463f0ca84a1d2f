"""What is refused of spot orders: by the payload alone, and at their turn."""

from __future__ import annotations

from shared.rules.limits import may_open_another
from shared.rules.spot import MIN_SPOT_NOTIONAL_E8, is_px_in_spot_band
from shared.venue.core import words
from shared.venue.core.accounts import Account
from shared.venue.core.commands import OrderSpec, Tif
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.pooling import spendable_wei

_TAKERS = (Tif.IOC, Tif.FRONTEND_MARKET)
Refusal = tuple[str, str]
"""(text, status)."""


def spot_fault(spec: OrderSpec, market: Market, policy: VenuePolicy) -> str | None:
    """What the payload alone shows, beyond size, price and tick."""
    if spec.trigger is not None:
        return words.NO_SPOT_TRIGGERS
    if spec.reduce_only:
        return words.SPOT_REDUCE_ONLY
    if not is_px_in_spot_band(spec.px, market.prices.mark_px, policy.spot_band_percent):
        return words.out_of_band(policy.spot_band_percent)
    return None


def spot_refusal(order: Order, account: Account, market: Market, policy: VenuePolicy) -> Refusal | None:
    """Why the order can't meet the book, but for what its time in force asks; None also if that will refuse it.

    An order that may rest must be worth enough, and paid for in full, at its limit. One that takes or goes is measured
    after "no liquidity" and "no balance at all", by the first price it would meet. Source: measured on the venue.
    """
    if not may_open_another(len(account.open_orders), account.volume_usd, order.reduce_only):
        return words.TOO_MANY, "tooManyOpenOrdersRejected"
    pair = market.listing.spot
    assert pair is not None
    token, needed = pair.spends(order.is_buy, order.px, order.sz)
    free = spendable_wei(account, token)
    measure_px: int = order.px
    if order.tif in _TAKERS:
        first = market.book.side(not order.is_buy).best_px()
        if first is None or not market.book.crosses(order.is_buy, order.px):
            return None
        if not free:
            return words.SPOT_BALANCE, "insufficientSpotBalanceRejected"
        measure_px = first
        if policy.spot_ioc_balance == "execution":
            needed = _execution_wei(order, market)
    if order.twap_id is None and measure_px * order.sz < MIN_SPOT_NOTIONAL_E8:
        return words.spot_min_notional(pair.quote.name), "minTradeNtlRejected"
    if needed > free:
        return words.SPOT_BALANCE, "insufficientSpotBalanceRejected"
    return None


def _execution_wei(order: Order, market: Market) -> int:
    """What the order would spend on the book as it stands; its user's own orders don't count, they will be gone."""
    pair = market.listing.spot
    assert pair is not None
    left: int = order.sz
    spent = 0
    for maker in market.book.side(not order.is_buy).orders():
        if not left or (maker.px > order.px if order.is_buy else maker.px < order.px):
            break
        if maker.user != order.user:
            sz = min(left, maker.sz)
            left -= sz
            spent += pair.spends(order.is_buy, maker.px, sz)[1]
    return spent
