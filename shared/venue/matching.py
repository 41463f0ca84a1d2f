"""How orders meet: the match loop, the money of a fill, and the cancellations that fills cause."""

from __future__ import annotations

from typing import NamedTuple

from shared.units import Px, Sz
from shared.venue.accounts import Account, Accounts, Holding
from shared.venue.block import Block, tid_of
from shared.venue.commands import FillHappened, OrderChanged, TradeHappened
from shared.venue.market import Market
from shared.venue.order import Order


class Matched(NamedTuple):
    """Lots that an incoming order traded, what they cost, and whether margin stopped it."""

    sz: int
    cost_usd: int
    is_out_of_margin: bool


class Matching:
    """Moves orders of all markets; the only place where positions and books change."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def rest(self, order: Order, account: Account, market: Market, block: Block) -> None:
        """Put what is left of the order on the book, behind all others at its price."""
        market.book.side(order.is_buy).add(order)
        account.open_orders[order.oid] = order
        holding = account.holdings[order.asset]
        holding.rest(order)
        block.touched[order.asset] = None
        self.tell(order, "open", account, block)
        if order.reduce_only:
            self._trim_reduce_only(account, holding, market, block)

    def cancel(self, order: Order, status: str, account: Account, market: Market, block: Block) -> None:
        """Take a resting order off the book and end it with `status`."""
        market.book.side(order.is_buy).remove(order)
        holding = account.holdings[order.asset]
        holding.release(order, order.sz)
        self._unlist(order, account, holding)
        block.touched[order.asset] = None
        self.end(order, status, account, block)

    def end(self, order: Order, status: str, account: Account, block: Block) -> None:
        """Give the order its last status."""
        self.tell(order, status, account, block)
        account.end(order)

    def tell(self, order: Order, status: str, account: Account, block: Block) -> None:
        """Set the status, keep it in the user's history and announce it."""
        order.status, order.status_ms = status, block.now_ms
        event = OrderChanged(order.view(), status, block.now_ms)
        account.history.append(event)
        block.events.append(event)

    def match(self, order: Order, account: Account, market: Market, block: Block) -> Matched:
        """Trade the incoming order against the book at the makers' prices until it no longer crosses.

        The user's own resting orders are cancelled on the way, and so are makers who lack the margin for the fill.
        """
        makers = market.book.side(not order.is_buy)
        holding = account.holdings[order.asset]
        filled, cost = 0, 0
        while order.sz:
            maker = makers.head()
            if maker is None or (maker.px > order.px if order.is_buy else maker.px < order.px):
                break
            if maker.user == order.user:
                self.cancel(maker, "selfTradeCanceled", account, market, block)
                continue
            sz = Sz(min(order.sz, maker.sz))
            maker_account = self._accounts.by_user[maker.user]
            if not self._can_fill(maker, maker_account, sz, maker.px, is_taker=False):
                self.cancel(maker, "marginCanceled", maker_account, market, block)
                continue
            if not self._can_fill(order, account, sz, maker.px, is_taker=True):
                return Matched(filled, cost, True)
            filled += sz
            cost += sz * maker.px
            self._trade(order, account, maker, maker_account, sz, market, block)
            self._trim_reduce_only(account, holding, market, block)
        return Matched(filled, cost, False)

    def _can_fill(self, order: Order, account: Account, sz: int, px: int, is_taker: bool) -> bool:
        """Does the account's margin allow this fill, its fee included?"""
        fee = account.rates.fee_usd(px * sz, is_taker)
        return account.can_fill(account.holdings[order.asset], sz if order.is_buy else -sz, px, fee)

    def _trade(
        self, taker: Order, account: Account, maker: Order, maker_account: Account, sz: Sz, market: Market, block: Block
    ) -> None:
        """One print and its two fills, the maker's order lowered or ended."""
        asset, px = taker.asset, maker.px
        buyer, seller = (taker, maker) if taker.is_buy else (maker, taker)
        trade = TradeHappened(
            asset,
            taker.is_buy,
            px,
            sz,
            tid_of(buyer.oid, seller.oid),
            block.hash,
            (buyer.user, seller.user),
            block.now_ms,
        )
        block.touched[asset] = None
        block.events.append(trade)
        market.print_trade(trade)
        taker.sz = Sz(taker.sz - sz)
        taker.filled_sz += sz
        self._settle(taker, account, trade, market, block)
        market.book.side(maker.is_buy).reduce(maker, sz)
        maker.filled_sz += sz
        maker_holding = maker_account.holdings[asset]
        maker_holding.release(maker, sz)
        self._settle(maker, maker_account, trade, market, block)
        if not maker.sz:
            self._unlist(maker, maker_account, maker_holding)
            self.end(maker, "filled", maker_account, block)
        self._trim_reduce_only(maker_account, maker_holding, market, block)

    def _settle(self, order: Order, account: Account, trade: TradeHappened, market: Market, block: Block) -> None:
        """One side's position, cash and fill record."""
        px, sz = trade.px, trade.sz
        crossed = order.is_buy == trade.is_buy
        holding = account.holdings[order.asset]
        start = holding.position.net_sz
        pnl = holding.fill(order.is_buy, px, sz)
        fee = account.rates.fee_usd(px * sz, crossed)
        self._accounts.charge(account, pnl, fee, px * sz)
        market.open_interest_sz += max(holding.position.net_sz, 0) - max(start, 0)
        fill = FillHappened(
            order.user,
            order.asset,
            order.is_buy,
            px,
            sz,
            order.oid,
            order.cloid,
            crossed,
            start,
            pnl,
            fee,
            trade.tid,
            trade.hash,
            trade.time_ms,
        )
        account.fills.append(fill)
        block.events.append(fill)

    def _trim_reduce_only(self, account: Account, holding: Holding, market: Market, block: Block) -> None:
        """Make the resting reduce-only orders fit the position: the newest keep their place, older ones are cancelled.

        The newest is clipped if the position is smaller than it alone; if flat, or on the wrong side, all go.
        """
        if not holding.reduce_only:
            return
        net = holding.position.net_sz
        room = abs(net)
        is_newest = True
        for order in list(reversed(holding.reduce_only.values())):
            if not room or order.is_buy == (net > 0):
                self.cancel(order, "reduceOnlyCanceled", account, market, block)
                continue
            if order.sz > room and is_newest:
                market.book.side(order.is_buy).reduce(order, order.sz - room)
                block.touched[order.asset] = None
            elif order.sz > room:
                self.cancel(order, "reduceOnlyCanceled", account, market, block)
                room = 0
                continue
            room -= order.sz
            is_newest = False

    @staticmethod
    def _unlist(order: Order, account: Account, holding: Holding) -> None:
        """The order no longer rests for its owner."""
        del account.open_orders[order.oid]
        holding.reduce_only.pop(order.oid, None)


def average_px(matched: Matched) -> Px:
    """Volume-weighted price of what was matched, truncated to a price unit."""
    return Px(matched.cost_usd // matched.sz)
