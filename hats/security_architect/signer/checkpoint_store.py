"""EDGE: the signer's own copy of the checkpoints, on the disk before one leaves: the second place that knows a log."""

from __future__ import annotations

from pathlib import Path

from hats.security_architect import checkpoints
from hats.security_architect.checkpoint_file import CheckpointFile
from hats.security_architect.checkpoints import CheckpointKey
from hats.security_architect.signer.frames import Notarize, Notarized, Refused
from hats.security_architect.signer.notary import Notary


class Checkpoints:
    """The notary with its file."""

    def __init__(self, path: Path, key: CheckpointKey) -> None:
        """Go on from what the file holds; JournalError or DataError if it is damaged."""
        self._file = CheckpointFile(path)
        self._notary = Notary(key, self._file.kept)

    @property
    def public_key(self) -> str:
        """Who signs, in hex."""
        return self._notary.public_key

    def answer(self, asked: Notarize, ns: int) -> Notarized | Refused:
        """The newest checkpoint, or the next; or no, and why."""
        if not asked.leaves:
            newest = self._notary.newest(asked.log)
            return Notarized(asked.ask_id, checkpoints.line_of(newest) if newest else b"")
        made = self._notary.grow(asked.log, asked.first, asked.leaves, ns)
        if isinstance(made, str):
            return Refused(asked.ask_id, f"checkpoint: {made}")
        self._file.append(made)
        self._notary.keep(made)
        return Notarized(asked.ask_id, checkpoints.line_of(made))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
