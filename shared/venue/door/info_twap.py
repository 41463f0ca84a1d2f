"""/info about TWAP orders."""

from __future__ import annotations

from typing import Final

from shared.units import Ns
from shared.venue.door import twap_shapes
from shared.venue.door.desk import Desk, InfoType, is_within
from shared.venue.door.questions import MOST_FILLS, AboutFillSpan, AboutUser
from shared.venue.door.render import Json


def slice_fills(desk: Desk, asked: AboutUser, _: Ns) -> list[Json]:
    """`userTwapSliceFills`, newest first."""
    fills = reversed(desk.exchange.twap_fills(asked.user)[-MOST_FILLS:])
    return [twap_shapes.slice_fill(desk.instruments, fill) for fill in fills]


def slice_fills_by_time(desk: Desk, asked: AboutFillSpan, _: Ns) -> list[Json]:
    """`userTwapSliceFillsByTime`, oldest first unless reversed; never merged."""
    found = desk.exchange.twap_fills(asked.user)
    inside = [fill for fill in found if is_within(fill.time_ms, asked.start_time, asked.end_time)]
    ordered = inside[::-1] if asked.reversed else inside
    return [twap_shapes.slice_fill(desk.instruments, fill) for fill in ordered[:MOST_FILLS]]


def history(desk: Desk, asked: AboutUser, _: Ns) -> list[Json]:
    """`twapHistory`, newest first."""
    return [twap_shapes.record(desk.instruments, changed) for changed in desk.exchange.twap_history(asked.user)]


TYPES: Final[dict[str, InfoType]] = {
    "userTwapSliceFills": (AboutUser, slice_fills),
    "userTwapSliceFillsByTime": (AboutFillSpan, slice_fills_by_time),
    "twapHistory": (AboutUser, history),
}
