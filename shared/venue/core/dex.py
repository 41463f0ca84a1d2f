"""Perp dexs that others deployed: what they are, and how their perps are numbered, named and listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.errors import UnitError
from shared.instrument import Instrument
from shared.rules.funding import FundingTerms
from shared.rules.margin import MarginTiers
from shared.rules.market_fees import SCALE_E4, MarketFees
from shared.units import USD, Usd
from shared.venue.core.listing import Listing, MarginMode, list_perp
from shared.venue.core.tokens import QUOTE_DECIMALS, USDC, Token

FIRST_ASSET: Final = 100_000
ASSETS_PER_DEX: Final = 10_000
SZ_CAP_PER_PERP: Final = 1_000_000_000
"""Coins of one deployed perp that may be open; the same for all. Source: documentation, "Open interest caps"."""


class Dex(msgspec.Struct, frozen=True, kw_only=True):
    """One deployed dex as `perpDexs` tells it; the exchange numbers its dexs 1, 2, ... in the order given.

    `sub_deployers` are (action, addresses); money is micro-USDC; the deployer's fee scale is x 10^-4. All money of a
    dex is in its collateral token, of which 10^-6 counts as one micro-USDC wherever the exchange adds up.
    """

    name: str
    full_name: str
    deployer: str
    oracle_updater: str | None = None
    fee_recipient: str | None = None
    sub_deployers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fee_scale_e4: int = SCALE_E4
    fee_scale_changed: str = "1970-01-01T00:00:00"
    total_oi_cap_usd: Usd = Usd(400_000_000 * USD)
    oi_cap_per_perp: int = SZ_CAP_PER_PERP
    max_transfer_usd: Usd = Usd(150_000_000 * USD)
    collateral: Token = USDC


def asset_of(dex: int, index: int) -> int:
    """Asset id of the `index`-th perp of a deployed dex: 100000 + dex x 10000 + index."""
    return FIRST_ASSET + dex * ASSETS_PER_DEX + index


def list_deployed(
    dex: Dex,
    number: int,
    index: int,
    coin: str,
    sz_decimals: int,
    max_leverage: int,
    *,
    tiers: MarginTiers | None = None,
    oi_cap_usd: Usd | None = None,
    funding: FundingTerms | None = None,
    margin_mode: MarginMode = MarginMode.NORMAL,
    is_growth: bool = False,
    growth_changed: str | None = None,
) -> Listing:
    """A listing of the `index`-th perp of a dex that is the exchange's `number`-th (1 or more), called `name:coin`.

    `growth_changed` is the time of the last change of its growth mode, as `meta` spells times.
    """
    instrument = Instrument(f"{dex.name}:{coin}", asset_of(number, index), sz_decimals, max_leverage)
    return msgspec.structs.replace(
        list_perp(instrument, tiers, margin_mode),
        dex=number,
        oi_cap_usd=oi_cap_usd,
        funding=funding,
        fees=MarketFees(deployer_scale_e4=dex.fee_scale_e4, is_growth=is_growth),
        growth_changed=growth_changed,
        collateral=None if dex.collateral == USDC else dex.collateral,
    )


def check_dexs(listings: Sequence[Listing], dexs: Sequence[Dex]) -> None:
    """UnitError unless every listing of a deployed dex has that dex's name and an asset id of its range, and every
    collateral is as fine as USDC."""
    for dex in dexs:
        if dex.collateral.wei_decimals != QUOTE_DECIMALS:
            raise UnitError(f"expected a collateral of {QUOTE_DECIMALS} wei decimals, got {dex.collateral}")
    for listing in listings:
        instrument = listing.instrument
        if not listing.dex:
            continue
        if not 1 <= listing.dex <= len(dexs) or instrument.asset // ASSETS_PER_DEX != 10 + listing.dex:
            raise UnitError(f"{instrument.coin}: asset {instrument.asset} is not of dex {listing.dex}")
        if not instrument.coin.startswith(f"{dexs[listing.dex - 1].name}:"):
            raise UnitError(f"{instrument.coin} does not carry the name of its dex")
