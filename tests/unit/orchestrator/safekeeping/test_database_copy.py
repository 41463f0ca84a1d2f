"""Databases copied while they are written: one moment of them, whoever holds the lock and however fast they write."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.safekeeping.database_copy import copy_sqlite
from shared.errors import JournalError

WRITER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
if sys.argv[2] == "locked":
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA wal_autocheckpoint=" + sys.argv[3])
db.execute("CREATE TABLE pairs (n INTEGER PRIMARY KEY, twice INTEGER, filling BLOB)")
for n in range(10**9):
    db.execute("BEGIN")
    db.execute("INSERT INTO pairs VALUES (?, ?, zeroblob(3000))", (2 * n, 4 * n))
    db.execute("INSERT INTO pairs VALUES (?, ?, zeroblob(3000))", (2 * n + 1, 4 * n + 2))
    db.execute("UPDATE pairs SET twice = twice WHERE n < 50")
    db.execute("COMMIT")
    if n % 20 == 0:
        print(n, flush=True)
        time.sleep(0.05)
"""


@pytest.mark.parametrize("lock", ["locked", "shared"])
@pytest.mark.parametrize("checkpoint_pages", [50, 100_000])
def test_a_copy_beside_a_writer_is_one_moment(tmp_path: Path, lock: str, checkpoint_pages: int) -> None:
    """Whole by SQLite's own check, no half of a transaction, and all that was committed before the copy began."""
    path, copy = tmp_path / "db.sqlite", tmp_path / "copy.sqlite"
    command = [sys.executable, "-c", WRITER, str(path), lock, str(checkpoint_pages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        try:
            for _ in range(5):
                committed = int(writer.stdout.readline())
                copy_sqlite(path, copy)
                db = sqlite3.connect(copy)
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                count, highest, odd = db.execute("SELECT count(*), max(n), sum(twice != 2 * n) FROM pairs").fetchone()
                db.close()
                assert (count, odd) == (highest + 1, 0)
                assert count % 2 == 0
                assert count >= 2 * committed
        finally:
            writer.kill()
    assert {path.name for path in tmp_path.iterdir()} <= {"db.sqlite", "db.sqlite-wal", "db.sqlite-shm", "copy.sqlite"}


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    """By name."""
    (tmp_path / "db.sqlite").write_bytes(b"no database at all, " * 300)
    with pytest.raises(JournalError, match=r"cannot read .*db\.sqlite"):
        copy_sqlite(tmp_path / "db.sqlite", tmp_path / "copy.sqlite")
