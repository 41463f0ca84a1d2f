"""What is written down of the warehouse's files: parts, the batches that published them, and snapshots of batches.

A part is one Parquet file. A batch is what one input became (a segment of a capture log, a file, an answer): its
manifest is written last, and what no batch names is not there. Nothing in a manifest depends on when, where or by whom
it was made, so that the same inputs give the same bytes; what a request needs beyond (when it was asked) is part of its
input.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import Final, TypeVar

import msgspec

from shared.errors import DataError
from shared.instrument import Instrument
from shared.warehouse.capture.records import Connection

VERSION: Final = 1
NAME_DIGITS: Final = 16
"""So much of its own hash is in a manifest's file name, so that a changed one betrays itself."""


class Part(msgspec.Struct, frozen=True):
    """One file: where it is below the warehouse, what is in it, and both hashes.

    `sha256` is of the file's bytes, `rows_sha256` of its rows (`canonical.RowHash`), which another version of Parquet's
    writer leaves as it is. Times are those by which the table is partitioned.
    """

    table: str
    date: str
    path: str
    rows: int
    bytes: int
    sha256: str
    rows_sha256: str
    schema_sha256: str
    min_ns: int
    max_ns: int
    coins: tuple[str, ...] = ()


class Input(msgspec.Struct, frozen=True):
    """What a batch was made of: its name (no path), and the hash and size of its bytes."""

    name: str
    sha256: str
    bytes: int
    detail: str = ""


class Lineage(msgspec.Struct, frozen=True):
    """From what and by what a batch was made: the inputs, the code's hash, the settings that matter, the library."""

    inputs: tuple[Input, ...]
    code: str
    config: dict[str, str] = {}
    pyarrow: str = ""


class Carry(msgspec.Struct, frozen=True):
    """What the next segment of the same log needs to know: its place, what was listed, and who was connected."""

    run: int
    session: int
    segment: int
    foot_sha256: str
    instruments: tuple[Instrument, ...] = ()
    open: tuple[Connection, ...] = ()


class Covered(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Frames of one connection, each of which is here or declared to be missing."""

    session: int
    socket: int
    epoch: int
    first_seq: int
    last_seq: int


class Batch(msgspec.Struct, frozen=True):
    """One publication. `counts` says what became of every record of the input, `problems` what was wrong with it."""

    name: str
    kind: str
    lineage: Lineage
    parts: tuple[Part, ...]
    counts: dict[str, int] = {}
    problems: tuple[str, ...] = ()
    carry: Carry | None = None
    covered: tuple[Covered, ...] = ()
    version: int = VERSION

    @property
    def max_ns(self) -> int:
        """The latest time in it; 0 if it has no rows."""
        return max((part.max_ns for part in self.parts), default=0)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows of each table."""
        counted: dict[str, int] = {}
        for part in self.parts:
            counted[part.table] = counted.get(part.table, 0) + part.rows
        return counted

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(part.bytes for part in self.parts)


class BatchHash(msgspec.Struct, frozen=True, order=True):
    """A batch by name and the hash of its manifest."""

    name: str
    sha256: str


class Snapshot(msgspec.Struct, frozen=True):
    """An immutable set of batches: everything that a reader of it sees, up to `until_ns`. `rows` counts by table."""

    batches: tuple[BatchHash, ...]
    rows: dict[str, int]
    bytes: int
    until_ns: int
    note: str = ""
    version: int = VERSION

    @property
    def id(self) -> str:
        """Its name: the start of the hash of its own bytes."""
        return sha256_of(encode(self))[:NAME_DIGITS]

    @property
    def age(self) -> tuple[int, int, str]:
        """Sorts snapshots from old to new: by how far their data reaches, then by how much they hold."""
        return self.until_ns, sum(self.rows.values()), self.id


class Tombstone(msgspec.Struct, frozen=True):
    """What is left of a batch that retention removed: what it was, and what its log's next segment needs."""

    batch: BatchHash
    lineage: Lineage
    rows: dict[str, int]
    bytes: int
    max_ns: int
    policy: str
    carry: Carry | None = None
    covered: tuple[Covered, ...] = ()
    version: int = VERSION


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
T = TypeVar("T", Batch, Snapshot, Tombstone)


def encode(manifest: Batch | Snapshot | Tombstone) -> bytes:
    """The one form of a manifest as bytes: JSON with sorted keys, for people to read, and a line end."""
    return msgspec.json.format(_ENCODER.encode(manifest), indent=1) + b"\n"


def decode(data: bytes, kind: type[T], name: str) -> T:
    """The manifest that `data` is, read from a file of this name; DataError if a bit of it is not as it was written."""
    if sha256_of(data)[:NAME_DIGITS] != PurePath(name).stem.rpartition(".")[2]:
        raise DataError(f"{name}: the manifest is not what its name was made of")
    try:
        found = msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise DataError(f"{name}: expected a manifest, got {data[:80]!r}: {error}") from error
    if found.version != VERSION:
        raise DataError(f"{name}: expected a manifest of version {VERSION}, got version {found.version}")
    return found


def file_name(manifest: Batch | Snapshot | Tombstone) -> str:
    """The file name of a manifest: its batch, if it is about one, and the start of the hash of its bytes."""
    digits = sha256_of(encode(manifest))[:NAME_DIGITS]
    match manifest:
        case Batch(name=name) | Tombstone(batch=BatchHash(name=name)):
            return f"{name}.{digits}.json"
    return f"{digits}.json"


def sha256_of(data: bytes) -> str:
    """The hash of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
