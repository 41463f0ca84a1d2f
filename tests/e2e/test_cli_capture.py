"""`hats capture` as a process: it captures alone, ends sealed, and `verify` finds what is wrong with a log."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.history.warehouse import listed_in
from shared.warehouse.capture.reader import segments
from tests.contract.serving import venue_process
from tests.house.sources import ROOT

pytestmark = pytest.mark.slow
HATS = (sys.executable, "-m", "orchestrator.cli")
NOWHERE = "http://127.0.0.1:9"


def done(*args: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the one JSON object of a command."""
    ended = subprocess.run([*HATS, *args, "--json"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return ended.returncode, json.loads(ended.stdout or ended.stderr)


def test_it_captures_alone_and_ends_sealed(tmp_path: Path) -> None:
    """Every listed coin; an interrupt ends it with 0; the log is whole and complete, and a flipped bit is found."""
    log = tmp_path / "log"
    with venue_process("--l2-interval-ms", "100", "--no-spot") as facts:
        command = [*HATS, "capture", "--url", facts["url"], "--dir", str(log), "--json"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            while not any(path.stat().st_size > 20_000 for path in (segments(log) if log.exists() else [])):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=30)
            assert process.returncode == 0
    last = json.loads(out)
    assert (last["state"], last["lost"], last["coins"]) == ("on", 0, len(facts["coins"]))
    assert last["lag"]["p99_ms"] > 0
    assert last["is_listed"]
    assert {one.coin for one in listed_in(log)} >= set(facts["coins"])
    code, report = done("capture", "verify", str(log))
    assert code == 0
    assert (report["captured"], report["undeclared"], report["faults"]) == (last["frames"], 0, [])
    (path,) = segments(log)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    code, report = done("capture", "verify", str(log))
    assert code == 6
    assert not report["is_whole"]
    assert report["faults"]


def test_a_venue_that_is_not_there(tmp_path: Path) -> None:
    """Nobody to ask for the coins, or nobody to connect to: 8, and the log is sealed all the same."""
    assert done("capture", "--url", NOWHERE, "--dir", str(tmp_path / "a"))[0] == 8
    code, last = done("capture", "--url", NOWHERE, "--coins", "BTC", "--seconds", "0.5", "--dir", str(tmp_path / "b"))
    assert (code, last["connections"]) == (8, 0)
    assert done("capture", "verify", str(tmp_path / "b"))[0] == 0


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """A log that another process writes can't be had: 1, and the reason is told."""
    log = tmp_path / "log"
    with venue_process("--no-spot") as facts:
        command = [*HATS, "capture", "--url", facts["url"], "--dir", str(log), "--json"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            while not (log / "reserve").exists():
                assert process.poll() is None
            code, last = done("capture", "--url", facts["url"], "--dir", str(log), "--seconds", "0.5")
            process.terminate()
            assert process.wait(30) == 0
    assert (code, last["state"]) == (1, "dead")
    assert "another writer" in last["reason"]


def test_nothing_to_verify(tmp_path: Path) -> None:
    """No such folder, or no log in it: 4."""
    assert done("capture", "verify", str(tmp_path / "none"))[0] == 4
    assert done("capture", "verify", str(tmp_path))[0] == 4
