"""EDGE: the audit chain on disk: append-only lines, synced in batches, with the head written down beside them."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hats.security_architect import audit
from hats.security_architect.audit import Head, Verified, leaf_of
from hats.security_architect.checkpoint_file import checkpoints_path, read_checkpoints
from hats.security_architect.checkpointer import Checkpointer, OnMade
from hats.security_architect.checkpoints import Expected
from shared.errors import HatsError, InvariantError, JournalError
from shared.fence import Fence
from shared.messages.control import AuditRecord


def head_path(path: Path) -> Path:
    """Where the head of the log at `path` is written down."""
    return path.with_suffix(".head.json")


def read_head(path: Path) -> Head | None:
    """The head written beside the log; None if there is none yet. JournalError if it can't be read."""
    try:
        return msgspec.json.decode(head_path(path).read_bytes(), type=Head)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise JournalError(f"cannot read {head_path(path)}: {error}") from error


def verify_file(
    path: Path, copies: Sequence[Path] = (), trusted: Sequence[str] = (), *, is_live: bool = False
) -> Verified:
    """What a check of the log finds, against the head and the checkpoints beside it and those at other places.

    `trusted` are the public keys (hex) that may have signed; without any, all must be one. A log that `is_live`
    may end with a line that is being written. JournalError if a file can't be read.
    """
    files = (checkpoints_path(path), *copies)
    expected = Expected([found for file in files for found in read_checkpoints(file)], name_of(path), trusted)
    try:
        with path.open("rb") as lines:
            whole = (line for line in lines if line.endswith(b"\n")) if is_live else lines
            return audit.verify(whole, read_head(path), expected)
    except OSError as error:
        raise JournalError(f"cannot read {path}: {error}") from error


def name_of(path: Path) -> str:
    """The log's name in its checkpoints: that of the run's folder."""
    return path.absolute().parent.name


class AuditLog:
    """The log of one run. Lines reach the kernel at once and the disk every `sync_ms`, by a thread of their own.

    A power failure may take the last `sync_ms` from this file; the journal has the same records.
    """

    def __init__(self, path: Path, sync_ms: int, checkpointer: Checkpointer | None = None) -> None:
        self._path = path
        self._checkpointer = checkpointer
        self._sync_s = sync_ms / 1_000
        self._file = -1
        self._fence: Fence | None = None
        self._ends: list[int] = [0]
        self._head = Head()
        self._synced = Head()
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sync_often, name="audit-sync", daemon=True)

    @property
    def head(self) -> Head:
        """The last record written."""
        return self._head

    def open(self, on_checkpoint: OnMade = lambda _: None) -> None:
        """Check what is there, drop a last line that was cut in the middle, and be ready to append.

        `on_checkpoint` hears of each checkpoint, on the log's own thread. InvariantError if the log was tampered with:
        nothing is appended to a broken chain.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._fence = Fence(self._path)
        with self._path.open("rb") as lines:
            whole = [line for line in lines if line.endswith(b"\n")]
        found = audit.verify(whole, read_head(self._path))
        if not found.is_sound:
            raise InvariantError(f"{self._path}, line {found.fault_line}: {found.fault}")
        for line in whole:
            self._ends.append(self._ends[-1] + len(line))
        os.ftruncate(self._file, self._ends[-1])
        self._head = self._synced = found.head
        if self._checkpointer is not None:
            self._checkpointer.open([leaf_of(line) for line in whole], on_checkpoint)
        self._thread.start()

    def append(self, record: AuditRecord) -> None:
        """Write the record. One that is there already must be the same, byte for byte, or it is an InvariantError."""
        if self._failure is not None:
            raise JournalError(f"the audit log cannot be kept: {self._failure}") from self._failure
        line = audit.line_of(record)
        if 1 <= record.index <= self._head.index:
            start, end = self._ends[record.index - 1 : record.index + 1]
            if os.pread(self._file, end - start, start) != line:
                raise InvariantError(f"audit record {record.index} was written before and was another")
            return
        head = audit.follow(self._head, record)
        with self._lock:
            try:
                written = os.write(self._file, line)
            except OSError as error:
                raise JournalError(f"cannot write {self._path}: {error}") from error
            if written != len(line):
                raise JournalError(f"cannot write {self._path}: {written} of {len(line)} bytes were taken")
            self._ends.append(self._ends[-1] + written)
            self._head = head
            if self._checkpointer is not None:
                self._checkpointer.add(leaf_of(line))

    def sync(self) -> None:
        """Bring everything written so far to the disk, then note the head beside it; JournalError if we are fenced."""
        if self._fence is not None:
            self._fence.check()
        with self._lock:
            head = self._head
        if head == self._synced:
            return
        os.fsync(self._file)
        target = head_path(self._path)
        beside = target.with_suffix(".tmp")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(file, msgspec.json.encode(head) + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
        beside.replace(target)
        self._synced = head

    def close(self) -> None:
        """Sync and end; harmless if it was never opened."""
        if self._file < 0:
            return
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self.sync()
            if self._checkpointer is not None:
                self._checkpointer.work(self._synced.index, is_last=True)
        finally:
            if self._checkpointer is not None:
                self._checkpointer.close()
            os.close(self._file)
            self._file = -1

    def _sync_often(self) -> None:
        while not self._stop.wait(self._sync_s):
            try:
                self.sync()
                if self._checkpointer is not None:
                    self._checkpointer.work(self._synced.index)
            except (OSError, HatsError) as error:
                self._failure = error
                return
