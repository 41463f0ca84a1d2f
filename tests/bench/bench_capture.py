"""How fast frames reach the disk through the capture log, beside the bare `write` + `fdatasync` of as many bytes.

Both take turns on the same disk: the log with so many frames before each commit, the bare loop with the same raw frames
joined, and again with as many bytes as the log really stored. Then the time from `put` to
durable at a steady rate through the queue and its thread.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from shared.clock import WallClock
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import verify_log
from shared.warehouse.capture.records import Frame, SocketClosed
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.capture.writer import CaptureWriter
from tests.bench.bench_decode import frames, percentiles


class Bare:
    """The least that durable takes: `write` and `fdatasync` on a file of its own, with the time that it took."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.spent_s = 0.0

    def put(self, chunk: bytes) -> None:
        """Bring the bytes to the disk."""
        began = time.perf_counter()
        os.write(self._file, chunk)
        os.fdatasync(self._file)
        self.spent_s += time.perf_counter() - began

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


def throughput(folder: Path, sample: list[bytes], batch: int) -> dict[str, Any]:
    """Frames and megabytes a second of the log and of both bare files, taking turns batch by batch on one disk."""
    log = CaptureLog(folder / "log", 1, 1, CaptureSettings(segment_bytes=1 << 30, group_bytes=16 << 20))
    raw, same = Bare(folder / "raw"), Bare(folder / "same")
    seq, spent, stored = 0, 0.0, 0
    for start in range(0, len(sample), batch):
        part = sample[start : start + batch]
        before, began = log.stored_bytes, time.perf_counter()
        for data in part:
            seq += 1
            log.append(Frame(1, 1, seq, seq, seq, data))
        log.commit(1)
        spent += time.perf_counter() - began
        stored += log.stored_bytes - before
        raw.put(b"".join(part))
        same.put(os.urandom(log.stored_bytes - before))
    log.append(SocketClosed(1, 1, 1, seq))
    for thing in (raw, same):
        thing.close()
    log.close(1)
    assert verify_log(folder / "log").is_complete
    size = sum(map(len, sample))
    return {
        "frames_per_commit": batch,
        "log_frames_s": round(seq / spent),
        "bare_frames_s": round(seq / raw.spent_s),
        "bare_same_bytes_frames_s": round(seq / same.spent_s),
        "log_raw_mb_s": round(size / spent / 1e6, 1),
        "bare_raw_mb_s": round(size / raw.spent_s / 1e6, 1),
        "stored_share": round(stored / size, 3),
        "log_to_bare": round(raw.spent_s / spent, 2),
    }


def latency(folder: Path, sample: list[bytes], rate: int, seconds: float) -> dict[str, Any]:
    """p50 and p99 of the time from `put` to durable, at `rate` frames a second."""
    clock = WallClock()
    put_ns: list[int] = []
    spent_us: list[float] = []

    def durable(ticket: int) -> None:
        now = time.monotonic_ns()
        spent_us.extend((now - at) / 1e3 for at in put_ns[len(spent_us) : ticket])

    writer = CaptureWriter(CaptureLog(folder, 1, clock.now()), clock, on_durable=durable)
    began = time.monotonic_ns()
    for number in range(int(rate * seconds)):
        wait_s = (began + number * 1_000_000_000 // rate - time.monotonic_ns()) / 1e9
        if wait_s > 0:
            time.sleep(wait_s)
        at = time.monotonic_ns()
        put_ns.append(at)
        writer.put(Frame(1, 1, number + 1, clock.now(), at, sample[number % len(sample)]))
    writer.put(SocketClosed(1, 1, clock.now(), len(put_ns)))
    writer.close()
    report = verify_log(folder)
    assert report.is_whole
    assert report.is_complete
    return {
        "frames_s": rate,
        "seconds": seconds,
        "durable": len(spent_us),
        "dropped": writer.stats.dropped,
        "commits": writer.stats.commits,
        **{key.replace("_us", "_ms"): round(value / 1e3, 2) for key, value in percentiles(spent_us).items()},
        "max_ms": round(max(spent_us) / 1e3, 2),
    }


def main() -> None:
    """Print both as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument(
        "--dir", type=Path, default=None, help="A folder on the disk to measure; a temporary one if unset."
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="capture-bench-", dir=options.dir))
    try:
        sample = frames(options.frames, 7)
        figures = {
            "throughput": [throughput(folder / str(batch), sample, batch) for batch in _made(folder, (20, 200))],
            "put_to_durable": latency(folder / "latency", sample, options.rate, options.seconds),
        }
        print(json.dumps(figures, indent=2))
    finally:
        shutil.rmtree(folder)


def _made(folder: Path, batches: tuple[int, ...]) -> tuple[int, ...]:
    for batch in batches:
        (folder / str(batch)).mkdir()
    return batches


if __name__ == "__main__":
    main()
