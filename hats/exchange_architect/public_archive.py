"""Lines of the venue's public archives and of recordings of its frames, as rows of the warehouse. Pure, line by line.

Source: fact sheet 10. `frames` is `<receive time, ns> <frame as received>`; `l2book` the snapshots of
`hyperliquid-archive/market_data`; `contexts` its `asset_ctxs`; `fills` and `trades` what nodes wrote of every fill.
Of a fill two sides are told; the taker's is the print. What can't be read is told as such, never left out silently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

import msgspec
import numpy as np

from hats.exchange_architect.numbers import Id, Ms, exact, near, ns_from_ms
from hats.exchange_architect.records import RATE_DECIMALS, side_from_wire
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import UNREADABLE
from shared.errors import DataError
from shared.instrument import Instrument
from shared.units import USD_DECIMALS, Ns, Rounding, round_ratio
from shared.warehouse.rows import side_word
from shared.warehouse.tables import AssetContextRow, LiquidationRow, Row, TradeRow

_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)Z?")
_LATEST_NS: Final = 2**63 - 1


class Unread(NamedTuple):
    """Something that can't be read: why, and its bytes."""

    reason: str
    data: bytes


class Said(NamedTuple):
    """What one line says. `strangers` are coins that are not listed; `passed` counts what is deliberately no row."""

    ns: int = 0
    rows: Sequence[Row] = ()
    unread: Sequence[Unread] = ()
    strangers: Sequence[str] = ()
    passed: int = 0


FrameReader = Callable[[bytes, Ns], tuple[Sequence[Row], Sequence[str]]]
"""Reads one frame of the venue: its rows, and why something of it could not be read."""
LineReader = Callable[[bytes], Said]
"""What a line says; one of UNREADABLE if all of it can't be read."""


def ns_from_stamp(text: str) -> Ns:
    """UTC nanoseconds of an ISO 8601 time as nodes write it, with up to nine decimals; DataError for anything else."""
    found = _STAMP.fullmatch(text)
    try:
        ns = int(np.datetime64(found.group(1), "ns").astype(np.int64)) if found is not None else -1
    except ValueError:
        ns = -1
    if not 0 <= ns <= _LATEST_NS:
        raise DataError(f"expected a time such as 2025-07-27T08:50:10.334741, got {text[:40]!r}")
    return Ns(ns)


def loose(text: str, decimals: int) -> int:
    """As `near`, and 1.25e-05 too: archives were written by programs that print floats."""
    if "e" not in text.lower():
        return near(text, decimals)
    try:
        value = Decimal(text).scaleb(decimals)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or abs(value) >= 2**62:
        raise DataError(f"expected a number, got {text[:40]!r}")
    return round_ratio(*value.as_integer_ratio(), Rounding.NEAREST)


class _Snapshot(msgspec.Struct):
    time: str
    raw: msgspec.Raw


class _Liquidation(msgspec.Struct, rename="camel"):
    liquidated_user: str | None = None
    mark_px: str | None = None
    method: str | None = None


class _NodeFill(msgspec.Struct):
    coin: str
    px: str
    sz: str
    side: str
    time: Ms
    tid: Id
    crossed: bool
    liquidation: _Liquidation | None = None


class _Block(msgspec.Struct):
    local_time: str
    events: list[tuple[str, msgspec.Raw]]


class _NodeTrade(msgspec.Struct):
    coin: str
    side: str
    time: str
    px: str
    sz: str


_SNAPSHOT: Final = msgspec.json.Decoder(_Snapshot)
_BLOCK: Final = msgspec.json.Decoder(_Block)
_PAIR: Final = msgspec.json.Decoder(tuple[str, msgspec.Raw])
_FILL: Final = msgspec.json.Decoder(_NodeFill)
_NODE_TRADE: Final = msgspec.json.Decoder(_NodeTrade)


def frames(read: FrameReader) -> LineReader:
    """`<receive time, ns> <frame>`."""

    def line(data: bytes) -> Said:
        stamp, _, frame = data.partition(b" ")
        if not stamp.isdigit() or not 0 < int(stamp) <= _LATEST_NS:
            raise DataError(f"expected a receive time in nanoseconds, got {stamp[:40]!r}")
        return _frame(read, frame, Ns(int(stamp)))

    return line


def l2book(read: FrameReader) -> LineReader:
    """`{"time", "ver_num", "raw": frame}`; the time is the archivist's clock."""

    def line(data: bytes) -> Said:
        snapshot = _SNAPSHOT.decode(data)
        return _frame(read, bytes(snapshot.raw), ns_from_stamp(snapshot.time))

    return line


def fills(universe: Universe) -> LineReader:
    """`{"local_time", "events": [[wallet, fill], ...]}` of a block, or the older `[wallet, fill]`."""

    def line(data: bytes) -> Said:
        if data[:1] == b"[":
            return _events([_PAIR.decode(data)[1]], None, universe)
        block = _BLOCK.decode(data)
        return _events([fill for _, fill in block.events], ns_from_stamp(block.local_time), universe)

    return line


