"""EDGE: `hats data gc`: retention by a stated policy, with a record of all that went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.data_options import Warehouse, store_at
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import emit, progress, say


def gc(
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=0, help="Batches whose rows are all older than so many days may go.")
    ],
    keep_snapshots: Annotated[
        int, typer.Option("--keep-snapshots", min=0, help="So many of the newest snapshots stay, with all they need.")
    ] = 3,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="DIR", help="A capture log, whose oldest segments may go as well."),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without, only say what would go.")] = False,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Remove what a policy lets go. The newest snapshot that is whole always stays, with all that it needs.

    Each removal leaves a tombstone, and a record in the warehouse's audit chain before the first byte of it is gone.

    With --log also sealed segments of a capture log go: from its beginning on, each as old as that, compacted without a
    problem from these very bytes, and in the newest snapshot that is whole. The last sealed one stays.
    """
    from orchestrator.history.warehouse import collect, collect_raw, planned, planned_raw
    from shared.clock import WallClock
    from shared.warehouse.retention import Policy

    store = store_at(warehouse, config)
    policy, now = Policy(keep_days, keep_snapshots), WallClock().now()
    with progress("removing" if apply else "looking", None) as advance:
        if apply:
            plan = collect(store, policy, now, lambda _: advance(1))
        else:
            plan = planned(store, policy, now, lambda part: advance(part.bytes))
        raw = () if log is None else (collect_raw if apply else planned_raw)(store, log, policy, now)
    if as_json:
        emit({
            "applied": apply,
            "policy": policy,
            "snapshots": [snapshot.id for snapshot in plan.snapshots],
            "batches": [stone.batch.name for stone in plan.tombstones],
            "needed": plan.needed,
            "bytes": plan.bytes,
            "segments": [stone.segment.name for stone in raw],
            "segment_bytes": sum(stone.segment.bytes for stone in raw),
        })  # fmt: skip
        return
    verb = "removed" if apply else "would remove (nothing was; --apply does it)"
    say(f"{verb}: {len(plan.snapshots)} snapshots, {len(plan.tombstones)} batches, {plan.bytes / 1e6:,.1f} MB")
    if log is not None:
        size_mb = sum(stone.segment.bytes for stone in raw) / 1e6
        say(f"{'removed' if apply else 'would remove'} of {log}: {len(raw)} segments, {size_mb:,.1f} MB")
    if plan.needed:
        say(f"{len(plan.needed)} batches are old enough and stay: snapshots that stay need them")
