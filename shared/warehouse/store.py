"""EDGE: the warehouse's folder: batches published whole or not at all, by one writer at a time; what is published.

ROOT/TABLE/date=YYYY-MM-DD/BATCH.parquet   write-once files, hive-partitioned
ROOT/batches/BATCH.json                    manifests; what none of them names is not there
ROOT/snapshots/ID.json                     immutable sets of batches
ROOT/aside/                                what is being written; empty between two publications
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa

from shared.errors import DataError
from shared.warehouse import durable, manifest
from shared.warehouse.manifest import Batch, BatchHash, Carry, Lineage, Part
from shared.warehouse.parts import PartWriter
from shared.warehouse.tables import Origin, Row

BATCHES: Final = "batches"
SNAPSHOTS: Final = "snapshots"
ASIDE: Final = "aside"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}")


class Publication:
    """One batch while it is filled. It becomes visible by `publish`, all at once, or never."""

    def __init__(self, root: Path, name: str, kind: str, lineage: Lineage) -> None:
        self.name = name
        self._root = root
        self._kind = kind
        self._lineage = lineage
        self._aside = root / ASIDE / name
        self._writer = PartWriter(name, self._aside)

    def add(self, row: Row, origin: Origin) -> None:
        """Take in one row of any table."""
        self._writer.add(row, origin)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table got so far."""
        return self._writer.rows

    def publish(
        self, counts: dict[str, int] | None = None, problems: tuple[str, ...] = (), carry: Carry | None = None
    ) -> Batch:
        """Bring everything to the disk, then say that it is there; the batch."""
        parts: list[Part] = []
        for aside, part in self._writer.finish():
            durable.publish(aside, self._root / part.path)
            parts.append(part)
        made = self._lineage
        batch = Batch(
            name=self.name,
            kind=self._kind,
            lineage=Lineage(made.inputs, made.code, made.config, f"pyarrow {pa.__version__}"),
            parts=tuple(parts),
            counts=counts or {},
            problems=problems,
            carry=carry,
        )
        durable.write(self._root / BATCHES / f"{self.name}.json", manifest.encode(batch), self._aside / "batch.json")
        return batch

    def close(self) -> None:
        """Let go of what was not published."""
        self._writer.close()
        shutil.rmtree(self._aside, ignore_errors=True)


class Store:
    """A warehouse's folder. Reading needs no lock; writing goes through `writing`, one process at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """All published batches, in the order of their names."""
        return sorted(path.stem for path in (self.root / BATCHES).glob("*.json"))

    def has(self, name: str) -> bool:
        """Is there a batch of this name?"""
        return (self.root / BATCHES / f"{name}.json").exists()

    def batch(self, name: str) -> Batch:
        """The batch of this name; DataError if it is not there or its manifest was changed in form."""
        return manifest.decode(self.read_manifest(f"{BATCHES}/{name}.json"), Batch, name)

    def batches(self) -> Iterator[Batch]:
        """All published batches, in the order of their names."""
        return (self.batch(name) for name in self.names())

    def batch_hash(self, name: str) -> BatchHash:
        """A batch by name and hash."""
        return BatchHash(name, manifest.sha256_of(self.read_manifest(f"{BATCHES}/{name}.json")))

    def read_manifest(self, path: str) -> bytes:
        """The bytes of a manifest; DataError if it can't be read."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise DataError(f"can't read {self.root / path}: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """The right to write, for one at a time; DataError if somebody else has it.

        What an earlier writer left half done is cleared away first.
        """
        durable.make_folder(self.root)
        file = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DataError(f"somebody else is writing to {self.root}") from error
            shutil.rmtree(self.root / ASIDE, ignore_errors=True)
            yield Writing(self)
        finally:
            os.close(file)

    def unpublished(self) -> list[str]:
        """Paths of files in the tables' folders that no batch names, sorted."""
        named = {part.path for batch in self.batches() for part in batch.parts}
        return sorted(path for path in self.files() if path not in named)

    def files(self) -> Iterator[str]:
        """Paths, below the root, of everything in the tables' folders and beside them, but for manifests and lock."""
        for path in sorted(self.root.rglob("*")):
            inside = path.relative_to(self.root)
            if path.is_file() and inside.parts[0] not in {BATCHES, SNAPSHOTS, ASIDE} and len(inside.parts) > 1:
                yield str(inside)


class Writing:
    """The right to write into a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @contextmanager
    def publication(self, name: str, kind: str, lineage: Lineage) -> Iterator[Publication]:
        """A batch to fill and publish. DataError if the name is taken (files are written once) or can't be a name."""
        if not _NAME.fullmatch(name):
            raise DataError(
                f"expected a batch's name of lower-case letters, digits, '.', '_' and '-', got {name[:80]!r}"
            )
        if self.store.has(name):
            raise DataError(f"{name} was published before; a batch is written once")
        durable.make_folder(self.store.root / ASIDE / name)
        publication = Publication(self.store.root, name, kind, lineage)
        try:
            yield publication
        finally:
            publication.close()
