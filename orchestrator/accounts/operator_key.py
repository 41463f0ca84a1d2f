"""EDGE: the operator's key in a 0600 file, for words that loosen; the desk knows only its public half."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from coincurve import PrivateKey

from shared.errors import ConfigError
from shared.private_files import make_private, read_private

_FILE_BYTES_MAX: Final = 1_024


def make(path: Path) -> str:
    """The public key (hex) of a fresh secret in a new 0600 file; ConfigError if there is a file already."""
    key = PrivateKey()
    make_private(path, key.to_hex().encode() + b"\n")
    public: str = key.public_key.format().hex()
    return public


def sign(path: Path, words: bytes) -> str:
    """The signature (hex) by the key in the file. ConfigError if it is missing, open to others or no key."""
    text = read_private(path, _FILE_BYTES_MAX)
    try:
        signature: bytes = PrivateKey.from_hex(text.decode().strip()).sign(words)
    except ValueError as error:
        raise ConfigError([f"cannot sign with {path}: it holds no key"]) from error
    return signature.hex()
