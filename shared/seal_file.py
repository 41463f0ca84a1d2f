"""EDGE: the key of files at rest in its 0600 file, and the chance that each seal needs."""

from __future__ import annotations

import os
from pathlib import Path

from shared.private_files import read_private
from shared.sealing import KEY_BYTES, NONCE_BYTES, SealKey


def read_seal_key(path: Path) -> SealKey:
    """The key in the file. ConfigError if it is missing, not ours, open to others or of another length."""
    return SealKey(read_private(path, KEY_BYTES, "the key of files at rest"))


def fresh_nonce() -> bytes:
    """Chance for one seal."""
    return os.urandom(NONCE_BYTES)
