"""EDGE: SQL over the warehouse by DuckDB, which reads the same Parquet files. It is an optional extra: `query`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pyarrow as pa

from shared.errors import DataError, ExtraMissing
from shared.warehouse.encryption import is_encrypted
from shared.warehouse.levels import BOOK_LEVELS, SQL
from shared.warehouse.reading import Warehouse
from shared.warehouse.tables import TABLES

_LOCKED = ("SET allowed_directories = [{}]", "SET enable_external_access = false", "SET lock_configuration = true")
"""What is asked may read the warehouse's folder and nothing else, and can't allow itself more."""


class Database:
    """All tables of a view of the warehouse, `book_levels` among them, each with the `date` of its partition.

    It reads the warehouse's files and nothing else. ExtraMissing without DuckDB.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._duckdb = _duckdb()
        self._connection = self._duckdb.connect()
        root = warehouse.root.resolve()
        for setting in _LOCKED:
            self._connection.execute(setting.format(_quoted(str(root))))
        for name in TABLES:
            paths = [root / part.path for part in warehouse.parts(name)]
            hidden = [path for path in paths if is_encrypted(path)]
            source = _source(name, [str(path) for path in paths if path not in hidden])
            if hidden:  # DuckDB can't unwrap their keys; Arrow can, and hands it the rows
                self._connection.register(
                    f"encrypted_{name}", warehouse.encryption.dataset(hidden, TABLES[name].schema)
                )
                columns = ", ".join([*TABLES[name].schema.names, "date"])
                source += f" UNION ALL BY NAME SELECT {columns} FROM encrypted_{name}"  # noqa: S608 - ours  # nosec B608
            self._connection.execute(f"CREATE VIEW {name} AS {source}")
        self._connection.execute(f"CREATE VIEW {BOOK_LEVELS} AS {SQL}")

    def query(self, sql: str) -> Any:
        """A pyarrow RecordBatchReader of the answer; DataError, in DuckDB's words, unless `sql` is one sound SELECT."""
        try:
            statements = self._connection.extract_statements(sql)
            kinds = self._duckdb.StatementType
            if [statement.type in {kinds.SELECT, kinds.EXPLAIN} for statement in statements] != [True]:
                raise DataError(f"expected one SELECT, got {sql[:80]!r}")
            return self._connection.sql(sql).to_arrow_reader()
        except self._duckdb.Error as error:
            raise DataError(str(error)) from error

    def rows(self, sql: str, limit: int) -> tuple[list[str], list[list[Any]], bool]:
        """The answer's columns, at most `limit` of its rows, and whether these are all."""
        found: list[list[Any]] = []
        try:
            reader = self.query(sql)
            for batch in reader:
                found.extend(map(list, zip(*(column.to_pylist() for column in batch.columns), strict=True)))
                if len(found) > limit:
                    break
        except pa.ArrowException as error:
            raise DataError(str(error)) from error
        return list(reader.schema.names), found[:limit], len(found) <= limit

    def close(self) -> None:
        """Let go of the files."""
        self._connection.close()


def _source(table: str, paths: list[str]) -> str:
    if not paths:
        columns = ", ".join(f"NULL::{_sql_type(field.type)} AS {field.name}" for field in TABLES[table].schema)
        return f"SELECT {columns}, NULL::DATE AS date WHERE false"
    files = f"[{', '.join(map(_quoted, paths))}]"
    return f"SELECT * FROM read_parquet({files}, hive_partitioning = true, union_by_name = true)"  # noqa: S608 - ours  # nosec B608


def _quoted(text: str) -> str:
    """A text as SQL spells it."""
    return "'" + text.replace("'", "''") + "'"


def _duckdb() -> Any:
    try:
        return import_module("duckdb")
    except ImportError as error:
        raise ExtraMissing("SQL needs DuckDB: pip install 'hyperhats[query]'") from error


def _sql_type(kind: Any) -> str:
    """How DuckDB names an Arrow type of ours."""
    name = str(kind)
    if name.startswith("list<"):
        return _sql_type(kind.value_type) + "[]"
    if name.startswith("dictionary<"):
        return "VARCHAR"
    return {"int64": "BIGINT", "int32": "INTEGER", "int8": "TINYINT", "bool": "BOOLEAN", "binary": "BLOB"}.get(
        name, "VARCHAR"
    )
