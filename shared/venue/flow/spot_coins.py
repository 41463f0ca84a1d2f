"""The spot pairs that the local exchange lists by default: mainnet's, as recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from shared.venue.core.listing import Listing, SpotPair, list_spot
from shared.venue.core.tokens import USDC, EvmContract, Token

PURR: Final = Token(
    "PURR",
    1,
    0,
    5,
    "0xc1fb593aeffbeb02f85e0308e9956a90",
    is_canonical=True,
    evm_contract=EvmContract("0x9b498c3c8a0b8cd8ba1d9851d40d186f1872b44e", 13),
    supply="596400654.32425",
)
HYPE: Final = Token(
    "HYPE", 150, 2, 8, "0x0d01dc56dcaaca66ad901c959b4011ec", full_name="Hyperliquid", supply="999631892.09481501"
)
UBTC: Final = Token(
    "UBTC",
    197,
    5,
    10,
    "0x8f254b963e8468305d409b33aa137c67",
    full_name="Unit Bitcoin",
    evm_contract=EvmContract("0x9fdbda0a5e284c32744d2f17ee5c74b284993463", -2),
    deployer_fee_share="1.0",
    supply="20999999.9990158156",
)

SPOT_PAIRS: Final = (SpotPair(0, PURR, USDC, is_canonical=True), SpotPair(107, HYPE, USDC), SpotPair(142, UBTC, USDC))


class SpotCoin(msgspec.Struct, frozen=True):
    """One pair and its synthetic market.

    `perp` is the coin whose oracle price the pair's follows, None for a price of its own that begins at `start`;
    `sigma_annual` is the yearly volatility of that price, or of the pair's distance from the oracle.
    `spread_bps` is what its maker asks for, `trade_usd` the median size of a taker.
    """

    pair: SpotPair
    perp: str | None
    start: float
    sigma_annual: float
    spread_bps: float
    trade_usd: float


SPOT_COINS: Final = (
    SpotCoin(SPOT_PAIRS[0], None, 0.15, 0.9, 8.0, 300.0),
    SpotCoin(SPOT_PAIRS[1], "HYPE", 30.0, 0.05, 3.0, 600.0),
    SpotCoin(SPOT_PAIRS[2], "BTC", 100_000.0, 0.02, 1.0, 2_000.0),
)
"""Token and pair data are mainnet's as recorded (supplies too); the rest is ours."""


def spot_listings(coins: Iterable[SpotCoin] = SPOT_COINS) -> tuple[Listing, ...]:
    """The pairs as the exchange lists them; their ids are 10000 + their index on mainnet."""
    return tuple(list_spot(coin.pair) for coin in coins)
