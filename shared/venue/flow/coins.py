"""The coins that the local exchange lists by default: real metadata, and how their prices behave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from shared.instrument import Instrument
from shared.rules.margin import MAINNET_TABLES, MarginTiers
from shared.venue.core.listing import Listing, list_perp


class Coin(msgspec.Struct, frozen=True, kw_only=True):
    """One coin: what `meta` says of it, and its synthetic market.

    `start` in USDC; `sigma_annual` is the yearly volatility; `correlation` with the common factor of all coins;
    `trade_usd` is the median size of a taker; `spread_bps` is what a market maker asks for at rest.
    """

    name: str
    sz_decimals: int
    max_leverage: int
    tiers: MarginTiers
    start: float
    sigma_annual: float
    correlation: float
    trade_usd: float
    spread_bps: float


COINS: Final[tuple[Coin, ...]] = (
    Coin(
        name="BTC",
        sz_decimals=5,
        max_leverage=40,
        tiers=MAINNET_TABLES[56],
        start=100_000.0,
        sigma_annual=0.45,
        correlation=0.85,
        trade_usd=3_000.0,
        spread_bps=0.3,
    ),
    Coin(
        name="ETH",
        sz_decimals=4,
        max_leverage=25,
        tiers=MAINNET_TABLES[55],
        start=3_500.0,
        sigma_annual=0.6,
        correlation=0.8,
        trade_usd=2_000.0,
        spread_bps=0.6,
    ),
    Coin(
        name="SOL",
        sz_decimals=2,
        max_leverage=20,
        tiers=MAINNET_TABLES[54],
        start=180.0,
        sigma_annual=0.8,
        correlation=0.7,
        trade_usd=1_000.0,
        spread_bps=1.2,
    ),
    Coin(
        name="HYPE",
        sz_decimals=2,
        max_leverage=10,
        tiers=MAINNET_TABLES[52],
        start=30.0,
        sigma_annual=1.0,
        correlation=0.5,
        trade_usd=500.0,
        spread_bps=2.0,
    ),
)
"""szDecimals, leverages and tiers are mainnet's as recorded; the rest is ours."""


def listings(coins: Iterable[Coin] = COINS) -> tuple[Listing, ...]:
    """The coins as the exchange lists them; asset ids count from 0 in their order."""
    return tuple(
        list_perp(Instrument(coin.name, asset, coin.sz_decimals, coin.max_leverage), coin.tiers)
        for asset, coin in enumerate(coins)
    )
