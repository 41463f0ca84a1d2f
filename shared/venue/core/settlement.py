"""How a trade changes what its two sides own, for each kind of market."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.rules.fees import builder_fee_usd
from shared.units import Usd
from shared.venue.core import isolated
from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.block import Block
from shared.venue.core.clearing import Holding
from shared.venue.core.events import FillHappened, TradeHappened
from shared.venue.core.fee_sharing import share_fee, share_with_deployer
from shared.venue.core.market import Market
from shared.venue.core.order import Order


class Settlement(Protocol):
    """What matching asks of a market's kind. Every call is about one order of one account."""

    def rest(self, order: Order, account: Account) -> None:
        """Reserve what an order that begins to rest may need."""
        ...

    def release(self, order: Order, account: Account, sz: int) -> None:
        """Give back what `sz` lots of a resting order reserve."""
        ...

    def can_fill(self, order: Order, account: Account, sz: int, px: int, is_taker: bool) -> bool:
        """Can the account pay for this fill, its fee included?"""
        ...

    def settle(self, order: Order, account: Account, trade: TradeHappened, market: Market, block: Block) -> None:
        """Book the order's side of the trade and record its fill."""
        ...


class PerpSettlement:
    """Positions on margin, settled in the dex's collateral."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def rest(self, order: Order, account: Account) -> None:
        """Count the order toward the holding's worst case."""
        account.holdings[order.asset].rest(order)

    def release(self, order: Order, account: Account, sz: int) -> None:
        """Stop counting `sz` lots."""
        account.holdings[order.asset].release(order, sz)

    def can_fill(self, order: Order, account: Account, sz: int, px: int, is_taker: bool) -> bool:
        """Does the margin allow it?"""
        holding = account.holdings[order.asset]
        fees = holding.listing.fees
        rates = account.rates if fees is None else account.rates_on(fees)
        fee = rates.fee_usd(px * sz, is_taker)
        if order.builder is not None:
            fee = Usd(fee + builder_fee_usd(px * sz, order.builder.tenths_bp))
        signed_sz = sz if order.is_buy else -sz
        if holding.is_cross:
            return holding.house.can_fill(holding, signed_sz, px, fee)
        return isolated.can_fill(holding, signed_sz, px, fee)

    def settle(self, order: Order, account: Account, trade: TradeHappened, market: Market, block: Block) -> None:
        """Position, cash, open interest and fill record of one side."""
        px, sz = trade.px, trade.sz
        crossed = order.is_buy == trade.is_buy
        holding = account.holdings[order.asset]
        start = holding.position.net_sz
        pnl = holding.fill(order.is_buy, px, sz)
        fees = holding.listing.fees
        rates = account.rates if fees is None else account.rates_on(fees)
        notional = px * sz
        fee = rates.fee_usd(notional, crossed)
        builder_fee = Usd(0)
        if order.builder is not None or account.referrer is not None:
            builder_fee = share_fee(self._accounts, account, order.builder, fee, notional)
            fee = Usd(fee + builder_fee)
        self._accounts.charge(account, holding.house, pnl, fee, notional)
        if fees is not None:
            share_with_deployer(self._accounts, holding.listing.dex, fees, fee - builder_fee)
        if crossed:
            account.day_cross_usd += notional
        else:
            account.day_add_usd += notional
        if not holding.is_cross:
            isolated.rebalance(holding, start, px, pnl, fee)
        note_change(holding, start, px, order.user, market, block)
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
            builder_fee,
            None,
            block.liquidation,
            None,
            order.twap_id,
        )
        if holding.listing.collateral is not None:
            fill = msgspec.structs.replace(fill, fee_token=holding.listing.collateral_name)
        account.fills.append(fill)
        block.events.append(fill)


def note_change(holding: Holding, start: int, px: int, user: str, market: Market, block: Block) -> None:
    """Keep open interest and holders right after a fill; one that closes below the mark's worth may hurt."""
    net = holding.position.net_sz
    market.open_interest_sz += max(net, 0) - max(start, 0)
    if not start:
        market.holders[user] = holding
    elif not net:
        del market.holders[user]
    elif net * start > 0 and (start - net) * start > 0 and (net - start) * (market.prices.mark_px - px) < 0:
        block.shaken[user] = None
