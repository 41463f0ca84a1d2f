"""EDGE: writes an audit log's records as rows for other programs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from shared.errors import DataError, JournalError

COLUMNS: Final = ("index", "ns", "event", "cloid", "digest", "body")


def rows_of(log: Path, event: str | None) -> Iterator[dict[str, Any]]:
    """The records in order; of one event if given. DataError if a line is no record."""
    try:
        with log.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    record = msgspec.json.decode(line)
                    body = record["body"]
                    row = {"index": record["index"], "ns": body["ns"], "event": body["event"]}
                except (msgspec.MsgspecError, KeyError, TypeError) as error:
                    raise DataError(f"{log}, line {number}: expected a record: {error!r}") from error
                if event is None or event == row["event"]:
                    yield {**row, "cloid": body.get("cloid") or "", "digest": record["digest"], "body": body}
    except OSError as error:
        raise JournalError(f"cannot read {log}: {error}") from error


def export_log(log: Path, out: Path, event: str | None = None) -> int:
    """How many records went into the new file `out`, CSV or JSON lines by its ending; DataError for another ending."""
    if out.suffix not in {".csv", ".jsonl"}:
        raise DataError(f"expected a file ending with .csv or .jsonl, got {out.name}")
    count = 0
    try:
        file = out.open("x", encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"cannot write {out}: {error}") from error
    with file:
        table = csv.DictWriter(file, COLUMNS)
        if out.suffix == ".csv":
            table.writeheader()
        for row in rows_of(log, event):
            count += 1
            if out.suffix == ".csv":
                table.writerow(row | {"body": msgspec.json.encode(row["body"]).decode()})
            else:
                file.write(msgspec.json.encode(row).decode() + "\n")
    return count
