"""The margin tables of `meta`: which tiers each perp has."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, Protocol

import msgspec

from hats.exchange_architect.numbers import exact
from hats.exchange_architect.wire import UNREADABLE
from shared.rules.margin import FIRST_TABLE_ID, MarginTier, MarginTiers, single_tier
from shared.units import USD_DECIMALS

UNTOLD: Final[MarginTiers] = ()
"""Of a perp whose table is not in the reply, or is none."""


class _Tier(msgspec.Struct, rename="camel"):
    lower_bound: str
    max_leverage: int


class _Table(msgspec.Struct, rename="camel"):
    margin_tiers: list[_Tier]


class Perp(Protocol):
    """What is asked of an entry of the universe; replies of 2023 have no table id."""

    name: str
    max_leverage: int
    margin_table_id: int | None


_table: Final = msgspec.json.Decoder(_Table)


def margin_tiers(perps: Iterable[Perp], tables: Iterable[tuple[int, msgspec.Raw]]) -> dict[str, MarginTiers]:
    """Tiers of the perps that have more than one, or not the one of their greatest leverage; UNTOLD ones too.

    An id below 50 is a table of one tier whose leverage is the id (venue documentation, "Margin tiers").
    """
    told = {table_id: _tiers(raw) for table_id, raw in tables}
    found: dict[str, MarginTiers] = {}
    for perp in perps:
        plain = single_tier(perp.max_leverage)
        table_id = perp.max_leverage if perp.margin_table_id is None else perp.margin_table_id
        tiers = single_tier(table_id) if 0 < table_id < FIRST_TABLE_ID else told.get(table_id, UNTOLD)
        if tiers != plain:
            found[perp.name] = tiers
    return found


def _tiers(raw: msgspec.Raw) -> MarginTiers:
    """The table in our units; UNTOLD unless it begins at nothing, rises, and allows some leverage throughout."""
    try:
        rows = _table.decode(raw).margin_tiers
        tiers = tuple(MarginTier(exact(row.lower_bound, USD_DECIMALS), row.max_leverage) for row in rows)
    except UNREADABLE:
        return UNTOLD
    rises = all(
        lower.lower_bound_usd < upper.lower_bound_usd and lower.max_leverage >= upper.max_leverage
        for lower, upper in pairwise(tiers)
    )
    is_sane = bool(tiers) and tiers[0].lower_bound_usd == 0 and tiers[-1].max_leverage > 0 and rises
    return tiers if is_sane else UNTOLD
