"""EDGE: disk space held back in a file, given up slice by slice so that a full disk still takes the last words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_SLICE_BYTES: Final = 64 << 10
"""Sixteen pages: a declaration is a few hundred bytes, and file systems hand out pages."""


class Reserve:
    """A file that holds `size` bytes of the disk; OSError if the disk has not got them."""

    def __init__(self, path: Path, size: int) -> None:
        self._size = size
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self.fill()
        except OSError:
            os.close(self._file)
            raise
        os.fsync(self._file)

    def fill(self) -> None:
        """Hold all of it (again)."""
        os.posix_fallocate(self._file, 0, self._size)

    @property
    def held_bytes(self) -> int:
        """What is left to give up."""
        return os.fstat(self._file).st_size

    def give_up(self) -> bool:
        """Free a slice for the one who asks; False if nothing is left."""
        held = self.held_bytes
        if not held:
            return False
        os.ftruncate(self._file, max(0, held - _SLICE_BYTES))
        return True

    def free_bytes(self) -> int:
        """What the disk has left for us besides the reserve."""
        disk = os.fstatvfs(self._file)
        return disk.f_bavail * disk.f_frsize

    def close(self) -> None:
        """Let the space go: who starts again takes it again."""
        os.close(self._file)
        self._path.unlink(missing_ok=True)
