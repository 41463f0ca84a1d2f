"""From a batch of orders to its statuses: what is refused before anything happens, and what at its turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from shared.rules.limits import (
    LIMIT_TO_MARKET_CAP,
    MAX_BATCH,
    is_near,
    is_px_in_band,
    may_open_another,
    meets_min_notional,
)
from shared.rules.margin import exceeds_tier
from shared.rules.spot import is_spot_asset
from shared.units import Sz
from shared.venue.core import families, oi_caps, words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.clearing import Holding
from shared.venue.core.commands import OrderSpec, Tif
from shared.venue.core.market import Market
from shared.venue.core.matching import Matched, Matching, average_px
from shared.venue.core.order import Order, order_from_spec
from shared.venue.core.outcomes import Filled, Refused, Resting, Status
from shared.venue.core.policy import DEFAULT_POLICY, VenuePolicy
from shared.venue.core.spot_rules import spot_fault, spot_refusal
from shared.venue.core.trigger import Phase
from shared.venue.core.triggers import Terms, trigger_fault, trigger_refusal

_TAKERS = (Tif.IOC, Tif.FRONTEND_MARKET)
_ALO: Final = Tif.ALO
_GTC: Final = Tif.GTC


def action_fault(markets: Mapping[int, Market], specs: Iterable[OrderSpec], size: int) -> str | None:
    """Why the action as a whole is an error (`status: err`), or None."""
    if size > MAX_BATCH:
        return words.OVER_WEIGHT
    for spec in specs:
        market = markets.get(spec.asset)
        if market is None:
            return unknown_asset(spec.asset)
        if not market.is_open:
            return words.HALTED
    return None


def unknown_asset(asset: int) -> str:
    """Refusal of an action for an id under which nothing is listed."""
    return words.INVALID_SPOT if is_spot_asset(asset) else words.for_asset(words.UNKNOWN_ASSET, asset)


def batch_fault(markets: Mapping[int, Market], specs: Iterable[OrderSpec]) -> str | None:
    """First fault that the payload alone determines; one such fault refuses the batch with one status."""
    for spec in specs:
        fault = _payload_fault(spec, markets[spec.asset])
        if fault is not None:
            return fault
    return None


def _payload_fault(spec: OrderSpec, market: Market) -> str | None:
    """What is wrong with the order by itself."""
    if spec.sz == 0:
        return words.ZERO_SIZE
    if spec.sz < 0:
        return words.INVALID_SIZE
    if spec.px <= 0:
        return words.INVALID_PRICE
    if not market.instrument.is_on_tick(spec.px):
        return words.for_asset(words.TICK, spec.asset)
    if market.is_spot:
        return spot_fault(spec, market, market.policy)
    percent = market.policy.band_percent
    if not is_px_in_band(spec.px, market.prices.mark_px, percent):
        return words.out_of_band(percent)
    if spec.px * spec.sz > market.max_market_order:
        fault = _size_fault(spec, market)
        if fault is not None:
            return fault
    return None if spec.trigger is None else trigger_fault(spec, spec.trigger, market)


def _size_fault(spec: OrderSpec, market: Market) -> str | None:
    """Is the order worth more than what one order may be: the market's cap, or ten times that for a limit order?"""
    is_market = spec.tif is Tif.FRONTEND_MARKET or (spec.trigger is not None and spec.trigger.is_market)
    is_market = is_market or (spec.tif is Tif.IOC and spec.trigger is None and market.policy.ioc_counts_as_market)
    cap = market.max_market_order * (1 if is_market else LIMIT_TO_MARKET_CAP)
    return words.too_large(cap) if spec.px * spec.sz > cap else None


