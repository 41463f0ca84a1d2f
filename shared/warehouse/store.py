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
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa

from shared import durable
from shared.errors import DataError
from shared.sealing import SealKey
from shared.warehouse import manifest
from shared.warehouse.encryption import Encryption
from shared.warehouse.manifest import Batch, BatchHash, Carry, Covered, Lineage, Part, Snapshot, Tombstone
from shared.warehouse.parts import PartWriter
from shared.warehouse.tables import Origin, Row

BATCHES: Final = "batches"
SNAPSHOTS: Final = "snapshots"
TOMBSTONES: Final = "tombstones"
ASIDE: Final = "aside"
_OWN: Final = frozenset({BATCHES, SNAPSHOTS, TOMBSTONES, ASIDE})
T = TypeVar("T", Batch, Snapshot, Tombstone)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}")


class Publication:
    """One batch while it is filled. It becomes visible by `publish`, all at once, or never."""

    def __init__(self, root: Path, name: str, kind: str, lineage: Lineage, encryption: Encryption) -> None:
        self.name = name
        self._root = root
        self._kind = kind
        self._lineage = lineage
        self._aside = root / ASIDE / name
        self._encryption = encryption
        self._writer = PartWriter(name, self._aside, encryption=encryption)

    def add(self, row: Row, origin: Origin) -> None:
        """Take in one row of any table."""
        self._writer.add(row, origin)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table got so far."""
        return self._writer.rows

    def publish(
        self,
        counts: dict[str, int] | None = None,
        problems: tuple[str, ...] = (),
        carry: Carry | None = None,
        covered: tuple[Covered, ...] = (),
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
            covered=covered,
        )
        final = self._root / BATCHES / manifest.file_name(batch)
        durable.write(final, self._encryption.seal(final.name, manifest.encode(batch)), self._aside / "batch.json")
        return batch

    def close(self) -> None:
        """Let go of what was not published."""
        self._writer.close()
        shutil.rmtree(self._aside, ignore_errors=True)


class Store:
    """A warehouse's folder. Reading needs no lock; writing goes through `writing`, one process at a time.

    With a `key` what is written is encrypted, and what was is readable; what is plain is readable either way.
    """

    def __init__(self, root: Path, key: SealKey | None = None) -> None:
        self.root = root
        self.key = key
        self.encryption = Encryption(key)

    def names(self) -> list[str]:
        """All published batches that were not retired, in the order of their names."""
        return sorted(self._names(BATCHES) - self._names(TOMBSTONES))

    def known(self) -> set[str]:
        """The names of all batches that are there or were there."""
        return self._names(BATCHES) | self._names(TOMBSTONES)

    def batch(self, name: str) -> Batch:
        """The batch of this name; DataError if it is not there or a bit of its manifest changed."""
        return self._load(BATCHES, name, Batch)

    def batches(self) -> Iterator[Batch]:
        """All published batches, in the order of their names."""
        return (self.batch(name) for name in self.names())

    def tombstones(self) -> list[Tombstone]:
        """What retention removed, in the order of the batches' names."""
        return [self._load(TOMBSTONES, name, Tombstone) for name in sorted(self._names(TOMBSTONES))]

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, from old to new."""
        found = [self._load(SNAPSHOTS, name, Snapshot) for name in self._names(SNAPSHOTS)]
        return sorted(found, key=lambda snapshot: snapshot.age)

    def snapshot(self, wanted: str) -> Snapshot:
        """The snapshot whose id begins so, or the newest for "latest"; DataError if there is not exactly one."""
        names = sorted(self._names(SNAPSHOTS))
        if wanted == "latest" and names:
            return self.snapshots()[-1]
        found = [name for name in names if wanted and name.startswith(wanted)]
        if len(found) != 1:
            raise DataError(f"expected the id of one snapshot ({', '.join(names) or 'there is none'}), got {wanted!r}")
        return self._load(SNAPSHOTS, found[0], Snapshot)

    def batches_of(self, snapshot: Snapshot) -> Iterator[Batch]:
        """The batches of a snapshot; DataError if one is not there any more or is not the one that was meant."""
        for wanted in snapshot.batches:
            batch = self.batch(wanted.name)
            if manifest.sha256_of(manifest.encode(batch)) != wanted.sha256:
                raise DataError(f"snapshot {snapshot.id} means another {wanted.name} than the one that is there")
            yield batch

    def carry_after(self, name: str) -> Carry | None:
        """What the segment behind this batch, or behind what is left of it, needs to know."""
        is_there = any((self.root / BATCHES).glob(f"{name}.*.json"))
        return self.batch(name).carry if is_there else self._load(TOMBSTONES, name, Tombstone).carry

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

    def files(self) -> Iterator[str]:
        """Paths, below the root, of everything in the tables' folders, sorted."""
        for path in sorted(self.root.rglob("*")):
            inside = path.relative_to(self.root)
            if path.is_file() and len(inside.parts) > 1 and inside.parts[0] not in _OWN:
                yield str(inside)

    def unpublished(self) -> list[str]:
        """Paths of files in the tables' folders that no batch names, sorted."""
        named = {part.path for batch in self.batches() for part in batch.parts}
        return sorted(path for path in self.files() if path not in named)

    def manifest_path(self, folder: str, name: str) -> Path:
        """Where the manifest of this name lies; DataError if there is not exactly one."""
        if folder == SNAPSHOTS:
            found = [self.root / folder / f"{name}.json"]
        else:
            found = sorted((self.root / folder).glob(f"{name}.{'?' * manifest.NAME_DIGITS}.json"))
        if len(found) != 1:
            raise DataError(f"expected one manifest of {name} in {self.root / folder}, found {len(found)}")
        return found[0]

    def _load(self, folder: str, name: str, kind: type[T]) -> T:
        path = self.manifest_path(folder, name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"can't read {path}: {error}") from error
        return manifest.decode(self.encryption.unseal(path.name, data), kind, path.name)

    def _names(self, folder: str) -> set[str]:
        """What the manifests of a folder are about: a batch, or a snapshot by its id."""
        stems = [path.stem for path in (self.root / folder).glob("*.json")]
        return {name or digits for name, _, digits in (stem.rpartition(".") for stem in stems)}


