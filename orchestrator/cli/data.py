"""EDGE: `hats data`: the warehouse of what was captured: compacted, listed, checked, frozen in snapshots."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import data_audit, data_funding, data_gc, data_history, data_reading
from orchestrator.cli.data_options import SnapshotId, Warehouse, store_at
from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import UNKNOWN, console, emit, progress, say
from shared.units import SECOND

if TYPE_CHECKING:
    from shared.warehouse.findings import Checked
    from shared.warehouse.manifest import Batch

app = typer.Typer(help="Captured market data as tables: compact, check, freeze, query, export.", no_args_is_help=True)
app.command("fetch")(data_history.fetch)
app.command("import")(data_history.import_)
app.command("audit")(data_audit.audit)
app.command("funding")(data_funding.funding)
app.command("query")(data_reading.query)
app.command("export")(data_reading.export)
app.command("gc")(data_gc.gc)

LogDir = Annotated[
    Path | None,
    typer.Argument(
        metavar="[LOG]", help="A capture log, or the run that holds it (folder or name). Else the last run."
    ),
]
Meta = Annotated[
    Path | None,
    typer.Option("--meta", metavar="FILE", help="The venue's reply to meta, for a log whose run has no journal."),
]


@app.command("compact")
def compact(
    log: LogDir = None, meta: Meta = None, warehouse: Warehouse = None, config: Config = None, as_json: Json = False
) -> None:
    """Turn the sealed segments of a capture log into tables, each once; start it again after a kill.

    Exit code 6 if something in the log was damaged or missing: it is declared in the table `gaps`.
    """
    from orchestrator.cli.runs import last_run
    from orchestrator.history.warehouse import capture_in, compact_log, listed_in

    is_log = log is not None and any(log.glob("*.hlog"))
    folder = log if log is not None and is_log else capture_in(last_run(log, config).dir)
    store = store_at(warehouse, config)
    listed = listed_in(folder, meta)
    total = sum(path.stat().st_size for path in folder.glob("*.hlog"))
    with progress("compacting", total) as advance:
        made = compact_log(folder, store, listed, lambda segment: advance(segment.bytes))
    rows: dict[str, int] = {}
    for batch in made.published:
        for table, count in batch.rows.items():
            rows[table] = rows.get(table, 0) + count
    problems = [f"{batch.name}: {problem}" for batch in made.published for problem in batch.problems]
    if as_json:
        emit(
            {
                "log": str(folder),
                "warehouse": str(store.root),
                "batches": [batch.name for batch in made.published],
                "known": made.known,
                "rows": rows,
                "problems": problems,
            }
        )
    else:
        say(
            f"{len(made.published)} segments compacted, {made.known} were there already; "
            f"{sum(rows.values()):,} rows in {store.root}"
        )
        for table, count in sorted(rows.items()):
            say(f"  {table:<18}{count:>12,}")
        for problem in problems:
            say(f"PROBLEM  {problem}")
    if problems:
        raise typer.Exit(Exit.PROBLEMS)


@app.command("ls")
def ls(snapshot: SnapshotId = None, warehouse: Warehouse = None, config: Config = None, as_json: Json = False) -> None:
    """List the tables with rows, size, coins and time, and the snapshots."""
    store = store_at(warehouse, config)
    batches = list(store.batches() if snapshot is None else store.batches_of(store.snapshot(snapshot)))
    tables = _tables(batches)
    snapshots = store.snapshots()
    if as_json:
        told = [{"id": one.id, "until_ns": one.until_ns, "batches": len(one.batches), "rows": one.rows,
                 "bytes": one.bytes, "note": one.note} for one in snapshots]  # fmt: skip
        emit({"warehouse": str(store.root), "batches": len(batches), "tables": tables, "snapshots": told})
        return
    _print_tables(tables, len(batches), str(store.root))
    for one in snapshots:
        note = f"  {one.note}" if one.note else ""
        say(f"snapshot {one.id}  until {_time(one.until_ns)}  {sum(one.rows.values()):,} rows{note}")


@app.command("verify")
def verify(
    snapshot: SnapshotId = None,
    quick: Annotated[bool, typer.Option("--quick", help="Hash the files only; do not read their rows.")] = False,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check every file, manifest and snapshot, and that captured plus declared frames are all.

    Finds files that are truncated, changed, missing or too many. Exit code 6 if it found anything.
    """
    from orchestrator.history.warehouse import audited
    from shared.warehouse.verify import verify as check

    store = store_at(warehouse, config)
    total = sum((store.root / path).stat().st_size for path in store.files())
    with progress("checking", total) as advance:
        found = check(store, snapshot, with_rows=not quick, on_part=lambda part: advance(part.bytes))
    chain = audited(store.root)
    is_sound = found.is_sound and (chain is None or chain.is_sound)
    if as_json:
        emit({"sound": is_sound, "warehouse": str(store.root), "checked": found, "audit": chain})
    else:
        _tell(found)
        if chain is not None and not chain.is_sound:
            say(f"AUDIT  line {chain.fault_line}: {chain.fault}")
        say(f"{'sound' if is_sound else 'NOT SOUND'}: {store.root}")
    if not is_sound:
        raise typer.Exit(Exit.PROBLEMS)


