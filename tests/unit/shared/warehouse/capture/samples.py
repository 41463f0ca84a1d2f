"""Records and logs that the capture tests are made of: seeded, so that two runs see the same bytes."""

from __future__ import annotations

from pathlib import Path
from random import Random

from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.records import (
    AnyRecord,
    ClockOffset,
    Frame,
    Gap,
    Reason,
    SocketClosed,
    SocketOpened,
    Subscribed,
)
from shared.warehouse.capture.settings import CaptureSettings

SMALL = CaptureSettings(group_bytes=1_500, segment_bytes=1 << 30, reserve_bytes=64 << 10, resume_bytes=64 << 10)
"""Groups of a few frames, one segment."""


def frame(seq: int, chance: Random, socket: int = 1, epoch: int = 1) -> Frame:
    """A frame of the size of a small book."""
    data = b'{"channel":"l2Book","data":%d,"noise":"%s"}' % (
        seq,
        chance.randbytes(chance.randint(0, 120)).hex().encode(),
    )
    return Frame(socket, epoch, seq, 10**18 + seq * 1_000, seq * 1_000, data, exch_ns=10**18 + seq)


def story(frames: int, seed: int = 7) -> list[AnyRecord]:
    """A connection's life: opened, frames with one declared gap and a stall, closed."""
    chance = Random(seed)
    said: list[AnyRecord] = [
        SocketOpened(1, 1, 10**18, "wss://venue"),
        Subscribed(1, 1, 10**18, ("l2Book:BTC", "trades:BTC")),
    ]
    for seq in range(1, frames + 1):
        if seq == frames // 2:
            said.append(Gap(1, 1, Reason.OVERFLOW, 10**18, 10**18 + 5, seq, seq))
        else:
            said.append(frame(seq, chance))
    said.append(Gap(1, 1, Reason.STALLED, 10**18, 10**18 + 9, channels=("l2Book:BTC",)))
    said.append(ClockOffset(10**18, -3_000_000, 120_000))
    said.append(SocketClosed(1, 1, 10**18 + 10, frames, "bye", 1000))
    return said


def write(
    directory: Path, records: list[AnyRecord], settings: CaptureSettings = SMALL, *, is_closed: bool = True
) -> None:
    """A log of these records; if it is not closed, it is left as a writer that was killed leaves it."""
    log = CaptureLog(directory, run=3, now_ns=10**18, settings=settings)
    for number, record in enumerate(records):
        log.append(record)
        if number % 10 == 9:
            assert log.commit(10**18 + number)
    assert log.commit(10**18 + len(records))
    if is_closed:
        log.close(2 * 10**18)
    else:
        abandon(log)


def abandon(log: CaptureLog) -> None:
    """Let a log's files go without a word, as the kernel does for a process that is killed."""
    log._failure = log._fail("was killed by the test", RuntimeError("kill"))
    log.close(0)