def trades(universe: Universe) -> LineReader:
    """`{"coin", "side", "time", "px", "sz", ...}`; these have no trade id, so it is null."""

    def line(data: bytes) -> Said:
        trade = _NODE_TRADE.decode(data)
        of = _listed(universe, trade.coin)
        if of is None:
            return Said(strangers=(trade.coin,))
        ns = ns_from_stamp(trade.time)
        return Said(ns, (_print(of, trade.side, trade.px, trade.sz, None, ns, None),))

    return line


def contexts(universe: Universe) -> LineReader:
    """CSV with a header that names its columns; empty is unknown. One reader a file, for it remembers the header."""
    columns: dict[str, int] = {}

    def line(data: bytes) -> Said:
        fields = data.decode().rstrip("\r\n").split(",")
        if not columns:
            missing = {"time", "coin", "funding", "open_interest", "oracle_px", "mark_px"} - set(fields)
            if missing:
                raise DataError(f"expected a header with {', '.join(sorted(missing))}")
            columns.update({name: place for place, name in enumerate(fields)})
            return Said(passed=1)
        if len(fields) != len(columns):
            raise DataError(f"expected {len(columns)} fields, got {len(fields)}")
        told = {name: fields[place] for name, place in columns.items()}
        of = _listed(universe, told["coin"])
        return Said(strangers=(told["coin"],)) if of is None else _context(told, of)

    return line


def _frame(read: FrameReader, frame: bytes, recv_ns: Ns) -> Said:
    rows, reasons = read(frame, recv_ns)
    return Said(recv_ns, rows, [Unread(reason, frame) for reason in reasons], passed=not rows and not reasons)


def _events(raws: Sequence[msgspec.Raw], recv_ns: Ns | None, universe: Universe) -> Said:
    rows: list[Row] = []
    unread: list[Unread] = []
    strangers: list[str] = []
    passed = ns = 0
    for raw in raws:
        try:
            fill = _FILL.decode(raw)
            ns = ns_from_ms(fill.time)
            of = _listed(universe, fill.coin)
            if of is None:
                strangers.append(fill.coin)
            elif fill.crossed:
                rows += _fill(fill, of, recv_ns)
            else:
                passed += 1
        except UNREADABLE as error:
            unread.append(Unread(str(error), bytes(raw)))
    return Said(recv_ns or ns, rows, unread, strangers, passed)


def _fill(fill: _NodeFill, of: Instrument, recv_ns: Ns | None) -> list[Row]:
    """The print, and the liquidation if it is one."""
    at = ns_from_ms(fill.time)
    shown = _print(of, fill.side, fill.px, fill.sz, fill.tid, at, recv_ns)
    if fill.liquidation is None:
        return [shown]
    said = fill.liquidation
    user = None if said.liquidated_user is None else said.liquidated_user.lower()
    return [
        shown,
        LiquidationRow(
            coin=fill.coin,
            exch_ns=at,
            recv_ns=recv_ns,
            liquidated_user=user,
            liquidator=None,
            method=said.method,
            px_decimals=of.px_decimals,
            sz_decimals=of.sz_decimals,
            mark_px=None if said.mark_px is None else near(said.mark_px, of.px_decimals),
            side=shown.side,
            px=shown.px,
            sz=shown.sz,
            tid=fill.tid,
        ),
    ]


def _print(
    of: Instrument, side: str, px_text: str, sz_text: str, tid: int | None, exch_ns: Ns, recv_ns: Ns | None
) -> TradeRow:
    px, sz = exact(px_text, of.px_decimals), exact(sz_text, of.sz_decimals)
    if px <= 0 or sz <= 0:
        raise DataError("a trade needs a positive price and size")
    word = side_word(side_from_wire(side))
    return TradeRow(of.coin, exch_ns, recv_ns, of.px_decimals, of.sz_decimals, word, px, sz, tid)


def _context(told: dict[str, str], of: Instrument) -> Said:
    def number(name: str, decimals: int) -> int | None:
        return loose(told[name], decimals) if told.get(name) else None

    at = ns_from_stamp(told["time"])
    row = AssetContextRow(
        coin=of.coin,
        exch_ns=at,
        recv_ns=None,
        px_decimals=of.px_decimals,
        sz_decimals=of.sz_decimals,
        mark_px=number("mark_px", of.px_decimals),
        oracle_px=number("oracle_px", of.px_decimals),
        mid_px=number("mid_px", of.px_decimals),
        open_interest=number("open_interest", of.sz_decimals),
        funding_rate_e10=number("funding", RATE_DECIMALS),
        premium_e10=number("premium", RATE_DECIMALS),
        prev_day_px=number("prev_day_px", of.px_decimals),
        day_usd=number("day_ntl_vlm", USD_DECIMALS),
    )
    return Said(at, (row,))


def _listed(universe: Universe, coin: str) -> Instrument | None:
    try:
        return universe.instrument(coin)
    except DataError:
        return None
