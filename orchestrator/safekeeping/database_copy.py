"""EDGE: one moment of a SQLite database that somebody may be writing, even under a lock that keeps readers out."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path
from typing import Final

from shared.errors import JournalError, Unanswered

_ATTEMPTS: Final = 200
_RETRY_S: Final = 0.02
_WAL_HEAD_BYTES: Final = 32


def copy_sqlite(path: Path, copy: Path) -> None:
    """One moment of a database that somebody may be writing, as a file without a log beside it.

    JournalError if it can't be read, Unanswered if it is locked and its log is begun anew all the time.
    """
    copy.unlink(missing_ok=True)
    try:
        _copy_by_sqlite(path, copy)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise JournalError(f"cannot read {path}: {error}") from error
        _copy_beside_writer(path, copy)
    except sqlite3.Error as error:
        raise JournalError(f"cannot read {path}: {error}") from error


def _copy_by_sqlite(path: Path, copy: Path) -> None:
    """SQLite takes the whole database in one read transaction; a writer goes on meanwhile."""
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.2)
    try:
        target = sqlite3.connect(copy)
        try:
            source.backup(target, progress=_not_locked)
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()
    finally:
        source.close()


def _not_locked(status: int, _remaining: int, _total: int) -> None:
    """Python's backup waits for a lock for ever, unless it is told not to."""
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        raise sqlite3.OperationalError("database is locked")


def _copy_beside_writer(path: Path, copy: Path) -> None:
    """The database and then its log, as they lie there; SQLite folds them, and cuts a last write that is torn.

    In WAL mode the database itself is written by checkpoints alone, with pages that stay in the log until it is begun
    anew, under another head. So if the head is the same before and after, what the copy of the database may have of a
    checkpoint half-way is whole in the copy of the log (SQLite, "WAL-mode File Format", 4.4 and 4.5).
    """
    wal = path.with_name(path.name + "-wal")
    raw = copy.with_name("raw.sqlite")
    parts = [raw.with_name(raw.name + end) for end in ("", "-wal", "-shm")]
    for _ in range(_ATTEMPTS):
        before = _head(path, wal)
        for source, target in zip((path, wal), parts, strict=False):
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)
        if _head(path, wal) == before:
            _copy_by_sqlite(raw, copy)
            for part in parts:
                part.unlink(missing_ok=True)
            return
        time.sleep(_RETRY_S)
    raise Unanswered(f"{path} is locked by its writer, who begins its log anew all the time")


def _head(path: Path, wal: Path) -> tuple[bytes, int, int]:
    """What changes when the log is begun anew; without a log, when the database is written."""
    try:
        with wal.open("rb") as file:
            head = file.read(_WAL_HEAD_BYTES)
    except FileNotFoundError:
        head = b""
    if head:
        return head, 0, 0
    status = path.stat()
    return b"", status.st_mtime_ns, status.st_size
