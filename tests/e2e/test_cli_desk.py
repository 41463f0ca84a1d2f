"""A desk in the background by the command line alone: up, looked at, killed, resumed, down, and nothing left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.runs import is_alive
from orchestrator.raylink import free_port
from tests.house.sources import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


class Hats:
    """The `hats` command with a home folder and ports of its own."""

    def __init__(self, home: Path) -> None:
        port = free_port()
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("HATS_")} | {
            "HATS_HOME": str(home),
            "HATS_LOCAL_VENUE__PORT": str(port),
            "HATS_VENUE__BASE_URL": f"http://127.0.0.1:{port}",
            "HATS_RAY__DASHBOARD": "false",
            "HATS_METRICS__ENABLED": "false",
        }

    def __call__(self, *args: str, code: int = 0) -> Any:
        """The one JSON object on stdout; on stderr if another code than 0 is expected and stdout is empty."""
        command = [sys.executable, "-m", "orchestrator.cli", *args, "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environ, capture_output=True, text=True, check=False, timeout=400
        )
        assert done.returncode == code, (args, done.stdout, done.stderr)
        return json.loads(done.stdout or done.stderr)


@pytest.fixture
def hats(tmp_path: Path) -> Iterator[Hats]:
    """The command; whatever still runs afterwards is ended."""
    command = Hats(tmp_path)
    yield command
    if (tmp_path / "current.json").exists():
        command("down")


def test_a_desk_from_up_to_down(hats: Hats) -> None:
    """Each command sees and does what it says, and `down` leaves a judged run and no process."""
    up = hats("up")
    assert up["dashboard"] is None
    assert is_alive(up["launcher_pid"])
    assert "already" in hats("up", code=1)["message"]

    status = hats("status")
    assert len(status["hats"]) == 9
    assert {hat["state"] for hat in status["hats"]} <= {"ready", "armed"}
    assert len(hats("scorecard")["scorecards"]) == 9

    killed = hats("kill", "--flatten", "--reason", "a test of the switch")
    assert killed["has_effect"]
    assert (killed["trading_state"], killed["open_orders"], killed["positions"]) == ("halted", 0, [])
    resumed = hats("resume", "--reason", "the test goes on")
    assert (resumed["trading_state"], resumed["is_armed"]) == ("active", True)
    assert resumed["seq"] > killed["seq"]

    down = hats("down")
    assert (down["left_running"], down["judged"], down["run_dir"]) == ([], True, up["run_dir"])
    assert not is_alive(up["launcher_pid"])
    run = ["--run", up["run_dir"]]
    assert hats("audit", "verify", *run)["intact"]
    assert hats("positions", *run) == {"positions": []}
    assert len(hats("scorecard", *run)["scorecards"]) == 9
    assert hats("status", code=4)["code"] == "not_running"


def test_a_dead_launcher_is_cleared_away(hats: Hats) -> None:
    """After a `kill -9` of the launcher, `hats down` drains the desk and ends every process that was left."""
    up = hats("up")
    os.kill(up["launcher_pid"], 9)
    down = hats("down")
    assert down["left_running"] == []
    assert hats("audit", "verify", "--run", up["run_dir"])["intact"]
    assert hats("status", code=4)["code"] == "not_running"
