"""Rows of the warehouse as the frames that they were read from: other bytes, the same words for whoever reads them.

A level's text may have lost its idle zeros, and fields that no table keeps (hashes, users) are gone. What could not be
read is in `bad_frames` as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.units import MS, USD_DECIMALS, str_from_scaled

RATE_DECIMALS: Final = 10
PONG: Final = b'{"channel":"pong"}'
TABLES: Final = ("books", "trades", "bbo", "asset_contexts")
"""The tables whose rows are made frames again."""
Columns = Mapping[str, Any]
"""A row: its values by column."""
_ENCODE: Final = msgspec.json.Encoder().encode
_SIDES: Final = {"buy": "B", "sell": "A"}


def frame_of(table: str, rows: Sequence[Columns]) -> bytes:
    """The frame that these rows of one of the TABLES came from, in the order of their entries."""
    match table:
        case "books":
            return _frame("l2Book", _book(rows[0]))
        case "trades":
            return _frame("trades", [_trade(row) for row in rows])
        case "bbo":
            return _frame("bbo", _bbo(rows[0]))
        case "asset_contexts":
            return _frame("activeAssetCtx", _context(rows[0]))
    raise AssertionError(f"no frame is made of {table}")


def acknowledgement(key: str) -> bytes:
    """The venue's word that a subscription of this key stands."""
    channel, _, coin = key.partition(":")
    topic = {"type": channel, "coin": coin} if coin else {"type": channel}
    return _frame("subscriptionResponse", {"method": "subscribe", "subscription": topic})


def _frame(channel: str, data: Any) -> bytes:
    return _ENCODE({"channel": channel, "data": data})


def _book(row: Columns) -> dict[str, Any]:
    columns = ([row[f"{side}_{what}"] for what in ("px", "sz", "n")] for side in ("bid", "ask"))
    levels = [[_level(row, *level) for level in zip(*side, strict=True)] for side in columns]
    return {"coin": row["coin"], "time": row["exch_ns"] // MS, "levels": levels}


def _bbo(row: Columns) -> dict[str, Any]:
    sides = [
        None if row[f"{side}_px"] is None else _level(row, row[f"{side}_px"], row[f"{side}_sz"], row[f"{side}_n"])
        for side in ("bid", "ask")
    ]
    return {"coin": row["coin"], "time": row["exch_ns"] // MS, "bbo": sides}


def _level(row: Columns, px: int, sz: int, n: int) -> dict[str, Any]:
    return {"px": str_from_scaled(px, row["px_decimals"]), "sz": str_from_scaled(sz, row["sz_decimals"]), "n": n}


def _trade(row: Columns) -> dict[str, Any]:
    return {
        "coin": row["coin"],
        "side": _SIDES[row["side"]],
        "px": str_from_scaled(row["px"], row["px_decimals"]),
        "sz": str_from_scaled(row["sz"], row["sz_decimals"]),
        "time": row["exch_ns"] // MS,
        "tid": row["tid"],
    }


def _context(row: Columns) -> dict[str, Any]:
    texts = {
        "markPx": (row["mark_px"], row["px_decimals"]),
        "oraclePx": (row["oracle_px"], row["px_decimals"]),
        "openInterest": (row["open_interest"], row["sz_decimals"]),
        "funding": (row["funding_rate_e10"], RATE_DECIMALS),
        "premium": (row["premium_e10"], RATE_DECIMALS),
        "midPx": (row["mid_px"], row["px_decimals"]),
        "prevDayPx": (row["prev_day_px"], row["px_decimals"]),
        "dayNtlVlm": (row["day_usd"], USD_DECIMALS),
    }
    said = {name: str_from_scaled(value, decimals) for name, (value, decimals) in texts.items() if value is not None}
    return {"coin": row["coin"], "ctx": said}
