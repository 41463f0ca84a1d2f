"""Everything but the watchdog and the exchange is killed while a desk trades: nothing stays open, the kill works."""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.runs import is_alive, processes_of
from orchestrator.runfiles import RunFiles
from tests.e2e.desk_commands import Hats

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

CANCELLED_S = 5.0
FLAT_S = 15.0
SILENCE_S = 3.0
NOISE_S = 10.0
"""What a loaded machine may add; the drill measures the limits themselves."""


def _command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


class Wreck:
    """A trading desk of which only the watchdog and the exchange live on."""

    def __init__(self, hats: Hats, up: dict[str, Any]) -> None:
        self.hats = hats
        files = RunFiles(Path(up["run_dir"]))
        commands = {pid: _command_of(pid) for pid in processes_of(files)}
        watchdog = next(command for command in commands.values() if "orchestrator.watchdog" in command)
        self.url = watchdog[watchdog.index("--base-url") + 1]
        self.user = watchdog[watchdog.index("--user") + 1]
        spared = {pid for pid, command in commands.items() if {"orchestrator.watchdog", "venue"} & set(command)}
        self._victims = _descendants({up["launcher_pid"], *commands} - spared, spared)

    def kill(self) -> None:
        """SIGKILL for all of them."""
        for pid in self._victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        until = time.monotonic() + 10
        while any(is_alive(pid) for pid in self._victims):
            assert time.monotonic() < until, "they would not die"
            time.sleep(0.05)

    def ask(self, kind: str) -> Any:
        """The exchange's answer about our account."""
        body = json.dumps({"type": kind, "user": self.user}).encode()
        request = urllib.request.Request(f"{self.url}/info", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read())

    def is_cancelled(self) -> bool:
        """Does nothing rest?"""
        return not self.ask("openOrders")

    def is_flat(self) -> bool:
        """Is nothing held?"""
        return all(float(p["position"]["szi"]) == 0 for p in self.ask("clearinghouseState")["assetPositions"])


def _descendants(roots: set[int], spared: set[int]) -> list[int]:
    """These processes and all below them (Ray's workers are children of its raylet), but not those spared."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = list(roots)
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid and child not in {*found, *spared}]
    return found


@pytest.fixture
def wreck(tmp_path: Path) -> Iterator[Wreck]:
    """Killed while orders rest."""
    hats = Hats(tmp_path)
    up = hats("up")
    made = Wreck(hats, up)
    until = time.monotonic() + 60
    while made.is_cancelled():
        assert time.monotonic() < until, "the desk never had an order"
        time.sleep(0.1)
    yield made
    if (tmp_path / "current.json").exists():
        hats("down", code=None)


def test_silence_leaves_nothing_open(wreck: Wreck) -> None:
    """Cancelled and flat in time, counted from the death of everybody else."""
    wreck.kill()
    began = time.monotonic()
    while not wreck.is_cancelled():
        assert time.monotonic() - began < SILENCE_S + CANCELLED_S + NOISE_S
        time.sleep(0.05)
    while not wreck.is_flat():
        assert time.monotonic() - began < SILENCE_S + FLAT_S + NOISE_S
        time.sleep(0.05)
    # and the operator's switch works with nobody there to hear it but the watchdog
    killed = wreck.hats("kill", "--flatten", "--reason", "all others are dead")
    assert (killed["by"], killed["has_effect"], killed["watchdog"]["phase"]) == ("watchdog", True, "safe")
    assert "no heartbeat" in wreck.hats("watchdog", "status", code=6)["reason"]
