"""Frames that are no messages, because no Hat decides on them, as rows: bbo, candles, liquidations, money.

Pure. Raises what `wire.UNREADABLE` lists on what can't be read. Source: fact sheet 2.4 and 3.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from hats.exchange_architect.channels import CANDLE, EVENTS, FILLS, LEDGER, Channel
from hats.exchange_architect.history import candle_row
from hats.exchange_architect.numbers import Id, Ms, ns_from_ms, usd_near
from hats.exchange_architect.records import px_from_wire, side_from_wire, sz_from_wire
from hats.exchange_architect.transfers import Delta, cash_usd
from hats.exchange_architect.universe import Universe
from shared.errors import DataError
from shared.units import Ns
from shared.warehouse.rows import side_word
from shared.warehouse.tables import BboRow, LedgerRow, LiquidationRow, Row

LIQUIDATION: Final = b'"liquidation"'
"""What a frame of fills contains if one of them is part of a liquidation."""


class _Level(msgspec.Struct):
    px: str
    sz: str
    n: Id


class _Bbo(msgspec.Struct):
    coin: str
    time: Ms
    bbo: tuple[_Level | None, _Level | None]


class _Liquidation(msgspec.Struct):
    lid: Id
    liquidator: str
    liquidated_user: str
    liquidated_ntl_pos: str
    liquidated_account_value: str


class _Events(msgspec.Struct):
    liquidation: _Liquidation | None = None


class _FillLiquidation(msgspec.Struct, rename="camel"):
    liquidated_user: str
    mark_px: str
    method: str


class _LiquidatedFill(msgspec.Struct):
    coin: str
    px: str
    sz: str
    side: str
    time: Ms
    tid: Id
    liquidation: _FillLiquidation | None = None


class _Fills(msgspec.Struct):
    fills: list[_LiquidatedFill]


class _LedgerEntry(msgspec.Struct):
    time: Ms
    hash: str
    delta: msgspec.Raw


class _Ledger(msgspec.Struct, rename="camel"):
    user: str
    non_funding_ledger_updates: list[_LedgerEntry]


class _Frame(msgspec.Struct):
    data: msgspec.Raw


_FRAME: Final = msgspec.json.Decoder(_Frame)
_BBO: Final = msgspec.json.Decoder(_Bbo)
_EVENTS: Final = msgspec.json.Decoder(_Events)
_FILLS: Final = msgspec.json.Decoder(_Fills)
_LEDGER: Final = msgspec.json.Decoder(_Ledger)
_DELTA: Final = msgspec.json.Decoder(Delta)


def kept_rows(channel: str, frame: bytes, universe: Universe, recv_ns: Ns) -> list[Row]:
    """The rows of a frame of one of the CHANNELS; of every other channel none."""
    read = CHANNELS.get(channel)
    return [] if read is None else read(bytes(_FRAME.decode(frame).data), universe, recv_ns)


def _bbo(data: bytes, universe: Universe, recv_ns: Ns) -> list[Row]:
    said = _BBO.decode(data)
    of = universe.instrument(said.coin)

    def side(level: _Level | None) -> tuple[int | None, int | None, int | None]:
        if level is None:
            return None, None, None
        return px_from_wire(level.px, of), sz_from_wire(level.sz, of), level.n

    best = (*side(said.bbo[0]), *side(said.bbo[1]))
    return [BboRow(said.coin, ns_from_ms(said.time), recv_ns, of.px_decimals, of.sz_decimals, *best)]


def _candle(data: bytes, universe: Universe, recv_ns: Ns) -> list[Row]:
    return [candle_row(data, universe.instrument, recv_ns)]


def _events(data: bytes, _: Universe, recv_ns: Ns) -> list[Row]:
    said = _EVENTS.decode(data).liquidation
    if said is None:
        return []
    row = LiquidationRow(
        coin=None,
        exch_ns=None,
        recv_ns=recv_ns,
        liquidated_user=said.liquidated_user,
        liquidator=said.liquidator,
        method=None,
        lid=said.lid,
        notional_usd=usd_near(said.liquidated_ntl_pos),
        account_value_usd=usd_near(said.liquidated_account_value),
    )
    return [row]


def _fills(data: bytes, universe: Universe, recv_ns: Ns) -> list[Row]:
    rows: list[Row] = []
    for fill in _FILLS.decode(data).fills:
        if fill.liquidation is None:
            continue
        of = universe.instrument(fill.coin)
        row = LiquidationRow(
            coin=fill.coin,
            exch_ns=ns_from_ms(fill.time),
            recv_ns=recv_ns,
            liquidated_user=fill.liquidation.liquidated_user,
            liquidator=None,
            method=fill.liquidation.method,
            px_decimals=of.px_decimals,
            sz_decimals=of.sz_decimals,
            mark_px=px_from_wire(fill.liquidation.mark_px, of),
            side=side_word(side_from_wire(fill.side)),
            px=px_from_wire(fill.px, of),
            sz=sz_from_wire(fill.sz, of),
            tid=fill.tid,
        )
        rows.append(row)
    return rows


def _ledger(data: bytes, _: Universe, recv_ns: Ns) -> list[Row]:
    said = _LEDGER.decode(data)
    rows: list[Row] = []
    for entry in said.non_funding_ledger_updates:
        delta, detail = _DELTA.decode(entry.delta), bytes(entry.delta).decode()
        usd = _cash_usd(delta, said.user)
        rows.append(LedgerRow(ns_from_ms(entry.time), recv_ns, said.user, delta.type, usd, entry.hash, detail))
    return rows


def _cash_usd(delta: Delta, user: str) -> int | None:
    """As the feed reads it; None for a kind that it does not know, which it has said by itself."""
    try:
        return cash_usd(delta, user)
    except DataError:
        return None


CHANNELS: Final[dict[str, Callable[[bytes, Universe, Ns], list[Any]]]] = {
    Channel.BBO: _bbo,
    CANDLE: _candle,
    EVENTS: _events,
    FILLS: _fills,
    LEDGER: _ledger,
}
"""What the warehouse keeps beyond the messages, by the channel that the feed heard."""
