"""EDGE: where agent keys live: one small interface, in the shape of a vault, and the folder of keystores that we ship.

A provider for a KMS or Vault keeps the same four promises: a key is named, comes out only into the process that signs,
is never overwritten, and once destroyed its address is never used again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from hats.security_architect import keystore
from hats.security_architect.keystore import KeyInfo, Unlocked
from hats.security_architect.retired import Retired
from shared.units import Ns


class KeyProvider(Protocol):
    """Agent keys by name. Everything that can't be done is a ConfigError that says why and holds no secret."""

    def notes(self) -> tuple[KeyInfo, ...]:
        """What each key is for, by name; needs no secret."""
        ...

    def put(self, name: str, secret: bytes, network: str, created_ns: Ns) -> KeyInfo:
        """Keep a key; refused if the name is taken, or the address is here already or was retired."""
        ...

    def open(self, name: str) -> Unlocked:
        """The key; refused if it was retired, or if others could have read it."""
        ...

    def retire(self, name: str, ns: Ns, reason: str) -> Retired:
        """Destroy the key; its address can't be put here or opened ever again. Refused while somebody signs with it."""
        ...


class LocalKeystores:
    """Web3 keystores in a folder that is ours alone. The password is asked for when a key is put or opened."""

    def __init__(self, directory: Path, password: Callable[[], str], *, is_weak_allowed: bool = False) -> None:
        """`is_weak_allowed`: for tests, with a quick scrypt."""
        self._directory = directory
        self._password = password
        self._is_weak_allowed = is_weak_allowed

    def notes(self) -> tuple[KeyInfo, ...]:
        """See KeyProvider."""
        return keystore.list_keys(self._directory)

    def put(self, name: str, secret: bytes, network: str, created_ns: Ns) -> KeyInfo:
        """See KeyProvider."""
        scrypt_n = 1_024 if self._is_weak_allowed else keystore.SCRYPT_N
        return keystore.store_agent(
            self._directory, name, secret, self._password(), network, created_ns, scrypt_n=scrypt_n,
            is_weak_allowed=self._is_weak_allowed,
        )  # fmt: skip

    def open(self, name: str) -> Unlocked:
        """See KeyProvider."""
        path = keystore.keystore_path(self._directory, name)
        return keystore.load(path, self._password(), is_weak_allowed=self._is_weak_allowed)

    def retire(self, name: str, ns: Ns, reason: str) -> Retired:
        """See KeyProvider."""
        return keystore.retire_agent(self._directory, name, ns, reason)
