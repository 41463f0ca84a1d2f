"""What retention may remove: by a stated policy, never what a kept snapshot needs, never the newest good snapshot.

Of a capture log its oldest segments may go too, once all that they said is in the tables of that snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from shared.units import DAY
from shared.warehouse.manifest import Batch, BatchHash, Snapshot, Tombstone, encode, sha256_of


class Policy(msgspec.Struct, frozen=True):
    """Batches whose rows are all older than `keep_days` may go, and all but the newest `keep_snapshots` snapshots."""

    keep_days: int
    keep_snapshots: int = 1

    def __str__(self) -> str:
        return f"rows older than {self.keep_days} days, snapshots but for the newest {self.keep_snapshots}"


class Plan(msgspec.Struct, frozen=True):
    """What would go, and what is old enough but needed by a snapshot that stays."""

    snapshots: tuple[Snapshot, ...]
    tombstones: tuple[Tombstone, ...]
    needed: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """What is won."""
        return sum(stone.bytes for stone in self.tombstones)


def plan(
    batches: Sequence[Batch], snapshots: Sequence[Snapshot], good: str | None, policy: Policy, now_ns: int
) -> Plan:
    """What the policy lets go at this time. `snapshots` from old to new; `good` is the newest that is whole, if any is.

    That one stays whatever the policy says; so do the newest `keep_snapshots`, good or not. If none is good, all stay.
    """
    newest = snapshots[max(0, len(snapshots) - policy.keep_snapshots) :] if good is not None else snapshots
    kept = {good, *(snapshot.id for snapshot in newest)}
    going = tuple(snapshot for snapshot in snapshots if snapshot.id not in kept)
    needed = {batch.name for snapshot in snapshots if snapshot.id in kept for batch in snapshot.batches}
    old = [batch for batch in batches if batch.max_ns < now_ns - policy.keep_days * DAY]
    return Plan(
        snapshots=going,
        tombstones=tuple(_tombstone(batch, policy) for batch in old if batch.name not in needed),
        needed=tuple(batch.name for batch in old if batch.name in needed),
    )


def _tombstone(batch: Batch, policy: Policy) -> Tombstone:
    return Tombstone(
        batch=BatchHash(batch.name, sha256_of(encode(batch))),
        lineage=batch.lineage,
        rows=batch.rows,
        bytes=batch.bytes,
        max_ns=batch.max_ns,
        policy=str(policy),
        carry=batch.carry,
        covered=batch.covered,
    )


class RawSegment(msgspec.Struct, frozen=True):
    """A sealed segment of a capture log as it lies on the disk, and the name that its batch has or would have."""

    name: str
    batch: str
    sha256: str
    bytes: int


class SegmentStone(msgspec.Struct, frozen=True):
    """What is left of a raw segment that went: its bytes by hash, and the batch and snapshot that have what it said."""

    segment: RawSegment
    batch_sha256: str
    snapshot: str
    max_ns: int
    policy: str


def plan_raw(
    segments: Sequence[RawSegment], batches: Mapping[str, Batch], good: Snapshot | None, policy: Policy, now_ns: int
) -> tuple[SegmentStone, ...]:
    """The segments that may go, `segments` being all sealed ones of a log in their order.

    Only from its beginning, so that no hole comes into a log, and never the last, on which the next one follows. Each
    has to be old enough, and published whole, from these very bytes, in the good snapshot.
    """
    stones: list[SegmentStone] = []
    if good is None:
        return ()
    held = {each.name: each.sha256 for each in good.batches}
    for segment in segments[:-1]:
        batch = batches.get(segment.batch)
        if batch is None or held.get(batch.name) != sha256_of(encode(batch)):
            break
        if batch.problems or [each.sha256 for each in batch.lineage.inputs] != [segment.sha256]:
            break
        if batch.max_ns >= now_ns - policy.keep_days * DAY:
            break
        stones.append(SegmentStone(segment, held[batch.name], good.id, batch.max_ns, str(policy)))
    return tuple(stones)
