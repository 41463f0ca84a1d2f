"""EDGE: writes the Parquet files of one batch, row by row, in bounded memory and always to the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared import durable
from shared.units import DAY
from shared.warehouse.canonical import RowHash
from shared.warehouse.encryption import Encryption
from shared.warehouse.manifest import Part
from shared.warehouse.tables import TABLE_OF, TABLES, Origin, Row, Table

BUFFER_BYTES: Final = 192 << 20
"""What may wait in memory for its row group to fill, as Arrow counts it."""
_CHUNK_ROWS: Final = 256
"""So many rows are kept as Python objects before Arrow takes them."""
_EPOCH: Final = date(1970, 1, 1)
_DELTAS: Final = ("_ns", "seq", "tid", "oid", "_px", "px", "first_record", "last_record")
"""Columns that mostly change by little are stored as differences."""

Key = tuple[str, str, str]
"""Table, date, coin ("" where a row group may hold any)."""


def date_of(ns: int) -> str:
    """The UTC day of a time, as partitions are named."""
    return _date_of_day(ns // DAY)


@lru_cache(maxsize=64)
def _date_of_day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


class _Kind:
    """What adding a row of one kind takes to know of its table."""

    def __init__(self, kind: type, table: Table) -> None:
        self.table = table
        self.group_rows = table.group_rows
        self.time_at = row_index(kind, table.time[0])
        self.other_time_at = row_index(kind, table.time[-1])
        self.coin_at = row_index(kind, "coin") if table.has_coin else -1
        self.names = table.schema.names
        self.plain_types = [
            field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in table.schema
        ]


class Buffer:
    """Rows of one key that wait to become a row group; the time that they span."""

    def __init__(self, kind: _Kind, key: Key, ns: int) -> None:
        self.key = key
        self.rows = 0
        self.bytes = 0
        self.min_ns = self.max_ns = ns
        self._kind = kind
        self._rows: list[tuple[Any, ...]] = []
        self._chunks: list[Any] = []

    def add(self, row: tuple[Any, ...], ns: int) -> int:
        """Take in a row of that time; the result is by how many bytes the buffer grew."""
        self._rows.append(row)
        self.rows += 1
        if ns < self.min_ns:
            self.min_ns = ns
        elif ns > self.max_ns:
            self.max_ns = ns
        return self._pack() if len(self._rows) >= _CHUNK_ROWS else 0

    def _pack(self) -> int:
        columns = list(map(pa.array, zip(*self._rows, strict=True), self._kind.plain_types))
        chunk = pa.Table.from_arrays(columns, names=self._kind.names)
        self._rows.clear()
        self._chunks.append(chunk)
        self.bytes += chunk.nbytes
        return int(chunk.nbytes)

    def take(self) -> Any:
        """All rows as one table, words spelled out; the buffer is empty then."""
        if self._rows:
            self._pack()
        table = pa.concat_tables(self._chunks).combine_chunks()
        self._chunks.clear()
        self.rows = self.bytes = 0
        return table


class _File:
    """One part while it is written."""

    def __init__(self, table: Table, day: str, aside: Path, encryption: Encryption) -> None:
        self.table, self.day, self.aside = table, day, aside
        self._hash = RowHash(table.schema)
        options = parquet_options(table.schema) | encryption.writer_options()
        self._writer = pq.ParquetWriter(aside, table.schema, **options)
        self._rows = 0
        self._min_ns: int | None = None
        self._max_ns: int | None = None
        self._coins: set[str] = set()

    def write(self, rows: Any, coin: str, min_ns: int, max_ns: int) -> None:
        self._writer.write_table(rows.cast(self.table.schema), row_group_size=rows.num_rows)
        self._hash.add(rows)
        self._rows += rows.num_rows
        self._min_ns = min_ns if self._min_ns is None else min(min_ns, self._min_ns)
        self._max_ns = max_ns if self._max_ns is None else max(max_ns, self._max_ns)
        if coin:
            self._coins.add(coin)

    def finish(self, path: str) -> Part:
        self._writer.close()
        assert self._min_ns is not None
        assert self._max_ns is not None
        return Part(
            table=self.table.name,
            date=self.day,
            path=path,
            rows=self._rows,
            bytes=self.aside.stat().st_size,
            sha256=durable.file_sha256(self.aside),
            rows_sha256=self._hash.hexdigest(),
            schema_sha256=self.table.schema_sha256,
            min_ns=self._min_ns,
            max_ns=self._max_ns,
            coins=tuple(sorted(self._coins)),
        )

    def close(self) -> None:
        self._writer.close()


class PartWriter:
    """All parts of one batch, written into the folder `aside`. A row group holds one coin, where the table has one.

    The bytes depend on the rows and their order alone (and on the version of pyarrow), unless they are encrypted: then
    only the rows' hash does. Close it, whatever happened.
    """

    def __init__(
        self, batch: str, aside: Path, buffer_bytes: int = BUFFER_BYTES, encryption: Encryption | None = None
    ) -> None:
        self._batch = batch
        self._encryption = encryption or Encryption()
        self._aside = aside
        self._limit = buffer_bytes
        self._kinds = {kind: _Kind(kind, table) for kind, table in TABLE_OF.items()}
        self._buffers: dict[tuple[_Kind, int, str], Buffer] = {}
        self._files: dict[tuple[str, str], _File] = {}
        self._bytes = 0
        self._written: Counter[str] = Counter()

    def add(self, row: Row, origin: Origin) -> None:
        """Take in one row."""
        kind = self._kinds[type(row)]
        values: tuple[Any, ...] = row
        ns = values[kind.time_at]
        if ns is None:
            ns = values[kind.other_time_at]
        coin = values[kind.coin_at] or "" if kind.coin_at >= 0 else ""
        place = (kind, ns // DAY, coin)
        buffer = self._buffers.get(place)
        if buffer is None:
            buffer = self._buffers[place] = Buffer(kind, (kind.table.name, date_of(ns), coin), ns)
        self._bytes += buffer.add(values + origin, ns)
        if buffer.rows >= kind.group_rows:
            self._flush(place)
        elif self._bytes > self._limit:
            self._flush(max(self._buffers, key=lambda each: (self._buffers[each].bytes, self._buffers[each].key)))

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table has so far, tables in the order of their names."""
        rows = Counter(self._written)
        for buffer in self._buffers.values():
            rows[buffer.key[0]] += buffer.rows
        return dict(sorted(rows.items()))

    @property
    def waiting_bytes(self) -> int:
        """What waits for its row group to fill."""
        return self._bytes

    def finish(self) -> Iterator[tuple[Path, Part]]:
        """Every part with where it was written, in the order of their paths; nothing can be added any more."""
        for place in sorted(self._buffers, key=lambda each: self._buffers[each].key):
            self._flush(place)
        for (table, day), file in sorted(self._files.items()):
            path = f"{table}/date={day}/{self._batch}.parquet"
            yield file.aside, file.finish(path)

    def close(self) -> None:
        """Let all files go."""
        for file in self._files.values():
            file.close()

    def _flush(self, place: tuple[_Kind, int, str]) -> None:
        buffer = self._buffers.pop(place)
        name, day, coin = buffer.key
        self._bytes -= buffer.bytes
        self._written[name] += buffer.rows
        file = self._files.get((name, day))
        if file is None:
            aside = self._aside / f"{name}-{day}.parquet"
            file = self._files[name, day] = _File(TABLES[name], day, aside, self._encryption)
        low, high = buffer.min_ns, buffer.max_ns
        file.write(buffer.take(), coin, low, high)


def row_index(kind: type, name: str) -> int:
    """The place of a column in rows of this kind."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    return fields.index(name)


def parquet_options(schema: Any) -> dict[str, Any]:
    """How Parquet stores this schema: the format's version, compression and encodings are fixed, not left to chance."""
    deltas, words = [], []
    for field in schema:
        inner = field.type.value_type if pa.types.is_list(field.type) else field.type
        path = f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
        if pa.types.is_integer(inner) and field.name.endswith(_DELTAS):
            deltas.append(path)
        else:
            words.append(path)
    return {
        "version": "2.6",
        "data_page_version": "1.0",
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": words,
        "column_encoding": dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
        "write_statistics": True,
        "write_page_checksum": True,
        "store_schema": True,
    }
