"""The log on a disk: groups, rotation, recovery, a second writer, and a disk that fails or fills."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from shared.errors import DataError, JournalError
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import read, segments, verify, verify_log
from shared.warehouse.capture.records import AnyRecord, Frame, SegmentStarted, WriterDied
from shared.warehouse.capture.scan import Damage
from tests.house.sources import ROOT
from tests.unit.shared.warehouse.capture.samples import SMALL, abandon, frame, story, write

S = 10**9


def said(directory: Path) -> list[AnyRecord | Damage]:
    """Everything in the log except what it says of itself."""
    return [
        record
        for path in segments(directory)
        for record in read(path)
        if not isinstance(record, SegmentStarted | WriterDied)
    ]


def test_what_was_closed_is_whole_and_complete(tmp_path: Path) -> None:
    """Records come back in order over several segments, which are sealed, chained, counted and account for all."""
    write(tmp_path, story(300), SMALL.model_copy(update={"segment_bytes": 4_096}))
    heard: list[str] = []
    report = verify_log(tmp_path, lambda segment: heard.append(segment.name))
    assert report.is_whole, report.faults
    assert report.is_complete
    assert len(report.segments) > 3
    assert heard == [path.name for path in segments(tmp_path)]
    assert said(tmp_path) == story(300)


def test_segments_end_by_age(tmp_path: Path) -> None:
    """A segment that is old enough ends at the next commit, even if nothing was said."""
    log = CaptureLog(tmp_path, 1, 0, SMALL.model_copy(update={"segment_age_s": 5}))
    log.commit(4 * S)
    assert len(segments(tmp_path)) == 1
    log.commit(5 * S)
    log.close(5 * S)
    assert [path.name for path in segments(tmp_path)] == ["00000001.hlog", "00000002.hlog"]


def test_a_missing_segment_is_missed(tmp_path: Path) -> None:
    """A segment taken out of the log is told by its neighbours and by the connection's account."""
    write(tmp_path, story(300), SMALL.model_copy(update={"segment_bytes": 4_096}))
    segments(tmp_path)[1].unlink()
    report = verify_log(tmp_path)
    assert any("missing" in fault for fault in report.faults)
    assert not report.is_complete
    assert report.accounts[0].undeclared


def test_a_segment_changed_with_all_its_sums_is_told_by_the_next(tmp_path: Path) -> None:
    """A whole segment put in another's place does not fit the hash that its successor wrote down."""
    one, other = tmp_path / "one", tmp_path / "other"
    settings = SMALL.model_copy(update={"segment_bytes": 4_096})
    write(one, story(300), settings)
    write(other, story(300, seed=8), settings)
    (one / "00000001.hlog").write_bytes((other / "00000001.hlog").read_bytes())
    assert verify(one / "00000001.hlog").is_whole
    assert "by its own word" in " ".join(verify_log(one).faults)


@pytest.mark.parametrize("cut", [0, 1, 30, 51, 52, 60, 200, 700, 5_000])
def test_the_next_writer_says_what_a_dead_one_lost(tmp_path: Path, cut: int) -> None:
    """After a torn tail the log goes on; what is whole stays, the torn bytes are kept aside, the gap is a row."""
    write(tmp_path, story(120)[:-1], is_closed=False)
    path = tmp_path / "00000001.hlog.open"
    before = said(tmp_path)
    os.truncate(path, path.stat().st_size - cut)
    torn = verify(path).torn
    CaptureLog(tmp_path, 4, 3 * S, SMALL).close(3 * S)
    report = verify_log(tmp_path)
    assert report.is_whole, report
    assert report.is_complete
    assert said(tmp_path) == before[: len(said(tmp_path))]
    (died,) = (r for path in segments(tmp_path) for r in read(path) if isinstance(r, WriterDied))
    assert died.torn_bytes == (torn.bytes if torn else 0) == sum(p.stat().st_size for p in tmp_path.glob("*.torn"))
    assert [gap.first_seq for gap in died.gaps] == [report.accounts[0].captured + report.accounts[0].declared + 1]
    assert report.accounts[0].is_end_declared


