"""EDGE: the spent nonces on disk, written before a signature leaves; the file's lock keeps a second signer out."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from hats.security_architect.signer.nonces import REMEMBERED, NonceBook, Spent
from shared.errors import JournalError

_TRIM_EVERY: Final = 1_024


class NonceStore:
    """One SQLite file for one key.

    It is written without waiting for the disk at each signature, so it survives the death of the process but may lose
    its last entries in a power failure; then the venue's own nonce set and the engine's journal stand behind it.
    """

    def __init__(self, path: Path, address: str) -> None:
        try:
            self._file = sqlite3.connect(path, isolation_level=None, timeout=0.5)
            self._file.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute("BEGIN EXCLUSIVE")
            self._file.execute("CREATE TABLE IF NOT EXISTS owner (address TEXT PRIMARY KEY) STRICT")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS spent (nonce INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT"
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

    def book(self) -> NonceBook:
        """The nonces as they were left."""
        try:
            rows = self._file.execute("SELECT nonce, digest FROM spent ORDER BY nonce DESC LIMIT ?", (REMEMBERED,))
            return NonceBook(Spent(nonce, digest) for nonce, digest in reversed(rows.fetchall()))
        except sqlite3.Error as error:
            raise JournalError(f"cannot read the spent nonces: {error}") from error

    def keep(self, spent: Spent) -> None:
        """Write it down; JournalError if that fails, and then the signature must not leave."""
        try:
            self._file.execute("INSERT INTO spent VALUES (?, ?)", spent)
            self._until_trim -= 1
            if not self._until_trim:
                self._until_trim = _TRIM_EVERY
                self._file.execute(
                    "DELETE FROM spent WHERE nonce <= (SELECT nonce FROM spent ORDER BY nonce DESC LIMIT 1 OFFSET ?)",
                    (REMEMBERED,),
                )
        except sqlite3.Error as error:
            raise JournalError(f"cannot keep nonce {spent.nonce}: {error}") from error

    def close(self) -> None:
        """Release the file."""
        self._file.close()
