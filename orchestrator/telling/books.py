"""Orders, fills and positions of a run as its journal tells them, in people's units."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from orchestrator.status import OrderLine, PositionView, order_line, position_views
from shared.codec import decode
from shared.instrument import Instrument
from shared.journal import JournalReader
from shared.messages.account import LedgerReport
from shared.messages.market import UniverseUpdate
from shared.messages.message import Message
from shared.messages.order import FillBooked, OrderChanged
from shared.units import usd_to_float

M = TypeVar("M", bound=Message)


class FillLine(msgspec.Struct, frozen=True):
    """One fill; `fee_usd` > 0 was paid, `closed_pnl_usd` as the venue said; `seq` is its place in the journal."""

    seq: int
    exch_ns: int
    strategy: str
    coin: str
    side: str
    px: float | None
    sz: float | None
    is_taker: bool
    fee_usd: float
    closed_pnl_usd: float
    oid: int
    cloid: str | None
    tid: int


def instruments_in(reader: JournalReader) -> dict[str, Instrument]:
    """The coins as the run knew them last."""
    found: dict[str, Instrument] = {}
    for entry in reader.messages(kind=UniverseUpdate.__name__):
        found |= {instrument.coin: instrument for instrument in _as(UniverseUpdate, entry.body).instruments}
    return found


def fills_in(reader: JournalReader) -> tuple[FillLine, ...]:
    """Every fill that was booked, in order."""
    instruments = instruments_in(reader)
    return tuple(
        _fill(entry.seq, _as(FillBooked, entry.body), instruments)
        for entry in reader.messages(kind=FillBooked.__name__)
    )


def orders_in(reader: JournalReader) -> tuple[OrderLine, ...]:
    """The last word on every order, in the order in which they were first named."""
    last: dict[str, OrderChanged] = {}
    for entry in reader.messages(kind=OrderChanged.__name__):
        change = _as(OrderChanged, entry.body)
        last[change.cloid] = change
    instruments = instruments_in(reader)
    return tuple(order_line(change, instruments) for change in last.values())


def positions_in(reader: JournalReader) -> tuple[PositionView, ...] | None:
    """The positions of the last ledger; None if there never was one."""
    last = None
    for entry in reader.messages(kind=LedgerReport.__name__):
        last = entry.body
    return None if last is None else position_views(_as(LedgerReport, last), instruments_in(reader))


def _fill(seq: int, booked: FillBooked, instruments: dict[str, Instrument]) -> FillLine:
    fill = booked.fill
    instrument = instruments.get(fill.coin)
    return FillLine(
        seq=seq,
        exch_ns=fill.exch_ns,
        strategy=booked.strategy,
        coin=fill.coin,
        side=fill.side.name.lower(),
        px=instrument.px_float(fill.px) if instrument else None,
        sz=instrument.sz_float(fill.sz) if instrument else None,
        is_taker=fill.is_taker,
        fee_usd=usd_to_float(fill.fee_usd),
        closed_pnl_usd=usd_to_float(fill.closed_pnl_usd),
        oid=fill.oid,
        cloid=fill.cloid,
        tid=fill.tid,
    )


def _as(kind: type[M], body: bytes) -> M:
    message = decode(body)
    assert isinstance(message, kind)
    return message
