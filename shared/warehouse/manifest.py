"""What is written down of the warehouse's files: parts, the batches that published them, and snapshots of batches.

A part is one Parquet file. A batch is what one input became (a segment of a capture log, a file, an answer): its
manifest is written last, and what no batch names is not there. Nothing in a manifest depends on when, where or by whom
it was made, so that the same inputs give the same bytes; what a request needs beyond (when it was asked) is part of its
input.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar

import msgspec

from shared.errors import DataError
from shared.instrument import Instrument

VERSION: Final = 1


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
    """What the next segment of the same log needs to know: its place, and what was listed."""

    run: int
    session: int
    segment: int
    foot_sha256: str
    instruments: tuple[Instrument, ...] = ()


class Batch(msgspec.Struct, frozen=True):
    """One publication. `counts` says what became of every record of the input, `problems` what was wrong with it."""

    name: str
    kind: str
    lineage: Lineage
    parts: tuple[Part, ...]
    counts: dict[str, int] = {}
    problems: tuple[str, ...] = ()
    carry: Carry | None = None
    version: int = VERSION


class BatchHash(msgspec.Struct, frozen=True):
    """A batch by name and the hash of its manifest."""

    name: str
    sha256: str


class Snapshot(msgspec.Struct, frozen=True):
    """An immutable set of batches: everything that a reader of it sees. `rows` counts by table."""

    batches: tuple[BatchHash, ...]
    rows: dict[str, int]
    bytes: int
    note: str = ""
    version: int = VERSION

    @property
    def id(self) -> str:
        """Its name: the start of the hash of its own bytes."""
        return sha256_of(encode(self))[:16]


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
T = TypeVar("T", Batch, Snapshot)


def encode(manifest: Batch | Snapshot) -> bytes:
    """The one form of a manifest as bytes: JSON with sorted keys, for people to read, and a line end."""
    return msgspec.json.format(_ENCODER.encode(manifest), indent=1) + b"\n"


def decode(data: bytes, kind: type[T], name: str) -> T:
    """The manifest that `data` is; DataError if it is none, of another version, or not in its one form."""
    try:
        found = msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise DataError(f"{name}: expected a manifest, got {data[:80]!r}: {error}") from error
    if found.version != VERSION:
        raise DataError(f"{name}: expected a manifest of version {VERSION}, got version {found.version}")
    if encode(found) != data:
        raise DataError(f"{name}: the manifest is not in the form in which it was written")
    return found


def sha256_of(data: bytes) -> str:
    """The hash of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
