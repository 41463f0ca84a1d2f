"""A naive exchange that only listens: it keeps queues from the events and knows who must trade next."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from shared.venue.core.commands import ModifyOrders
from shared.venue.core.events import FillHappened, FundingPaid, OrderChanged, OrderView, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.core.timed_commands import ReserveRequests

REQUEST_USD: Final = 500
"""Micro-USDC of one reserved request. Source: fact sheet, `reserveRequestWeight`."""
_Queues = dict[int, dict[int, OrderView]]
"""Orders at each price, oldest first."""


class Shadow:
    """Queues, positions, fees and funding as the events tell them; no line of the exchange's own code."""

    def __init__(self) -> None:
        self.books: defaultdict[tuple[int, bool], _Queues] = defaultdict(dict)
        self.left: dict[int, int] = {}
        self.net_sz: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.fees_usd: defaultdict[str, int] = defaultdict(int)
        self.funding_usd: defaultdict[str, int] = defaultdict(int)
        self.trades = 0
        self.liquidated: defaultdict[str, int] = defaultdict(int)
        self._ended: set[int] = set()
        self._where: dict[int, OrderView] = {}

    def take(self, command: object, outcome: Outcome, exchange: Exchange) -> None:
        """Fold the events in, with the laws that hold for each.

        A modify takes the old orders off before the new ones come, though the events tell it the other way round.
        """
        if isinstance(command, ModifyOrders):
            for event in outcome.events:
                if isinstance(event, OrderChanged) and event.status == "canceled" and event.order.user == command.user:
                    self._leave(event.order.oid)
        if isinstance(command, ReserveRequests) and outcome.error is None:
            self.fees_usd[command.user] += command.count * REQUEST_USD
        trade: TradeHappened | None = None
        for event in outcome.events:
            match event:
                case OrderChanged():
                    self._order(event)
                case TradeHappened():
                    trade = event
                    self.trades += 1
                    assert event.px > 0
                    assert event.sz > 0
                    assert event.users[0] != event.users[1]
                case FillHappened():
                    self._fill(event, trade, exchange)
                case FundingPaid(user=user, usd=usd, net_sz=net_sz, asset=asset):
                    assert net_sz == self.net_sz[user, asset]
                    self.funding_usd[user] += usd

    def _order(self, event: OrderChanged) -> None:
        """An ended order never comes back; one that opens queues behind all others at its price."""
        order = event.order
        assert order.oid not in self._ended, f"{order.oid} came back as {event.status}"
        assert 0 <= order.sz <= order.orig_sz
        self._leave(order.oid)
        if event.status == "open":
            is_waiting = order.trigger is not None and order.trigger.phase != "triggered"
            if not is_waiting:
                self.books[order.asset, order.is_buy].setdefault(order.px, {})[order.oid] = order
                self._where[order.oid] = order
                self.left[order.oid] = order.sz
        elif event.status != "triggered":
            assert event.status != "filled" or order.sz == 0
            self._ended.add(order.oid)

    def _leave(self, oid: int) -> None:
        """The order is on no book."""
        order = self._where.pop(oid, None)
        if order is not None:
            queues = self.books[order.asset, order.is_buy]
            del queues[order.px][oid]
            if not queues[order.px]:
                del queues[order.px]

    def _fill(self, fill: FillHappened, trade: TradeHappened | None, exchange: Exchange) -> None:
        """The position was what the fill says, a maker was first in the queue, and reduce-only never opens."""
        assert fill.sz > 0
        if fill.spot is None:
            key = fill.user, fill.asset
            assert fill.start_position == self.net_sz[key]
            self.net_sz[key] += fill.sz if fill.is_buy else -fill.sz
            self.fees_usd[fill.user] += fill.fee
        is_off_book = fill.oid == 0 or (fill.liquidation is not None and fill.liquidation.method != "market")
        if fill.liquidation is not None:
            self.liquidated[fill.liquidation.method] += 1
        if is_off_book:
            return
        assert trade is not None
        assert (fill.px, fill.sz, fill.tid, fill.hash) == (trade.px, trade.sz, trade.tid, trade.hash)
        record = exchange.order_by_oid(fill.user, fill.oid)
        if record is not None:
            order = record.order
            assert fill.px <= order.px if order.is_buy else fill.px >= order.px, "worse than the limit"
            if order.reduce_only:
                assert fill.start_position * (1 if fill.is_buy else -1) < 0, "reduce-only opened"
                assert fill.sz <= abs(fill.start_position), "reduce-only flipped"
        if not fill.crossed:
            self._maker(fill)

    def _maker(self, fill: FillHappened) -> None:
        """Nobody on the maker's side had a better price, and nobody an older order at the same price."""
        queues = self.books[fill.asset, fill.is_buy]
        best = max(queues) if fill.is_buy else min(queues)
        first = next(iter(queues[best]))
        assert (fill.px, fill.oid) == (best, first), f"{fill.oid} at {fill.px} traded before {first} at {best}"
        self.left[fill.oid] -= fill.sz
        assert self.left[fill.oid] >= 0

    def compare(self, exchange: Exchange) -> None:
        """The books hold the orders that were told, in the sequence that was told; fees and funding are as told."""
        for asset in exchange.listings:
            for is_buy in (True, False):
                told = self.books[asset, is_buy]
                side = exchange._world.markets[asset].book.side(is_buy)
                shown = {level.px: [order.oid for order in side.queue(level.px)] for level in side.levels()}
                assert shown == {px: list(queue) for px, queue in told.items()}
                for order in side.orders():
                    assert order.sz <= self.left[order.oid], f"{order.oid} grew"
                    self.left[order.oid] = order.sz
        for user in exchange.users():
            view = exchange.account(user)
            assert view.fees_usd == self.fees_usd[user]
            assert view.funding_usd == self.funding_usd[user]
