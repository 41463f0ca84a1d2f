"""How fast a capture log becomes tables, beside `pyarrow.parquet.write_table` of the same rows.

The peer is given the rows as one finished Arrow table a file, in memory, and writes each with the same settings, then
syncs it: the least that any writer of these rows takes. Both take turns. Between them lie reading and checking the log,
decoding every frame, keeping rows by coin, and hashing rows and files. `compaction_to_feed` must be above 1, or a feed
of 2,000 frames/s outruns its tables for ever; no size of these books repeats, so every number is read anew.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq

from hats.exchange_architect.archive import ArchiveReader
from shared.instrument import Instrument
from shared.units import Ns
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import read, segments
from shared.warehouse.capture.records import Frame, SocketClosed, SocketOpened
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.compact import compact
from shared.warehouse.parts import parquet_options
from shared.warehouse.store import Store

START_NS = 1_790_000_000 * 10**9
S = 10**9
FEED_FRAMES_S = 2_000
"""What the capture must bear; compaction that is slower falls behind for ever."""


def spelled(said: dict[str, Any]) -> bytes:
    """JSON as the venue writes it."""
    return json.dumps(said, separators=(",", ":")).encode()


def frame(coin: str, number: int, chance: Random) -> bytes:
    """A book of 20 x 20 levels, or every third time two trades."""
    ms = START_NS // 10**6 + number
    mid = 60_000 + chance.randint(-40, 40)
    if number % 3 == 2:
        trades = [
            {
                "coin": coin,
                "side": "B",
                "px": str(mid),
                "sz": "0.25",
                "time": ms,
                "hash": "0x0",
                "tid": 2 * number + one,
            }
            for one in range(2)
        ]
        return spelled({"channel": "trades", "data": trades})
    sides = [
        [
            {"px": str(mid + sign * (n + 1)), "sz": f"{chance.randint(1, 99_999) / 10_000:.4f}", "n": n + 1}
            for n in range(20)
        ]
        for sign in (-1, 1)
    ]
    return spelled({"channel": "l2Book", "data": {"coin": coin, "time": ms, "levels": sides}})


def write_log(folder: Path, frames: int, coins: int) -> tuple[Instrument, ...]:
    """A sealed log of so many frames."""
    chance = Random(1)
    listed = tuple(Instrument(f"C{number}", number, 4, 10) for number in range(coins))
    log = CaptureLog(folder, 1, START_NS, CaptureSettings())
    log.append(SocketOpened(1, 1, START_NS))
    for number in range(frames):
        now = START_NS + number * S // FEED_FRAMES_S
        log.append(Frame(1, 1, number + 1, now, now, frame(listed[number % coins].coin, number, chance)))
        if number % 40 == 0:
            log.commit(now)
    log.append(SocketClosed(1, 1, START_NS + frames * S // FEED_FRAMES_S, frames))
    log.close(START_NS)
    return listed


def decoded(log: Path, listed: tuple[Instrument, ...]) -> float:
    """Seconds that reading the frames takes, without log and tables."""
    frames = [item for path in segments(log) for item in read(path) if isinstance(item, Frame)]
    reader = ArchiveReader()
    reader.learn(listed)
    began = time.perf_counter()
    for one in frames:
        reader.read(one.data, Ns(one.recv_ns))
    return time.perf_counter() - began


def bare(tables: list[Any], folder: Path) -> float:
    """Seconds to write each table to a file and sync it."""
    began = time.perf_counter()
    for number, table in enumerate(tables):
        path = folder / f"{number}.parquet"
        pq.write_table(table, path, **parquet_options(table.schema))
        with path.open("rb") as file:
            os.fsync(file.fileno())
    return time.perf_counter() - began


def main(frames: int, coins: int, rounds: int) -> dict[str, Any]:
    """Figures of the best round of each."""
    folder = Path(tempfile.mkdtemp(prefix="bench-compaction-"))
    try:
        listed = write_log(folder / "log", frames, coins)
        ours, theirs, cpu, rows, stored = [], [], [], 0, 0
        decoding_s = decoded(folder / "log", listed)
        for number in range(rounds):
            store = Store(folder / f"store-{number}")
            began, began_cpu = time.perf_counter(), time.process_time()
            made = compact(folder / "log", store, ArchiveReader(), "bench", listed)
            ours.append(time.perf_counter() - began)
            cpu.append(time.process_time() - began_cpu)
            parts = [part for batch in made.published for part in batch.parts]
            rows, stored = sum(part.rows for part in parts), sum(part.bytes for part in parts)
            tables = [pq.read_table(store.root / part.path) for part in parts]
            (folder / f"bare-{number}").mkdir()
            theirs.append(bare(tables, folder / f"bare-{number}"))
        size = sum(path.stat().st_size for path in (folder / "log").glob("*.hlog"))
        return {
            "frames": frames,
            "coins": coins,
            "rows": rows,
            "log_mb": round(size / 1e6, 1),
            "tables_mb": round(stored / 1e6, 1),
            "compaction_frames_s": round(frames / min(ours)),
            "compaction_frames_per_cpu_s": round(frames / min(cpu)),
            "compaction_to_feed": round(frames / min(ours) / FEED_FRAMES_S, 2),
            "compaction_rows_s": round(rows / min(ours)),
            "decoding_share": round(decoding_s / min(ours), 2),
            "bare_rows_s": round(rows / min(theirs)),
            "compaction_to_bare": round(min(theirs) / min(ours), 4),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=40_000)
    parser.add_argument("--coins", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(json.dumps(main(asked.frames, asked.coins, asked.rounds), indent=2))
