"""From a wish in floats to exact quotes on the venue's ticks, and from quotes to the fewest changes of orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hats.quant_strategist.strategies.decision import Wish
from hats.quant_strategist.working import WorkingOrder
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.messages.signal import FeatureUpdate
from shared.order import Side, Tif
from shared.units import Ns, Px, Rounding, Sz, tick_at


class Quote(NamedTuple):
    """An order as it should be in the market."""

    side: Side
    px: Px
    sz: Sz
    tif: Tif
    reduce_only: bool


class Place(NamedTuple):
    """Put this quote into the market, instead of an order if one is named."""

    quote: Quote
    replaces: Cloid | None


class Withdraw(NamedTuple):
    """Take this order out of the market."""

    cloid: Cloid


class Hysteresis(NamedTuple):
    """How far a working order may be from the wish and still stay; how long a cancel is waited for."""

    ticks: int
    size_share: float
    cancel_retry_ns: int


def quotes_from(
    wish: Wish, features: FeatureUpdate, instrument: Instrument, tif: Tif, reducing_net_sz: int | None
) -> list[Quote]:
    """The wish on ticks and lots; sides too small for the venue are left out.

    Add-liquidity-only quotes stop one tick short of the other side. With `reducing_net_sz` only the part that reduces
    that position is left, reduce-only.
    """
    quotes = []
    for side, px_usd, coins in ((Side.BUY, wish.bid_px, wish.bid_sz), (Side.SELL, wish.ask_px, wish.ask_sz)):
        if coins <= 0.0 or px_usd <= 0.0:
            continue
        px = instrument.px_on_tick(px_usd, Rounding.DOWN if side is Side.BUY else Rounding.UP)
        if tif is Tif.ALO:
            px = short_of_crossing(side, px, features, instrument.sz_decimals)
        sz = instrument.sz_in_lots(coins)
        if reducing_net_sz is not None:
            sz = Sz(max(min(sz, -side.value * reducing_net_sz), 0))
        closes_all = reducing_net_sz is not None and sz == abs(reducing_net_sz)
        if px > 0 and sz > 0 and (closes_all or instrument.is_tradable_sz(px, sz)):
            quotes.append(Quote(side, px, sz, tif, reduce_only=reducing_net_sz is not None))
    return quotes


def short_of_crossing(side: Side, px: Px, features: FeatureUpdate, sz_decimals: int) -> Px:
    """`px`, moved back to one tick before the best price of the other side if it would trade at once."""
    if side is Side.BUY:
        return min(px, Px(features.best_ask_px - tick_at(features.best_ask_px - 1, sz_decimals)))
    return max(px, Px(features.best_bid_px + tick_at(features.best_bid_px, sz_decimals)))


def diff(
    wanted: Sequence[Quote], working: Iterable[WorkingOrder], keep: Hysteresis, now: Ns, sz_decimals: int
) -> list[Place | Withdraw]:
    """The fewest changes that turn `working` (one strategy, one coin) into `wanted` (at most one quote a side).

    A side with anything under way waits for its outcome, so that no wish is ever in the market twice. Only resting
    add-liquidity orders are replaced in place (the venue refuses other modifies); the rest is withdrawn first.
    """
    orders = list(working)
    changes: list[Place | Withdraw] = []
    for side in Side:
        quote = next((quote for quote in wanted if quote.side is side), None)
        on_side = [order for order in orders if order.side is side]
        changes += _side_changes(quote, on_side, keep, now, sz_decimals)
    return changes


def withdrawals(working: Iterable[WorkingOrder], keep: Hysteresis, now: Ns) -> list[Withdraw]:
    """A cancel for each order that one can be asked for now."""
    return [Withdraw(order.cloid) for order in working if order.can_be_cancelled(now, keep.cancel_retry_ns)]


def _side_changes(
    quote: Quote | None, orders: list[WorkingOrder], keep: Hysteresis, now: Ns, sz_decimals: int
) -> Sequence[Place | Withdraw]:
    if quote is None:
        return withdrawals(orders, keep, now)
    if not orders:
        return [Place(quote, None)]
    if not all(order.is_settled() for order in orders):
        # ask again for cancels that changed nothing; everything else waits
        return withdrawals([order for order in orders if order.cancel_ns], keep, now)
    first, *extras = orders
    if extras:
        return withdrawals(extras, keep, now)
    if _is_near(quote, first, keep, sz_decimals):
        return []
    if quote.tif is Tif.ALO and first.tif is Tif.ALO:
        return [Place(quote, first.cloid)]
    return withdrawals(orders, keep, now)


def _is_near(quote: Quote, order: WorkingOrder, keep: Hysteresis, sz_decimals: int) -> bool:
    if quote.reduce_only is not order.reduce_only:
        return False
    near_px = abs(quote.px - order.px) <= keep.ticks * tick_at(quote.px, sz_decimals)
    return near_px and abs(quote.sz - order.left_sz) <= keep.size_share * quote.sz


def crossed_by(place: Place, working: Iterable[WorkingOrder]) -> list[WorkingOrder]:
    """Our own open orders that this quote would trade with."""
    quote = place.quote
    return [
        order
        for order in working
        if order.side is not quote.side and quote.side.value * (quote.px - order.px) >= 0 and order.tif is not Tif.IOC
    ]
