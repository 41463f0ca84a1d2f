"""A process that captures until it is killed, and says on its standard output what has become durable."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

from shared.clock import WallClock
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.records import Frame, SocketOpened
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.capture.writer import CaptureWriter

SETTINGS = CaptureSettings(
    group_age_ms=1, group_bytes=8_000, segment_bytes=40_000, reserve_bytes=64 << 10, resume_bytes=1 << 20
)
"""Small groups and segments, so that a kill meets every step of their lives."""


def payload(life: int, seq: int) -> bytes:
    """What frame `seq` of this life of the writer says; half of it does not compress."""
    return b"%d/%d/" % (life, seq) + Random(life * 1_000_003 + seq).randbytes(seq % 400) + b"x" * (seq % 300)


def main(directory: Path, life: int) -> None:
    """Capture as fast as the disk takes it, never more than 200 frames ahead of it."""
    clock = WallClock()

    def tell(ticket: int) -> None:
        os.write(1, b"%d\n" % (ticket - 1))

    writer = CaptureWriter(CaptureLog(directory, 1, clock.now(), SETTINGS), clock, SETTINGS, on_durable=tell)
    writer.put(SocketOpened(life, 1, clock.now()))
    seq = 0
    while True:
        seq += 1
        writer.put(Frame(life, 1, seq, clock.now(), 0, payload(life, seq)))
        if seq % 200 == 0:
            writer.wait_durable(seq - 100, 30)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
