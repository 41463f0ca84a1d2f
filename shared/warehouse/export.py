"""EDGE: writes rows of the warehouse for other programs: Parquet, CSV, Arrow, JSON lines; whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from shared import durable
from shared.errors import DataError


class _JsonLines:
    """One JSON object a row; bytes are base64."""

    def __init__(self, path: Path, _: Any) -> None:
        self._file = path.open("wb")

    def write_table(self, rows: Any) -> None:
        self._file.writelines(msgspec.json.encode(row) + b"\n" for row in rows.to_pylist())

    def close(self) -> None:
        self._file.close()


class _Csv:
    """RFC 4180 with a head; a list is its numbers with spaces between."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._schema = pa.schema([pa.field(field.name, _flat(field.type)) for field in schema])
        self._writer = pcsv.CSVWriter(path, self._schema)

    def write_table(self, rows: Any) -> None:
        self._writer.write_table(pa.table([_joined(column) for column in rows.columns], schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class _Arrow:
    """An Arrow file; words are spelled out, for its form allows no second dictionary."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._schema = pa.schema([pa.field(field.name, _spelled(field.type), field.nullable) for field in schema])
        self._writer = pa.ipc.new_file(str(path), self._schema)

    def write_table(self, rows: Any) -> None:
        self._writer.write_table(rows.cast(self._schema))

    def close(self) -> None:
        self._writer.close()


def _parquet(path: Path, schema: Any) -> Any:
    return pq.ParquetWriter(path, schema, compression="zstd")


FORMATS: Final[dict[str, Callable[[Path, Any], Any]]] = {
    ".arrow": _Arrow,
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".parquet": _parquet,
}
"""By the ending of the file's name."""


def export(groups: Iterable[Any], schema: Any, target: Path, on_rows: Callable[[int], None] = lambda _: None) -> int:
    """Write all groups (pyarrow Tables of this schema) to `target`; how many rows. `on_rows` hears them as they go.

    The target appears when it is whole. DataError for an ending that is no format, or if the target is there already.
    """
    make = FORMATS.get(target.suffix)
    if make is None:
        raise DataError(f"expected a file name that ends with {', '.join(FORMATS)}, got {target.name!r}")
    if target.exists():
        raise DataError(f"{target} is there already; nothing is overwritten")
    aside = target.with_name(f".{target.name}.part")
    rows = 0
    try:
        writer = make(aside, schema)
        try:
            for group in groups:
                writer.write_table(group)
                rows += group.num_rows
                on_rows(group.num_rows)
        finally:
            writer.close()
        durable.publish(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return rows


def _spelled(kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _flat(kind: Any) -> Any:
    return pa.string() if pa.types.is_list(kind) or pa.types.is_binary(kind) else _spelled(kind)


def _joined(column: Any) -> Any:
    if pa.types.is_binary(column.type):
        return pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.string())
    if not pa.types.is_list(column.type):
        return column
    return pa.array([" ".join(map(str, value)) for value in column.to_pylist()], pa.string())
