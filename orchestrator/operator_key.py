"""EDGE: the operator's key in a 0600 file, for words that loosen; the desk knows only its public half."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from coincurve import PrivateKey

from shared.errors import ConfigError


def make(path: Path) -> str:
    """The public key (hex) of a fresh secret in a new 0600 file; ConfigError if there is a file already."""
    key = PrivateKey()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError([f"cannot make {path}: {error}"]) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(key.to_hex() + "\n")
    public: str = key.public_key.format().hex()
    return public


def sign(path: Path, words: bytes) -> str:
    """The signature (hex) by the key in the file. ConfigError if it is missing, open to others or no key."""
    try:
        with path.open() as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise ConfigError([f"{path} must be 0600: others may read it"])
            signature: bytes = PrivateKey.from_hex(file.read().strip()).sign(words)
    except (OSError, ValueError) as error:
        raise ConfigError([f"cannot sign with {path}: {error}"]) from error
    return signature.hex()
