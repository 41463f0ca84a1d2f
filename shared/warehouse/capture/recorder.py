"""EDGE: the capture log of a running feed: opened, watched, closed. Whatever becomes of the log, the feed goes on.

A log that can't be opened or has died takes nothing more, says so, and stays dead until its process begins anew: after
a failed fsync nobody knows what the disk holds. A thread of its own looks at it, so that neither the socket's nor the
disk's ever waits for whoever is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from shared.clock import Clock
from shared.errors import BusError, HatsError
from shared.messages.market import CaptureState, CaptureStatus
from shared.units import SECOND, Ns
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.records import AnyRecord, Frame
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.capture.writer import CaptureWriter

WATCH_S: Final = 0.5
REPORT_NS: Final = 10 * SECOND
"""How often the status is said even if its state is the same."""
_UNKNOWN: Final = -1


class Recorder:
    """`record` may be called from one thread; it never waits and never raises."""

    def __init__(
        self,
        directory: Path,
        run: int,
        clock: Clock,
        settings: CaptureSettings,
        tell: Callable[[CaptureStatus], object] = lambda _: None,
    ) -> None:
        """Opened, or dead from the start; either is told at once, then every change by a thread."""
        self._clock = clock
        self._tell = tell
        self._failure: HatsError | None = None
        self._unheard = 0
        self.log: CaptureLog | None = None
        self.writer: CaptureWriter | None = None
        try:
            self.log = CaptureLog(directory, run, clock.now(), settings)
            self.writer = CaptureWriter(self.log, clock, settings)
        except (HatsError, OSError) as error:
            self._failure = error if isinstance(error, HatsError) else HatsError(f"no capture in {directory}: {error}")
        self._said = self.status()
        tell(self._said)
        self._ending = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="capture-watch", daemon=True)
        self._watching.start()

    def record(self, record: AnyRecord) -> None:
        """Take a record in. Frames that find no room become declared gaps; after the log's death they are counted."""
        if self.writer is not None and self._failure is None:
            try:
                self.writer.put(record)
            except HatsError as error:  # a record refused would make the account wrong: nothing is taken after it
                self._failure = error
            else:
                return
        self._unheard += isinstance(record, Frame)

    def status(self) -> CaptureStatus:
        """How the log stands now."""
        now = self._clock.now()
        log, writer = self.log, self.writer
        if log is None or writer is None:
            return CaptureStatus(CaptureState.DEAD, str(self._failure), self._unheard, self._unheard, _UNKNOWN, now)
        unkept = writer.stats.dropped + self._unheard
        frames, lost = writer.stats.frames + unkept, log.frames_lost + unkept
        failure = self._failure or writer.failure
        state, reason = CaptureState.ON, f"in {log.directory}"
        if failure is not None:
            state, reason = CaptureState.DEAD, str(failure)
        elif log.is_out_of_space:
            state, reason = CaptureState.FULL, "the disk is full: frames become declared gaps"
        elif log.is_low:
            state, reason = CaptureState.LOW, "the disk is nearly full"
        return CaptureStatus(state, reason, frames, lost, log.free_bytes, now)

    def close(self) -> CaptureStatus:
        """Sealed, as far as it lives; the last status."""
        self._ending.set()
        self._watching.join()
        last = self.status()
        if self.writer is not None:
            try:
                self.writer.close()
            except HatsError as error:
                self._failure = self._failure or error
                last = self.status()
        return last

    def _watch(self) -> None:
        while not self._ending.wait(WATCH_S):
            status = self.status()
            if status.state is not self._said.state or status.ns - self._said.ns >= REPORT_NS:
                self._said = status
                try:
                    self._tell(status)
                except BusError:
                    return  # nobody is left to be told; the feed's end will be the log's


def off(now: Ns) -> CaptureStatus:
    """What is said where nobody wants a log."""
    return CaptureStatus(CaptureState.OFF, "switched off", 0, 0, _UNKNOWN, now)
