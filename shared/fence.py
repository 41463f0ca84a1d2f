"""EDGE: tells a writer that its file was taken away: a folder destroyed, moved aside or restored from a backup.

A process that outlives its data folder holds files that nobody finds any more. It must not go on as if it kept them.
"""

from __future__ import annotations

from pathlib import Path

from shared.errors import JournalError


class Fence:
    """One file that is held open. The check costs one stat, microseconds."""

    def __init__(self, path: Path) -> None:
        """JournalError if there is no such file."""
        self._path = path.absolute()
        self._held = self._now()

    def check(self) -> None:
        """Nothing while the file at the path is the one that was held at first; else JournalError."""
        if self._now() != self._held:
            raise JournalError(f"fenced: {self._path} is another file than the one that is being written")

    def _now(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise JournalError(f"fenced: {self._path} was taken away: {error.strerror}") from error
        return found.st_dev, found.st_ino
