"""How fast frames reach the disk through the capture log, beside the bare `write` + `fdatasync` of as many bytes.

Both are measured in the same run on the same disk: the log with what a group holds before each commit, the bare loop
with the same raw frames joined, and again with the bytes that the log really stored. Then the time from `put` to
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


def bare(path: Path, chunks: list[bytes]) -> float:
    """Seconds to write the chunks to a new file, each brought to the disk before the next."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    began = time.perf_counter()
    for chunk in chunks:
        os.write(file, chunk)
        os.fdatasync(file)
    spent = time.perf_counter() - began
    os.close(file)
    path.unlink()
    return spent


def throughput(folder: Path, sample: list[bytes], batch: int) -> dict[str, Any]:
    """Frames and megabytes a second of the log and of the bare loop, with a commit after every `batch` frames."""
    batches = [sample[start : start + batch] for start in range(0, len(sample), batch)]
    log = CaptureLog(folder / "log", 1, 1, CaptureSettings(segment_bytes=1 << 30, group_bytes=16 << 20))
    stored: list[bytes] = []
    seq, began = 0, time.perf_counter()
    for part in batches:
        before = log.stored_bytes
        for data in part:
            seq += 1
            log.append(Frame(1, 1, seq, seq, seq, data))
        log.commit(1)
        stored.append(os.urandom(log.stored_bytes - before))
    spent = time.perf_counter() - began
    log.append(SocketClosed(1, 1, 1, seq))
    log.close(1)
    assert verify_log(folder / "log").is_complete
    raw = bare(folder / "bare", [b"".join(part) for part in batches])
    same = bare(folder / "same", stored)
    size = sum(map(len, sample))
    return {
        "frames_per_commit": batch,
        "log_frames_s": round(seq / spent),
        "bare_frames_s": round(seq / raw),
        "bare_same_bytes_frames_s": round(seq / same),
        "log_raw_mb_s": round(size / spent / 1e6, 1),
        "bare_raw_mb_s": round(size / raw / 1e6, 1),
        "stored_share": round(sum(map(len, stored)) / size, 3),
        "log_to_bare": round(raw / spent, 2),
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
