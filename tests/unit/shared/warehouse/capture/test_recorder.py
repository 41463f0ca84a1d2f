"""The log of a running feed: what it says of itself, and that nothing that befalls it reaches the one who records."""

from __future__ import annotations

import os
import queue
from pathlib import Path

import pytest

from shared.clock import WallClock
from shared.errors import JournalError
from shared.messages.market import CaptureState, CaptureStatus
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import verify_log
from shared.warehouse.capture.recorder import Recorder, off
from shared.warehouse.capture.settings import CaptureSettings
from tests.unit.shared.warehouse.capture.samples import SMALL, story

PATIENCE_S = 30


def recorder(directory: Path, settings: CaptureSettings = SMALL) -> tuple[Recorder, queue.SimpleQueue[CaptureStatus]]:
    """A recorder and what it tells."""
    told: queue.SimpleQueue[CaptureStatus] = queue.SimpleQueue()
    return Recorder(directory, 1, WallClock(), settings.model_copy(update={"low_water_bytes": 0}), told.put), told


def test_what_is_recorded_is_sealed_at_the_end(tmp_path: Path) -> None:
    """It says that it is on, takes every record, and leaves a log that is whole and complete."""
    one, told = recorder(tmp_path)
    assert told.get(timeout=PATIENCE_S).state is CaptureState.ON
    for record in story(100):
        one.record(record)
    last = one.close()
    assert (last.state, last.frames, last.lost) == (CaptureState.ON, 99, 0)
    assert last.free_bytes > 0
    report = verify_log(tmp_path)
    assert report.is_whole
    assert report.is_complete
    assert report.accounts[0].captured == 99


def test_a_log_that_cannot_be_opened_is_dead_and_nobody_is_stopped(tmp_path: Path) -> None:
    """While another writer has the folder it says so at once, takes every record without a word and counts it lost."""
    other = CaptureLog(tmp_path, 1, 0, SMALL)
    one, told = recorder(tmp_path)
    said = told.get(timeout=PATIENCE_S)
    assert said.state is CaptureState.DEAD
    assert "another writer" in said.reason
    for record in story(10):
        one.record(record)
    last = one.close()
    assert (last.state, last.frames, last.lost, last.free_bytes) == (CaptureState.DEAD, 9, 9, -1)
    other.close(0)


def test_a_log_that_dies_is_told_once_and_stays_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an fsync that failed nothing is taken; the change is told by itself, and closing does not raise."""
    one, told = recorder(tmp_path)
    assert told.get(timeout=PATIENCE_S).state is CaptureState.ON
    assert one.log is not None

    def fails(_: int) -> None:
        raise OSError(5, os.strerror(5))

    assert one.log._segment is not None
    monkeypatch.setattr(one.log._segment, "_sync", fails)
    records = story(50)
    one.record(records[0])
    said = told.get(timeout=PATIENCE_S)
    assert said.state is CaptureState.DEAD
    assert "Input/output error" in said.reason
    for record in records[2:]:
        one.record(record)
    assert one.status().lost == 49
    assert one.close().state is CaptureState.DEAD


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path) -> None:
    """Below the low-water mark the state is LOW, and the log goes on."""
    told: list[CaptureStatus] = []
    one = Recorder(tmp_path, 1, WallClock(), SMALL.model_copy(update={"low_water_bytes": 1 << 60}), told.append)
    assert told[0].state is CaptureState.LOW
    for record in story(10):
        one.record(record)
    assert one.close().lost == 0
    assert verify_log(tmp_path).is_complete


def test_a_refused_control_record_ends_the_log(tmp_path: Path) -> None:
    """A log that can't take a cut or a gap would give a wrong account, so it takes nothing more and says that."""
    one, _ = recorder(tmp_path, SMALL.model_copy(update={"queue_controls": 1, "group_age_ms": 1_000}))
    records = story(10)
    for record in (*records[:2], *records[2:4]):
        one.record(record)
    last = one.close()
    assert last.state is CaptureState.DEAD
    assert "wait for the disk already" in last.reason
    assert last.lost == 2


def test_a_lock_is_let_go(tmp_path: Path) -> None:
    """After close another writer may have the folder."""
    one, _ = recorder(tmp_path)
    with pytest.raises(JournalError, match="another writer"):
        CaptureLog(tmp_path, 1, 0, SMALL)
    one.close()
    CaptureLog(tmp_path, 1, 0, SMALL).close(0)


def test_off_is_a_state_too() -> None:
    """Where no log is wanted, that is what is said."""
    assert off(WallClock().now()).state is CaptureState.OFF
