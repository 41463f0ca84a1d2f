"""/info about a user's fills."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.units import Ns
from shared.venue.core.events import FillHappened
from shared.venue.door import render
from shared.venue.door.aggregate import merged_fills
from shared.venue.door.desk import Desk, InfoType, is_within
from shared.venue.door.questions import MOST_FILLS, AboutFills, AboutFillSpan
from shared.venue.door.render import Json


def fills(desk: Desk, asked: AboutFills, _: Ns) -> list[Json]:
    """`userFills`, newest first."""
    return shown_fills(desk, reversed(desk.exchange.fills(asked.user)), asked.aggregate_by_time)


def fills_by_time(desk: Desk, asked: AboutFillSpan, _: Ns) -> list[Json]:
    """`userFillsByTime`, oldest first unless reversed."""
    found = desk.exchange.fills(asked.user)
    inside = [fill for fill in found if is_within(fill.time_ms, asked.start_time, asked.end_time)]
    return shown_fills(desk, reversed(inside) if asked.reversed else inside, asked.aggregate_by_time)


def shown_fills(desk: Desk, found: Iterable[FillHappened], is_merged: bool | None) -> list[Json]:
    """The first 2,000 of these fills, merged by order and time if so wanted."""
    instruments = desk.instruments
    if is_merged:
        return list(merged_fills(found, instruments))[:MOST_FILLS]
    return [render.fill(instruments[fill.asset], fill) for fill in found][:MOST_FILLS]


TYPES: Final[dict[str, InfoType]] = {
    "userFills": (AboutFills, fills),
    "userFillsByTime": (AboutFillSpan, fills_by_time),
}
