"""Retention removes what its policy says, leaves a tombstone, and never the newest good snapshot."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.archive import ArchiveReader
from shared.warehouse.compact import compact
from shared.warehouse.findings import FindingKind
from shared.warehouse.manifest import Batch, BatchHash, Input, Lineage, Part, Snapshot, encode, sha256_of
from shared.warehouse.retention import Policy, RawSegment, plan, plan_raw
from shared.warehouse.store import Store
from shared.warehouse.verify import verify
from tests.unit.shared.warehouse.logs import LISTED, compacted, story, write_log
from tests.unit.shared.warehouse.rows import DAY_NS, bytes_below


def batch(number: int, day: int) -> Batch:
    """A batch whose rows end on this day."""
    part = Part("trades", "2024-10-04", f"trades/{number}", 5, 10, "", "", "", 0, day * DAY_NS)
    return Batch(f"b{number}", "import", Lineage((), "code"), (part,))


def snapshot_of(batches: list[Batch]) -> Snapshot:
    """A snapshot of these batches."""
    hashes = tuple(BatchHash(each.name, "") for each in batches)
    return Snapshot(hashes, {"trades": 5 * len(batches)}, 0, max(each.max_ns for each in batches))


@given(
    days=st.lists(st.integers(0, 30), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 8), max_size=5),
    keep_days=st.integers(0, 40),
    keep_snapshots=st.integers(0, 4),
    good=st.integers(0, 5),
)
def test_what_a_kept_snapshot_needs_never_goes(
    days: list[int], cuts: list[int], keep_days: int, keep_snapshots: int, good: int
) -> None:
    """Whatever the policy: the newest good snapshot stays with all its batches, and nothing young goes."""
    batches = [batch(number, day) for number, day in enumerate(days)]
    made = {one.id: one for one in (snapshot_of(batches[:cut]) for cut in cuts)}
    snapshots = sorted(made.values(), key=lambda one: one.age)
    best = snapshots[good % len(snapshots)].id if snapshots and good else None
    now = 30 * DAY_NS
    policy = Policy(keep_days, keep_snapshots)
    found = plan(batches, snapshots, best, policy, now)
    going = {stone.batch.name for stone in found.tombstones}
    staying = [one for one in snapshots if one not in found.snapshots]
    assert best is None or best in {one.id for one in staying}
    assert len(staying) >= min(keep_snapshots, len(snapshots))
    assert best is not None or not found.snapshots
    assert going.isdisjoint(each.name for one in staying for each in one.batches)
    old = {each.name for each in batches if each.max_ns < now - keep_days * DAY_NS}
    assert going | set(found.needed) == old


def test_a_retired_batch_leaves_a_tombstone_and_is_not_made_again(tmp_path: Path) -> None:
    """Its files are gone, its tombstone says what it was, and compacting the log again does not bring it back."""
    log = write_log(tmp_path / "log", story(300))
    compacted(log, tmp_path / "store")
    store = Store(tmp_path / "store")
    first, *rest = store.names()
    (stone,) = plan([store.batch(first)], [], None, Policy(0), store.batch(first).max_ns + 1).tombstones
    with store.writing() as writing:
        writing.retire(stone)
    assert store.names() == rest
    assert store.tombstones() == [stone]
    assert stone.lineage.inputs[0].name == "00000001.hlog"
    left = bytes_below(store.root)
    assert not any(first in path and path.endswith(".parquet") for path in left)
    assert compact(log, store, ArchiveReader(), "code", LISTED).published == ()
    assert bytes_below(store.root) == left


def test_what_follows_a_retired_batch_is_compacted_as_before(tmp_path: Path) -> None:
    """A segment behind a retired one becomes the same batch as if nothing had been retired."""
    log = write_log(tmp_path / "log", story(300))
    compacted(log, tmp_path / "all")
    whole = Store(tmp_path / "all")
    last = max(log.glob("*.hlog"))
    held = last.read_bytes()
    last.unlink()
    compacted(log, tmp_path / "store")
    store = Store(tmp_path / "store")
    stones = plan(list(store.batches()), [], None, Policy(0), 2**62).tombstones
    with store.writing() as writing:
        for stone in stones:
            writing.retire(stone)
    last.write_bytes(held)
    (made,) = compact(log, store, ArchiveReader(), "code", LISTED).published
    assert made == whole.batch(made.name)
    assert verify(store).is_sound


def test_a_removal_that_was_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    """Between tombstone and removal the batch is not there any more; its files are leftovers that can be cleared."""
    compacted(write_log(tmp_path / "log", story(100)), tmp_path / "store")
    store = Store(tmp_path / "store")
    first = store.names()[0]
    files = [part.path for part in store.batch(first).parts]
    (stone,) = plan([store.batch(first)], [], None, Policy(0), 2**62).tombstones
    kept = bytes_below(store.root)
    with store.writing() as writing:
        writing.retire(stone)
    for path in files:
        (store.root / path).write_bytes(kept[path])
    assert {finding.kind for finding in verify(store, with_rows=False).findings} == {FindingKind.EXTRA}
    with store.writing() as writing:
        assert writing.clear_unpublished() == sorted(files)
    assert verify(store, with_rows=False).is_sound


def test_raw_segments_go_from_the_beginning_and_only_what_the_tables_have() -> None:
    """Old, whole, of these very bytes, in the good snapshot; the last stays, and so does what follows one that does."""
    made = [
        Batch(f"b{n}", "capture", Lineage((Input(f"{n}.hlog", f"sha{n}", 5),), "code"), (batch(n, day=n).parts[0],))
        for n in range(5)
    ]
    raw = [RawSegment(f"{n}.hlog", f"b{n}", f"sha{n}", 5) for n in range(5)]
    hashes = tuple(BatchHash(each.name, sha256_of(encode(each))) for each in made)
    good = Snapshot(hashes, {"trades": 25}, 0, 5 * DAY_NS)
    known = {each.name: each for each in made}

    def going(**changes: object) -> list[str]:
        asked = {"segments": raw, "batches": known, "good": good, "policy": Policy(0), "now_ns": 30 * DAY_NS} | changes
        return [stone.segment.name for stone in plan_raw(**asked)]  # type: ignore[arg-type]

    assert going() == ["0.hlog", "1.hlog", "2.hlog", "3.hlog"]
    assert going(policy=Policy(28)) == ["0.hlog", "1.hlog"]
    assert going(good=None) == []
    assert going(good=msgspec.structs.replace(good, batches=hashes[:2])) == ["0.hlog", "1.hlog"]
    assert going(batches=known | {"b1": msgspec.structs.replace(made[1], problems=("torn",))}) == ["0.hlog"]
    assert going(segments=[raw[0], msgspec.structs.replace(raw[1], sha256="other"), *raw[2:]]) == ["0.hlog"]
    assert going(segments=raw[:1]) == []
