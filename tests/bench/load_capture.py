"""Load on the capture: is everything that an exchange sent in the log or in a declared gap, how late, how big?

Three processes: the exchange (`tests.bench.load_venue`, real orders and books of 100 coins), `hats capture` as anybody
would run it, and this judge, who holds the checksums of both sides against each other. Meanwhile the exchange cuts the
connection now and then. `--burst` asks the other question, see `tests.bench.burst`. Exit code 1 if a figure is missed.

Memory is judged from when all that is bounded is full (WARM_UP_FRAMES): seven minutes are enough for a verdict, and a
machine too busy for that is watched longer. The latency is the machine's as well, so its load is among the figures.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
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

import msgspec

from hats.exchange_architect.memory import REMEMBERED
from shared.warehouse.capture.reader import read, segments, verify_log
from tests.bench import burst
from tests.bench.flatness import BIN_S, BINS_MIN, FLAT, flatness
from tests.bench.processes import resident_mb, running
from tests.bench.sent_audit import as_row, audit, heard_of

LAG_P99_MS_MAX: Final = 50.0
SHORTFALL_MAX: Final = 0.02
"""The exchange must really have sent what was asked for, but for so much."""
RISE_MB_MAX: Final = 8.0
GROWTH_MB_PER_HOUR_MAX: Final = 2 * RISE_MB_MAX
"""The same in the thirty minutes that the promise is about."""
WARM_UP_FRAMES: Final = 4 * REMEMBERED
"""Every other frame is a trade. REMEMBERED of them fill the memory against repeats, and its table grows for the last
time when as many more have come; spelled numbers, samples and buffers are full long before."""
LOOK_S: Final = 1.0
PROGRESS_S: Final = 10.0
PATIENCE: Final = 4
"""So many times its length a run may take until memory can be judged."""
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


class Watch:
    """Looks at the capture each second. `warm` are its looks (s, MB) since what is bounded was full."""

    def __init__(self, capture: subprocess.Popen[str], control: str) -> None:
        self.last_mb = 0.0
        self.warm: list[tuple[float, float]] = []
        self._capture = capture
        self._control = control

    def until(self, seconds: float, most_s: float) -> float:
        """Look for so long; the capture must not end meanwhile. Progress goes to stderr. The result is how long it was.

        A machine too busy to have filled all by then is watched on, up to `most_s`, until there is enough to judge.
        """
        began, told_s, is_warm = time.monotonic(), -PROGRESS_S, False
        enough_s = (BINS_MIN + 1) * BIN_S
        while (passed := time.monotonic() - began) < seconds or (passed < most_s and self._warm_s() < enough_s):
            assert self._capture.poll() is None, f"the capture ended by itself with {self._capture.returncode}"
            self.last_mb = resident_mb(self._capture.pid)
            if is_warm:
                self.warm.append((passed, self.last_mb))
            if passed - told_s >= PROGRESS_S:
                told_s, sent = passed, frames_sent(self._control)
                is_warm = sent >= WARM_UP_FRAMES
                state = "" if is_warm else " (filling)"
                self._tell(f"{passed:5.0f} of {seconds:.0f} s  {sent:,} frames sent  {self.last_mb:.1f} MB{state}")
            time.sleep(LOOK_S)
        return passed

    def _warm_s(self) -> float:
        return self.warm[-1][0] - self.warm[0][0] if self.warm else 0.0

    @staticmethod
    def _tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def loaded(
    folder: Path, seconds: float, rate: float, coins: int, cuts: int, *, is_patient: bool = False
) -> dict[str, Any]:
    """One run and its figures; a patient one goes on, where it must, until memory can be judged."""
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
            watch, load_before = Watch(capture, control), os.getloadavg()[0]
            seconds = watch.until(seconds, seconds * (PATIENCE if is_patient else 1))
            rate_seen = (frames_sent(control) - before) / seconds
            venue.send_signal(signal.SIGUSR1)  # the market pauses, so that what was sent has arrived when we stop
            time.sleep(SETTLE_S)
            capture.send_signal(signal.SIGINT)
            said, _ = capture.communicate(timeout=60)
        sent = checksums_of(control)
    report = verify_log(folder)
    verdict = audit(sent, heard_of(record for path in segments(folder) for record in read(path)))
    return {
        "seconds": round(seconds, 1),
        "machine_load": [round(load_before, 1), round(os.getloadavg()[0], 1)],
        "frames_s": round(rate_seen),
        **as_row(verdict),
        "is_log_whole": report.is_whole,
        "is_log_complete": report.is_complete,
        "rss_mb_last": round(watch.last_mb, 1),
        "memory": msgspec.structs.asdict(flatness(watch.warm, GROWTH_MB_PER_HOUR_MAX, RISE_MB_MAX)),
        "capture": json.loads(said),
    }


def missed(figures: dict[str, Any], rate: float) -> list[str]:
    """What is not as promised, in words."""
    wanted, lag = rate * (1 - SHORTFALL_MAX), figures["capture"]["lag"]["p99_ms"]
    memory = figures["memory"]
    checks = {
        f"{figures['frames_s']} frames/s were sent, wanted {wanted:.0f}": figures["frames_s"] >= wanted,
        f"{figures['undeclared']} frames lie nowhere": figures["is_proven"],
        "the log is not whole and complete": figures["is_log_whole"] and figures["is_log_complete"],
        f"receive-to-log p99 is {lag} ms, the limit {LAG_P99_MS_MAX}": lag is not None and lag < LAG_P99_MS_MAX,
        f"memory {memory['verdict']}: {memory['mb_per_hour']} MB an hour (at most {GROWTH_MB_PER_HOUR_MAX}), a rise of "
        f"{memory['rise_mb']} MB (at most {RISE_MB_MAX}) in {memory['watched_s']:.0f} s": memory["verdict"] == FLAT,
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
            figures = loaded(folder, options.minutes * 60, options.rate, options.coins, options.cuts, is_patient=True)
            problems = missed(figures, options.rate)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(figures, indent=2))
    if problems:
        sys.exit("missed: " + "; ".join(problems))


if __name__ == "__main__":
    main()
