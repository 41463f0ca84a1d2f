"""EDGE: compacts a capture log: every sealed segment becomes one batch, once, in order; a kill costs one at most."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from shared import durable
from shared.errors import DataError
from shared.instrument import Instrument
from shared.sealing import SealKey
from shared.warehouse.capture.blocks import VERSION, Place
from shared.warehouse.capture.reader import mapped, segments
from shared.warehouse.capture.scan import Block, scan
from shared.warehouse.capture.segment import SEALED
from shared.warehouse.capture.verdict import assess
from shared.warehouse.compaction import Reader, SegmentFold
from shared.warehouse.manifest import Batch, Carry, Input, Lineage
from shared.warehouse.store import Store, Writing

KIND = "capture"


class Progress(msgspec.Struct, frozen=True):
    """A segment is done: its name, its size, and how many rows came of it (0: it was compacted before)."""

    name: str
    bytes: int
    rows: int


class Compacted(msgspec.Struct, frozen=True):
    """What a compaction did: the batches that it published, and how many there were already."""

    published: tuple[Batch, ...]
    known: int


def batch_name(place: Place) -> str:
    """The name of the batch of one segment."""
    return f"{KIND}-{place.run:016x}-{place.segment:08d}"


def compact(
    log: Path,
    store: Store,
    reader: Reader,
    code: str,
    listed: tuple[Instrument, ...] = (),
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Compacted:
    """Every sealed segment of `log` that the store does not have yet, in order; what is being written waits.

    `listed` are the instruments of the log; a segment also knows those of the batches before it.
    Start it again after a kill: what was published stays, the rest is made anew. DataError if there is no
    sealed segment at all.
    """
    sealed = [path for path in segments(log) if path.name.endswith(SEALED)]
    if not sealed:
        raise DataError(f"expected sealed segments (*{SEALED}) in {log}, found none")
    published: list[Batch] = []
    before: Carry | None = None
    with store.writing() as writing:
        known = store.known()
        for path in sealed:
            place, rows = _place(path, before, store.key), 0
            if batch_name(place) in known:
                before = store.carry_after(batch_name(place))
            else:
                batch = _segment(path, place, writing, reader, code, before, listed)
                before = batch.carry
                published.append(batch)
                rows = sum(batch.rows.values())
            on_progress(Progress(path.name, path.stat().st_size, rows))
    return Compacted(tuple(published), len(sealed) - len(published))


def _segment(
    path: Path,
    place: Place,
    writing: Writing,
    reader: Reader,
    code: str,
    before: Carry | None,
    listed: tuple[Instrument, ...],
) -> Batch:
    source = Input(path.name, durable.file_sha256(path), path.stat().st_size, f"run {place.run:016x}")
    lineage = Lineage((source,), code, {"capture_format": str(VERSION)})
    with writing.publication(batch_name(place), KIND, lineage) as publication:
        fold = SegmentFold(place.run, reader, before, listed, publication.add)
        with mapped(path, writing.store.key) as data:
            report = assess(path.name, data, fold.take)
        fold.finish(report)
        foot = report.foot
        sha256, connections = ("", ()) if foot is None else (foot.sha256, foot.connections)
        carry = Carry(place.run, place.session, place.segment, sha256, fold.instruments, connections)
        return publication.publish(dict(fold.counts), tuple(fold.problems), carry, fold.covered)


def place_of(path: Path, key: SealKey | None) -> Place | None:
    """Whose segment it is, by its first sound block; None if none of them is sound."""
    with mapped(path, key) as data:
        return next((part.header.place for part in scan(data) if isinstance(part, Block)), None)


def _place(path: Path, before: Carry | None, key: SealKey | None) -> Place:
    """Whose segment it is; if it does not say, the one that follows."""
    place = place_of(path, key)
    if place is not None:
        return place
    if before is None:
        raise DataError(f"no block of {path} is whole, so nobody knows whose log it begins")
    return Place(before.run, before.session, before.segment + 1)
