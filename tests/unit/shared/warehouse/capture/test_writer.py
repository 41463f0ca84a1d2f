"""The queue before the log: tickets, back-pressure that is declared, and a log that died."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from shared.clock import WallClock
from shared.errors import JournalError, MailboxFull
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.reader import read, segments, verify_log
from shared.warehouse.capture.records import FRAME_BYTES_MAX, Frame, Gap, Reason, SocketClosed, SocketOpened
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.capture.writer import CaptureWriter
from tests.unit.shared.warehouse.capture.samples import SMALL, frame, story


class Gate:
    """A disk that waits until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.fails = False

    def sync(self, file: int) -> None:
        """fsync when the gate is open."""
        assert self.free.wait(30)
        if self.fails:
            raise OSError(errno.EIO, "Input/output error")
        os.fdatasync(file)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """An open gate, opened again at the end."""
    gate = Gate()
    yield gate
    gate.free.set()


def writer_of(directory: Path, gate: Gate, settings: CaptureSettings = SMALL) -> CaptureWriter:
    """A writer whose disk has a gate."""
    clock = WallClock()
    return CaptureWriter(CaptureLog(directory, 1, clock.now(), settings, gate.sync), clock, settings)


def test_a_ticket_is_durable(tmp_path: Path, gate: Gate) -> None:
    """Tickets count up; when one is durable its record can be read from the file that is still being written."""
    writer = writer_of(tmp_path, gate)
    tickets = [writer.put(record) for record in story(50)]
    assert tickets == list(range(1, len(tickets) + 1))
    assert writer.wait_durable(tickets[-1], 30)
    assert writer.durable == tickets[-1]
    assert list(read(segments(tmp_path)[-1]))[1:] == story(50)
    writer.close()
    assert verify_log(tmp_path).is_complete


def test_what_finds_no_room_is_declared(tmp_path: Path, gate: Gate) -> None:
    """With a disk that stands still frames are refused, a gap declares each run of them, the account is complete."""
    writer = writer_of(tmp_path, gate, SMALL.model_copy(update={"queue_bytes": 4_000}))
    writer.put(SocketOpened(1, 1, 0))
    chance, seq, refused = Random(1), 0, list[int]()
    for _ in range(3):
        assert writer.wait_durable(writer.stats.taken, 30)
        gate.free.clear()
        for _ in range(100):
            seq += 1
            if not writer.put(frame(seq, chance)):
                refused.append(seq)
        gate.free.set()
    ticket = writer.put(SocketClosed(1, 1, 0, seq))
    assert ticket
    writer.close()
    report = verify_log(tmp_path)
    assert report.is_complete
    (account,) = report.accounts
    assert (account.declared, account.captured) == (len(refused), seq - len(refused))
    assert writer.stats.dropped == len(refused) > 100
    gaps = [record for path in segments(tmp_path) for record in read(path) if isinstance(record, Gap)]
    assert {gap.reason for gap in gaps} == {Reason.OVERFLOW}
    assert len(gaps) == sum(seq - 1 not in refused for seq in refused)


def test_too_large_a_frame_is_a_gap(tmp_path: Path, gate: Gate) -> None:
    """A frame beyond the limit does not kill the log; it is declared as lost, and why."""
    writer = writer_of(tmp_path, gate, CaptureSettings())
    assert writer.put(Frame(1, 1, 1, 0, 0, bytes(FRAME_BYTES_MAX + 1))) == 0
    assert writer.put(frame(2, Random(1))) == 1
    writer.put(SocketClosed(1, 1, 0, 2))
    writer.close()
    report = verify_log(tmp_path)
    assert report.is_complete
    assert report.accounts[0].declared == 1


def test_records_that_are_no_frames_are_never_dropped(tmp_path: Path, gate: Gate) -> None:
    """They have a limit too, and beyond it the one who says them is told."""
    writer = writer_of(tmp_path, gate, SMALL.model_copy(update={"queue_bytes": 1, "queue_controls": 5}))
    gate.free.clear()
    with pytest.raises(MailboxFull):  # noqa: PT012 - the thread may have taken some already
        for number in range(50):
            writer.put(SocketOpened(number, 1, 0))
    gate.free.set()
    writer.close()


def test_a_dead_log_takes_nothing(tmp_path: Path, gate: Gate) -> None:
    """When the disk fails, whoever waits is told, nothing more is taken, and closing says so again."""
    writer = writer_of(tmp_path, gate)
    gate.fails = True
    ticket = writer.put(SocketOpened(1, 1, 0))
    with pytest.raises(JournalError, match="brought to the disk"):
        writer.wait_durable(ticket, 30)
    with pytest.raises(JournalError):
        writer.put(frame(1, Random(1)))
    with pytest.raises(JournalError):
        writer.close()
    assert writer.durable == 0


def test_nothing_is_taken_after_the_end(tmp_path: Path, gate: Gate) -> None:
    """A closed writer refuses."""
    writer = writer_of(tmp_path, gate)
    writer.close()
    with pytest.raises(JournalError, match="ended"):
        writer.put(frame(1, Random(1)))
