"""The schedule of a run's own jobs at work, with its file; and the jobs themselves on a run's files."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import ray

from hats.security_architect import audit, keystore
from hats.security_architect.audit_log import AuditLog
from orchestrator.machine.runfiles import RunFiles
from orchestrator.scheduler import LATE, Job
from orchestrator.upkeep import jobs
from orchestrator.upkeep.caretaker import Caretaker, Outcome, RayDispatch, is_well, read_state, run_job
from orchestrator.upkeep.jobs import Place, Task
from shared.errors import ConfigError, DataError, HatsError, JournalError, NotRunning
from shared.journal import Journal
from shared.messages.control import JobEnded
from shared.units import DAY, Ns

PASSWORD = "correct horse battery"
KEYS = ("desk", "watchdog")


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


def unheard(ended: JobEnded) -> None:
    """For schedules that are not asked what they say."""


def task(name: str, **changes: Any) -> Task:
    """Due every ten, done in five."""
    return Task(Job(name=name, every_ns=10, deadline_ns=5, **changes), lambda _: "")


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two strong keys, which take a second each to make."""
    folder = tmp_path_factory.mktemp("strong")
    for name in KEYS:
        keystore.new_agent(folder, name, PASSWORD, "testnet", Ns(time.time_ns()))
    return folder


@pytest.fixture
def place(tmp_path: Path, strong: Path) -> Place:
    """A run's folder with an audit log and a journal, and two keys."""
    files = RunFiles(tmp_path / "runs" / "demo-1")
    files.create()
    log = AuditLog(files.audit, 1_000)
    log.open()
    for number in range(3):
        log.append(audit.append(log.head, audit.body_of("test", Ns(number), {})))
    log.close()
    Journal(files.journal, now_ns=1).close()
    shutil.copytree(strong, files.keys, dirs_exist_ok=True)
    return Place(str(tmp_path), str(files.dir), tuple(str(keystore.keystore_path(files.keys, name)) for name in KEYS))


def test_a_disk_that_takes_nothing_is_not_in_the_way_of_trading(place: Place) -> None:
    """The desk is not ended for a schedule that can't be kept; it is kept once there is room."""
    in_the_way = place.files.schedule.with_name(f"{place.files.schedule.name}.{os.getpid()}.part")
    in_the_way.mkdir()
    made = Caretaker(place, Elsewhere(), unheard, {"a": task("a")}, lambda: 0)
    made.turn()
    assert read_state(place.files.schedule) is None
    in_the_way.rmdir()
    made.turn()
    state = read_state(place.files.schedule)
    assert state is not None
    assert state.jobs["a"].stage == "running"


def test_what_ends_fails_or_is_late_is_written_down(place: Place) -> None:
    """One at a time, each end in the file, a late one ended by force."""
    now, elsewhere, said = [0], Elsewhere(), list[JobEnded]()
    tasks = {name: task(name, priority=n) for n, name in enumerate(("late", "bad", "good"))}
    made = Caretaker(place, elsewhere, said.append, tasks, lambda: now[0])
    elsewhere.outcomes = {"good": Outcome(None, "done"), "bad": Outcome("DataError: no", "")}
    for now[0] in range(9):
        made.turn()
    state = read_state(place.files.schedule)
    assert state is not None
    assert (state.jobs["good"].succeeded, state.jobs["good"].detail) == (1, "done")
    assert (state.jobs["bad"].failed, state.jobs["bad"].detail) == (1, "DataError: no")
    assert (state.jobs["late"].failed, elsewhere.ended) == (1, ["late"])
    assert not is_well(state)
    assert said == [
        JobEnded("good", 1, 1, "", is_final=True),
        JobEnded("bad", 1, 1, "DataError: no", is_final=True),
        JobEnded("late", 1, 1, LATE, is_final=True),
    ]


def test_an_end_that_no_hub_heard_is_said_again(place: Place) -> None:
    """Between two hubs nobody hears it; the next turn says it, a failed attempt before the one that succeeds."""
    now, elsewhere, heard, is_away = [0], Elsewhere(), list[JobEnded](), [True]

    def say(ended: JobEnded) -> None:
        if is_away[0]:
            raise NotRunning("no hub")
        heard.append(ended)

    made = Caretaker(place, elsewhere, say, {"a": task("a", attempts=2)}, lambda: now[0])
    elsewhere.outcomes["a"] = Outcome("DataError: no", "")
    made.turn()
    made.turn()
    elsewhere.outcomes["a"] = Outcome(None, "done")
    assert heard == []
    is_away[0] = False
    made.turn()
    made.turn()
    made.turn()
    assert heard == [JobEnded("a", 1, 1, "DataError: no", is_final=False), JobEnded("a", 1, 2, "", is_final=True)]


def test_an_error_of_rays_is_a_failed_job(place: Place) -> None:
    """Without a cluster Ray refuses everything; the desk trades on, and the schedule knows what failed."""
    dispatch, said = RayDispatch(), list[JobEnded]()
    made = Caretaker(place, dispatch, said.append, {"a": task("a")}, lambda: 0)
    made.turn()
    made.turn()
    (ended,) = said
    assert ended.is_final
    assert "RaySystemError" in ended.fault
    somewhere: Any = ray.ObjectRef(b"1" * 28)
    dispatch.end(somewhere)
    outcome = dispatch.poll(somewhere)
    assert outcome is not None
    assert "RaySystemError" in str(outcome.fault)


def test_goes_on_from_its_file(place: Place) -> None:
    """A caretaker that was closed while a job ran tries it again."""
    elsewhere = Elsewhere()
    made = Caretaker(place, elsewhere, unheard, {"a": task("a", attempts=2)}, lambda: 0)
    made.turn()
    made.close()
    assert elsewhere.ended == ["a"]
    again = Caretaker(place, elsewhere, unheard, {"a": task("a", attempts=2)}, lambda: 3)
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
        Caretaker(place, Elsewhere(), unheard)


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
    outcome = run_job(name, msgspec.json.encode(place))
    assert outcome.fault is None
    assert said in outcome.detail


def test_a_fault_is_told_in_its_own_words(place: Place) -> None:
    """Pickled on its way from a job's process, an error of several problems would come as one letter a line."""
    for path in place.keystores:
        Path(path).chmod(0o644)
    fault = str(run_job("check_keys", msgspec.json.encode(place)).fault)
    assert fault.startswith("ConfigError: ")
    assert "must be ours and 0600, it is 0644" in fault


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
