"""EDGE: a folder of sealed pieces and sealed manifests: backups, and runs that are kept at rest.

ROOT/pieces/AB/ABCD...   one piece of at most PIECE_BYTES, named by a keyed hash of what it holds, so it is stored once
ROOT/kept/NAME.sealed    manifests: which pieces make which files; what none of them names is not there

Names and contents tell nothing without the key. A piece that changed, was cut, swapped or sealed with another key is
refused, and so is a file whose pieces do not add up to what its manifest says.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec

from shared import durable
from shared.errors import DataError, NotRunning, Unanswered
from shared.seal_file import fresh_nonce
from shared.sealing import SealKey

PIECE_BYTES: Final = 1 << 20
"""Small enough that a file which only grew, or changed in places, adds little."""
PIECES: Final = "pieces"
KEPT: Final = "kept"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}")


class KeptFile(msgspec.Struct, frozen=True):
    """One file: its path below what was kept, its mode and time, and the pieces that it is made of."""

    path: str
    mode: int
    mtime_ns: int
    bytes: int
    sha256: str
    pieces: tuple[str, ...]


class KeptRun(msgspec.Struct, frozen=True):
    """How far a run's journal had come: its last message and batch, and the epoch of its writer."""

    name: str
    last_seq: int
    last_n: int
    epoch: int


class Manifest(msgspec.Struct, frozen=True):
    """What was kept together: when, by which code, the runs in it and every file."""

    name: str
    made_ns: int
    build: str
    runs: tuple[KeptRun, ...]
    files: tuple[KeptFile, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)


class Put(msgspec.Struct, frozen=True):
    """A file was taken in; `new_bytes` of it were not there already."""

    file: KeptFile
    new_bytes: int


class SealedStore:
    """One such folder and its key."""

    def __init__(self, root: Path, key: SealKey) -> None:
        self.root = root
        self._naming = key.derive("store piece name")
        self._piece = key.derive("store piece")
        self._manifest = key.derive("store manifest")
        self._unsynced: set[Path] = set()
        """Folders with names that a power cut would still take away."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The right to add and remove, for one at a time; Unanswered if somebody else has it."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Unanswered(f"somebody else is writing to {self.root}") from error
            yield
        finally:
            os.close(file)

    def put(self, source: IO[bytes], path: str, status: os.stat_result, size: int) -> Put:
        """Take in the first `size` bytes of a file, under `path`; DataError if it has fewer."""
        total, pieces, left, new = hashlib.sha256(), [], size, 0
        while left:
            data = source.read(min(PIECE_BYTES, left))
            if not data:
                raise DataError(f"{path} became shorter while it was read: {left} of {size} bytes are missing")
            left -= len(data)
            total.update(data)
            name = self._naming.digest(data).hex()
            new += self._put_piece(name, data)
            pieces.append(name)
        kept = KeptFile(path, status.st_mode & 0o777, status.st_mtime_ns, size, total.hexdigest(), tuple(pieces))
        return Put(kept, new)

    def publish(self, manifest: Manifest, *, is_replacing: bool = False) -> None:
        """From here on it is there; DataError if the name is taken, unless it takes the place of the one there."""
        path = self._path_of(manifest.name)
        if path.exists() and not is_replacing:
            raise DataError(f"{path} is there already")
        sealed = self._manifest.seal(manifest.name, msgspec.msgpack.encode(manifest), fresh_nonce())
        self._sync()  # what it names is there before it is
        self._write(path, sealed)
        self._sync()

    def names(self) -> list[str]:
        """The manifests, by name."""
        return sorted(path.stem for path in (self.root / KEPT).glob("*.sealed"))

    def manifest(self, name: str) -> Manifest:
        """What was kept under the name. NotRunning if nothing was; DataError if it is not as it was sealed."""
        path = self._path_of(name)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            raise NotRunning(f"{self.root} holds no {name}; it holds {', '.join(self.names()) or 'nothing'}") from None
        found = msgspec.msgpack.decode(self._manifest.unseal(name, sealed), type=Manifest)
        if found.name != name:
            raise DataError(f"{path} is the manifest of {found.name}")
        return found

    def read(self, file: KeptFile) -> Iterator[bytes]:
        """The file's bytes piece by piece; DataError at the first that is not as it was, or if they don't add up."""
        total, size = hashlib.sha256(), 0
        for name in file.pieces:
            data = self._read_piece(name)
            total.update(data)
            size += len(data)
            yield data
        if (size, total.hexdigest()) != (file.bytes, file.sha256):
            raise DataError(f"{file.path}: expected {file.bytes} bytes {file.sha256}, its pieces make {size} others")

    def forget(self, name: str) -> None:
        """Remove a manifest; its pieces go with `clear`."""
        self._path_of(name).unlink()

    def clear(self) -> int:
        """Remove pieces that no manifest names; how many. DataError, and nothing is removed, if one can't be read."""
        named = {piece for name in self.names() for file in self.manifest(name).files for piece in file.pieces}
        loose = [path for path in (self.root / PIECES).glob("*/*") if path.name not in named]
        for path in loose:
            path.unlink()
        return len(loose)

    def _sync(self) -> None:
        for folder in sorted(self._unsynced):
            durable.sync_folder(folder)
        self._unsynced.clear()

    def _put_piece(self, name: str, data: bytes) -> int:
        path = self.root / PIECES / name[:2] / name
        if path.exists():
            return 0
        self._write(path, self._piece.seal(name, data, fresh_nonce()))
        return len(data)

    def _read_piece(self, name: str) -> bytes:
        path = self.root / PIECES / name[:2] / name
        try:
            sealed = path.read_bytes()
        except OSError as error:
            raise DataError(f"can't read {path}: {error.strerror}") from error
        data = self._piece.unseal(name, sealed)
        if self._naming.digest(data).hex() != name:
            raise DataError(f"{path} does not hold what its name says")
        return data

    def _path_of(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise DataError(f"expected a name of letters, digits, '.', '_' and '-', got {name[:80]!r}")
        return self.root / KEPT / f"{name}.sealed"

    def _write(self, path: Path, data: bytes) -> None:
        durable.make_folder(path.parent)
        durable.place(path, [data], path.with_name(f".{path.name}.{os.getpid()}"))
        self._unsynced |= {path.parent, path.parent.parent}


OnFile = Callable[[KeptFile], None]
"""Hears each file as it is done, for a progress bar."""
