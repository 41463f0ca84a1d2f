"""EDGE: checks a warehouse: every file against its manifest, no file more or less, every connection's account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pyarrow as pa

from shared import durable
from shared.errors import DataError
from shared.warehouse import manifest
from shared.warehouse.accounts import Accounts
from shared.warehouse.canonical import RowHash
from shared.warehouse.compaction import source_of
from shared.warehouse.findings import Checked, Finding, FindingKind
from shared.warehouse.manifest import Batch, Part, Snapshot
from shared.warehouse.store import BATCHES, SNAPSHOTS, TOMBSTONES, Store
from shared.warehouse.tables import TABLES

ACCOUNT_TABLES: Final = ("connections", "frames", "gaps")
OnPart = Callable[[Part], None]


def verify(
    store: Store, snapshot: str | None = None, *, with_rows: bool = True, on_part: OnPart = lambda _: None
) -> Checked:
    """Everything that is published (or what one snapshot holds) against what was written down.

    `with_rows` also reads every row, hashes the rows anew and proves that the frames captured and declared are all.
    `on_part` hears each part as it is done, for a progress bar. DataError only if there is no such snapshot.
    """
    findings: list[Finding] = []
    only = None if snapshot is None else store.snapshot(snapshot)
    snapshots = [only] if only is not None else list(_snapshots(store, findings))
    batches = list(_batches(store, only, findings))
    accounts = Accounts()
    for stone in store.tombstones():
        if stone.carry is not None:
            accounts.retired(source_of(stone.carry.run), stone.covered)
    rows = 0
    for batch in batches:
        for part in batch.parts:
            findings.extend(_part(store, part, accounts, with_rows=with_rows))
            rows += part.rows
            on_part(part)
    if only is None:
        findings.extend(_extra(store))
        findings.extend(_broken(snapshots, batches, {stone.batch.name for stone in store.tombstones()}))
    if with_rows:
        findings.extend(Finding(FindingKind.UNDECLARED, name, what) for name, what in accounts.faults())
    return Checked(
        batches=len(batches),
        snapshots=len(snapshots),
        files=sum(len(batch.parts) for batch in batches),
        bytes=sum(batch.bytes for batch in batches),
        rows=rows,
        connections=accounts.connections,
        findings=tuple(findings),
        problems=tuple(f"{batch.name}: {problem}" for batch in batches for problem in batch.problems),
    )


def _batches(store: Store, only: Snapshot | None, findings: list[Finding]) -> Iterator[Batch]:
    names = store.names() if only is None else [batch.name for batch in only.batches]
    hashes = {} if only is None else {batch.name: batch.sha256 for batch in only.batches}
    for name in names:
        try:
            batch = store.batch(name)
        except DataError as error:
            findings.append(Finding(FindingKind.MANIFEST, f"{BATCHES}/{name}", str(error)))
            continue
        if hashes and manifest.sha256_of(manifest.encode(batch)) != hashes[name]:
            findings.append(Finding(FindingKind.SNAPSHOT, f"{BATCHES}/{name}", "it is not the one that was meant"))
        yield batch


def _snapshots(store: Store, findings: list[Finding]) -> Iterator[Snapshot]:
    for path in sorted((store.root / SNAPSHOTS).glob("*")):
        try:
            yield store.snapshot(path.stem)
        except DataError as error:
            findings.append(Finding(FindingKind.MANIFEST, f"{SNAPSHOTS}/{path.name}", str(error)))


def _part(store: Store, part: Part, accounts: Accounts, *, with_rows: bool) -> Iterator[Finding]:
    """What is wrong with one file. Its rows are read only if its bytes are as they were written."""
    path = store.root / part.path
    try:
        size = path.stat().st_size
        digest = durable.file_sha256(path)
    except OSError as error:
        yield Finding(FindingKind.MISSING, part.path, f"it can't be read: {error.strerror or error}")
        return
    if size != part.bytes:
        yield Finding(FindingKind.SIZE, part.path, f"expected {part.bytes} bytes, found {size}")
    elif digest != part.sha256:
        yield Finding(FindingKind.CHANGED, part.path, f"expected SHA-256 {part.sha256}, found {digest}")
    elif part.schema_sha256 != TABLES[part.table].schema_sha256:
        yield Finding(FindingKind.ROWS, part.path, f"its columns are not those that {part.table} has now")
    elif with_rows:
        yield from _rows(store, part, accounts)


def _rows(store: Store, part: Part, accounts: Accounts) -> Iterator[Finding]:
    schema = TABLES[part.table].schema
    total, rows = RowHash(schema), 0
    try:
        with store.encryption.parquet(store.root / part.path) as file:
            for number in range(file.num_row_groups):
                group = file.read_row_group(number)
                total.add(group)
                rows += group.num_rows
                if part.table in ACCOUNT_TABLES:
                    accounts.add(part.table, group)
    except (pa.ArrowException, OSError, DataError) as error:
        yield Finding(FindingKind.ROWS, part.path, f"it can't be read as Parquet: {error}")
        return
    if rows != part.rows or total.hexdigest() != part.rows_sha256:
        yield Finding(FindingKind.ROWS, part.path, f"expected {part.rows} rows {part.rows_sha256}, found {rows} others")


def _extra(store: Store) -> Iterator[Finding]:
    try:
        extra = store.unpublished()
    except DataError:
        return  # a manifest that can't be read is a finding already; whose files these are nobody can say
    for path in extra:
        yield Finding(FindingKind.EXTRA, path, "no batch names it")
    for folder in (BATCHES, SNAPSHOTS, TOMBSTONES):
        for file in sorted((store.root / folder).glob("*")):
            if file.suffix != ".json":
                yield Finding(FindingKind.EXTRA, f"{folder}/{file.name}", "it is no manifest")


def _broken(snapshots: list[Snapshot], batches: list[Batch], retired: set[str]) -> Iterator[Finding]:
    """Snapshots that mean batches that are not there."""
    there = {batch.name: manifest.sha256_of(manifest.encode(batch)) for batch in batches}
    for snapshot in snapshots:
        for batch in snapshot.batches:
            if there.get(batch.name) != batch.sha256:
                why = "was retired" if batch.name in retired else "is not there as it was"
                yield Finding(FindingKind.SNAPSHOT, f"{SNAPSHOTS}/{snapshot.id}", f"its {batch.name} {why}")
