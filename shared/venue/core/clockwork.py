"""What falls due as time passes: marks every 3 s, premium samples every 5 s, funding on the hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.rules.funding import FUNDING_SPAN, SAMPLE_SPAN, payment_usd
from shared.units import DAY, MS, SECOND
from shared.venue.core.accounts import Accounts
from shared.venue.core.block import Block
from shared.venue.core.events import FundingPaid
from shared.venue.core.fee_days import close_day
from shared.venue.core.market import Market
from shared.venue.core.portfolio import take_samples

MARK_SPAN: Final = 3 * SECOND


class Clockwork:
    """Keeps the grids; between two commands the books stand still, so missed samples are equal to each other."""

    def __init__(self, start_ns: int) -> None:
        self._sampled_ns = start_ns
        self._next_hour_ns = (start_ns // FUNDING_SPAN + 1) * FUNDING_SPAN
        self._next_mark_ns = (start_ns // MARK_SPAN + 1) * MARK_SPAN
        self._due_ns = start_ns

    def advance(self, markets: Mapping[int, Market], accounts: Accounts, block: Block) -> None:
        """Do everything due at or before the block's time; cheap while nothing is."""
        now = block.now_ns
        if now < self._due_ns:
            return
        while self._next_hour_ns <= now:
            self._sample(markets, self._next_hour_ns)
            for market in markets.values():
                if market.is_open and not market.is_spot:
                    _pay(market, accounts, block, self._next_hour_ns // MS)
            if self._next_hour_ns % DAY == 0:
                close_day(accounts, self._next_hour_ns // DAY - 1)
            take_samples(markets, accounts, self._next_hour_ns)
            self._next_hour_ns += FUNDING_SPAN
        self._sample(markets, now)
        if now >= self._next_mark_ns:
            for market in markets.values():
                if market.is_open:
                    market.reprice(block, market.prices.oracle_px)
            self._next_mark_ns = (now // MARK_SPAN + 1) * MARK_SPAN
        next_sample_ns = (now // SAMPLE_SPAN + 1) * SAMPLE_SPAN
        self._due_ns = min(self._next_mark_ns, self._next_hour_ns, next_sample_ns)

    def _sample(self, markets: Mapping[int, Market], until_ns: int) -> None:
        """Take the premium samples whose grid points lie after the last one and not after `until_ns`."""
        times = until_ns // SAMPLE_SPAN - self._sampled_ns // SAMPLE_SPAN
        self._sampled_ns = until_ns
        for market in markets.values():
            market.sample_premium(times)


def _pay(market: Market, accounts: Accounts, block: Block, time_ms: int) -> None:
    """Settle one hour of one market: each holder pays or receives, the house keeps what truncation leaves."""
    point = market.settle_hour(time_ms)
    for account in accounts.by_user.values():
        holding = account.holdings.get(market.asset)
        if holding is None or not holding.position.net_sz:
            continue
        net = holding.position.net_sz
        usd = payment_usd(net, market.prices.oracle_px, point.rate_e10)
        accounts.pay_funding(account, holding, usd)
        block.shaken[account.user] = None
        paid = FundingPaid(account.user, market.asset, usd, net, point.rate_e10, time_ms)
        account.fundings.append(paid)
        block.events.append(paid)
