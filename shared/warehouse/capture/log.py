"""EDGE: the capture log while it is written: groups committed, segments rotated, a full disk survived and declared.

Three promises, in this order. What `commit` returned true for is on the disk, as frames or as a gap that declares
them. A failed fsync ends the log at once, for after it nobody knows what the disk holds (JournalError; open it anew:
what can be read is then copied to a new file and synced there). A full disk ends nothing: frames become gaps, which
are written into space held back for them, and when there is room again a new segment goes on.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from shared.errors import DataError, JournalError
from shared.fence import Fence
from shared.seal_file import read_seal_key
from shared.warehouse.capture.blocks import Place, group_payload
from shared.warehouse.capture.completeness import Completeness
from shared.warehouse.capture.drops import Drops
from shared.warehouse.capture.reader import is_encrypted, segments
from shared.warehouse.capture.records import AnyRecord, Frame, Reason, SegmentStarted, encode
from shared.warehouse.capture.recovery import Recovered, recover
from shared.warehouse.capture.reserve import Reserve
from shared.warehouse.capture.segment import Segment, Sync, seal_file
from shared.warehouse.capture.settings import CaptureSettings

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_RETRY_NS: Final = 1_000_000_000
"""How often a log without space looks whether there is some."""
_DECLARE_NS: Final = 60_000_000_000
"""How often it writes down what it has lost meanwhile: seldom, for consecutive losses make one row."""


class CaptureLog:
    """The one writer of a directory of segments. Not thread-safe; `CaptureWriter` puts a queue before it."""

    def __init__(
        self,
        directory: Path,
        run: int,
        now_ns: int,
        settings: CaptureSettings | None = None,
        sync: Sync = os.fdatasync,
    ) -> None:
        """Take the directory, put in order what a dead writer left, and begin a segment; JournalError if it fails."""
        self.directory = directory
        self._settings = settings or CaptureSettings()
        key_file = self._settings.seal_key_file
        self._key = None if key_file is None else read_seal_key(key_file)
        self._sync = sync
        self._failure: JournalError | None = None
        self._encoded: list[bytes] = []
        self._held: list[AnyRecord] = []
        self._encoded_bytes = 0
        self._drops = Drops()
        self._is_dirty = False
        self._next_try_ns = self._next_declare_ns = 0
        self._open = Completeness()
        self._previous = ("", "")
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(directory / "capture.lock")
        self._fence = Fence(directory / "capture.lock")
        self._reserve: Reserve | None = None
        self._segment: Segment | None = None
        self.is_out_of_space = False
        self.frames_lost = 0
        """Frames that a full disk turned into gaps, since this writer began."""
        try:
            self._begin(run, now_ns)
        except (OSError, DataError, JournalError) as error:
            failure = self._fail("can't be begun", error)
            self.close(now_ns)
            raise failure from error

    def _begin(self, run: int, now_ns: int) -> None:
        found: Recovered = recover(self.directory, now_ns, self._key)
        for path in segments(self.directory) if self._key is not None else ():
            self._encrypt(path)  # what a dead writer, or a full disk, left plain
        self.session = found.session + 1
        self._previous = (found.name, found.sha256)
        self._reserve = Reserve(self.directory / "reserve", self._settings.reserve_bytes)
        place = Place(run, self.session, found.segment + 1)
        self._start_segment(place, found.next_record, now_ns, [found.died] if found.died else [])
        self._flush()

    @property
    def next_record(self) -> int:
        """The number of the next record to be written; every record before it was put into a segment."""
        assert self._segment is not None
        return self._segment.next_record

    @property
    def pending_bytes(self) -> int:
        """Encoded and not written yet."""
        return self._encoded_bytes

    @property
    def stored_bytes(self) -> int:
        """Size of the present segment on disk."""
        return self._segment.bytes if self._segment else 0

    @property
    def free_bytes(self) -> int:
        """What the disk has left for us besides the reserve; -1 once the log is closed."""
        return self._reserve.free_bytes() if self._reserve is not None else -1

    @property
    def is_low(self) -> bool:
        """Is the disk nearly full? Then it is time to take on no more."""
        return self.free_bytes < self._settings.low_water_bytes

    def append(self, record: AnyRecord) -> None:
        """Take a record in; it is durable once `commit` has returned true. JournalError if the log has failed."""
        if self._failure is not None:
            raise self._failure
        if self.is_out_of_space and isinstance(record, Frame):
            self._lose(record)
            return
        body = encode(record)
        self._encoded.append(body)
        self._held.append(record)
        self._encoded_bytes += len(body) + 4
        if self._encoded_bytes >= self._settings.group_bytes:
            self._write_group()

    def commit(self, now_ns: int) -> bool:
        """Bring all that was appended to the disk; true if it is there, as records or as declared gaps.

        False only while the disk is full and more was lost than is declared yet. JournalError if the disk failed.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._fence.check()
        except JournalError as error:
            raise self._fail("can't go on", error) from error
        self._write_group()
        if self.is_out_of_space:
            self._live_without_space(now_ns)
        self._flush()
        if self._is_due(now_ns):
            self._rotate(now_ns)
        return not (self._encoded or self._drops)

    def close(self, now_ns: int) -> None:
        """Commit, seal the segment and let the directory go. After a failure: let go of everything as it is."""
        try:
            if self._failure is None and self._segment is not None:
                self._write_group()
                self._declare()
                self._flush()
                self._seal(now_ns)
        finally:
            if self._segment is not None:
                self._segment.close()
            if self._reserve is not None:
                self._reserve.close()
                self._reserve = None
            os.close(self._lock)
            self._lock = -1

    def _write_group(self) -> None:
        """Put what was appended into the segment; on a full disk turn it into gaps and say so at once."""
        assert self._segment is not None
        if not self._encoded or self.is_out_of_space:
            return
        try:
            self._segment.put_group(group_payload(self._encoded), len(self._encoded))
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise self._fail("can't be written", error) from error
            self._run_out_of_space()
            return
        self._settle()

    def _settle(self) -> None:
        self._open.extend(self._held)
        self._encoded, self._held, self._encoded_bytes = [], [], 0
        self._is_dirty = True

    def _run_out_of_space(self) -> None:
        self.is_out_of_space = True
        held = self._held
        self._encoded, self._held, self._encoded_bytes = [], [], 0
        for record in held:
            self.append(record)
        self._declare()

    def _lose(self, frame: Frame) -> None:
        self._drops.add(frame, Reason.NO_SPACE)
        self.frames_lost += 1

    def _declare(self) -> None:
        """Write the gaps, and the records that are no frames, into the space held back for them."""
        assert self._segment is not None
        records = [*self._held, *self._drops.take()]
        if not records:
            return
        self._held, self._encoded = records, [encode(record) for record in records]
        payload = group_payload(self._encoded)
        self._in_reserve(lambda segment: segment.put_group(payload, len(records)))
        self._settle()

    def _in_reserve(self, write: Callable[[Segment], object]) -> None:
        """Do a write that must not fail for lack of room, giving up the reserve slice by slice."""
        assert self._segment is not None
        assert self._reserve is not None
        while True:
            try:
                write(self._segment)
            except OSError as error:
                if error.errno not in _NO_ROOM or not self._reserve.give_up():
                    lost = f"{self.frames_lost} frames since its start, the last of them undeclared"
                    raise self._fail(f"can't even say what it lost ({lost})", error) from error
            else:
                return

    def _live_without_space(self, now_ns: int) -> None:
        """Look now and then whether there is room, and write down from time to time what was lost meanwhile."""
        if now_ns >= self._next_declare_ns:
            self._next_declare_ns = now_ns + _DECLARE_NS
            self._declare()
        if now_ns >= self._next_try_ns:
            self._next_try_ns = now_ns + _RETRY_NS
            self._try_to_go_on(now_ns)

    def _try_to_go_on(self, now_ns: int) -> None:
        """Take new frames again, in a new segment, if there is room for them and for the reserve."""
        assert self._reserve is not None
        missing = self._settings.reserve_bytes - self._reserve.held_bytes
        if self._reserve.free_bytes() < self._settings.resume_bytes + missing:
            return
        try:
            self._reserve.fill()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise self._fail("can't hold its reserve", error) from error
            return
        self._declare()
        self.is_out_of_space = False
        self._rotate(now_ns)

    def _is_due(self, now_ns: int) -> bool:
        segment = self._segment
        if segment is None or self.is_out_of_space or not segment.groups:
            return False
        age_ns = now_ns - segment.created_ns
        return segment.bytes >= self._settings.segment_bytes or age_ns >= self._settings.segment_age_s * 1_000_000_000

    def _rotate(self, now_ns: int) -> None:
        assert self._segment is not None
        place, following = self._segment.place, self._segment.next_record
        self._flush()
        self._seal(now_ns)
        self._start_segment(place._replace(segment=place.segment + 1), following, now_ns)
        self._flush()

    def _seal(self, now_ns: int) -> None:
        assert self._segment is not None
        digests: list[str] = []
        self._in_reserve(lambda segment: digests.append(segment.put_foot(now_ns, self._open.open_connections())))
        try:
            self._previous = (self._segment.seal(), digests[0])
        except OSError as error:
            raise self._fail("can't seal a segment", error) from error
        self._encrypt(self.directory / self._previous[0])

    def _encrypt(self, path: Path) -> None:
        """Encrypt a sealed segment, if it is to be; where the disk has no room it stays plain until the next writer."""
        if self._key is None or is_encrypted(path):
            return
        try:
            seal_file(path, self._key)
        except OSError as error:
            raise self._fail("can't encrypt a segment", error) from error

    def _start_segment(self, place: Place, first_record: int, now_ns: int, news: Sequence[AnyRecord] = ()) -> None:
        """Begin a file; its first group says what came before it, all at once or not at all."""
        try:
            self._segment = Segment(self.directory, place, first_record, self._sync)
        except OSError as error:
            raise self._fail("can't begin a segment", error) from error
        self._in_reserve(lambda segment: segment.begin(now_ns))
        self._open.forget_closed()
        started = SegmentStarted(now_ns, self.session, *self._previous, self._open.open_connections())
        self._held = [started, *news]
        self._encoded = [encode(record) for record in self._held]
        self._in_reserve(lambda segment: segment.put_group(group_payload(self._encoded), len(self._encoded)))
        self._settle()

    def _flush(self) -> None:
        """fsync, once; its failure is the end of this log."""
        assert self._segment is not None
        if not self._is_dirty:
            return
        try:
            self._segment.sync()
        except OSError as error:
            raise self._fail("can't be brought to the disk", error) from error
        self._is_dirty = False

    def _fail(self, what: str, error: Exception) -> JournalError:
        if self._failure is None:
            self._failure = JournalError(f"the capture log in {self.directory} {what}: {error}")
        return self._failure


def _lock(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise JournalError(f"another writer has this capture log ({path} is locked)") from None
    return file
