"""/info about margin tables, the largest market orders and who could be liquidated."""

from __future__ import annotations

from typing import Any, Final

from shared.rules.limits import max_market_order_usd
from shared.rules.margin import MAINNET_TABLES, single_tier
from shared.units import Ns
from shared.venue.door import render
from shared.venue.door.actions import U64
from shared.venue.door.bodies import BodyRefused
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.meta_shapes import margin_table
from shared.venue.door.questions import DexName, Nothing, Question
from shared.venue.door.render import Json

LARGEST_SINGLE_TIER: Final = 50
"""Ids below this and it name one tier of that leverage. Source: fact sheet 1.1."""


class AboutTable(Question, frozen=True):
    """Asks for a margin table by its id."""

    id: U64
    dex: DexName | None = None


def table(desk: Desk, asked: AboutTable, _: Ns) -> Json:
    """`marginTable`: a listed one or one of the venue's; BodyRefused 500 `null` for any other id."""
    for table_id, shown in desk.answers.meta(desk.dex(asked.dex))["marginTables"]:
        if table_id == asked.id:
            found: Json = shown
            return found
    tiers = MAINNET_TABLES.get(asked.id)
    if tiers is None and 0 < asked.id <= LARGEST_SINGLE_TIER:
        tiers = single_tier(asked.id)
    if tiers is None:
        raise BodyRefused(500, "null")
    return margin_table(asked.id, MAINNET_TABLES | {asked.id: tiers})


def market_order_caps(desk: Desk, _: Nothing, __: Ns) -> list[Any]:
    """`maxMarketOrderNtls`: the largest market order for each maximum leverage that is listed."""
    leverages = sorted({instrument.max_leverage for instrument in desk.instruments.values()})
    return [[leverage, render.usd(max_market_order_usd(leverage))] for leverage in leverages]


def liquidatable(_: Desk, __: Nothing, ___: Ns) -> list[Json]:
    """`liquidatable`: nobody between two blocks, for who is liquidatable is liquidated in the block that finds it."""
    return []


TYPES: Final[dict[str, InfoType]] = {
    "marginTable": (AboutTable, table),
    "maxMarketOrderNtls": (Nothing, market_order_caps),
    "liquidatable": (Nothing, liquidatable),
}
