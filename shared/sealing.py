"""Files at rest: bytes sealed under a key, so that they can't be read, changed, renamed or swapped without it.

AES-256-GCM (NIST SP 800-38D). A sealed text is

    marker 6s | version u8 | 0 u8 | key id 8s | nonce 12s | ciphertext and tag of 16 bytes

and its associated data are everything before the ciphertext and the *name* it is sealed under: what it is and where it
belongs. Nonces are random, so every purpose has a key of its own, derived by HKDF-SHA256 (RFC 5869): under one key
fewer than 2^32 texts may be sealed, which is far beyond the pieces of a store or the groups of one segment.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterable, Iterator
from mmap import mmap
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import ConfigError, DataError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
MARKER: Final = b"\x89HATS\n"
"""Not text: a transfer that changes line ends or the eighth bit is noticed at the first byte."""
VERSION: Final = 1

_HEAD: Final = struct.Struct("<6sBB8s12s")
OVERHEAD_BYTES: Final = _HEAD.size + TAG_BYTES
_ID_DOMAIN: Final = b"hyperhats key id 1\0"


class SealKey:
    """One key. It shows itself to nobody; `id` (16 hex digits) names it."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ConfigError([f"expected a key of {KEY_BYTES} bytes, got {len(secret)}"])
        self._secret = secret
        self._cipher = AESGCM(secret)
        self._id = hashlib.sha256(_ID_DOMAIN + secret).digest()[:8]
        self.id = self._id.hex()

    def __repr__(self) -> str:
        return f"SealKey({self.id})"

    def derive(self, purpose: str) -> SealKey:
        """The key of one purpose; from it nobody finds this one."""
        return SealKey(HKDF(SHA256(), KEY_BYTES, None, b"hyperhats seal 1\0" + purpose.encode()).derive(self._secret))

    def digest(self, data: bytes) -> bytes:
        """HMAC-SHA256 of `data`: names a content for whoever has the key, and tells others nothing of it."""
        return hmac.digest(self._secret, data, "sha256")

    def seal(self, name: str, data: bytes, nonce: bytes) -> bytes:
        """`data` sealed under `name`; `nonce` are NONCE_BYTES of chance, never used twice."""
        head = _HEAD.pack(MARKER, VERSION, 0, self._id, nonce)
        return head + self._cipher.encrypt(nonce, data, head + name.encode())

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under `name`; DataError if it was not, not with this key, or if a bit of it changed."""
        if not is_sealed(sealed) or len(sealed) < OVERHEAD_BYTES:
            raise DataError(f"{name}: expected sealed bytes, got {len(sealed)} others")
        head = sealed[: _HEAD.size]
        _, version, _, key_id, nonce = _HEAD.unpack(head)
        if version != VERSION:
            raise DataError(f"{name}: expected sealed bytes of version {VERSION}, got version {version}")
        if key_id != self._id:
            raise DataError(f"{name} is sealed with key {key_id.hex()}, this is key {self.id}")
        try:
            return self._cipher.decrypt(nonce, sealed[_HEAD.size :], head + name.encode())
        except InvalidTag:
            raise DataError(f"{name} is not as it was sealed, or was sealed under another name") from None


def is_sealed(data: bytes) -> bool:
    """Do these bytes begin as sealed ones do?"""
    return data.startswith(MARKER)


FILE_MARKER: Final = b"\x89HATF\n"
"""How a file of sealed chunks begins; each chunk is its length (u32, little endian) and the sealed bytes."""
_LENGTH: Final = struct.Struct("<I")


def seal_chunks(key: SealKey, name: str, chunks: Iterable[bytes], fresh_nonce: Callable[[], bytes]) -> Iterator[bytes]:
    """A file of any size, sealed piece by piece: each knows the file, its number and whether it is the last.

    So none can be left out, doubled, moved or taken from another file, and the end can't be cut off.
    """
    yield FILE_MARKER
    number, held = 0, b""
    for chunk in chunks:
        if number:
            yield _framed(key.seal(_chunk_name(name, number, is_last=False), held, fresh_nonce()))
        number, held = number + 1, chunk
    yield _framed(key.seal(_chunk_name(name, max(number, 1), is_last=True), held, fresh_nonce()))


def unseal_chunks(key: SealKey, name: str, data: bytes | mmap) -> Iterator[bytes]:
    """The chunks of such a file; DataError at the first that is not as it was, and if the end is not the end."""
    at, number = len(FILE_MARKER), 0
    while True:
        number += 1
        start = at + _LENGTH.size
        if start > len(data):
            raise DataError(f"{name} was cut: chunk {number} is missing")
        at = start + int(_LENGTH.unpack(data[start - _LENGTH.size : start])[0])
        if at > len(data):
            raise DataError(f"{name} was cut in chunk {number}")
        is_last = at == len(data)
        yield key.unseal(_chunk_name(name, number, is_last=is_last), data[start:at])
        if is_last:
            return


def _framed(sealed: bytes) -> bytes:
    return _LENGTH.pack(len(sealed)) + sealed


def _chunk_name(name: str, number: int, *, is_last: bool) -> str:
    return f"{name}/{number}{'/last' if is_last else ''}"
