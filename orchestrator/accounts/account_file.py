"""EDGE: what is kept of an account from one run to the next: one private file for it in a folder of the home folder.

An address is an account on each network, and what one of them lost says nothing of the other: each has a file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from shared.errors import DataError
from shared.private_files import write_private
from shared.seal_file import fresh_nonce
from shared.sealing import SealKey, is_sealed

T = TypeVar("T", bound=msgspec.Struct)


class AccountFile(Generic[T]):
    """The file of one account, which holds one `kind`."""

    def __init__(self, folder: Path, account: str | None, network: str, kind: type[T], key: SealKey | None) -> None:
        """Written under `key` if there is one, and readable either way. Its name does not tell the account."""
        whose = f"{network}-{account or 'no-account'}".lower()
        self.path = folder / hashlib.sha256(whose.encode()).hexdigest()[:16]
        self._kind = kind
        self._key = key

    def read(self) -> T | None:
        """What is kept; None if nothing is, DataError if it can't be read."""
        try:
            return msgspec.json.decode(self._plain(self.path.read_bytes()), type=self._kind)
        except FileNotFoundError:
            return None
        except (OSError, DataError, msgspec.MsgspecError) as error:
            raise DataError(f"{self.path} can't be read: {error}") from error

    def write(self, kept: T) -> None:
        """Keep this instead, on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        data = msgspec.json.encode(kept)
        if self._key is not None:
            data = self._key.seal(self.path.name, data, fresh_nonce())
        write_private(self.path, data)

    def forget(self) -> None:
        """Keep nothing."""
        self.path.unlink(missing_ok=True)

    def _plain(self, data: bytes) -> bytes:
        if not is_sealed(data):
            return data
        if self._key is None:
            raise DataError("it is sealed, and the settings name no key")
        return self._key.unseal(self.path.name, data)
