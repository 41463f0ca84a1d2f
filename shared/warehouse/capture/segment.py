"""EDGE: one segment file while it is written: blocks appended whole or not at all, synced, sealed by rename."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from shared.durable import sync_folder
from shared.seal_file import fresh_nonce
from shared.sealing import SealKey, seal_chunks
from shared.warehouse.capture.blocks import VERSION, Foot, Head, Kind, Place, block
from shared.warehouse.capture.records import Connection

OPEN: Final = ".hlog.open"
SEALED: Final = ".hlog"
PURPOSE: Final = "capture segment"
"""What the key is derived for that finished segments are sealed with."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_CHUNK_BYTES: Final = 1 << 20

Sync = Callable[[int], None]
"""Brings a file descriptor's bytes to the disk or raises OSError; `os.fdatasync` outside tests."""


def segment_path(directory: Path, segment: int, suffix: str = SEALED) -> Path:
    """Where a segment lives."""
    return directory / f"{segment:08d}{suffix}"


def seal_file(path: Path, key: SealKey) -> bool:
    """The finished segment is encrypted, under the same name, whole or not at all. False where the disk has no room.

    OSError as the world raises it; then the file is as it was.
    """
    beside = path.with_suffix(".tmp")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(file, "wb") as target, path.open("rb") as source:
            chunks = iter(lambda: source.read(_CHUNK_BYTES), b"")
            target.writelines(seal_chunks(key.derive(PURPOSE), path.name, chunks, fresh_nonce))
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        beside.unlink(missing_ok=True)
        if error.errno in _NO_ROOM:
            return False
        raise
    beside.replace(path)
    sync_folder(path.parent)
    return True


class Segment:
    """The file that is being written. Its methods raise OSError as the world does; the log above decides."""

    def __init__(self, directory: Path, place: Place, first_record: int, sync: Sync) -> None:
        """Create the file, empty; FileExistsError if it is there."""
        self.path = segment_path(directory, place.segment, OPEN)
        self.place = place
        self.created_ns = 0
        self.bytes = 0
        self.records = 0
        self.groups = 0
        self._first = self._next = first_record
        self._sync = sync
        self._hash = hashlib.sha256()
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    @property
    def next_record(self) -> int:
        """The number that the next record gets."""
        return self._next

    def begin(self, now_ns: int) -> None:
        """Write the header block."""
        self._put(Kind.HEAD, msgspec.msgpack.encode(Head(VERSION, *self.place, created_ns=now_ns)))
        self.created_ns = now_ns

    def put_group(self, payload: bytes, records: int) -> None:
        """Append one group; if that fails the file is as it was."""
        self._put(Kind.GROUP, payload, records)
        self._next += records
        self.records += records
        self.groups += 1

    def sync(self) -> None:
        """All that was put is on the disk when this returns. If it raises, nobody knows what is, ever again."""
        self._sync(self._file)

    def put_foot(self, now_ns: int, connections: tuple[Connection, ...]) -> str:
        """Append the footer; the result is the hash of all before it. If that fails the file is as it was."""
        digest = self._hash.hexdigest()
        foot = Foot(self.records, self._first, self._next - 1, self.groups, now_ns, digest, connections)
        self._put(Kind.FOOT, msgspec.msgpack.encode(foot))
        return digest

    def seal(self) -> str:
        """Bring everything to the disk and give the file its final name, the result; nothing of it is ever retried."""
        self.sync()
        self.close()
        final = segment_path(self.path.parent, self.place.segment)
        self.path.rename(final)
        sync_folder(final.parent)
        return final.name

    def close(self) -> None:
        """Let the file go, sealed or not."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _put(self, kind: Kind, payload: bytes, records: int = 0) -> None:
        data = block(self.place, kind, self.bytes, payload, self._next, records)
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._file, memoryview(data)[done:], self.bytes + done)
        except OSError:
            os.ftruncate(self._file, self.bytes)
            raise
        self._hash.update(data)
        self.bytes += len(data)
