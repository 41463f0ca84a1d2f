"""EDGE: a proof for outsiders that a record was in the audit log that the signer signed, without the other records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from hats.security_architect.audit import leaf_of
from hats.security_architect.checkpoint_file import checkpoints_path, read_checkpoints
from hats.security_architect.checkpoints import Checkpoint, is_genuine
from hats.security_architect.merkle import inclusion_proof, is_included, leaf_hash
from shared.errors import DataError, JournalError


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Record `index` (from 1) as it stands in the log, its audit path (hex) and the checkpoint that it leads to."""

    index: int
    record: str
    path: tuple[str, ...]
    checkpoint: Checkpoint


def proof_in(log: Path, index: int) -> Proof:
    """The proof for a record; DataError if there is no such record or none of its checkpoints is signed yet."""
    try:
        lines = log.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise JournalError(f"cannot read {log}: {error}") from error
    if not 1 <= index <= len(lines):
        raise DataError(f"expected a record from 1 to {len(lines)}, got {index}")
    covering = [c for c in read_checkpoints(checkpoints_path(log)) if index <= c.size <= len(lines)]
    if not covering:
        raise DataError(f"no signed checkpoint covers record {index} yet")
    checkpoint = covering[-1]
    leaves = [leaf_of(line) for line in lines[: checkpoint.size]]
    path = tuple(step.hex() for step in inclusion_proof(leaves, index - 1))
    return Proof(index, lines[index - 1].rstrip(b"\n").decode(), path, checkpoint)


def read_proof(path: Path) -> Proof:
    """The proof in a file; DataError if there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Proof)
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: expected a proof: {error}") from error


def fault_in(proof: Proof, trusted: Sequence[str] = ()) -> str | None:
    """Why the proof does not hold; None if it does. `trusted`: the public keys (hex) that may have signed."""
    checkpoint = proof.checkpoint
    if trusted and checkpoint.public_key not in trusted:
        return f"it is signed by {checkpoint.public_key}, a key that is not trusted"
    if not is_genuine(checkpoint):
        return "the checkpoint's signature is not its key's"
    try:
        path, root = [bytes.fromhex(step) for step in proof.path], bytes.fromhex(checkpoint.root)
    except ValueError:
        return "the path is not in hex"
    if not is_included(leaf_hash(proof.record.encode()), proof.index - 1, checkpoint.size, path, root):
        return f"the record is not number {proof.index} of what was signed"
    return None
