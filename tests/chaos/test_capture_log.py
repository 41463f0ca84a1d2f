"""The capture log against the world: kill -9 at any moment, and a disk of 32 MiB that is full.

`python -m tests.bench.trials_capture` kills the writer as often as we promise; CI kills it ten times.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from shared.errors import JournalError
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import read, segments, verify_log
from shared.warehouse.capture.records import AnyRecord, Frame, Gap, Reason, SocketClosed, SocketOpened, WriterDied
from shared.warehouse.capture.scan import Damage
from shared.warehouse.capture.settings import CaptureSettings
from tests.bench.trials_capture import TMPFS
from tests.chaos.capture_child import payload
from tests.house.sources import ROOT

KILLS = int(os.environ.get("CAPTURE_KILLS", "10"))
S = 10**9
MIB = 1 << 20


def everything(directory: Path) -> list[AnyRecord | Damage]:
    """All records of all segments."""
    return [record for path in segments(directory) for record in read(path)]


def one_life(directory: Path, life: int, chance: Random) -> int:
    """Start a writer, kill it after a while; the last frame that it called durable (0: none)."""
    command = [sys.executable, "-m", "tests.chaos.capture_child", str(directory), str(life)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        # a real process is killed in real time: mostly while it writes, sometimes while it starts and recovers
        if chance.random() < 0.75:
            first = child.stdout.readline()
            time.sleep(chance.uniform(0, 0.12))
        else:
            first = b""
            time.sleep(chance.uniform(0.2, 1.2))
        child.kill()
        lines = [first, *child.stdout.readlines()]
    whole = [int(line) for line in lines if line.endswith(b"\n")]
    return max(whole, default=0)


@pytest.mark.slow
@pytest.mark.timeout(60 + 5 * KILLS)
def test_kill_nine_loses_nothing_that_was_acknowledged(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Killed at any moment, again and again: every acknowledged frame is there as it was, all ends declared."""
    chance = Random(11)
    acknowledged = {life: one_life(tmp_path, life, chance) for life in range(1, KILLS + 1)}
    CaptureLog(tmp_path, 1, 10**19 // 2).close(10**19 // 2)
    kept: dict[int, int] = {}
    died = 0
    for record in everything(tmp_path):
        assert not isinstance(record, Damage)
        died += isinstance(record, WriterDied)
        if isinstance(record, Frame):
            assert record.seq == kept.get(record.socket, 0) + 1
            assert record.data == payload(record.socket, record.seq)
            kept[record.socket] = record.seq
    assert sum(acknowledged.values()) > KILLS
    short = {
        life: (durable, kept.get(life, 0)) for life, durable in acknowledged.items() if kept.get(life, 0) < durable
    }
    assert not short
    report = verify_log(tmp_path)
    assert report.is_whole, report.faults
    assert report.is_complete
    assert died >= sum(durable > 0 for durable in acknowledged.values())
    assert {account.socket for account in report.accounts if account.is_end_declared} >= set(kept)
    for name, value in (("kills", KILLS), ("acknowledged", sum(acknowledged.values())), ("kept", sum(kept.values()))):
        record_property(name, value)


@pytest.fixture
def small_disk(tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[Path]:
    """A disk of 32 MiB if we may mount one; else a folder in which no file can grow beyond 8 MiB."""
    mounted = os.geteuid() == 0 and _ran("mount", "-t", "tmpfs", "-o", "size=32m", "capture-test", str(tmp_path))
    record_property("disk", TMPFS if mounted else "a limit of 8 MiB a file")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 * MIB, limits[1]))
    try:
        yield tmp_path
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        if mounted:
            assert _ran("umount", str(tmp_path))


def _ran(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_full_disk_is_survived_and_declared(small_disk: Path, record_property: Callable[[str, object], None]) -> None:
    """With no room left frames become gaps, written at once; with room again the log goes on; all are accounted for."""
    directory, ballast = small_disk / "log", small_disk / "ballast"
    settings = CaptureSettings(segment_bytes=64 * MIB, reserve_bytes=256 << 10, resume_bytes=4 * MIB)
    log = CaptureLog(directory, 1, 0, settings)
    ballast.mkdir()
    for number in range(16):
        (ballast / str(number)).write_bytes(bytes(MIB))
    log.append(SocketOpened(1, 1, 0))
    chance, seq, declared_at_once = Random(5), 0, None
    for step in range(1, 1_400):
        for _ in range(10):
            seq += 1
            log.append(Frame(1, 1, seq, step, 0, chance.randbytes(1_500)))
        if log.frames_lost and declared_at_once is None:
            declared_at_once = sum(r.last_seq - r.first_seq + 1 for r in everything(directory) if isinstance(r, Gap))
            assert declared_at_once > 0
        log.commit(step * S // 100)
    assert log.frames_lost
    shutil.rmtree(ballast)
    assert log.commit(10**6 * S)
    assert not log.is_out_of_space
    log.append(Frame(1, 1, seq + 1, 10**15, 0, b"room again"))
    log.append(SocketClosed(1, 1, 10**15, seq + 1))
    log.close(10**6 * S)
    report = verify_log(directory)
    assert report.is_whole, report
    assert report.is_complete
    (account,) = report.accounts
    assert (account.declared, account.captured) == (log.frames_lost, seq + 1 - log.frames_lost)
    assert {record.reason for record in everything(directory) if isinstance(record, Gap)} == {Reason.NO_SPACE}
    record_property("captured", account.captured)
    record_property("declared", account.declared)


def test_a_log_that_ends_on_a_full_disk_has_its_last_word(small_disk: Path) -> None:
    """Closed while the disk is full, by others too, the log still seals its segment and declares what it lost."""
    directory, ballast = small_disk / "log", small_disk / "ballast"
    log = CaptureLog(directory, 1, 0, CaptureSettings(reserve_bytes=256 << 10, resume_bytes=1 << 40))
    filled = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    with pytest.raises(OSError, match=r"No space|too large"):  # noqa: PT012 - writes until the disk is full
        while True:
            os.write(filled, bytes(64 << 10))
    os.close(filled)
    chance, frames = Random(6), 7_000
    for seq in range(1, frames + 1):
        log.append(Frame(1, 1, seq, seq, 0, chance.randbytes(1_500)))
        if seq % 50 == 0:
            log.commit(seq)
    log.append(SocketClosed(1, 1, frames, frames))
    assert log.frames_lost
    log.close(frames)
    report = verify_log(directory)
    assert report.is_whole
    assert report.is_complete
    assert report.accounts[0].declared == log.frames_lost


def test_a_disk_without_room_for_the_reserve_is_refused(small_disk: Path) -> None:
    """A log that could not declare its losses does not begin, and lets the folder go."""
    with pytest.raises(JournalError, match="can't be begun"):
        CaptureLog(small_disk, 1, 0, CaptureSettings(reserve_bytes=64 * MIB))
    CaptureLog(small_disk, 1, 0, CaptureSettings(reserve_bytes=64 << 10)).close(0)
