"""EDGE: the approval key of a run in its 0600 file, which the Risk Officer and the signer share."""

from __future__ import annotations

from pathlib import Path

from shared.approval import KEY_BYTES, ApprovalKey
from shared.private_files import read_private


def key_path(run_dir: Path) -> Path:
    """Where a run keeps its approval key; the folder is its owner's alone."""
    return run_dir / "keys" / "approvals.key"


def read_key(path: Path) -> ApprovalKey:
    """The approval key in the file. ConfigError if it is missing, not ours, open to others or of another length."""
    return ApprovalKey(read_private(path, KEY_BYTES))
