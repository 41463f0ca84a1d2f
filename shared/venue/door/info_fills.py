"""/info about a user's fills."""

from __future__ import annotations

from collections.abc import Sequence
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
    return shown_fills(desk, desk.exchange.fills(asked.user), asked.aggregate_by_time, newest_first=True)


def fills_by_time(desk: Desk, asked: AboutFillSpan, _: Ns) -> list[Json]:
    """`userFillsByTime`, oldest first unless reversed."""
    found = desk.exchange.fills(asked.user)
    inside = [fill for fill in found if is_within(fill.time_ms, asked.start_time, asked.end_time)]
    return shown_fills(desk, inside, asked.aggregate_by_time, newest_first=bool(asked.reversed))


def shown_fills(
    desk: Desk, found: Sequence[FillHappened], is_merged: bool | None, newest_first: bool = False
) -> list[Json]:
    """The first 2,000 of these fills, given oldest first; merged by order and time, before the cap, if so wanted."""
    instruments = desk.instruments
    if is_merged:
        merged = list(merged_fills(found, instruments))
        return (merged[::-1] if newest_first else merged)[:MOST_FILLS]
    few = found[-MOST_FILLS:][::-1] if newest_first else found[:MOST_FILLS]
    return [render.fill(instruments[fill.asset], fill) for fill in few]


TYPES: Final[dict[str, InfoType]] = {
    "userFills": (AboutFills, fills),
    "userFillsByTime": (AboutFillSpan, fills_by_time),
}
