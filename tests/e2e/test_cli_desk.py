"""A desk in the background by the command line alone: up, looked at, killed, resumed, down, and nothing left."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.machine.processes import is_running
from tests.e2e.desk_commands import Hats
from tests.security.plaintext import words_in

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def hats(tmp_path: Path) -> Iterator[Hats]:
    """The command, which seals what has ended; whatever still runs afterwards is ended."""
    command = Hats(tmp_path, {"HATS_AT_REST__MODE": "sealed"})
    yield command
    if (tmp_path / "current.json").exists():
        command("down")


def test_a_desk_from_up_to_down(hats: Hats, tmp_path: Path) -> None:
    """Each command sees and does what it says, and `down` leaves a judged run and no process."""
    up = hats("up")
    assert up["dashboard"] is None
    assert is_running(up["launcher_pid"])
    refused = hats("up", code=9)
    assert refused["code"] == "occupied"
    assert "already" in refused["message"]

    record = json.loads((Path(up["run_dir"]) / "run.json").read_bytes())
    account = record["settings"]["hats"]["exchange_architect"]["user_address"]
    status = hats("status")
    assert len(status["hats"]) == 9
    assert {hat["state"] for hat in status["hats"]} <= {"ready", "armed"}
    assert len(hats("scorecard")["scorecards"]) == 9
    assert hats("watchdog", "status")["phase"] == "watching"

    patience = ["--patience", "0", "--within", "30", "--wait", "60"]
    bought = hats("execute", "buy", "0.001", "BTC", "--limit", "1000000", *patience)
    assert (bought["state"], bought["filled"], bought["strategy"]) == ("filled", 0.001, "operator")
    assert bought["executed_bps"] is not None
    assert hats("withdraw", "0x" + "00" * 16, code=4)["code"] == "not_running"

    killed = hats("kill", "--flatten", "--reason", "a test of the switch")
    assert killed["has_effect"]
    assert (killed["trading_state"], killed["open_orders"], killed["positions"]) == ("halted", 0, [])
    resumed = hats("resume", "--reason", "the test goes on")
    assert (resumed["trading_state"], resumed["is_armed"]) == ("active", True)
    assert resumed["seq"] > killed["seq"]

    down = hats("down")
    assert (down["left_running"], down["judged"], down["run_dir"]) == ([], True, up["run_dir"])
    assert not is_running(up["launcher_pid"])
    assert down["is_sealed"]
    words = ("BTC", "ETH", account[2:])
    assert words_in(tmp_path, words) == []
    name = Path(up["run_dir"]).name
    run = ["--run", name]
    assert f"hats runs unseal {name}" in hats("positions", *run, code=4)["message"]
    assert hats("runs", "unseal", name)["dir"] == up["run_dir"]
    assert words_in(tmp_path, words)
    assert hats("audit", "verify", *run)["intact"]
    exported = Path(up["run_dir"]) / "access.jsonl"
    hats("audit", "export", str(exported), "--event", "access", *run)
    told = [json.loads(line)["body"] for line in exported.read_text().splitlines()]
    assert {"status", "scorecards", "say KillOrdered", "say ResumeOrdered", "say ParentOrder"} <= {
        x["what"] for x in told
    }
    assert {x["uid"] for x in told} == {os.getuid()}
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
