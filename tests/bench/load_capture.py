"""Load on the capture: is everything that an exchange sent in the log or in a declared gap, how late, how big?

Three processes: the exchange (`tests.bench.load_venue`, real orders and books of 100 coins), `hats capture` as anybody
would run it, and this judge, who holds the checksums of both sides against each other. Meanwhile the exchange cuts the
connection now and then. `--burst` asks the other question, see `tests.bench.burst`. Exit code 1 if a figure is missed.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from shared.warehouse.capture.reader import read, segments, verify_log
from tests.bench import burst
from tests.bench.memory import slope
from tests.bench.processes import resident_mb, running
from tests.bench.sent_audit import as_row, audit, heard_of

LAG_P99_MS_MAX: Final = 50.0
SHORTFALL_MAX: Final = 0.02
"""The exchange must really have sent what was asked for, but for so much."""
GROWTH_MB_MAX: Final = 8.0
"""What the capture's process may grow by from a third of the time on, measured by its slope."""
SETTLE_S: Final = 2.0
STARTUP_S_MAX: Final = 60.0
STARTED_FRAMES: Final = 2_000
"""More than confirmations and first pictures are: the stream runs."""


def asked(url: str, body: dict[str, Any] | None = None) -> Any:
    """What the control port answers."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=60) as reply:
        return json.load(reply)


def frames_sent(control: str) -> int:
    """How many frames the exchange has sent so far."""
    return sum(line["frames"] for line in asked(f"{control}/sent"))


def subscribed(control: str, capture: subprocess.Popen[str]) -> int:
    """Wait until the capture gets what it asked for; how many frames it was sent by then."""
    until = time.monotonic() + STARTUP_S_MAX
    while (sent := frames_sent(control)) < STARTED_FRAMES:
        assert capture.poll() is None, f"the capture ended by itself with {capture.returncode}"
        assert time.monotonic() < until, f"only {sent} frames were sent within {STARTUP_S_MAX} s"
        time.sleep(0.2)
    return sent


def checksums_of(control: str) -> dict[int, array[int]]:
    """Of every connection, what was sent on it."""
    sent: dict[int, array[int]] = {}
    for line in asked(f"{control}/sent"):
        sums = array("I", base64.b64decode(asked(f"{control}/sent/{line['connection']}")["checksums"]))
        if sys.byteorder == "big":
            sums.byteswap()
        sent[line["connection"]] = sums
    return sent


def watched(capture: subprocess.Popen[str], seconds: float) -> list[tuple[float, float]]:
    """Memory of the capture each second, (s, MB); it must not end meanwhile."""
    began, seen = time.monotonic(), []
    while (passed := time.monotonic() - began) < seconds:
        assert capture.poll() is None, f"the capture ended by itself with {capture.returncode}"
        seen.append((passed, resident_mb(capture.pid)))
        time.sleep(min(1.0, seconds - passed))
    return seen


def loaded(folder: Path, seconds: float, rate: float, coins: int, cuts: int) -> dict[str, Any]:
    """One run and its figures."""
    with running("tests.bench.load_venue", "--coins", str(coins), "--rate", str(rate)) as venue:
        assert venue.stdout is not None
        ports = json.loads(venue.stdout.readline())
        url, control = (f"http://127.0.0.1:{ports[name]}" for name in ("port", "control_port"))
        log = ("--url", url, "--channels", "none", "--dir", str(folder), "--json")
        with running("orchestrator.cli", "capture", *log) as capture:
            before = subscribed(control, capture)
            if cuts:
                asked(
                    f"{control}/faults",
                    {"kind": "cut_sockets", "every_ms": int(seconds * 1e3 / (cuts + 1)), "most": cuts},
                )
            memory = watched(capture, seconds)
            rate_seen = (frames_sent(control) - before) / seconds
            venue.send_signal(signal.SIGUSR1)  # the market pauses, so that what was sent has arrived when we stop
            time.sleep(SETTLE_S)
            capture.send_signal(signal.SIGINT)
            said, _ = capture.communicate(timeout=60)
        sent = checksums_of(control)
    report = verify_log(folder)
    verdict = audit(sent, heard_of(record for path in segments(folder) for record in read(path)))
    late = [point for point in memory if point[0] > seconds / 3]
    return {
        "seconds": seconds,
        "frames_s": round(rate_seen),
        **as_row(verdict),
        "is_log_whole": report.is_whole,
        "is_log_complete": report.is_complete,
        "rss_mb_last": round(memory[-1][1], 1),
        "rss_growth_mb": round(slope(late) * seconds * 2 / 3, 2),
        "capture": json.loads(said),
    }


def missed(figures: dict[str, Any], rate: float) -> list[str]:
    """What is not as promised, in words."""
    wanted, lag = rate * (1 - SHORTFALL_MAX), figures["capture"]["lag"]["p99_ms"]
    checks = {
        f"{figures['frames_s']} frames/s were sent, wanted {wanted:.0f}": figures["frames_s"] >= wanted,
        f"{figures['undeclared']} frames lie nowhere": figures["is_proven"],
        "the log is not whole and complete": figures["is_log_whole"] and figures["is_log_complete"],
        f"receive-to-log p99 is {lag} ms, the limit {LAG_P99_MS_MAX}": lag is not None and lag < LAG_P99_MS_MAX,
        f"memory grew by {figures['rss_growth_mb']} MB": figures["rss_growth_mb"] <= GROWTH_MB_MAX,
    }
    return [words for words, is_kept in checks.items() if not is_kept]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures as JSON; exit code 1 with what was missed on stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2_000, help="frames a second")
    parser.add_argument("--coins", type=int, default=100)
    parser.add_argument("--cuts", type=int, default=3, help="how often the exchange cuts the connection")
    parser.add_argument("--burst", action="store_true", help="10,000 frames a second for 10 s, through feed and hub")
    parser.add_argument("--dir", type=Path, default=None, help="folder on the disk to measure; else a temporary one")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="load-capture-", dir=options.dir))
    try:
        if options.burst:
            figures = burst.burst(folder, coins=options.coins)
            problems = burst.missed(figures)
        else:
            figures = loaded(folder, options.minutes * 60, options.rate, options.coins, options.cuts)
            problems = missed(figures, options.rate)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(figures, indent=2))
    if problems:
        sys.exit("missed: " + "; ".join(problems))


if __name__ == "__main__":
    main()
