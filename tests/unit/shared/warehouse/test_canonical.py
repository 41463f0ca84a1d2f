"""The hash of rows depends on the rows and nothing else."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shared.warehouse.canonical import RowHash

SCHEMA = pa.schema(
    [
        pa.field("word", pa.dictionary(pa.int32(), pa.string())),
        pa.field("text", pa.string()),
        pa.field("number", pa.int64()),
        pa.field("levels", pa.list_(pa.int64()), nullable=False),
        pa.field("flag", pa.bool_(), nullable=False),
    ]
)
ROW = st.tuples(
    st.none() | st.text(max_size=3),
    st.none() | st.text(max_size=5),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.lists(st.integers(0, 300), max_size=3),
    st.booleans(),
)
ROWS = st.lists(ROW, min_size=1, max_size=12)


def table(rows: list[tuple[Any, ...]]) -> Any:
    """The rows as Arrow keeps them."""
    names = SCHEMA.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], SCHEMA)


def digest(*tables: Any) -> str:
    """The hash of tables that follow one another."""
    rows = RowHash(SCHEMA)
    for each in tables:
        rows.add(each)
    return rows.hexdigest()


@given(ROWS, st.data())
def test_how_rows_are_cut_does_not_matter(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    """Any division into tables, views and chunks gives the same hash."""
    whole = table(rows)
    cut = data.draw(st.integers(0, len(rows)))
    parts = whole.slice(0, cut), whole.slice(cut)
    again = table(rows[:cut]), table(rows[cut:])
    assert digest(whole) == digest(*parts) == digest(*again) == digest(pa.concat_tables(again))


@given(ROWS, ROWS)
def test_other_rows_have_another_hash(rows: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> None:
    """Equal hashes mean equal rows."""
    assert (digest(table(rows)) == digest(table(others))) == (rows == others)


def test_null_is_not_zero_and_texts_do_not_run_together() -> None:
    """What only differs in where a value ends or whether there is one differs in its hash."""
    one = ("a", "bc", None, [1], True)
    assert len({digest(table([row])) for row in (one, ("a", "bc", 0, [1], True), ("ab", "c", None, [1], True))}) == 3
    two = [("a", "b", 1, [1, 2], True), ("a", "c", 1, [], True)]
    three = [("a", "bc", 1, [1], True), ("a", "", 1, [2], True)]
    assert digest(table(two)) != digest(table(three))
