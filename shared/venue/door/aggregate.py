"""Fills merged by order and time, as `aggregateByTime` asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from shared.instrument import Instrument
from shared.units import Rounding, Usd, round_ratio, str_from_scaled
from shared.venue.core.events import FillHappened, SpotLeg
from shared.venue.door import render

_PX_DECIMALS = 10


def merged_fills(fills: Iterable[FillHappened], instruments: dict[int, Instrument]) -> Iterator[render.Json]:
    """One JSON fill for each run of fills of one order at one time: sums, the first one's tid, the average price.

    The average is rounded to ten decimals, as measured on the venue.
    """
    for _, run in groupby(fills, key=lambda fill: (fill.oid, fill.time_ms, fill.asset)):
        parts = list(run)
        first = parts[0]
        sz = sum(part.sz for part in parts)
        whole = msgspec.structs.replace(
            first,
            sz=sz,
            fee=Usd(sum(part.fee for part in parts)),
            closed_pnl=Usd(sum(part.closed_pnl for part in parts)),
            spot=_joined([part.spot for part in parts if part.spot is not None]),
        )
        instrument = instruments[first.asset]
        shown = render.fill(instrument, whole)
        if len(parts) > 1:
            scale = 10 ** (_PX_DECIMALS - instrument.px_decimals)
            average = round_ratio(sum(part.px * part.sz for part in parts) * scale, sz, Rounding.NEAREST)
            shown["px"] = render.number(str_from_scaled(average, _PX_DECIMALS))
        yield shown


def _joined(legs: list[SpotLeg]) -> SpotLeg | None:
    """Sums of what spot fills say; the balance is that before the first."""
    if not legs:
        return None
    fee_wei = sum(leg.fee_wei for leg in legs)
    pnl_e8 = sum(leg.closed_pnl_e8 for leg in legs)
    return msgspec.structs.replace(legs[0], fee_wei=fee_wei, closed_pnl_e8=pnl_e8)
