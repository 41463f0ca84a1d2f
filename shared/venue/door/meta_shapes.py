"""The venue's JSON of what is listed: universe, margin tables, collateral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.errors import ConfigError
from shared.rules.margin import FIRST_TABLE_ID, MAINNET_TABLES, MarginTiers, single_tier
from shared.units import usd_to_str
from shared.venue.core.dex import asset_of
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import Listing, MarginMode
from shared.venue.door.render import Json, number

OTHER_TABLE_ID: Final = 100
"""Ids of margin tables that are none of the venue's start here; ours."""


def perps_of(exchange: Exchange, dex: int) -> dict[int, Listing]:
    """Perps of one dex by asset id."""
    return {asset: one for asset, one in exchange.listings.items() if one.dex == dex and one.spot is None}


def describe(exchange: Exchange, dex: int = 0) -> Json:
    """`meta` of a dex; ConfigError if asset ids are not its first one, the next, ..."""
    first = asset_of(dex, 0) if dex else 0
    tables = dict(MAINNET_TABLES) if dex == 0 else {FIRST_TABLE_ID: MAINNET_TABLES[FIRST_TABLE_ID]}
    universe: list[Json] = []
    for asset, listing in sorted(perps_of(exchange, dex).items()):
        instrument = listing.instrument
        if asset != first + len(universe):
            raise ConfigError([f"asset ids must be {first}, {first + 1}, ...; {instrument.coin} has {asset}"])
        table_id = _table_id(listing.tiers, tables)
        tables[table_id] = listing.tiers
        row: Json = {"szDecimals": instrument.sz_decimals, "name": instrument.coin}
        row |= {"maxLeverage": instrument.max_leverage, "marginTableId": table_id}
        is_isolated = listing.margin_mode is not MarginMode.NORMAL
        row |= {"onlyIsolated": True} if is_isolated else {}
        row |= {"isDelisted": True} if instrument.is_delisted else {}
        row |= {"marginMode": listing.margin_mode.value} if is_isolated else {}
        row |= {"growthMode": "enabled"} if listing.fees is not None and listing.fees.is_growth else {}
        if listing.growth_changed is not None:
            row |= {"lastGrowthModeChangeTime": listing.growth_changed}
        universe.append(row)
    shown = [[one, margin_table(one, tables)] for one in sorted(tables) if one >= FIRST_TABLE_ID]
    collateral = exchange.dexs[dex - 1].collateral.index if dex else 0
    return {"universe": universe, "marginTables": shown, "collateralToken": collateral}


def margin_table(table_id: int, tables: Mapping[int, MarginTiers]) -> Json:
    """One margin table; tiered ones that begin alike are told apart by a number."""
    tiers = tables[table_id]
    begins = [one for one in sorted(tables) if len(tables[one]) > 1 and tables[one][0] == tiers[0]]
    description = ""
    if table_id in begins:
        nth = begins.index(table_id) + 1
        description = f"tiered {tiers[0].max_leverage}x" + (f" ({nth})" if nth > 1 else "")
    rows = [
        {"lowerBound": number(usd_to_str(tier.lower_bound_usd)), "maxLeverage": tier.max_leverage} for tier in tiers
    ]
    return {"description": description, "marginTiers": rows}


def _table_id(tiers: MarginTiers, known: dict[int, MarginTiers]) -> int:
    """The venue's id of the table (its leverage when it has one tier), else the next free one of ours."""
    if len(tiers) == 1 and tiers == single_tier(tiers[0].max_leverage):
        return tiers[0].max_leverage
    for table_id, table in (MAINNET_TABLES | known).items():
        if table == tiers:
            return table_id
    return max([OTHER_TABLE_ID - 1, *known]) + 1
