"""EDGE: what was spent and added, on disk before a signature leaves; the file's lock keeps a second signer out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hats.security_architect.signer.bounds import Added, Limits, full
from hats.security_architect.signer.nonces import REMEMBERED, NonceBook, Spent
from hats.security_architect.signer.tickets import REMEMBERED as APPROVALS_REMEMBERED
from shared.errors import JournalError
from shared.fence import Fence
from shared.units import DAY, MS

_TRIM_EVERY: Final = 1_024
_ANY: Final = 1 << 60
"""More orders, or micro-USDC, than any limit."""


class NonceStore:
    """One SQLite file for one key.

    It is written without waiting for the disk at each signature, so it survives the death of the process but may lose
    its last entries in a power failure; then the venue's own nonce set and the engine's journal stand behind it.
    """

    def __init__(self, path: Path, address: str) -> None:
        try:
            # a key that takes over is opened on a thread and then handed to the one that signs: one at a time has it
            self._file = sqlite3.connect(path, isolation_level=None, timeout=0.5, check_same_thread=False)
            self._file.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute("BEGIN EXCLUSIVE")
            self._file.execute("CREATE TABLE IF NOT EXISTS owner (address TEXT PRIMARY KEY) STRICT")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS spent (nonce INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT"
            )
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS approvals (key BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (key, id)) "
                "STRICT, WITHOUT ROWID"
            )
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS added (nonce INTEGER PRIMARY KEY, ms INTEGER NOT NULL, "
                "orders INTEGER NOT NULL, notional_usd INTEGER NOT NULL) STRICT"
            )
            owner = self._file.execute("SELECT address FROM owner").fetchone()
            if owner is None:
                self._file.execute("INSERT INTO owner VALUES (?)", (address,))
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            raise JournalError(f"cannot open {path}: {error}; is another signer running?") from error
        if owner is not None and owner[0] != address:
            self.close()
            raise JournalError(f"{path} holds the nonces of {owner[0]}, not of {address}")
        self._until_trim = _TRIM_EVERY
        self._fence = Fence(path)

    def book(self) -> NonceBook:
        """The nonces as they were left."""
        return NonceBook(self.spent())

    def spent(self) -> list[Spent]:
        """The nonces as they were left, the last ones, rising."""
        try:
            rows = self._file.execute("SELECT nonce, digest FROM spent ORDER BY nonce DESC LIMIT ?", (REMEMBERED,))
            return [Spent(nonce, digest) for nonce, digest in reversed(rows.fetchall())]
        except sqlite3.Error as error:
            raise JournalError(f"cannot read the spent nonces: {error}") from error

    def approvals(self, key_name: bytes) -> list[int]:
        """The approvals spent under a key, the last ones, rising."""
        try:
            rows = self._file.execute(
                "SELECT id FROM approvals WHERE key = ? ORDER BY id DESC LIMIT ?", (key_name, APPROVALS_REMEMBERED)
            )
            return [approval_id for (approval_id,) in reversed(rows.fetchall())]
        except sqlite3.Error as error:
            raise JournalError(f"cannot read the spent approvals: {error}") from error

    def added(self, limits: Limits, now_ms: int, up_ms: int) -> list[Added]:
        """What was signed within the last window, oldest first; `up_ms` is how long the machine has been running.

        A machine that came up within the window may have lost the last entries with its power, so that the window
        counts as full.
        """
        try:
            rows = self._file.execute(
                "SELECT ms, orders, notional_usd FROM added WHERE ms > ? ORDER BY nonce", (now_ms - limits.window_ms,)
            ).fetchall()
            has_signed = self._file.execute("SELECT 1 FROM spent LIMIT 1").fetchone() is not None
        except sqlite3.Error as error:
            raise JournalError(f"cannot read what was signed of late: {error}") from error
        if has_signed and up_ms < limits.window_ms:
            return [full(limits, now_ms)]
        return [Added(*row) for row in rows]

    def check(self) -> None:
        """Nothing while the file at its path is the one that was opened; else JournalError."""
        self._fence.check()

    def keep(
        self, spent: Spent, key_name: bytes = b"", approval_ids: Sequence[int] = (), added: Added | None = None
    ) -> None:
        """Write all down, or nothing; JournalError if that fails, and then the signature must not leave."""
        self._fence.check()
        try:
            self._file.execute("BEGIN")
            self._file.execute("INSERT INTO spent VALUES (?, ?)", spent)
            self._file.executemany(
                "INSERT INTO approvals VALUES (?, ?)", [(key_name, number) for number in approval_ids]
            )
            if added is not None:
                self._file.execute("INSERT INTO added VALUES (?, ?, ?, ?)", (spent.nonce, *added))
            self._until_trim -= 1
            if not self._until_trim:
                self._until_trim = _TRIM_EVERY
                self._trim(key_name)
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise JournalError(f"cannot keep nonce {spent.nonce}: {error}") from error

    def inherit(self, other: NonceStore, since_ms: int) -> None:
        """What was approved, and what was added since then, under another key counts here too."""
        try:
            approvals = other._file.execute("SELECT key, id FROM approvals").fetchall()
            added = other._file.execute(
                "SELECT nonce, ms, orders, notional_usd FROM added WHERE ms > ?", (since_ms,)
            ).fetchall()
            self._file.execute("BEGIN")
            self._file.executemany("INSERT OR IGNORE INTO approvals VALUES (?, ?)", approvals)
            self._file.executemany("INSERT OR IGNORE INTO added VALUES (?, ?, ?, ?)", added)
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise JournalError(f"cannot take over what another key has spent: {error}") from error

    def _trim(self, key_name: bytes) -> None:
        """Forget what the books do not remember either."""
        self._file.execute(
            "DELETE FROM spent WHERE nonce <= (SELECT nonce FROM spent ORDER BY nonce DESC LIMIT 1 OFFSET ?)",
            (REMEMBERED,),
        )
        self._file.execute(
            "DELETE FROM approvals WHERE key = ?1 AND id <= "
            "(SELECT id FROM approvals WHERE key = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (key_name, APPROVALS_REMEMBERED),
        )
        self._file.execute("DELETE FROM added WHERE ms < (SELECT MAX(ms) FROM added) - ?", (DAY // MS,))

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def raise_floor(path: Path, nonce: int) -> None:
    """No nonce up to `nonce` (ms UTC, as all of them) is spent by whoever opens this file next, and its window is full.

    For a file that comes from a backup, which has forgotten what was signed since.
    JournalError if there is none, or if a signer holds it.
    """
    if not path.exists():
        raise JournalError(f"there are no spent nonces at {path}")
    try:
        file = sqlite3.connect(path, timeout=0.5)
        try:
            with file:
                highest = file.execute("SELECT coalesce(max(nonce), 0) FROM spent").fetchone()[0]
                if highest < nonce:
                    file.execute("INSERT INTO spent VALUES (?, zeroblob(32))", (nonce,))
                    file.execute("INSERT INTO added VALUES (?1, ?1, ?2, ?2)", (nonce, _ANY))
        finally:
            file.close()
    except sqlite3.Error as error:
        raise JournalError(f"cannot raise the nonces of {path}: {error}") from error
