"""How a spot trade changes what its two sides own: tokens against tokens, to the wei."""

from __future__ import annotations

from collections.abc import Mapping

from shared.rules.fees import builder_fee_usd, weighted_spot_usd
from shared.rules.spot import base_fee_wei, quote_fee_wei, usd_from_e8
from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.balances import balance_of
from shared.venue.core.block import Block
from shared.venue.core.events import FillHappened, SpotLeg, TradeHappened
from shared.venue.core.fee_sharing import share_spot_fee
from shared.venue.core.listing import SpotPair
from shared.venue.core.market import Market
from shared.venue.core.order import Order
from shared.venue.core.pooling import draw, spendable_wei


class SpotSettlement:
    """Resting bids lock quote tokens and asks base tokens, so a maker can always pay. The fee is withheld from what
    comes in: a buyer pays it in the base token, a seller in the quote with the builder's, whom no buyer pays."""

    def __init__(self, accounts: Accounts, markets: Mapping[int, Market]) -> None:
        self._accounts = accounts
        self._markets = markets

    def _pair(self, asset: int) -> SpotPair:
        pair = self._markets[asset].listing.spot
        assert pair is not None
        return pair

    def rest(self, order: Order, account: Account) -> None:
        """Lock what the order would spend."""
        token, wei = self._pair(order.asset).spends(order.is_buy, order.px, order.sz)
        draw(self._accounts, account, token, wei)
        balance_of(account.spot, token).hold(wei)

    def release(self, order: Order, account: Account, sz: int) -> None:
        """Unlock what `sz` lots would spend at the order's price."""
        token, wei = self._pair(order.asset).spends(order.is_buy, order.px, sz)
        account.spot[token].release(wei)

    def can_fill(self, order: Order, account: Account, sz: int, px: int, is_taker: bool) -> bool:
        """Has a taker the free tokens? A maker's are locked."""
        if not is_taker:
            return True
        token, wei = self._pair(order.asset).spends(order.is_buy, px, sz)
        return spendable_wei(account, token) >= wei

    def settle(self, order: Order, account: Account, trade: TradeHappened, market: Market, block: Block) -> None:
        """Balances of one side moved, its fee with the house, its fill recorded."""
        pair = market.listing.spot
        assert pair is not None
        crossed = order.is_buy == trade.is_buy
        rates = account.spot_rates if market.listing.fees is None else market.listing.fees.rates(account.spot_rates)
        fee_e8 = quote_fee_wei(trade.px * trade.sz, rates.taker_e9 if crossed else rates.maker_e9)
        start = balance_of(account.spot, pair.base.index).total_wei
        builder_e8 = 0
        if order.is_buy:
            leg = self._buy(account, pair, trade, fee_e8, start)
        else:
            if order.builder is not None:
                builder_e8 = builder_fee_usd(trade.px * trade.sz, order.builder.tenths_bp)
            leg = self._sell(account, pair, trade, fee_e8 + builder_e8, start)
        if builder_e8 or account.referrer is not None:
            builder = (order.builder.builder if order.builder is not None else "", builder_e8)
            token = (pair.base if order.is_buy else pair.quote).index
            share_spot_fee(self._accounts, account, token, leg.fee_wei - builder_e8, builder)
        _count_volume(account, usd_from_e8(trade.px * trade.sz), crossed)
        fill = FillHappened(
            order.user,
            order.asset,
            order.is_buy,
            trade.px,
            trade.sz,
            order.oid,
            order.cloid,
            crossed,
            pair.base.lots_from_wei(start),
            usd_from_e8(leg.closed_pnl_e8),
            usd_from_e8(fee_e8 + builder_e8),
            trade.tid,
            trade.hash,
            trade.time_ms,
            usd_from_e8(builder_e8),
            spot=leg,
            twap_id=order.twap_id,
        )
        account.fills.append(fill)
        block.events.append(fill)

    def _buy(self, account: Account, pair: SpotPair, trade: TradeHappened, fee_e8: int, start_wei: int) -> SpotLeg:
        """Quote out, base in less its fee. What was paid in full is what the base cost."""
        base, notional_e8 = pair.base, trade.px * trade.sz
        fee = base_fee_wei(fee_e8, trade.px, pair.px_decimals, base.wei_decimals)
        draw(self._accounts, account, pair.quote.index, notional_e8)
        balance_of(account.spot, pair.quote.index).debit(notional_e8)
        account.spot[base.index].credit(base.wei_from_lots(trade.sz) - fee, notional_e8)
        self._accounts.treasury.keep_fee(base.index, fee)
        return SpotLeg(start_wei, base.wei_decimals, fee, base.wei_decimals, base.name, 0)

    def _sell(self, account: Account, pair: SpotPair, trade: TradeHappened, fee_e8: int, start_wei: int) -> SpotLeg:
        """Base out, quote in less its fee; the gain is over the share of what the base had cost."""
        base, quote, notional_e8 = pair.base, pair.quote, trade.px * trade.sz
        cost_e8 = account.spot[base.index].debit(base.wei_from_lots(trade.sz))
        balance_of(account.spot, quote.index).credit(notional_e8 - fee_e8)
        self._accounts.treasury.keep_fee(quote.index, fee_e8)
        return SpotLeg(start_wei, base.wei_decimals, fee_e8, quote.wei_decimals, quote.name, notional_e8 - cost_e8)


def _count_volume(account: Account, usd: int, crossed: bool) -> None:
    """Volume of all times as it is, that of the day with the weight that spot has for fee tiers."""
    account.volume_usd += usd
    account.wealth.spot_volume_usd += usd
    if crossed:
        account.day_cross_usd += weighted_spot_usd(usd)
    else:
        account.day_add_usd += weighted_spot_usd(usd)