class Placing:
    """Judges one order at its turn, matches it, and rests what may rest."""

    def __init__(self, matching: Matching, policy: VenuePolicy = DEFAULT_POLICY) -> None:
        self._matching = matching
        self._policy = policy
        self._oracle_percent = policy.oracle_distance_percent
        self.next_oid = 1

    def place(self, spec: OrderSpec, account: Account, market: Market, block: Block) -> Status:
        """What became of the order; a refusal at its turn leaves a record with its own status."""
        order = self.make(spec, account, block)
        if order.trigger is not None:
            net = account.holdings[order.asset].position.net_sz
            refused = self.hang(order, Terms(Phase.PRICE, market.prices.mark_px, net), account, market, block)
            return refused or Resting(order.oid, order.cloid)
        return self.enter(order, account, market, block)

    def make(self, spec: OrderSpec, account: Account, block: Block) -> Order:
        """A new order with the next id, remembered by its owner."""
        order = order_from_spec(spec, account.user, self.next_oid, block.now_ms)
        self.next_oid += 1
        account.remember(order)
        return order

    def hang(self, order: Order, terms: Terms, account: Account, market: Market, block: Block) -> Refused | None:
        """Let a trigger order wait, or say why it may not."""
        refusal = trigger_refusal(order, account, self._policy, terms)
        if refusal is not None:
            return self._refuse(order, *refusal, account, block)
        families.hang(order, terms.phase, account, market, self._matching, block)
        return None

    def enter(self, order: Order, account: Account, market: Market, block: Block) -> Status:
        """What became of an order that goes to the book, new or just triggered."""
        refusal = self._refusal(order, account, market)
        if refusal is not None:
            return self._refuse(order, *refusal, account, block)
        if order.reduce_only:
            order.sz = Sz(min(order.sz, abs(account.holdings[order.asset].position.net_sz)))
        matched = Matched(0, 0, False)
        if order.tif is not _ALO:
            matched = self._matching.match(order, account, market, block)
        return self._concluded(order, matched, account, market, block)

    def _concluded(self, order: Order, matched: Matched, account: Account, market: Market, block: Block) -> Status:
        """Status of an order that has met the book; whatever is left rests or is cancelled."""
        if not order.sz:
            self._matching.end(order, "filled", account, block)
        elif matched.is_out_of_margin and not matched.sz:
            return self._refuse(order, words.MARGIN, "perpMarginRejected", account, block)
        elif matched.is_out_of_margin:
            self._matching.end(order, "marginCanceled", account, block)
        elif order.tif not in _TAKERS:
            self._matching.rest(order, account, market, block)
            if not matched.sz or self._policy.gtc_partial_ack == "resting":
                return Resting(order.oid, order.cloid)
        elif matched.sz:
            self._matching.end(order, "canceled", account, block)
        elif order.trigger is not None:
            return self._refuse(order, words.NO_LIQUIDITY, "marketOrderNoLiquidityRejected", account, block)
        else:
            return self._refuse(order, words.IOC, "iocCancelRejected", account, block)
        return Filled(order.oid, order.cloid, Sz(matched.sz), market.instrument.px_text(average_px(matched)))

    def _refusal(self, order: Order, account: Account, market: Market) -> tuple[str, str] | None:
        """(text, status) of why the order can't even meet the book, or None.

        Order of the checks: open orders, value, reduce-only, tier, margin, then what the time in force asks for.
        """
        if market.is_spot:
            return spot_refusal(order, account, market, self._policy) or self._tif_refusal(order, market)
        holding = account.holdings[order.asset]
        net = holding.position.net_sz
        if order.trigger is None and not may_open_another(
            len(account.open_orders), account.volume_usd, order.reduce_only
        ):
            return words.TOO_MANY, "tooManyOpenOrdersRejected"
        if self._oracle_percent is not None and not is_near(order.px, market.prices.oracle_px, self._oracle_percent):
            return words.ORACLE, "oracleRejected"
        if order.twap_id is None and not meets_min_notional(order.px, order.sz, order.is_buy, order.reduce_only, net):
            return words.MIN_NOTIONAL, "minTradeNtlRejected"
        if order.reduce_only:
            if net == 0 or order.is_buy == (net > 0):
                return words.REDUCE_ONLY, "reduceOnlyRejected"
        else:
            refusal = self._margin_refusal(order, holding)
            if refusal is None and market.oi_cap is not None:
                refusal = oi_caps.refusal(order, holding, market)
            if refusal is not None:
                return refusal
        return self._tif_refusal(order, market)

    @staticmethod
    def _margin_refusal(order: Order, holding: Holding) -> tuple[str, str] | None:
        """Refusal by tier or margin, counting every resting order of the user as filled.

        An order that makes the worst case no worse needs no more margin.
        """
        worst = holding.worst_sz()
        then = holding.worst_sz(order.sz, 0) if order.is_buy else holding.worst_sz(0, order.sz)
        if then <= worst:
            return None
        if not holding.house.can_place(holding, worst, then):
            return words.MARGIN, "perpMarginRejected"
        if exceeds_tier(holding.listing.tiers, then * holding.prices.mark_px, holding.leverage):
            return words.MAX_POSITION, "perpMaxPositionRejected"
        return None

    @staticmethod
    def _tif_refusal(order: Order, market: Market) -> tuple[str, str] | None:
        """Refusal by what the time in force promises."""
        if order.tif is _GTC:
            return None
        book = market.book
        crosses = book.crosses(order.is_buy, order.px)
        if crosses and order.tif is _ALO:
            bid, ask = book.bids.best_px(), book.asks.best_px()
            px_text = market.instrument.px_text
            text = words.bad_alo("0" if bid is None else px_text(bid), "0" if ask is None else px_text(ask))
            return text, "badAloPxRejected"
        if order.tif in _TAKERS and not crosses:
            is_empty = book.side(not order.is_buy).best_px() is None
            if order.trigger is not None or (order.tif is Tif.FRONTEND_MARKET and is_empty):
                return words.NO_LIQUIDITY, "marketOrderNoLiquidityRejected"
            return words.IOC, "iocCancelRejected"
        return None

    def _refuse(self, order: Order, text: str, status: str, account: Account, block: Block) -> Refused:
        """The refusal, recorded with its status; the text carries the asset."""
        self._matching.end(order, status, account, block)
        return Refused(words.for_asset(text, order.asset))
