"""EDGE: has the audit log's growth signed by the signer process now and then, and keeps that beside the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from hats.security_architect.checkpoint_file import CheckpointFile
from hats.security_architect.checkpoints import Checkpoint, is_genuine, read_lines
from hats.security_architect.line import SignerLine
from hats.security_architect.settings import Settings
from hats.security_architect.signer import frames
from shared.errors import DataError, InvariantError

_LEAVES_MAX: Final = 1_500
"""Leaves in one question; a frame takes twice as many."""

OnMade = Callable[[Checkpoint], object]


class Checkpointer:
    """Collects the leaves of what was written and asks for a checkpoint when so many, or so old, wait for one.

    A signer that can't be reached is asked again later; how far the checkpoints are behind is measured, not guessed.
    """

    def __init__(self, log: str, path: Path, line: SignerLine, settings: Settings) -> None:
        self._log = log
        self._path = path
        self._line = line
        self._every_records, self._every_s = settings.checkpoint_records, settings.checkpoint_s
        self._pending: list[bytes] = []
        self._size = 0
        self._made_s = 0.0
        self._has_asked = False
        self._file: CheckpointFile
        self._on_made: OnMade

    def open(self, leaves: Sequence[bytes], on_made: OnMade) -> None:
        """Go on from the newest checkpoint beside the log, whose leaves these are; InvariantError if it was cut off."""
        self._file = CheckpointFile(self._path)
        self._on_made = on_made
        self._pending = list(leaves)
        self._made_s = time.monotonic()
        if self._file.kept:
            self._move_to(self._file.kept[-1])

    def add(self, leaf: bytes) -> None:
        """One more record was written."""
        self._pending.append(leaf)

    def work(self, synced_size: int, *, is_last: bool = False) -> None:
        """Have what is on the disk (`synced_size` records) signed, if it is due or the log ends."""
        if not self._has_asked and not self._ask_for_newest():
            return
        waiting = synced_size - self._size
        is_due = waiting >= self._every_records or time.monotonic() - self._made_s >= self._every_s
        if waiting > 0 and (is_due or is_last):
            while self._size < synced_size and self._sign(min(synced_size - self._size, _LEAVES_MAX)):
                pass

    def close(self) -> None:
        """Hang up and let go of the file."""
        self._line.hang_up("stopped")
        self._file.close()

    def _ask_for_newest(self) -> bool:
        """Did the signer say where the log stood for it? It may be further than the file, if we died in between."""
        newest = self._ask(1, b"")
        if newest is not None and newest.size > self._size:
            self._file.append(newest)
            self._move_to(newest)
        return self._has_asked

    def _sign(self, count: int) -> bool:
        """Was a checkpoint made over so many more records?"""
        made = self._ask(self._size + 1, b"".join(self._pending[:count]))
        if made is None:
            self._has_asked = False  # a signer that was started anew, or refuses: ask where it stands
            return False
        self._file.append(made)
        self._move_to(made)
        self._made_s = time.monotonic()
        self._on_made(made)
        return True

    def _move_to(self, checkpoint: Checkpoint) -> None:
        ahead = checkpoint.size - self._size
        if ahead > len(self._pending):
            raise InvariantError(
                f"{self._log} was cut off: {checkpoint.size} records were signed, "
                f"{self._size + len(self._pending)} are there"
            )
        del self._pending[:ahead]
        self._size = checkpoint.size

    def _ask(self, first: int, leaves: bytes) -> Checkpoint | None:
        answer = self._line.ask(lambda number: frames.Notarize(number, self._log, first, leaves))
        if not isinstance(answer, frames.Notarized):
            return None
        self._has_asked = True
        try:
            found = read_lines([answer.checkpoint] if answer.checkpoint else [], "the signer's answer")
        except DataError as error:
            self._line.hang_up(str(error))
            return None
        if not found or found[0].log != self._log or not is_genuine(found[0]):
            return None
        return found[0]
