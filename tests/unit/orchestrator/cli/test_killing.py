"""A kill finds its desk and tells what it did, whatever of configuration, notes and orchestrator is broken."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.cli import finding
from orchestrator.cli.killing import kill
from orchestrator.cluster import Orchestrator
from orchestrator.gauges import Gauges
from orchestrator.kill_note import KillNotes, leave
from orchestrator.machine.runfiles import RunFiles, RunNote, note_run
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from orchestrator.status import status_of
from shared.errors import NotRunning, Unanswered
from shared.ids import Role
from shared.messages.control import KillLevel, KillOrdered, ResumeOrdered
from shared.messages.risk import TradingState
from shared.metrics import Metrics
from tests.unit.orchestrator.cli.test_control import NOBODY, hub

BROKEN = "[run\nname = 3"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose processes are those of these tests alone, and no variable that names a desk."""
    for name in [name for name in os.environ if name.startswith("HATS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    processes = tmp_path / "proc"
    processes.mkdir()
    monkeypatch.setattr(finding, "PROC", processes)
    return processes


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A configuration that nobody can read."""
    path = tmp_path / "broken.toml"
    path.write_text(BROKEN)
    return path


def desk(machine: Path, home: Path, config: Path | str = "", *, noted: bool = True) -> RunFiles:
    """A run in this home folder of which a process lives, as the kernel shows it; no hub of it answers."""
    files = RunFiles(home / "runs" / "live-1")
    files.create()
    if noted:
        note_run(home, RunNote(1, str(files.dir), "", "hats", NOBODY, NOBODY, str(config)))
    descriptors = machine / str(len(list(machine.iterdir())) + 1) / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "1").symlink_to(files.logs / "watchdog.log")
    return files


def left(files: RunFiles) -> KillLevel | None:
    """What is left in writing for the run's hub."""
    order = KillNotes(files).take()
    return None if order is None else order.level


def test_a_broken_configuration_stops_no_kill(
    machine: Path, tmp_path: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The desk that notes it is the one that is meant; another, of another configuration, is left alone."""
    meant, other = desk(machine, tmp_path / "a", broken), desk(machine, tmp_path / "b", tmp_path / "other.toml")
    with hub(meant, flat=True):
        kill(config=broken, wait_s=0.0, as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["seq"] > 0
    assert str(meant.dir) in said.err
    assert "can't be read" in said.err
    assert left(other) is None


@pytest.mark.parametrize("is_missing", [False, True])
def test_if_nobody_knows_which_is_meant_all_are(
    machine: Path, tmp_path: Path, broken: Path, capsys: pytest.CaptureFixture[str], *, is_missing: bool
) -> None:
    """Each hears of it at once; whose hub does not answer is said, and finds it in writing."""
    first, second = desk(machine, tmp_path / "a"), desk(machine, tmp_path / "b")
    with hub(first, flat=True), pytest.raises(Unanswered, match="left in writing"):
        kill(config=tmp_path / "missing.toml" if is_missing else broken, wait_s=0.0)
    said = capsys.readouterr()
    assert f"{first.dir}: kill pause: journaled" in said.out
    assert f"{second.dir}: NOT STOPPED" in said.err
    assert (left(first), left(second)) == (None, KillLevel.PAUSE)


def test_no_note_of_a_run_is_needed(machine: Path, tmp_path: Path) -> None:
    """The home folder's note is torn and the hub's door too: the kernel knows the run, and the kill waits there."""
    home = tmp_path / "a"
    files = desk(machine, home, noted=False)
    (home / "current.json").write_text("{")
    files.door.write_text("{")
    for level in (KillLevel.REDUCE, KillLevel.FLATTEN, KillLevel.PAUSE):
        with pytest.raises(Unanswered, match="left in writing"):
            kill(level=level, home=home, wait_s=0.0)
    assert left(files) is KillLevel.FLATTEN, "the hardest of them"


def test_a_desk_that_has_only_a_launcher_finds_it_in_writing(machine: Path, tmp_path: Path) -> None:
    """It holds the lock of its home folder and has started nothing yet."""
    home = tmp_path / "a"
    files = RunFiles(home / "runs" / "live-1")
    files.create()
    descriptors = machine / "7" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "12").symlink_to(home / "desk.lock")
    with pytest.raises(Unanswered, match="left in writing"):
        kill(home=home, wait_s=0.0)
    assert left(files) is KillLevel.PAUSE


def test_a_hub_that_comes_back_in_time_is_told(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing stays in writing, or the next restart would kill a desk that was resumed since."""
    files = desk(machine, tmp_path / "a")
    raised: list[Any] = []

    def come_back(_: float) -> None:
        if not raised:
            assert left(files) is KillLevel.PAUSE
            raised.append(hub(files, flat=True))
            raised[0].__enter__()

    monkeypatch.setattr("orchestrator.cli.killing.time.sleep", come_back)
    monkeypatch.setattr("orchestrator.cli.killing.is_stopped", lambda _status, _level: True)
    try:
        kill(home=tmp_path / "a", wait_s=5.0)
    finally:
        raised[0].__exit__(None, None, None)
    assert left(files) is None


def test_a_wrong_home_names_the_right_one(machine: Path, tmp_path: Path) -> None:
    """Who names a place is taken at their word, and told where desks run."""
    files = desk(machine, tmp_path / "a")
    with pytest.raises(NotRunning, match=f"--home {tmp_path / 'a'}"):
        kill(home=tmp_path / "b")
    assert left(files) is None


def test_who_names_none_means_the_one_that_runs(machine: Path, tmp_path: Path) -> None:
    """If there are two nobody can tell, and both are named."""
    files = desk(machine, tmp_path / "a")
    with pytest.raises(Unanswered, match="left in writing"):
        kill(wait_s=0.0)
    assert left(files) is KillLevel.PAUSE
    desk(machine, tmp_path / "b")
    with pytest.raises(NotRunning) as refused:
        kill()
    assert all(f"--home {tmp_path / name}" in str(refused.value) for name in "ab")


def test_nothing_is_left_for_the_dead(machine: Path, tmp_path: Path) -> None:
    """A run without a process trades no more, and a note would lie there for nobody."""
    home = tmp_path / "a"
    files = RunFiles(home / "runs" / "live-1")
    files.create()
    note_run(home, RunNote(1, str(files.dir), "", "hats", NOBODY, NOBODY, ""))
    with pytest.raises(NotRunning, match="hats down"):
        kill(home=home)
    assert left(files) is None


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    """Nine Hats that trade on the stage."""
    made = rehearse(Settings(), tmp_path / "journal.sqlite", seed=7)
    made.run_for(5)
    yield made
    made.close()


def test_the_orchestrator_obeys_what_is_in_writing_once(tmp_path: Path, rehearsal: Rehearsal) -> None:
    """At its next beat, and when it has resumed since it stays so: what is in the journal needs no note."""
    files = RunFiles(tmp_path / "run")
    files.create()
    settings = Settings.model_validate({"watchdog": {"enabled": False}})
    around: Any = SimpleNamespace(_settings=settings, _files=files, _order=SimpleNamespace(run=1))
    beat = Orchestrator._beats(around, Gauges(Metrics()))
    heart = rehearsal.heart

    def state() -> Any:
        beat(heart, rehearsal.stage.clock.now(), {})
        rehearsal.run_for(1)
        return status_of(heart, rehearsal.stage.clock.now()).trading_state

    assert state() is TradingState.ACTIVE
    leave(files, KillOrdered(KillLevel.PAUSE, "nobody heard"))
    assert state() is TradingState.HALTED
    assert "left in writing: nobody heard" in str(heart.situation.trading_state)
    assert state() is TradingState.HALTED
    assert not files.kill_note.exists()
    rehearsal.stage.publish(Role.OPERATOR, ResumeOrdered("looked at it"))
    rehearsal.run_for(8)
    assert state() is TradingState.ACTIVE
    files.kill_note.write_text("{")
    assert state() is TradingState.HALTED, "who can't read it pauses"