class Writing:
    """The right to write into a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @contextmanager
    def publication(self, name: str, kind: str, lineage: Lineage) -> Iterator[Publication]:
        """A batch to fill and publish. DataError if the name is taken (files are written once) or can't be a name."""
        if not _NAME.fullmatch(name):
            raise DataError(f"expected a batch's name of small letters, digits, '.', '_' and '-', got {name[:80]!r}")
        if name in self.store.known():
            raise DataError(f"{name} was published before; a batch is written once")
        durable.make_folder(self.store.root / ASIDE / name)
        publication = Publication(self.store.root, name, kind, lineage, self.store.encryption)
        try:
            yield publication
        finally:
            publication.close()

    def snapshot(self, names: Sequence[str] | None = None, note: str = "") -> Snapshot:
        """An immutable snapshot of these batches (of all, unless named), on the disk; the same one if it is there."""
        batches = [self.store.batch(name) for name in sorted(set(names or self.store.names()))]
        if not batches:
            raise DataError(f"expected batches to take a snapshot of, found none in {self.store.root}")
        rows: Counter[str] = Counter()
        for batch in batches:
            rows.update(batch.rows)
        snapshot = Snapshot(
            batches=tuple(BatchHash(b.name, manifest.sha256_of(manifest.encode(b))) for b in batches),
            rows=dict(rows),
            bytes=sum(batch.bytes for batch in batches),
            until_ns=max(batch.max_ns for batch in batches),
            note=note,
        )
        if not (self.store.root / SNAPSHOTS / manifest.file_name(snapshot)).exists():
            self._put(SNAPSHOTS, snapshot)
        return snapshot

    def retire(self, tombstone: Tombstone) -> None:
        """Remove a batch: first its tombstone is on the disk, then its manifest goes, then its files."""
        name = tombstone.batch.name
        parts = self.store.batch(name).parts
        if name in self.store.names():
            self._put(TOMBSTONES, tombstone)
        self.store.manifest_path(BATCHES, name).unlink()
        for part in parts:
            (self.store.root / part.path).unlink(missing_ok=True)

    def forget(self, snapshot: Snapshot) -> None:
        """Remove a snapshot; its batches stay."""
        self.store.manifest_path(SNAPSHOTS, snapshot.id).unlink()

    def clear_unpublished(self) -> list[str]:
        """Remove files that no batch names, which a killed writer or a killed removal left; their paths."""
        paths = self.store.unpublished()
        for path in paths:
            (self.store.root / path).unlink()
        return paths

    def _put(self, folder: str, what: Snapshot | Tombstone) -> None:
        aside = self.store.root / ASIDE / "manifest.json"
        final = self.store.root / folder / manifest.file_name(what)
        durable.write(final, self.store.encryption.seal(final.name, manifest.encode(what)), aside)
