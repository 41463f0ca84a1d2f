"""EDGE: secrets that two processes of a run share, each in its 0600 file, made at launch. The approval key is one."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from shared.approval import KEY_BYTES, ApprovalKey
from shared.errors import ConfigError


def key_path(run_dir: Path) -> Path:
    """Where a run keeps its approval key; the folder is its owner's alone."""
    return run_dir / "keys" / "approvals.key"


def make_key(path: Path) -> None:
    """A fresh key lies in the file, readable by its owner only, from its first moment; an existing one stays."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> ApprovalKey:
    """The approval key in the file. ConfigError if it is missing, not ours, open to others or of another length."""
    return ApprovalKey(read_secret(path))


def read_secret(path: Path) -> bytes:
    """The file's bytes, at most one more than a key has. ConfigError if it is missing, not ours or open to others."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise ConfigError([f"{path} must be ours and 0600, it is {stat.S_IMODE(status.st_mode):04o}"])
            return file.read(KEY_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"cannot read a run's key: {error}"]) from error
