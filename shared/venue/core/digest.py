"""The exchange's whole state as one hash, so that two runs can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.clearing import Holding
from shared.venue.core.market import Market


def state_digest(counters: tuple[object, ...], markets: Mapping[int, Market], accounts: Accounts) -> str:
    """SHA-256 in hex over counters, books in priority order, tapes, accounts and their histories."""
    treasury = accounts.treasury.state()
    house = (accounts.deposits_usd, accounts.house_fees_usd, accounts.house_funding_usd, treasury)
    hasher = sha256()
    encoder = msgspec.msgpack.Encoder()
    hasher.update(encoder.encode((counters, house)))
    for market in markets.values():
        hasher.update(encoder.encode(_market_state(market)))
    for account in accounts.by_user.values():
        hasher.update(encoder.encode(_account_state(account)))
    return hasher.hexdigest()


def _market_state(market: Market) -> tuple[object, ...]:
    """A market with its queues."""
    book = market.book
    return (
        market.state(),
        [order.oid for order in book.bids.orders()],
        [order.oid for order in book.asks.orders()],
        list(market.trades),
        list(market.fundings),
        [market.candles.read(name) for name in ("1m", "1h", "1d")],
    )


def _account_state(account: Account) -> tuple[object, ...]:
    """An account with its orders and its past."""
    return (
        account.user,
        [(dex, house.collateral_usd) for dex, house in account.houses.items()],
        account.fees_usd,
        account.funding_usd,
        account.volume_usd,
        account.rates,
        [(asset, _holding_state(holding)) for asset, holding in account.holdings.items()],
        list(account.orders.values()),
        list(account.open_orders),
        [(cloid, order.oid) for cloid, order in account.by_cloid.items()],
        list(account.history),
        list(account.fills),
        list(account.fundings),
        [(token, balance.state()) for token, balance in account.spot.items()],
    )


def _holding_state(holding: Holding) -> tuple[object, ...]:
    """A holding and what it reserves."""
    return (
        holding.position,
        holding.leverage,
        holding.open_buy_sz,
        holding.open_sell_sz,
        list(holding.reduce_only),
        holding.funding_all_usd,
        holding.funding_since_open_usd,
        holding.funding_since_change_usd,
    )
