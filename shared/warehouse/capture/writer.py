"""EDGE: the queue before the capture log: whoever reads a socket never waits for the disk, and never loses in silence.

`put` takes a record or counts it as lost; a thread writes what was taken. When the queue is full it stays shut until
the thread has emptied it, so all that was lost meanwhile is one gap per connection, declared right after what was kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import msgspec

from shared.clock import Clock
from shared.errors import HatsError, JournalError, MailboxFull
from shared.warehouse.capture.drops import Drops
from shared.warehouse.capture.lags import Lags
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.records import FRAME_BYTES_MAX, AnyRecord, Frame, Reason
from shared.warehouse.capture.settings import CaptureSettings

_OVERHEAD_BYTES: Final = 200
"""What a waiting record costs besides its data, roughly."""


class CaptureStats(msgspec.Struct):
    """Counts since the writer began: records taken, frames among them, frames dropped; how full the queue has been."""

    taken: int = 0
    frames: int = 0
    dropped: int = 0
    commits: int = 0
    bytes: int = 0
    waiting_bytes_max: int = 0


class CaptureWriter:
    """Records in from one thread, a `CaptureLog` fed by another; close it before its log's directory is used again."""

    def __init__(
        self,
        log: CaptureLog,
        clock: Clock,
        settings: CaptureSettings | None = None,
        on_durable: Callable[[int], None] | None = None,
    ) -> None:
        """`on_durable` is called on the writer's thread with the newest ticket that is durable, after each commit."""
        self._log = log
        self._clock = clock
        self._settings = settings or CaptureSettings()
        self._on_durable = on_durable
        self._changed = threading.Condition()
        self._queue: list[AnyRecord] = []
        self._queue_bytes = 0
        self._controls = 0
        self._is_shut = False
        self._drops = Drops()
        self._ticket = 0
        self._durable = 0
        self._is_ending = False
        self._failure: HatsError | None = None
        self.stats = CaptureStats()
        self.lags = Lags()
        """From `recv_ns` to durable, of every frame that was kept; written by the writer's thread alone."""
        self._thread = threading.Thread(target=self._run, name="capture-writer", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> HatsError | None:
        """Why nothing is written any more; None while the log lives."""
        return self._failure

    @property
    def durable(self) -> int:
        """The newest ticket up to which everything is on the disk, as records or as declared gaps."""
        return self._durable

    def put(self, record: AnyRecord) -> int:
        """Take a record; the result is its ticket, 0 if it is a frame that found no room and will be declared as a gap.

        Never waits for the disk. MailboxFull if it is no frame and there is no room; JournalError if the log is dead.
        """
        with self._changed:
            self._check()
            if isinstance(record, Frame):
                size = len(record.data) + _OVERHEAD_BYTES
                if size - _OVERHEAD_BYTES > FRAME_BYTES_MAX:
                    return self._drop(record, Reason.TOO_LARGE)
                if self._is_shut or self._queue_bytes + size > self._settings.queue_bytes:
                    self._is_shut = True
                    return self._drop(record, Reason.OVERFLOW)
                self.stats.frames += 1
            else:
                size = _OVERHEAD_BYTES
                self._controls += 1
                if self._controls > self._settings.queue_controls:
                    self._controls -= 1
                    raise MailboxFull(f"{self._controls} records wait for the disk already")
            return self._take(record, size)

    def wait_durable(self, ticket: int, timeout_s: float) -> bool:
        """Is everything up to `ticket` durable, within that time? JournalError if the log died before."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._durable >= ticket or self._failure is not None, timeout_s)
            if self._durable < ticket:
                self._check()
            return done

    def close(self) -> None:
        """Write what waits, seal the log and end the thread; JournalError if not all of it could be written."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join()
        self._log.close(self._clock.now())
        if self._failure is not None:
            raise self._failure

    def _take(self, record: AnyRecord, size: int) -> int:
        was_empty = not self._queue
        was_due = self._queue_bytes >= self._settings.group_bytes
        self._queue.append(record)
        self._queue_bytes += size
        self._ticket += 1
        self.stats.taken += 1
        if was_empty or (not was_due and self._queue_bytes >= self._settings.group_bytes):
            self._changed.notify_all()
        return self._ticket

    def _drop(self, frame: Frame, reason: Reason) -> int:
        self._drops.add(frame, reason)
        self.stats.dropped += 1
        self._changed.notify_all()
        return 0

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_ending or not self._thread.is_alive():
            raise JournalError("the capture writer has ended")

    def _run(self) -> None:
        try:
            while self._write_once():
                continue
        except HatsError as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _write_once(self) -> bool:
        """One batch from the queue to the disk; False when it was the last."""
        records, ticket, is_last = self._next_batch()
        for record in records:
            self._log.append(record)
        is_settled = self._log.commit(self._clock.now())
        if is_settled:
            now = self._clock.now()
            self.lags.add(now - record.recv_ns for record in records if isinstance(record, Frame))
        with self._changed:
            self.stats.commits += 1
            if is_settled:
                self._durable = ticket
                self._changed.notify_all()
        if is_settled and self._on_durable is not None:
            self._on_durable(ticket)
        return not is_last

    def _next_batch(self) -> tuple[list[AnyRecord], int, bool]:
        """What waits, once it is old or big enough; then what was lost since, as gaps."""
        age_s = self._settings.group_age_ms / 1_000
        with self._changed:
            # an idle log still rotates by age and looks for room once a second
            self._changed.wait_for(lambda: bool(self._queue or self._drops or self._is_ending), timeout=1.0)
            self._changed.wait_for(self._is_due, timeout=age_s)
            batch: list[AnyRecord] = self._queue
            self.stats.bytes += self._queue_bytes
            self.stats.waiting_bytes_max = max(self.stats.waiting_bytes_max, self._queue_bytes)
            self._queue, self._queue_bytes, self._controls, self._is_shut = [], 0, 0, False
            batch.extend(self._drops.take())
            return batch, self._ticket, self._is_ending

    def _is_due(self) -> bool:
        return self._is_ending or self._is_shut or self._queue_bytes >= self._settings.group_bytes
