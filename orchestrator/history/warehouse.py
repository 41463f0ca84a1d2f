"""EDGE: the warehouse in this house: a log's coins, the code that compacts it, and its own audit chain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from hats.exchange_architect.archive import ArchiveReader
from hats.exchange_architect.wire_info import universe_update
from hats.security_architect import audit
from hats.security_architect.audit import Verified
from hats.security_architect.audit_log import AuditLog, verify_file
from orchestrator.machine.build import build_id
from shared import durable
from shared.codec import decode
from shared.durable import sync_folder
from shared.errors import DataError
from shared.instrument import Instrument
from shared.journal import JournalReader
from shared.messages.market import UniverseUpdate
from shared.units import Ns
from shared.warehouse.capture.reader import segments
from shared.warehouse.capture.segment import SEALED
from shared.warehouse.compact import Compacted, Progress, batch_name, compact, place_of
from shared.warehouse.manifest import Part, Snapshot
from shared.warehouse.retention import Plan, Policy, RawSegment, SegmentStone, plan, plan_raw
from shared.warehouse.store import Store
from shared.warehouse.verify import verify

AUDIT: Final = "audit.jsonl"
GONE: Final = ".gone.json"
"""How the tombstone of a raw segment is called."""
LISTED: Final = "listed.json"
"""The instruments that a capture was told of, kept beside a log that no run's journal explains."""
_SYNC_MS: Final = 1_000


def capture_in(folder: Path) -> Path:
    """The capture log that a folder is, or that a run's folder holds."""
    inside = folder / "capture"
    return inside if inside.is_dir() else folder


def listed_in(log: Path, meta: Path | None = None) -> tuple[Instrument, ...]:
    """What was listed when the log was made: by the reply to meta in `meta`, a file beside the log, or a run's journal.

    DataError if nobody knows, for then no number in it has a unit.
    """
    if meta is not None:
        return universe_update(meta.read_bytes(), None, Ns(0)).instruments
    beside = _listed_beside(log)
    if beside:
        return tuple(beside.values())
    journal = log.parent / "journal.sqlite"
    known: dict[str, Instrument] = {}
    if journal.is_file():
        reader = JournalReader.open(journal)
        try:
            for entry in reader.messages(kind=UniverseUpdate.__name__):
                update = decode(entry.body)
                assert isinstance(update, UniverseUpdate)
                known |= {instrument.coin: instrument for instrument in update.instruments}
        finally:
            reader.close()
    if not known:
        raise DataError(
            f"what was listed when {log} was made is not known; --meta FILE names the venue's reply to meta"
        )
    return tuple(known.values())


def keep_listed(log: Path, instruments: tuple[Instrument, ...]) -> None:
    """Write down beside a log what is listed; what was written before and is no longer listed stays."""
    before = _listed_beside(log)
    known = before | {instrument.coin: instrument for instrument in instruments}
    if known != before:
        durable.write(log / LISTED, msgspec.json.encode(tuple(known.values())) + b"\n", log / f"{LISTED}.part")


def _listed_beside(log: Path) -> dict[str, Instrument]:
    try:
        data = (log / LISTED).read_bytes()
    except FileNotFoundError:
        return {}
    try:
        instruments = msgspec.json.decode(data, type=tuple[Instrument, ...])
    except msgspec.MsgspecError as error:
        raise DataError(f"{log / LISTED} does not say what was listed: {error}") from error
    return {instrument.coin: instrument for instrument in instruments}


def compact_log(
    log: Path, store: Store, listed: tuple[Instrument, ...], on_progress: Callable[[Progress], None]
) -> Compacted:
    """Every sealed segment that the store does not have yet, read by this code."""
    return compact(log, store, ArchiveReader(), build_id(), listed, on_progress)


def remember(root: Path, now: Ns, event: str, fields: dict[str, Any]) -> str:
    """Append one record to the warehouse's audit chain, on the disk before this returns; its digest."""
    log = AuditLog(root / AUDIT, _SYNC_MS)
    log.open()
    try:
        record = audit.append(log.head, audit.body_of(event, now, fields))
        log.append(record)
        log.sync()
    finally:
        log.close()
    return record.digest


