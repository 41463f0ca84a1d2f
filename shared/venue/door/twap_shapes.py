"""TWAP orders and their fills in the venue's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.instrument import Instrument
from shared.venue.core.events import FillHappened, TwapChanged, TwapView
from shared.venue.door import render
from shared.venue.door.render import Json


def state(instruments: Mapping[int, Instrument], twap: TwapView) -> Json:
    """How far a TWAP order is; `timestamp` is when it was placed."""
    instrument = instruments[twap.asset]
    return {
        "coin": instrument.coin,
        "user": twap.user,
        "side": render.side(twap.is_buy),
        "sz": render.number(instrument.sz_text(twap.sz)),
        "executedSz": render.number(instrument.sz_text(twap.executed_sz)),
        "executedNtl": render.usd(twap.executed_usd),
        "minutes": twap.minutes,
        "reduceOnly": twap.reduce_only,
        "randomize": twap.randomize,
        "timestamp": twap.placed_ms,
    }


def states(instruments: Mapping[int, Instrument], twaps: Iterable[TwapView]) -> list[Any]:
    """[id, state] of each."""
    return [[twap.twap_id, state(instruments, twap)] for twap in twaps]


def record(instruments: Mapping[int, Instrument], changed: TwapChanged) -> Json:
    """One line of `twapHistory`; its time is in seconds."""
    status: Json = {"status": changed.status}
    if changed.description is not None:
        status["description"] = changed.description
    return {
        "time": changed.time_ms // 1_000,
        "state": state(instruments, changed.twap),
        "status": status,
        "twapId": changed.twap.twap_id,
    }


def slice_fill(instruments: Mapping[int, Instrument], fill: FillHappened) -> Json:
    """One fill of a suborder with the id of its order."""
    return {"fill": render.fill(instruments[fill.asset], fill), "twapId": fill.twap_id}
