"""The schedule of a run's own jobs at work, with its file; and the jobs themselves on a run's files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hats.security_architect import audit, keystore
from hats.security_architect.audit_log import AuditLog
from orchestrator.machine.runfiles import RunFiles
from orchestrator.scheduler import Job
from orchestrator.upkeep import jobs
from orchestrator.upkeep.caretaker import Caretaker, Outcome, is_well, read_state, run_job
from orchestrator.upkeep.jobs import Place, Task
from shared.errors import ConfigError, DataError, HatsError, JournalError
from shared.journal import Journal
from shared.units import DAY, Ns

PASSWORD = "correct horse battery"


class Elsewhere:
    """Runs a job when it is polled for, or never, or when told."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome | None] = {}
        self.ended: list[str] = []

    def start(self, name: str, place: Place) -> Any:
        """The name is the handle."""
        return name

    def poll(self, handle: Any) -> Outcome | None:
        """As the test decided."""
        return self.outcomes.get(handle)

    def end(self, handle: Any) -> None:
        """Remember it."""
        self.ended.append(handle)


def task(name: str, **changes: Any) -> Task:
    """Due every ten, done in five."""
    return Task(Job(name=name, every_ns=10, deadline_ns=5, **changes), lambda _: "")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A run's folder with an audit log and a journal, and two keys."""
    files = RunFiles(tmp_path / "runs" / "demo-1")
    files.create()
    log = AuditLog(files.audit, 1_000)
    log.open()
    for number in range(3):
        log.append(audit.append(log.head, audit.body_of("test", Ns(number), {})))
    log.close()
    Journal(files.journal, now_ns=1).close()
    paths = []
    for name in ("desk", "watchdog"):
        keystore.new_agent(files.keys, name, PASSWORD, "testnet", Ns(time.time_ns()), is_weak_allowed=True)
        paths.append(str(keystore.keystore_path(files.keys, name)))
    return Place(str(tmp_path), str(files.dir), tuple(paths))


def test_a_disk_that_takes_nothing_is_not_in_the_way_of_trading(place: Place) -> None:
    """The desk is not ended for a schedule that can't be kept; it is kept once there is room."""
    in_the_way = place.files.schedule.with_name(place.files.schedule.name + ".part")
    in_the_way.mkdir()
    made = Caretaker(place, Elsewhere(), {"a": task("a")}, lambda: 0)
    made.turn()
    assert read_state(place.files.schedule) is None
    in_the_way.rmdir()
    made.turn()
    state = read_state(place.files.schedule)
    assert state is not None
    assert state.jobs["a"].stage == "running"


def test_what_ends_fails_or_is_late_is_written_down(place: Place) -> None:
    """One at a time, each end in the file, a late one ended by force."""
    now, elsewhere = [0], Elsewhere()
    tasks = {name: task(name, priority=n) for n, name in enumerate(("late", "bad", "good"))}
    made = Caretaker(place, elsewhere, tasks, lambda: now[0])
    elsewhere.outcomes = {"good": Outcome(None, "done"), "bad": Outcome("DataError: no", "")}
    for now[0] in range(9):
        made.turn()
    state = read_state(place.files.schedule)
    assert state is not None
    assert (state.jobs["good"].succeeded, state.jobs["good"].detail) == (1, "done")
    assert (state.jobs["bad"].failed, state.jobs["bad"].detail) == (1, "DataError: no")
    assert (state.jobs["late"].failed, elsewhere.ended) == (1, ["late"])
    assert not is_well(state)


def test_goes_on_from_its_file(place: Place) -> None:
    """A caretaker that was closed while a job ran tries it again."""
    elsewhere = Elsewhere()
    made = Caretaker(place, elsewhere, {"a": task("a", attempts=2)}, lambda: 0)
    made.turn()
    made.close()
    assert elsewhere.ended == ["a"]
    again = Caretaker(place, elsewhere, {"a": task("a", attempts=2)}, lambda: 3)
    elsewhere.outcomes["a"] = Outcome(None, "done")
    again.turn()
    again.turn()
    state = read_state(place.files.schedule)
    assert state is not None
    assert (state.jobs["a"].succeeded, state.jobs["a"].attempt) == (1, 2)
    assert is_well(state)


def test_a_damaged_schedule_is_said(place: Place) -> None:
    """It is not begun anew in silence."""
    place.files.schedule.write_text("{")
    with pytest.raises(JournalError, match="cannot read the schedule"):
        Caretaker(place, Elsewhere())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("check_audit", "3 records intact, 0 of them signed"),
        ("check_journal", "whole"),
        ("check_keys", "2 keys private and not looked up at the exchange, the oldest 0 days old"),
        ("check_disk", "MiB free"),
        ("compact_capture", "nothing was captured"),
    ],
)
def test_the_jobs_on_a_sound_run(name: str, said: str, place: Place) -> None:
    """Each says what it found, by the way that a process of its own would go."""
    assert said in run_job(name, msgspec.json.encode(place))


def test_the_jobs_find_what_is_wrong(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tampered log, an open or old key, a full disk, and no hub to report on."""
    files = place.files
    lines = files.audit.read_bytes()
    files.audit.write_bytes(lines + b'{"half')  # being written: no fault of a live log
    assert jobs.check_audit(place) == "3 records intact, 0 of them signed"
    files.audit.write_bytes(lines.replace(b'"test"', b'"tost"'))
    with pytest.raises(DataError, match="line 1"):
        jobs.check_audit(place)
    Path(place.keystores[0]).chmod(0o644)
    with pytest.raises(ConfigError, match="must be ours and 0600, it is 0644"):
        jobs.check_keys(place)
    Path(place.keystores[0]).chmod(0o600)
    old = Ns(time.time_ns() - 91 * DAY)
    keystore.new_agent(files.keys, "old", PASSWORD, "testnet", old, is_weak_allowed=True)
    with pytest.raises(ConfigError, match="91 days old, at most 90 allowed"):
        jobs.check_keys(Place("", "", (str(keystore.keystore_path(files.keys, "old")),)))
    monkeypatch.setattr(jobs, "DISK_FREE_SHARE_MIN", 1.0)
    with pytest.raises(DataError, match="nearly full"):
        jobs.check_disk(place)
    with pytest.raises(HatsError):
        jobs.write_report(place)
