"""An example of what mainnet's first dex does not list by itself: a deployed dex with two perps, and a hyperp."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.instrument import Instrument
from shared.units import Rounding
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.listing import Listing, list_perp
from shared.venue.flow.mix import address_of


class DexCoin(msgspec.Struct, frozen=True):
    """One perp and its synthetic market. `name` as its dex calls it; `start` in USDC; `sigma_annual` is volatility.

    `spread_bps` is what its maker asks for, `trade_usd` the median size of a taker.
    """

    name: str
    sz_decimals: int
    max_leverage: int
    start: float
    sigma_annual: float
    spread_bps: float
    trade_usd: float


XYZ: Final = Dex(
    name="xyz",
    full_name="Example dex",
    deployer=address_of("xyz/deployer"),
    oracle_updater=address_of("xyz/oracle"),
    fee_recipient=address_of("xyz/fees"),
)
DEX_COINS: Final = (
    DexCoin("GOLD", 4, 20, 4_000.0, 0.15, 2.0, 800.0),
    DexCoin("TSLA", 3, 10, 400.0, 0.5, 4.0, 500.0),
)
HYPERP: Final = DexCoin("PRE", 1, 3, 1.5, 1.2, 12.0, 200.0)
"""All ours: no such dex and no such coin is on the venue."""


def dex_listings(first_asset: int, number: int = 1) -> tuple[Listing, ...]:
    """The hyperp under `first_asset`, and the perps of the dex, which is the exchange's `number`-th."""
    instrument = Instrument(HYPERP.name, first_asset, HYPERP.sz_decimals, HYPERP.max_leverage)
    first_px = instrument.px_on_tick(HYPERP.start, Rounding.NEAREST)
    perps = (
        list_deployed(XYZ, number, index, coin.name, coin.sz_decimals, coin.max_leverage)
        for index, coin in enumerate(DEX_COINS)
    )
    return msgspec.structs.replace(list_perp(instrument), hyperp_px=first_px), *perps
