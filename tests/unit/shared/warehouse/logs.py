"""Capture logs as a feed writes them: market data, our own orders and fills, what can't be read, and cuts."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from hats.exchange_architect.archive import ArchiveReader
from shared.instrument import Instrument
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.records import (
    AnyRecord,
    ClockOffset,
    Direction,
    Frame,
    Gap,
    Reason,
    SocketClosed,
    SocketOpened,
    Subscribed,
)
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.compact import Compacted, compact
from shared.warehouse.store import Store

RUN = 0xBEEF
START_NS = 1_790_000_000 * 10**9
LISTED = (Instrument("BTC", 0, 5, 40), Instrument("ETH", 1, 4, 25))
SETTINGS = CaptureSettings(group_bytes=4_000, segment_bytes=12_000, reserve_bytes=64 << 10, resume_bytes=64 << 10)
"""Segments of some hundred frames."""


def _levels(best: int, step: int, chance: Random) -> list[dict[str, Any]]:
    return [
        {"px": str(best + step * level), "sz": f"{chance.randint(1, 99_999) / 10_000:.4f}", "n": level + 1}
        for level in range(5)
    ]


def said(number: int, chance: Random) -> bytes:
    """One frame of the venue; every kind comes in turn."""
    coin, ms = ("BTC", "ETH")[number % 2], (START_NS // 10**6) + number * 50
    mid = 60_000 + chance.randint(-50, 50)
    trade = {"coin": coin, "side": "AB"[number % 2], "px": str(mid), "sz": "0.25", "time": ms, "hash": "0x0"}
    order = {"coin": coin, "side": "B", "limitPx": str(mid), "sz": "0.1", "oid": number, "timestamp": ms}
    fill = trade | {
        "startPosition": "-1.5",
        "closedPnl": "0.125",
        "oid": number,
        "crossed": True,
        "fee": "0.01",
        "tid": number,
    }
    context = {"markPx": str(mid), "oraclePx": str(mid), "openInterest": "12.5", "funding": "0.0000125"}
    match number % 12:
        case 0 | 1 | 2 | 3 | 4:
            levels = [_levels(mid, -1, chance), _levels(mid + 1, 1, chance)]
            frame: Any = {"channel": "l2Book", "data": {"coin": coin, "time": ms, "levels": levels}}
        case 5 | 6:
            trades = [trade | {"tid": 10 * number + place} for place in range(3)]
            frame = {"channel": "trades", "data": trades}
        case 7:
            frame = {"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": context}}
        case 8:
            status = {"order": order | {"origSz": "0.2"}, "status": "open", "statusTimestamp": ms}
            frame = {"channel": "orderUpdates", "data": [status]}
        case 9:
            frame = {"channel": "userFills", "data": {"user": "0x0", "fills": [fill]}}
        case 10:
            payment = {"time": ms, "coin": coin, "usdc": "-0.5", "szi": "2.5", "fundingRate": "0.0000125"}
            frame = {"channel": "userFundings", "data": {"user": "0x0", "fundings": [payment]}}
        case _:
            return (b'{"channel":"pong"}', b"\x00not a frame", b'{"channel":"l2Book","data":1}')[number // 12 % 3]
    return json.dumps(frame).encode()


def story(frames: int, seed: int = 3) -> list[AnyRecord]:
    """Two connections of one socket, cut between, with a declared hole in the second."""
    chance, half = Random(seed), frames // 2
    told: list[AnyRecord] = []
    for epoch, count in ((1, half), (2, frames - half)):
        start = START_NS + epoch * 10**12
        told.append(SocketOpened(1, epoch, start, "wss://venue/ws"))
        told.append(Frame(1, epoch, 1, start, 1, b'{"method":"subscribe"}', Direction.OUT))
        told.append(Subscribed(1, epoch, start, ("l2Book:BTC", "trades:BTC")))
        for seq in range(2, count + 2):
            now = start + seq * 50 * 10**6
            if epoch == 2 and 5 <= seq <= 8:
                if seq == 8:
                    told.append(Gap(1, epoch, Reason.OVERFLOW, now - 10**8, now, 5, 8))
                continue
            told.append(Frame(1, epoch, seq, now, now - START_NS, said(seq, chance)))
        told.append(ClockOffset(start + 1, -5_000, 90_000))
        told.append(SocketClosed(1, epoch, start + count * 50 * 10**6, count + 1, "reset", 1006))
        told.append(Gap(1, epoch, Reason.DISCONNECTED, start + count * 50 * 10**6, start + 10**12))
    return told


def write_log(directory: Path, records: list[AnyRecord], settings: CaptureSettings = SETTINGS) -> Path:
    """A sealed log of these records."""
    log = CaptureLog(directory, RUN, START_NS, settings)
    for number, record in enumerate(records):
        log.append(record)
        if number % 16 == 0:
            log.commit(START_NS + number)
    log.close(START_NS + len(records))
    return directory


def compacted(log: Path, root: Path) -> Compacted:
    """The log in a warehouse of its own."""
    return compact(log, Store(root), ArchiveReader(), "code", LISTED)
