"""The venue's JSON of what is listed: universe, margin tables, collateral."""

from __future__ import annotations

from typing import Final

from shared.errors import ConfigError
from shared.rules.margin import MAINNET_TABLES, MarginTiers, single_tier
from shared.units import usd_to_str
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import MarginMode
from shared.venue.door.render import Json, number

OTHER_TABLE_ID: Final = 100
"""Ids of margin tables that are none of the venue's start here; ours."""


def describe(exchange: Exchange) -> Json:
    """`meta`; ConfigError if asset ids are not 0, 1, 2, ..."""
    tables: dict[int, MarginTiers] = {}
    universe: list[Json] = []
    for asset, listing in sorted(exchange.listings.items()):
        instrument = listing.instrument
        if listing.spot is not None:
            continue
        if asset != len(universe):
            raise ConfigError([f"asset ids must be 0, 1, 2, ...; {instrument.coin} has {asset}"])
        table_id = _table_id(listing.tiers, tables)
        tables[table_id] = listing.tiers
        row: Json = {"szDecimals": instrument.sz_decimals, "name": instrument.coin}
        row |= {"maxLeverage": instrument.max_leverage, "marginTableId": table_id}
        row |= {"isDelisted": True} if instrument.is_delisted else {}
        if listing.margin_mode is not MarginMode.NORMAL:
            row |= {"onlyIsolated": True, "marginMode": listing.margin_mode.value}
        universe.append(row)
    shown = [[table_id, margin_table(tiers)] for table_id, tiers in sorted(tables.items())]
    return {"universe": universe, "marginTables": shown, "collateralToken": 0}


def margin_table(tiers: MarginTiers) -> Json:
    """One margin table."""
    description = f"tiered {tiers[0].max_leverage}x" if len(tiers) > 1 else ""
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
