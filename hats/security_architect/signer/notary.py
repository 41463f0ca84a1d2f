"""The signer as a notary of audit logs: it hashes new records onto those it has seen, and signs where the log stands.

It is never told a root, so nobody can make it sign a log whose beginning is another one than it signed before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hats.security_architect.checkpoints import Checkpoint, CheckpointKey, peaks_of
from hats.security_architect.merkle import HASH_BYTES, Peaks
from shared.errors import DataError

_LOG_CHARACTERS_MAX: Final = 100
_LOGS_MAX: Final = 1_000
"""Names of logs that are kept in memory at once; a signer serves one desk."""


class Notary:
    """Where every log stands, as this signer saw it grow."""

    def __init__(self, key: CheckpointKey, kept: Iterable[Checkpoint] = ()) -> None:
        """`kept` are the checkpoints of former processes, oldest first; DataError if the newest of a log is broken."""
        self._key = key
        self._newest: dict[str, Checkpoint] = {}
        for checkpoint in kept:
            if checkpoint.public_key == key.public_key:
                self._newest[checkpoint.log] = checkpoint
        self._peaks = {log: peaks_of(checkpoint) for log, checkpoint in self._newest.items()}

    @property
    def public_key(self) -> str:
        """Who signs, in hex."""
        return self._key.public_key

    def newest(self, log: str) -> Checkpoint | None:
        """The newest checkpoint of a log."""
        return self._newest.get(log)

    def grow(self, log: str, first: int, leaves: bytes, ns: int) -> Checkpoint | str:
        """The checkpoint of the log with its new records; or why there is none, in words."""
        peaks = self._peaks.get(log) or Peaks()
        if not log.isprintable() or not 0 < len(log) <= _LOG_CHARACTERS_MAX:
            return f"expected a printable name of at most {_LOG_CHARACTERS_MAX} characters"
        if log not in self._peaks and len(self._peaks) >= _LOGS_MAX:
            return f"{_LOGS_MAX} logs are known already"
        if not leaves or len(leaves) % HASH_BYTES:
            return f"expected hashes of {HASH_BYTES} bytes, got {len(leaves)} bytes"
        if first != peaks.size + 1:
            return f"expected record {peaks.size + 1} of {log}, got {first}"
        grown = peaks.copy()
        for at in range(0, len(leaves), HASH_BYTES):
            grown.add(leaves[at : at + HASH_BYTES])
        return self._key.sign(log, grown, ns)

    def keep(self, checkpoint: Checkpoint) -> None:
        """The checkpoint is on the disk and may leave; DataError if it is none of ours."""
        if checkpoint.public_key != self._key.public_key:
            raise DataError(f"expected a checkpoint of {self._key.public_key}, got one of {checkpoint.public_key}")
        self._newest[checkpoint.log] = checkpoint
        self._peaks[checkpoint.log] = peaks_of(checkpoint)
