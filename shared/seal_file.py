"""EDGE: the key of files at rest in its 0600 file: made once, read by whoever seals or reads sealed files."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from shared.errors import ConfigError
from shared.sealing import KEY_BYTES, NONCE_BYTES, SealKey


def make_seal_key(path: Path) -> None:
    """A fresh key lies in the file, readable by its owner only, from its first moment; an existing one stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def read_seal_key(path: Path) -> SealKey:
    """The key in the file. ConfigError if it is missing, not ours, open to others or of another length."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise ConfigError([f"{path} must be ours and 0600, it is {stat.S_IMODE(status.st_mode):04o}"])
            return SealKey(file.read(KEY_BYTES + 1))
    except OSError as error:
        raise ConfigError([f"cannot read the key of files at rest: {error}"]) from error


def fresh_nonce() -> bytes:
    """Chance for one seal."""
    return os.urandom(NONCE_BYTES)