@app.command("snapshot")
def snapshot(
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; part of the snapshot.")] = "",
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Freeze all that is published: an immutable set of files under a name that is the hash of what is in it.

    The same data, compacted by the same code, has the same name wherever and whenever it is made.
    """
    from orchestrator.history.warehouse import take_snapshot
    from shared.clock import WallClock

    store = store_at(warehouse, config)
    taken = take_snapshot(store, note, WallClock().now())
    if as_json:
        emit({"id": taken.id, "batches": len(taken.batches), "rows": taken.rows, "bytes": taken.bytes,
              "until_ns": taken.until_ns})  # fmt: skip
    else:
        say(f"snapshot {taken.id}: {len(taken.batches)} batches, {sum(taken.rows.values()):,} rows")


def _tables(batches: list[Batch]) -> list[dict[str, Any]]:
    """What each table holds, by name."""
    found: dict[str, dict[str, Any]] = {}
    for part in (part for batch in batches for part in batch.parts):
        table = found.setdefault(
            part.table,
            {
                "table": part.table,
                "rows": 0,
                "bytes": 0,
                "files": 0,
                "coins": set(),
                "since_ns": part.min_ns,
                "until_ns": 0,
            },
        )
        table["rows"] += part.rows
        table["bytes"] += part.bytes
        table["files"] += 1
        table["coins"] |= set(part.coins)
        table["since_ns"] = min(table["since_ns"], part.min_ns)
        table["until_ns"] = max(table["until_ns"], part.max_ns)
    return [table | {"coins": sorted(table["coins"])} for _, table in sorted(found.items())]


def _print_tables(tables: list[dict[str, Any]], batches: int, root: str) -> None:
    from rich.table import Table

    table = Table("Table", title=f"{batches} batches in {root}", header_style="bold", border_style="dim")
    for name in ("Rows", "MB", "Files", "Coins"):
        table.add_column(name, justify="right")
    table.add_column("From (UTC)")
    table.add_column("Until (UTC)")
    for one in tables:
        coins = str(len(one["coins"])) if one["coins"] else UNKNOWN
        sizes = (f"{one['rows']:,}", f"{one['bytes'] / 1e6:,.1f}", str(one["files"]))
        table.add_row(one["table"], *sizes, coins, _time(one["since_ns"]), _time(one["until_ns"]))
    console().print(table)


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tell(found: Checked) -> None:
    say(f"{found.batches} batches, {found.files} files, {found.bytes / 1e6:,.1f} MB, {found.rows:,} rows, "
        f"{found.snapshots} snapshots, {found.connections} connections")  # fmt: skip
    for finding in found.findings:
        say(f"{finding.kind.upper()}  {finding.path}: {finding.what}")
    for problem in found.problems:
        say(f"note: when it was compacted: {problem}")
