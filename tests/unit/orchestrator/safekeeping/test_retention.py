"""Retention: each class goes when its time is over, never of the newest run, never without a tombstone."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hats.security_architect.audit_log import verify_file
from orchestrator.safekeeping.backup import seal_key_path
from orchestrator.safekeeping.resting import runs_at, seal_run, unseal_run
from orchestrator.safekeeping.retention import Aged, Days, RetentionClass, class_of, due
from orchestrator.safekeeping.retiring import retire
from orchestrator.settings import Retention, Settings
from orchestrator.telling.audit_export import rows_of
from orchestrator.upkeep.caretaker import run_job
from orchestrator.upkeep.jobs import RETIRE, Place, tasks_for
from shared.errors import InvariantError
from shared.journal import Journal
from shared.units import DAY

NOW = 1_000 * DAY
ALL: Days = dict.fromkeys(RetentionClass, 30.0)
FILES = {
    "capture/00000001.hlog": "captures",
    "capture/listed.json": "captures",
    "logs/signer.jsonl": "logs",
    "audit.jsonl": "audit",
    "audit.head.json": "audit",
    "audit.checkpoints.jsonl": "audit",
    "journal.sqlite": "journal",
    "run.json": "journal",
    "keys/approvals.key": "journal",
}


def a_run(home: Path, name: str, age_days: float) -> Path:
    """A run that ended so long ago."""
    folder = home / "runs" / name
    journal = Journal(folder / "journal.sqlite", now_ns=1)
    journal.close()
    for path in FILES:
        if path != "journal.sqlite":
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(path.encode() * 10)
    (home / "checkpoints").mkdir(exist_ok=True)
    (home / "checkpoints" / f"{name}.jsonl").write_bytes(b"signed")
    ended(home, name, age_days)
    return folder


def ended(home: Path, name: str, age_days: float) -> None:
    """Set when the run ended, whether it lies open or sealed."""
    ns = int(NOW - age_days * DAY)
    for path in (home / "runs" / name / "journal.sqlite", home / "sealed" / "kept" / f"{name}.sealed"):
        if path.exists():
            os.utime(path, ns=(ns, ns))


def left(folder: Path) -> set[str]:
    """Classes of the files that lie there."""
    inside = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return {str(class_of(path)) for path in inside if not path.endswith(".lock")}


def tombstones(home: Path) -> list[dict[str, object]]:
    """What the chain says, once it was verified."""
    log = home / "retention" / "audit.jsonl"
    assert verify_file(log).is_sound
    return [row["body"] for row in rows_of(log, "run_files_removed")]


def test_every_file_has_its_class() -> None:
    """What is not named belongs to the journal, so that nothing is kept longer than it."""
    assert {path: str(class_of(path)) for path in FILES} == FILES
    assert class_of("checkpoints/run.jsonl") is RetentionClass.AUDIT


@given(st.lists(st.integers(0, 100), max_size=8), st.dictionaries(st.sampled_from(RetentionClass), st.floats(1, 60)))
def test_only_what_is_over_goes_and_never_of_the_newest(ages: list[int], days: dict[RetentionClass, float]) -> None:
    """Whatever the ages and the policy."""
    runs = [Aged(f"run-{number}", NOW - age * DAY) for number, age in enumerate(ages)]
    gone = due(runs, days, NOW)
    newest = max(runs, key=lambda run: (run.ended_ns, run.name), default=None)
    for run, kind in gone:
        assert run != newest
        assert NOW - run.ended_ns > days[kind] * DAY
    kept = {(run, kind) for run in runs if run != newest for kind in days} - set(gone)
    assert all(NOW - run.ended_ns <= days[kind] * DAY for run, kind in kept)


def test_classes_go_one_by_one_and_leave_tombstones(tmp_path: Path) -> None:
    """First without doing it; what is left is untouched; in the end the folder goes too, not the newest run's."""
    old, new = a_run(tmp_path, "old", 50), a_run(tmp_path, "new", 40)
    key = seal_key_path(tmp_path, None)
    days = {RetentionClass.CAPTURES: 10.0, RetentionClass.LOGS: 45.0, RetentionClass.JOURNAL: 90.0}
    planned = retire(tmp_path, key, days, NOW, apply=False)
    assert [(gone.run, str(gone.kind), gone.files) for gone in planned] == [("old", "captures", 2), ("old", "logs", 1)]
    assert left(old) == {"captures", "logs", "journal", "audit"}
    assert retire(tmp_path, key, days, NOW, apply=True) == planned
    assert left(old) == {"journal", "audit"}
    assert left(new) == {"captures", "logs", "journal", "audit"}
    assert retire(tmp_path, key, days, NOW, apply=True) == []
    assert [(each["run"], each["kind"], each["sha256"]) for each in tombstones(tmp_path)] == [
        (gone.run, str(gone.kind), gone.sha256) for gone in planned
    ]
    retire(tmp_path, key, ALL, NOW, apply=True)
    assert not old.exists()
    assert not (tmp_path / "checkpoints" / "old.jsonl").exists()
    assert (tmp_path / "checkpoints" / "new.jsonl").exists()
    assert len(tombstones(tmp_path)) == 4


