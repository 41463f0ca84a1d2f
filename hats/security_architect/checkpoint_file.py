"""EDGE: a file of checkpoints, one a line, only ever appended to and synced at once."""

from __future__ import annotations

import os
from pathlib import Path

from hats.security_architect import checkpoints
from hats.security_architect.checkpoints import Checkpoint
from shared.errors import DataError, JournalError


def checkpoints_path(audit_log: Path) -> Path:
    """Where the checkpoints of the audit log lie beside it."""
    return audit_log.with_suffix(".checkpoints.jsonl")


def read_checkpoints(path: Path) -> list[Checkpoint]:
    """The checkpoints in a file, oldest first; none if there is no file. JournalError if it can't be read."""
    try:
        with path.open("rb") as lines:
            return checkpoints.read_lines(lines, str(path))
    except FileNotFoundError:
        return []
    except (OSError, DataError) as error:
        raise JournalError(f"cannot read {path}: {error}") from error


class CheckpointFile:
    """The one who appends to the file."""

    def __init__(self, path: Path) -> None:
        """Open it, private to us, without the torn line that a dead process may have left; JournalError if damaged."""
        self.kept = read_checkpoints(path)
        """What was in it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.ftruncate(self._file, sum(len(checkpoints.line_of(checkpoint)) for checkpoint in self.kept))
        except OSError as error:
            raise JournalError(f"cannot open {path}: {error}") from error
        self._path = path

    def append(self, checkpoint: Checkpoint) -> None:
        """Bring it to the disk; JournalError if that fails."""
        line = checkpoints.line_of(checkpoint)
        try:
            written = os.write(self._file, line)
            os.fsync(self._file)
        except OSError as error:
            raise JournalError(f"cannot write {self._path}: {error}") from error
        if written != len(line):
            raise JournalError(f"cannot write {self._path}: {written} of {len(line)} bytes were taken")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