def audited(root: Path) -> Verified | None:
    """What a check of the warehouse's audit chain finds; None if nothing was ever recorded."""
    return verify_file(root / AUDIT) if (root / AUDIT).exists() else None


def take_snapshot(store: Store, note: str, now: Ns) -> Snapshot:
    """A snapshot of all that is published, with a record in the audit chain the first time."""
    with store.writing() as writing:
        known = {snapshot.id for snapshot in store.snapshots()}
        snapshot = writing.snapshot(note=note)
        if snapshot.id not in known:
            remember(store.root, now, "snapshot_taken", {"snapshot": snapshot.id, "rows": sum(snapshot.rows.values())})
    return snapshot


def planned(store: Store, policy: Policy, now: Ns, on_part: Callable[[Part], None] = lambda _: None) -> Plan:
    """What the policy lets go now; the newest snapshot whose every byte is as it was written is looked for first."""
    good = _good(store, on_part)
    return plan(list(store.batches()), store.snapshots(), None if good is None else good.id, policy, now)


def _good(store: Store, on_part: Callable[[Part], None]) -> Snapshot | None:
    """The newest snapshot whose every byte is as it was written."""
    for snapshot in reversed(store.snapshots()):
        if verify(store, snapshot.id, with_rows=False, on_part=on_part).is_sound:
            return snapshot
    return None


def collect(store: Store, policy: Policy, now: Ns, on_batch: Callable[[str], None] = lambda _: None) -> Plan:
    """Do what was planned. Each removal is in the audit chain, on the disk, before the first byte of it goes."""
    with store.writing() as writing:
        doomed = planned(store, policy, now)
        for snapshot in doomed.snapshots:
            remember(store.root, now, "snapshot_retired", {"snapshot": snapshot.id, "policy": str(policy)})
            writing.forget(snapshot)
        for stone in doomed.tombstones:
            fields = {"batch": stone.batch.name, "manifest_sha256": stone.batch.sha256, "rows": stone.rows}
            remember(store.root, now, "batch_retired", fields | {"policy": stone.policy, "until_ns": stone.max_ns})
            writing.retire(stone)
            on_batch(stone.batch.name)
        leftovers = store.unpublished()
        if leftovers:
            remember(store.root, now, "leftovers_removed", {"files": leftovers})
            writing.clear_unpublished()
    return doomed


def planned_raw(
    store: Store, log: Path, policy: Policy, now: Ns, on_part: Callable[[Part], None] = lambda _: None
) -> tuple[SegmentStone, ...]:
    """The segments of a capture log that the policy lets go now; DataError if there is no log."""
    sealed = [path for path in segments(log) if path.name.endswith(SEALED)]
    found: list[RawSegment] = []
    for path in sealed:
        place = place_of(path, store.key)
        if place is None:
            break  # nobody knows whose it is: it stays, and so does all behind it
        found.append(RawSegment(path.name, batch_name(place), durable.file_sha256(path), path.stat().st_size))
    batches = {batch.name: batch for batch in store.batches()}
    # the last sealed one stays; one that does not say whose it is counts as that
    return plan_raw(found, batches, _good(store, on_part), policy, now)


def collect_raw(store: Store, log: Path, policy: Policy, now: Ns) -> tuple[SegmentStone, ...]:
    """Do what was planned. Of each segment a tombstone is beside it and in the audit chain before its bytes go."""
    with store.writing():
        stones = planned_raw(store, log, policy, now)
        for stone in stones:
            name = stone.segment.name
            fields = {"segment": name, "sha256": stone.segment.sha256, "batch": stone.segment.batch}
            remember(store.root, now, "segment_retired", fields | {"snapshot": stone.snapshot, "policy": stone.policy})
            gone = log / f"{name.removesuffix(SEALED)}{GONE}"
            durable.write(gone, msgspec.json.format(msgspec.json.encode(stone), indent=1) + b"\n", log / f"{name}.part")
            (log / name).unlink()
            sync_folder(log)
    return stones
