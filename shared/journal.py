"""EDGE: the journal, an append-only SQLite file that is the one truth of a run.

`messages` holds every message in its order, `handled` which of them each Hat was given, when, and in which batch, and
`snapshots` the Hats' states after a batch. State = fold(journal). One writer at a time: an exclusive lock on
`<path>.lock`, and before every commit two checks: of the fencing epoch, and that the file is the one at its path still.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from shared.errors import JournalError
from shared.fence import Fence
from shared.ids import Role
from shared.record import Entry, Handled

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
    cause INTEGER NOT NULL, origin_ns INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS handled (
    n INTEGER PRIMARY KEY, after_seq INTEGER NOT NULL, role TEXT NOT NULL, now INTEGER NOT NULL,
    seqs BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS snapshots (role TEXT NOT NULL, n INTEGER NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (role, n)) STRICT;
CREATE TABLE IF NOT EXISTS epochs (epoch INTEGER PRIMARY KEY, pid INTEGER NOT NULL, taken_ns INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS messages_by_kind ON messages (kind, seq);
CREATE TRIGGER IF NOT EXISTS messages_stay BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS messages_keep BEFORE DELETE ON messages BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS handled_stay BEFORE UPDATE ON handled BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS handled_keep BEFORE DELETE ON handled BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""


_ALL: Final = (1 << 63) - 1
_CHECKPOINT_PAGES: Final = 4_000
"""Pages of the write-ahead log before SQLite folds them back: seldom, for a writer waits for it."""


class Journal:
    """The writer's side. Rows are never changed.

    `commit` makes them survive the death of this process and costs tens of microseconds; `sync` brings them to the disk
    and costs what the disk costs.
    """

    def __init__(self, path: Path, *, now_ns: int, is_durable: bool = True) -> None:
        """Open for writing and take the next epoch; JournalError if another writer holds it."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(path.with_name(path.name + ".lock"))
        self._db = _open(path)
        self._db.execute("PRAGMA journal_mode = WAL")
        # a commit does not wait for the disk, a checkpoint does; `sync` waits when somebody is about to act
        self._db.execute(f"PRAGMA synchronous = {'NORMAL' if is_durable else 'OFF'}")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._db.executescript(_SCHEMA)
        self._db.execute("BEGIN IMMEDIATE")
        self.epoch: int = self._db.execute("SELECT coalesce(max(epoch), 0) + 1 FROM epochs").fetchone()[0]
        self._db.execute("INSERT INTO epochs VALUES (?, ?, ?)", (self.epoch, os.getpid(), now_ns))
        self._db.execute("COMMIT")
        self._wal = os.open(f"{path}-wal", os.O_RDONLY) if is_durable else None
        self.last_seq: int = self.reader.last_seq()
        self.last_n: int = self._db.execute("SELECT coalesce(max(n), 0) FROM handled").fetchone()[0]
        self.is_dirty = False
        self.has_durable_pending = False
        self._last_n_of: dict[Role, int] = {}
        self._fence = Fence(path)

    def append(self, entry: Entry, *, durable: bool) -> None:
        """Write one message; it must be the next in order."""
        if entry.seq != self.last_seq + 1:
            raise JournalError(f"expected message {self.last_seq + 1}, got {entry.seq}")
        self._write("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", entry)
        self.last_seq = entry.seq
        self.has_durable_pending |= durable

    def append_handled(self, role: Role, now: int, seqs: tuple[int, ...]) -> int:
        """Write that `role` handled these messages; the result is the batch's number."""
        self.last_n += 1
        self._write(
            "INSERT INTO handled VALUES (?, ?, ?, ?, ?)",
            (self.last_n, self.last_seq, role, now, msgspec.msgpack.encode(seqs)),
        )
        self._last_n_of[role] = self.last_n
        return self.last_n

    def last_n_of(self, role: Role) -> int:
        """The newest batch that this writer wrote for a Hat; 0 if none."""
        return self._last_n_of.get(role, 0)

    def put_snapshot(self, role: Role, n: int, state: bytes) -> None:
        """Keep a Hat's state after batch `n`; older ones beyond the last two are let go."""
        self._write("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (role, n, state))
        self._write(
            "DELETE FROM snapshots WHERE role = ? AND n NOT IN "
            "(SELECT n FROM snapshots WHERE role = ? ORDER BY n DESC LIMIT 2)",
            (role, role),
        )

    def commit(self) -> None:
        """Everything written so far survives this process when this returns; JournalError if not, or if fenced."""
        if not self.is_dirty:
            return
        self._fence.check()
        newest = self._db.execute("SELECT max(epoch) FROM epochs").fetchone()[0]
        if newest != self.epoch:
            raise JournalError(f"fenced: this writer is epoch {self.epoch}, the journal is at {newest}")
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise JournalError(f"{self.path} cannot be written: {error}") from error
        self.is_dirty = False

    def sync(self) -> None:
        """Everything written so far is on disk when this returns; JournalError if it is not, or if we were fenced."""
        self.commit()
        if self._wal is not None:
            try:
                os.fdatasync(self._wal)
            except OSError as error:
                raise JournalError(f"{self.path} cannot be brought to the disk: {error}") from error
        self.has_durable_pending = False

    def close(self) -> None:
        """Sync, fold the write-ahead log back and let the lock go; that too where the rest fails."""
        try:
            self.sync()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.close()
            if self._wal is not None:
                os.close(self._wal)
            self._lock.close()

    def _write(self, sql: str, row: tuple[object, ...]) -> None:
        try:
            if not self.is_dirty:
                self._db.execute("BEGIN")
                self.is_dirty = True
            self._db.execute(sql, row)
        except sqlite3.Error as error:
            raise JournalError(f"{self.path} cannot be written: {error}") from error

    @property
    def reader(self) -> JournalReader:
        """Reads through this writer's own connection, uncommitted rows included."""
        return JournalReader(self._db)


class JournalReader:
    """The reader's side; safe beside a writer."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path) -> JournalReader:
        """Open an existing journal for reading; JournalError if there is none."""
        if not path.exists():
            raise JournalError(f"there is no journal at {path}")
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
        return cls(db)

    def messages(self, after_seq: int = 0, kind: str | None = None, since_ns: int = 0) -> Iterator[Entry]:
        """Messages after `after_seq` and not older than `since_ns`, in order, of one kind if given."""
        where, args = ("AND kind = ?", (after_seq, since_ns, kind)) if kind else ("", (after_seq, since_ns))
        sql = f"SELECT * FROM messages WHERE seq > ? AND ts >= ? {where} ORDER BY seq"  # noqa: S608 - two constants  # nosec B608
        for row in self._db.execute(sql, args):
            yield Entry(row[0], row[1], Role(row[2]), *row[3:])

    def last_seq(self) -> int:
        """The number of the newest message; 0 if there is none."""
        return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM messages").fetchone()[0])

    def message(self, seq: int) -> Entry | None:
        """One message."""
        row = self._db.execute("SELECT * FROM messages WHERE seq = ?", (seq,)).fetchone()
        return Entry(row[0], row[1], Role(row[2]), *row[3:]) if row else None

    def handled(self, role: Role | None = None, after_n: int = 0) -> Iterator[Handled]:
        """Batches after `after_n` in order, of one Hat if given."""
        where, args = ("AND role = ?", (after_n, str(role))) if role else ("", (after_n,))
        for n, after, who, now, seqs in self._db.execute(
            f"SELECT * FROM handled WHERE n > ? {where} ORDER BY n",  # noqa: S608  # nosec B608
            args,
        ):
            yield Handled(n, after, Role(who), now, tuple(msgspec.msgpack.decode(seqs)))

    def snapshot(self, role: Role) -> tuple[int, bytes] | None:
        """The newest state kept of a Hat and the batch after which it was taken."""
        row = self._db.execute(
            "SELECT n, state FROM snapshots WHERE role = ? ORDER BY n DESC LIMIT 1", (str(role),)
        ).fetchone()
        return (row[0], row[1]) if row else None

    def epochs_since(self, ns: int) -> int:
        """How many writers took this journal since `ns`: how often the orchestrator was started lately."""
        count: int = self._db.execute("SELECT count(*) FROM epochs WHERE taken_ns >= ?", (ns,)).fetchone()[0]
        return count

    def counts(self) -> dict[str, int]:
        """How many messages of each kind."""
        return dict(self._db.execute("SELECT kind, count(*) FROM messages GROUP BY kind ORDER BY kind"))

    def batches(self) -> dict[Role, int]:
        """How many batches each Hat handled."""
        return {Role(role): n for role, n in self._db.execute("SELECT role, count(*) FROM handled GROUP BY role")}

    def digest(self, until_seq: int = _ALL, until_n: int = _ALL) -> str:
        """SHA-256 of all messages and batches (up to these) in order: equal runs have equal digests."""
        total = hashlib.sha256()
        for row in self._db.execute("SELECT * FROM messages WHERE seq <= ? ORDER BY seq", (until_seq,)):
            total.update(msgspec.msgpack.encode(row))
        for row in self._db.execute("SELECT * FROM handled WHERE n <= ? ORDER BY n", (until_n,)):
            total.update(msgspec.msgpack.encode(row))
        return total.hexdigest()

    def fault(self) -> str | None:
        """What is wrong with the file: None if SQLite finds it whole and the order has no gap."""
        verdict = self._db.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            return str(verdict)
        for table, key in (("messages", "seq"), ("handled", "n")):
            count, last = self._db.execute(f"SELECT count(*), coalesce(max({key}), 0) FROM {table}").fetchone()  # noqa: S608  # nosec B608
            if count != last:
                return f"{table} has {count} rows but ends at {last}"
        return None

    def close(self) -> None:
        """Let the file go."""
        self._db.close()


def _open(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise JournalError(f"{path} cannot be opened: {error}") from error


def _lock(path: Path) -> IO[str]:
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise JournalError(f"another orchestrator writes this journal ({path} is locked)") from None
    return handle
