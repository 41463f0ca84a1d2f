"""EDGE: `hats data query` and `hats data export`: rows of the warehouse for people and for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.data_options import Coins, Since, SnapshotId, Until, Warehouse, ns_from_text, view_of
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit, progress, say


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over the tables; `hats data ls` names them.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many rows.")] = 1_000,
    snapshot: SnapshotId = None,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Ask the warehouse in SQL (DuckDB: the extra `query`). `book_levels` is `books` level by level.

    A price in USDC is px / power(10, px_decimals), a size in coins sz / power(10, sz_decimals); times are nanoseconds.
    """
    from shared.warehouse.query import Database

    database = Database(view_of(warehouse, config, snapshot))
    try:
        names, rows, is_all = database.rows(sql, limit)
    finally:
        database.close()
    if as_json:
        emit({"columns": names, "rows": rows, "is_all": is_all})
        return
    from rich.table import Table

    table = Table(*names, header_style="bold", border_style="dim")
    for row in rows:
        table.add_row(*map(_shown, row))
    console().print(table)
    say(f"{len(rows)} rows" if is_all else f"the first {len(rows)} rows; --limit shows more, `hats data export` all")


def export(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Which table; `hats data ls` names them.")],
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: .parquet, .csv, .arrow or .jsonl.")],
    coins: Coins = None,
    since: Since = None,
    until: Until = None,
    snapshot: SnapshotId = None,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the rows of one table to a file for other programs, without a cap. Nothing is overwritten."""
    from shared.warehouse.export import export as write
    from shared.warehouse.reading import schema_of

    schema = schema_of(table)
    view = view_of(warehouse, config, snapshot)
    span = (tuple(coins or ()), ns_from_text(since, "--since"), ns_from_text(until, "--until"))
    total = sum(part.rows for part in view.parts(table, *span))
    with progress("writing", total) as advance:
        rows = write(view.groups(table, *span), schema, target, advance)
    if as_json:
        emit({"table": table, "rows": rows, "file": str(target), "bytes": target.stat().st_size})
    else:
        say(f"{rows:,} rows of {table} in {target}")


def _shown(value: Any) -> str:
    if value is None:
        return "—"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
