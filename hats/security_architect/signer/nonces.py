"""Which nonces one signer has spent: never two acting digests under one nonce, never a step back.

The venue keeps a signer's nonces itself and refuses a repeated one; we refuse earlier, so that a second order for a
spent nonce cannot even be signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

REMEMBERED: Final = 16_384
"""Nonces whose digest is kept: a repeated question after a crash is answered, an older one is refused."""


class Spent(NamedTuple):
    """A nonce and the digest that it was spent on."""

    nonce: int
    digest: bytes


class Admission(Enum):
    """What the book says of a nonce."""

    NEW = "new"
    AGAIN = "again"
    OTHER_DIGEST = "nonce was spent on another action"
    TOO_LOW = "nonce is not above the highest one spent"


class NonceBook:
    """The high-water mark and the last spent nonces, oldest first."""

    def __init__(self, spent: Iterable[Spent] = (), remembered: int = REMEMBERED) -> None:
        self.high = 0
        self._remembered = remembered
        self._digests: dict[int, bytes] = {}
        for entry in spent:
            self.spend(entry)

    def judge(self, entry: Spent) -> Admission:
        """May `entry` be signed? NEW and AGAIN may."""
        known = self._digests.get(entry.nonce)
        if known is not None:
            return Admission.AGAIN if known == entry.digest else Admission.OTHER_DIGEST
        return Admission.NEW if entry.nonce > self.high else Admission.TOO_LOW

    def spend(self, entry: Spent) -> None:
        """Remember a NEW nonce, forgetting the oldest beyond the limit."""
        assert entry.nonce > self.high, f"nonce {entry.nonce} is not above {self.high}"
        self.high = entry.nonce
        self._digests[entry.nonce] = entry.digest
        if len(self._digests) > self._remembered:
            del self._digests[next(iter(self._digests))]
