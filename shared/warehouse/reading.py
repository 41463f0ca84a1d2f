"""EDGE: reads the warehouse's tables as Arrow or pandas: all that is published, or exactly what a snapshot holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import DataError
from shared.sealing import SealKey
from shared.warehouse.levels import BOOK_LEVELS, SCHEMA, levels_of
from shared.warehouse.manifest import Batch, Part
from shared.warehouse.store import Store
from shared.warehouse.tables import TABLES, Table

READABLE: Final = (*sorted(TABLES), BOOK_LEVELS)
_ORDER: Final = ("source", "session", "socket", "epoch", "seq", "entry")


class Warehouse:
    """A reader's view, fixed when it is made. Integers come as they are; the decimals stand beside them.

    DataError if the folder holds nothing, if there is no such snapshot, or if a file is not as it was published.
    """

    def __init__(self, root: Path, snapshot: str | None = None, key: SealKey | None = None) -> None:
        """`key` is that of an encrypted warehouse."""
        store = Store(root, key)
        self.root = root
        self.encryption = store.encryption
        self._batches: list[Batch] = list(
            store.batches() if snapshot is None else store.batches_of(store.snapshot(snapshot))
        )
        if not self._batches:
            raise DataError(f"there is nothing published in {root}")

    def parts(
        self, table: str, coins: Sequence[str] = (), since_ns: int | None = None, until_ns: int | None = None
    ) -> list[Part]:
        """The files that may hold rows of these coins in [since, until), in the order of their times."""
        wanted = "books" if _readable(table) == BOOK_LEVELS else table
        found = [
            part
            for batch in self._batches
            for part in batch.parts
            if part.table == wanted
            and (not coins or not TABLES[wanted].has_coin or not set(coins).isdisjoint(part.coins))
            and (since_ns is None or part.max_ns >= since_ns)
            and (until_ns is None or part.min_ns < until_ns)
        ]
        return sorted(found, key=lambda part: (part.min_ns, part.path))

    def groups(
        self, table: str, coins: Sequence[str] = (), since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[Any]:
        """The rows row group by row group, in bounded memory, as pyarrow Tables; in no promised order."""
        kept = TABLES["books" if table == BOOK_LEVELS else table] if _readable(table) else None
        assert kept is not None
        for part in self.parts(table, coins, since_ns, until_ns):
            for rows in self._groups(part, kept, coins):
                found = _within(_of(rows, coins), kept, since_ns, until_ns)
                if found.num_rows:
                    yield levels_of(found) if table == BOOK_LEVELS else found

    def arrow(
        self,
        table: str,
        coins: Sequence[str] = (),
        since_ns: int | None = None,
        until_ns: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> Any:
        """A pyarrow Table of the rows in [since, until) in the order in which they were received."""
        schema = schema_of(table)
        found = list(self.groups(table, coins, since_ns, until_ns))
        if not found:
            return schema.empty_table() if columns is None else schema.empty_table().select(list(columns))
        rows = pa.concat_tables(found).unify_dictionaries().combine_chunks()
        time = _time(rows, TABLES["books" if table == BOOK_LEVELS else table])
        keys = {"time": time, **{name: _plain(rows[name]) for name in _ORDER}}
        if table == BOOK_LEVELS:
            keys |= {"asks": pc.equal(_plain(rows["side"]), "ask"), "level": rows["level"]}
        order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
        return (rows if columns is None else rows.select(list(columns))).take(order)

    def pandas(
        self,
        table: str,
        coins: Sequence[str] = (),
        since_ns: int | None = None,
        until_ns: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> Any:
        """The same as a pandas DataFrame: integers stay integers (Int64 where null is possible), times int64 ns."""
        return self.arrow(table, coins, since_ns, until_ns, columns).to_pandas(types_mapper=_nullable)

    def _groups(self, part: Part, table: Table, coins: Sequence[str]) -> Iterator[Any]:
        path = self.root / part.path
        try:
            with self.encryption.parquet(path) as file:
                for number in range(file.num_row_groups):
                    if not coins or not table.has_coin or _may_hold(file, number, coins):
                        yield file.read_row_group(number)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} is not as it was published: {error}") from error


def schema_of(table: str) -> Any:
    """The pyarrow schema of a table that can be read."""
    return SCHEMA if _readable(table) == BOOK_LEVELS else TABLES[table].schema


def _readable(table: str) -> str:
    if table not in READABLE:
        raise DataError(f"expected one of {', '.join(READABLE)}, got {table!r}")
    return table


def _may_hold(file: Any, group: int, coins: Sequence[str]) -> bool:
    """A row group holds one coin, and its statistics say which."""
    metadata = file.metadata.row_group(group)
    coin = next(
        column
        for column in (metadata.column(index) for index in range(metadata.num_columns))
        if column.path_in_schema == "coin"
    )
    return any(coin.statistics.min <= each <= coin.statistics.max for each in coins)


def _of(rows: Any, coins: Sequence[str]) -> Any:
    if not coins or "coin" not in rows.schema.names:
        return rows
    return rows.filter(pc.is_in(_plain(rows["coin"]), pa.array(list(coins), pa.string())))


def _within(rows: Any, table: Table, since_ns: int | None, until_ns: int | None) -> Any:
    if since_ns is not None:
        rows = rows.filter(pc.greater_equal(_time(rows, table), since_ns))
    if until_ns is not None:
        rows = rows.filter(pc.less(_time(rows, table), until_ns))
    return rows


def _time(rows: Any, table: Table) -> Any:
    return pc.coalesce(*(rows[name] for name in table.time))


def _plain(column: Any) -> Any:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _nullable(kind: Any) -> Any:
    return {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.int8(): pd.Int8Dtype()}.get(kind)