def test_nothing_whole_is_left_of_a_segment(tmp_path: Path) -> None:
    """A segment cut inside its first blocks gives its number back, and what was open before is still declared."""
    write(tmp_path, story(60)[:-1], is_closed=False)
    abandon(CaptureLog(tmp_path, 4, 3 * S, SMALL))
    os.truncate(tmp_path / "00000002.hlog.open", 40)
    CaptureLog(tmp_path, 4, 4 * S, SMALL).close(5 * S)
    report = verify_log(tmp_path)
    assert report.is_whole
    assert report.is_complete
    assert [segment.name for segment in report.segments] == ["00000001.hlog", "00000002.hlog"]


def test_damage_in_the_middle_stays_reported_after_recovery(tmp_path: Path) -> None:
    """A flipped bit in an old group is not repaired away: the sealed segment keeps it and every check says so."""
    write(tmp_path, story(120)[:-1], is_closed=False)
    path = tmp_path / "00000001.hlog.open"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    CaptureLog(tmp_path, 4, 3 * S, SMALL).close(3 * S)
    report = verify_log(tmp_path)
    assert report.segments[0].damages
    assert not report.is_whole
    assert not report.is_complete
    assert report.accounts[0].undeclared


def test_there_is_one_writer(tmp_path: Path) -> None:
    """A second writer is refused while the first lives, and welcome afterwards."""
    log = CaptureLog(tmp_path, 1, 0, SMALL)
    with pytest.raises(JournalError, match="another writer"):
        CaptureLog(tmp_path, 1, 0, SMALL)
    log.close(0)
    CaptureLog(tmp_path, 1, 0, SMALL).close(0)


@pytest.mark.parametrize("failing", [2, 3, 5])
def test_a_failed_fsync_ends_the_log(tmp_path: Path, failing: int) -> None:
    """After EIO nothing is acknowledged or retried; a new writer finds everything that had been acknowledged."""
    calls = 0

    def sync(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.EIO, "Input/output error")
        os.fdatasync(file)

    log = CaptureLog(tmp_path, 1, 0, SMALL, sync=sync)
    acknowledged, seq = 0, 0
    with pytest.raises(JournalError, match="brought to the disk"):  # noqa: PT012 - commit after commit until one fails
        while True:
            seq += 1
            log.append(frame(seq, Random(seq)))
            if log.commit(seq):
                acknowledged = seq
    assert acknowledged == failing - 2
    for again in (lambda: log.commit(99), lambda: log.append(frame(99, Random(1)))):
        with pytest.raises(JournalError, match="brought to the disk"):
            again()
    assert calls == failing
    log.close(100)
    assert calls == failing
    CaptureLog(tmp_path, 1, 200, SMALL).close(300)
    kept = [record.seq for record in said(tmp_path) if isinstance(record, Frame)]
    assert kept[:acknowledged] == list(range(1, acknowledged + 1))
    assert verify_log(tmp_path).is_complete


def test_a_failed_fsync_of_a_seal_is_not_retried(tmp_path: Path) -> None:
    """ENOSPC told by fsync is no matter of room: the segment is not sealed and the log ends."""
    calls = 0

    def sync(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        os.fdatasync(file)

    log = CaptureLog(tmp_path, 1, 0, SMALL, sync=sync)
    with pytest.raises(JournalError, match="seal"):
        log.close(1)
    assert calls == 2
    assert [path.name for path in segments(tmp_path)] == ["00000001.hlog.open"]


def test_a_disk_that_can_not_be_read_is_a_typed_error(tmp_path: Path) -> None:
    """No segment, no directory: DataError, not a traceback of the system's."""
    for look in (verify, verify_log):
        with pytest.raises(DataError, match="can't read"):
            look(tmp_path / "nowhere")


def test_two_time_zones_write_the_same_bytes(tmp_path: Path) -> None:
    """The same input makes the same files, whatever the time zone and the hash seed."""
    program = (
        "import sys, pathlib; from tests.unit.shared.warehouse.capture.samples import story, write; "
        "write(pathlib.Path(sys.argv[1]), story(200))"
    )
    made = []
    for zone, seed in (("Asia/Kolkata", "1"), ("America/St_Johns", "2")):
        target = tmp_path / seed
        env = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program, str(target)], cwd=ROOT, env=env, check=True)
        made.append({path.name: path.read_bytes() for path in segments(target)})
    assert made[0] == made[1]
    assert made[0]
