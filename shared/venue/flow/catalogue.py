"""Listings with real metadata: read from any recorded `meta` reply, or the built-in well-known coins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from shared.errors import ConfigError
from shared.instrument import Instrument
from shared.rules.margin import FIRST_TABLE_ID, MAINNET_TABLES, MarginTier, MarginTiers, single_tier
from shared.rules.market_fees import SCALE_E4, MarketFees
from shared.units import usd_from_str
from shared.venue.core.dex import asset_of
from shared.venue.core.listing import Listing, MarginMode, list_perp
from shared.venue.flow.coins import Coin


class _Tier(Struct, frozen=True, rename="camel"):
    """One row of a margin table."""

    lower_bound: str
    max_leverage: Annotated[int, Meta(ge=1)]


class _Table(Struct, frozen=True, rename="camel"):
    """One margin table."""

    margin_tiers: Annotated[list[_Tier], Meta(min_length=1)]


class _Perp(Struct, frozen=True, rename="camel"):
    """One entry of the universe. Replies of 2023 have no table id."""

    sz_decimals: Annotated[int, Meta(ge=0, le=6)]
    name: str
    max_leverage: Annotated[int, Meta(ge=1)]
    margin_table_id: int | UnsetType = UNSET
    only_isolated: bool = False
    is_delisted: bool = False
    margin_mode: MarginMode | UnsetType = UNSET
    growth_mode: str | None = None
    last_growth_mode_change_time: str | None = None


class _Meta(Struct, frozen=True, rename="camel"):
    """The reply."""

    universe: list[_Perp]
    margin_tables: list[tuple[int, _Table]] = []


def listings_from_meta(reply: Any, dex: int = 0, fee_scale_e4: int = SCALE_E4) -> tuple[Listing, ...]:
    """What a recorded `meta` reply lists, as the exchange's dex number `dex`; ConfigError for what is no such reply.

    `fee_scale_e4` is the deployer's fee scale x 10^-4. Perps that can't be margined across but do not say how their
    margin may leave count as strictly isolated, as later replies say of the same perps.
    """
    try:
        meta = msgspec.convert(reply, _Meta)
    except msgspec.ValidationError as error:
        raise ConfigError([f"this is no `meta` reply: {error}"]) from error
    tables = dict(MAINNET_TABLES) | {table_id: _tiers(table) for table_id, table in meta.margin_tables}
    first = asset_of(dex, 0) if dex else 0
    return tuple(
        _listing(perp, asset, tables, dex, fee_scale_e4) for asset, perp in enumerate(meta.universe, start=first)
    )


def _listing(perp: _Perp, asset: int, tables: Mapping[int, MarginTiers], dex: int, fee_scale_e4: int) -> Listing:
    """One listing."""
    table_id = perp.max_leverage if perp.margin_table_id is UNSET else perp.margin_table_id
    tiers = single_tier(table_id) if 1 <= table_id < FIRST_TABLE_ID else tables.get(table_id)
    if tiers is None:
        raise ConfigError([f"{perp.name} has margin table {table_id}, which the reply does not tell"])
    mode = MarginMode.STRICT_ISOLATED if perp.only_isolated else MarginMode.NORMAL
    if perp.margin_mode is not UNSET:
        mode = perp.margin_mode
    instrument = Instrument(perp.name, asset, perp.sz_decimals, perp.max_leverage, perp.is_delisted)
    listing = list_perp(instrument, tiers, mode)
    if not dex:
        return listing
    fees = MarketFees(deployer_scale_e4=fee_scale_e4, is_growth=perp.growth_mode == "enabled")
    return msgspec.structs.replace(listing, dex=dex, fees=fees, growth_changed=perp.last_growth_mode_change_time)


def _tiers(table: _Table) -> MarginTiers:
    """The table in our units."""
    return tuple(MarginTier(usd_from_str(tier.lower_bound), tier.max_leverage) for tier in table.margin_tiers)


_ROWS: Final = (
    ("BTC", 5, 40, 56, 100_000.0, 0.45, 0.85),
    ("ETH", 4, 25, 55, 3_500.0, 0.6, 0.8),
    ("SOL", 2, 20, 54, 180.0, 0.8, 0.7),
    ("XRP", 0, 20, 53, 2.5, 0.85, 0.65),
    ("HYPE", 2, 10, 52, 30.0, 1.0, 0.5),
    ("DOGE", 0, 10, 52, 0.2, 0.95, 0.7),
    ("BNB", 3, 10, 51, 700.0, 0.55, 0.7),
    ("ADA", 0, 10, 52, 0.75, 0.9, 0.7),
    ("AVAX", 2, 10, 52, 25.0, 0.95, 0.7),
    ("LINK", 1, 10, 52, 18.0, 0.9, 0.7),
    ("SUI", 1, 10, 52, 3.5, 1.0, 0.65),
    ("LTC", 2, 10, 52, 95.0, 0.75, 0.65),
    ("BCH", 3, 10, 52, 480.0, 0.8, 0.6),
    ("AAVE", 2, 10, 52, 280.0, 0.95, 0.65),
    ("UNI", 1, 10, 52, 9.0, 0.95, 0.65),
    ("NEAR", 1, 10, 52, 2.8, 1.0, 0.65),
    ("CRV", 1, 10, 52, 0.7, 1.1, 0.55),
    ("ENA", 0, 10, 52, 0.6, 1.2, 0.6),
    ("WLD", 1, 10, 52, 1.1, 1.2, 0.55),
    ("ZEC", 2, 10, 52, 60.0, 1.1, 0.4),
    ("TRX", 0, 10, 51, 0.3, 0.5, 0.4),
    ("DOT", 1, 10, 51, 4.2, 0.85, 0.7),
    ("ARB", 1, 10, 51, 0.45, 1.0, 0.7),
    ("kPEPE", 0, 10, 52, 0.011, 1.2, 0.6),
    ("FARTCOIN", 1, 10, 52, 0.9, 1.5, 0.5),
)
"""Name, szDecimals, leverage and margin table as recorded on mainnet; price, volatility and correlation are ours."""


def _coin(name: str, sz_decimals: int, leverage: int, table: int, start: float, sigma: float, tie: float) -> Coin:
    """One coin; sizes and spreads by the leverage the venue allows: what it trusts more trades deeper."""
    return Coin(
        name=name,
        sz_decimals=sz_decimals,
        max_leverage=leverage,
        tiers=MAINNET_TABLES[table],
        start=start,
        sigma_annual=sigma,
        correlation=tie,
        trade_usd=75.0 * leverage,
        spread_bps=20.0 / leverage,
    )


WELL_KNOWN: Final[tuple[Coin, ...]] = tuple(_coin(*row) for row in _ROWS)
"""Coins that everybody knows, most traded first."""
