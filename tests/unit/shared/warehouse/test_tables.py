"""The tables' schemas are what their row types say, and stay readable."""

from __future__ import annotations

import pyarrow as pa

from shared.warehouse.tables import TABLE_OF, TABLES, Origin


def test_a_tables_columns_are_its_rows_fields_and_then_the_origin() -> None:
    """Rows are written by position, so names and order must be those of the row type."""
    for row, table in TABLE_OF.items():
        assert table.schema.names == [*row._fields, *Origin._fields]  # type: ignore[attr-defined]


def test_times_are_int64_and_nothing_is_a_float() -> None:
    """No column rounds: integers, texts, bytes and truth values only."""
    for table in TABLES.values():
        for field in table.schema:
            inner = field.type.value_type if pa.types.is_list(field.type) else field.type
            assert not pa.types.is_floating(inner), (table.name, field)
            if field.name.endswith(("_ns", "px", "usd", "sz")):
                assert inner == pa.int64(), (table.name, field)


def test_every_table_can_tell_its_time() -> None:
    """The columns by which a table is partitioned are there."""
    for table in TABLES.values():
        assert set(table.time) <= set(table.schema.names)
        assert any(not table.schema.field(name).nullable for name in table.time) or "exch_ns" in table.time


def test_every_schema_has_a_name_of_its_own() -> None:
    """The schema's hash tells tables apart and does not change from call to call."""
    names = [table.schema_sha256 for table in TABLES.values()]
    assert len(set(names)) == len(TABLES)
    assert names == [table.schema_sha256 for table in TABLES.values()]