def test_sealed_runs_too(tmp_path: Path) -> None:
    """Their pieces go, what is left can be brought back, and the run keeps its age."""
    a_run(tmp_path, "old", 50)
    a_run(tmp_path, "new", 40)
    key = seal_key_path(tmp_path, None)
    seal_run(tmp_path, "old", key)
    pieces = len(list((tmp_path / "sealed" / "pieces").glob("*/*")))
    (gone,) = retire(tmp_path, key, {RetentionClass.CAPTURES: 30.0}, NOW, apply=True)
    assert (gone.run, gone.files) == ("old", 2)
    assert len(list((tmp_path / "sealed" / "pieces").glob("*/*"))) == pieces - 2
    assert left(unseal_run(tmp_path, "old", key)) == {"logs", "journal", "audit"}
    assert len(retire(tmp_path, key, ALL, NOW, apply=True)) == 3
    assert [(run.name, run.is_sealed) for run in runs_at(tmp_path)] == [("new", False)]
    assert not list((tmp_path / "sealed" / "pieces").glob("*/*"))


def test_one_that_runs_stays(tmp_path: Path) -> None:
    """However old its files look."""
    folder = a_run(tmp_path, "old", 50)
    a_run(tmp_path, "new", 40)
    journal = Journal(folder / "journal.sqlite", now_ns=1)
    ended(tmp_path, "old", 50)
    assert retire(tmp_path, seal_key_path(tmp_path, None), ALL, NOW, apply=True) == []
    journal.close()
    assert left(folder) == {"captures", "logs", "journal", "audit"}


def test_nothing_goes_that_can_not_be_told(tmp_path: Path) -> None:
    """With a chain that was tampered with, no file is removed."""
    for name, age in (("older", 60), ("old", 50), ("new", 40)):
        a_run(tmp_path, name, age)
    key = seal_key_path(tmp_path, None)
    retire(tmp_path, key, {RetentionClass.LOGS: 55.0}, NOW, apply=True)
    log = tmp_path / "retention" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"older", b"oldie"))
    with pytest.raises(InvariantError):
        retire(tmp_path, key, ALL, NOW, apply=True)
    assert left(tmp_path / "runs" / "old") == {"captures", "logs", "journal", "audit"}


def test_the_audit_log_stays_longest() -> None:
    """It is about the other classes: settings that let it go before one of them are refused."""
    assert Retention().days == {}
    assert Retention(captures_days=1, logs_days=2, journal_days=3, audit_days=3).days[RetentionClass.AUDIT] == 3
    for wrong in ({"audit_days": 3}, {"captures_days": 1, "logs_days": 2, "journal_days": 4, "audit_days": 3}):
        with pytest.raises(ValidationError, match="audit_days"):
            Retention.model_validate(wrong)


def test_a_run_does_it_by_itself(tmp_path: Path) -> None:
    """By a job that is there only where a class may go."""
    assert RETIRE not in tasks_for(Settings())
    assert RETIRE in tasks_for(Settings(retention=Retention(logs_days=30)))
    old, new = a_run(tmp_path, "old", 50), a_run(tmp_path, "new", 40)
    key = str(seal_key_path(tmp_path, None))
    place = Place(str(tmp_path), str(new), seal_key=key, retention_days={RetentionClass.LOGS: 30.0})
    said = run_job(RETIRE, msgspec.json.encode(place))
    assert said.detail == "1 classes of 1 runs, 0.0 MB removed"
    assert left(old) == {"captures", "journal", "audit"}
