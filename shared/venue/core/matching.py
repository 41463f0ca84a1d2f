"""How orders meet: the match loop, the money of a fill, and the cancellations that fills cause."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.units import Px, Sz
from shared.venue.core import families
from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.block import Block, tid_of
from shared.venue.core.events import OrderChanged, TradeHappened
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.policy import DEFAULT_POLICY, VenuePolicy
from shared.venue.core.settlement import PerpSettlement, Settlement
from shared.venue.core.spot_settlement import SpotSettlement
from shared.venue.core.trigger import Phase


class Matched(msgspec.Struct, frozen=True, gc=False):
    """Lots that an incoming order traded, what they cost, and whether margin stopped it."""

    sz: int
    cost_usd: int
    is_out_of_margin: bool


class Matching:
    """Moves orders of all markets; the only place where positions and books change."""

    def __init__(self, accounts: Accounts, markets: Mapping[int, Market], policy: VenuePolicy = DEFAULT_POLICY) -> None:
        self.markets = markets
        self.policy = policy
        self._accounts = accounts
        self._settlements: tuple[Settlement, Settlement] = (PerpSettlement(accounts), SpotSettlement(accounts, markets))

    def rest(self, order: Order, account: Account, market: Market, block: Block) -> None:
        """Put what is left of the order on the book, behind all others at its price."""
        market.book.side(order.is_buy).add(order)
        account.open_orders[order.oid] = order
        self._settlements[market.is_spot].rest(order, account)
        block.touched[order.asset] = None
        self.tell(order, "open", account, block)
        if order.reduce_only:
            self.trim_reduce_only(account, market, block)

    def cancel(self, order: Order, status: str, account: Account, market: Market, block: Block) -> None:
        """Take a resting order off the book, or a waiting one off its list, and end it with `status`."""
        if order.trigger is not None and order.trigger.phase is not Phase.FIRED:
            families.take_down(order, status, account, market, self, block)
            return
        market.book.side(order.is_buy).remove(order)
        self._settlements[market.is_spot].release(order, account, order.sz)
        self.unlist(order, account)
        block.touched[order.asset] = None
        self.end(order, status, account, block)

    def resize(self, order: Order, sz: Sz, account: Account, market: Market, block: Block) -> None:
        """Give a resting order another size, its place in the queue unchanged; one that grows was larger all along."""
        order.orig_sz = Sz(order.orig_sz + max(sz - order.sz, 0))
        self._settlements[market.is_spot].release(order, account, order.sz - sz)
        market.book.side(order.is_buy).resize(order, sz)
        block.touched[order.asset] = None

    def end(self, order: Order, status: str, account: Account, block: Block) -> None:
        """Give the order its last status."""
        self.tell(order, status, account, block)
        account.end(order)
        if order.family is not None:
            families.note_end(order, order.family, status, account, self, block)

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
        settlement = self._settlements[market.is_spot]
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
            if not settlement.can_fill(maker, maker_account, sz, maker.px, is_taker=False):
                self.cancel(maker, "marginCanceled", maker_account, market, block)
                continue
            if not settlement.can_fill(order, account, sz, maker.px, is_taker=True):
                return Matched(filled, cost, True)
            filled += sz
            cost += sz * maker.px
            self._trade(order, account, maker, maker_account, sz, market, block)
            self.trim_reduce_only(account, market, block)
        return Matched(filled, cost, False)

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
        settlement = self._settlements[market.is_spot]
        block.touched[asset] = None
        block.events.append(trade)
        market.print_trade(trade)
        taker.sz = Sz(taker.sz - sz)
        taker.filled_sz += sz
        settlement.settle(taker, account, trade, market, block)
        market.book.side(maker.is_buy).reduce(maker, sz)
        maker.filled_sz += sz
        settlement.release(maker, maker_account, sz)
        settlement.settle(maker, maker_account, trade, market, block)
        if taker.family is not None:
            families.note_fill(taker, taker.family, account, self, block)
        if maker.family is not None:
            families.note_fill(maker, maker.family, maker_account, self, block)
        if not maker.sz:
            self.unlist(maker, maker_account)
            self.end(maker, "filled", maker_account, block)
        self.trim_reduce_only(maker_account, market, block)

    def trim_reduce_only(self, account: Account, market: Market, block: Block) -> None:
        """Make the resting reduce-only orders fit the position: the newest keep their place, older ones are cancelled.

        The newest is clipped if the position is smaller than it alone; if flat, or on the wrong side, all go.
        """
        holding = account.holdings.get(market.asset)
        if holding is None or not holding.reduce_only:
            return
        net = holding.position.net_sz
        room = abs(net)
        is_newest = True
        for order in list(reversed(holding.reduce_only.values())):
            if order.trigger is not None and order.trigger.phase is not Phase.FIRED:
                if not net or order.is_buy == (net > 0):
                    self.cancel(order, "reduceOnlyCanceled", account, market, block)
                continue
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
    def unlist(order: Order, account: Account) -> None:
        """The order no longer rests or waits for its owner."""
        del account.open_orders[order.oid]
        if order.reduce_only:
            account.holdings[order.asset].reduce_only.pop(order.oid, None)


def average_px(matched: Matched) -> Px:
    """Volume-weighted price of what was matched, truncated to a price unit."""
    return Px(matched.cost_usd // matched.sz)
