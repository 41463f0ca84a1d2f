"""Readers get exactly the rows, in the order in which they were received, as Arrow, pandas, SQL or a file."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import DataError, ExtraMissing
from shared.warehouse.export import FORMATS, export
from shared.warehouse.levels import BOOK_LEVELS
from shared.warehouse.query import Database
from shared.warehouse.reading import READABLE, Warehouse, schema_of
from shared.warehouse.store import Store
from tests.unit.shared.warehouse.rows import NOON, book, publish, trade


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Three batches whose times overlap."""
    root = tmp_path_factory.mktemp("warehouse")
    for part in range(3):
        rows = [trade(number, ("BTC", "ETH")[number % 2]) for number in range(part, 300, 3)]
        publish(Store(root), f"part-{part}", [*rows, *(book(number) for number in range(part, 60, 3))])
    return Warehouse(root)


def test_rows_come_in_the_order_in_which_they_were_received(view: Warehouse) -> None:
    """Files overlap in time; what is read is sorted."""
    assert view.arrow("trades")["tid"].to_pylist() == list(range(300))
    assert view.arrow("trades", ["ETH"])["tid"].to_pylist() == list(range(1, 300, 2))


def test_a_span_is_from_until_without(view: Warehouse) -> None:
    """[since, until), to the nanosecond; a span without rows has the same columns."""
    since, until = NOON + 10 * 10**9, NOON + 20 * 10**9
    assert view.arrow("trades", (), since, until)["tid"].to_pylist() == list(range(10, 20))
    assert view.arrow("trades", ["BTC"], since + 1, until + 1)["tid"].to_pylist() == [12, 14, 16, 18, 20]
    empty = view.arrow("trades", (), 0, 1)
    assert (empty.num_rows, empty.schema) == (0, view.arrow("trades").schema)
    assert view.arrow("trades", columns=["px", "coin"]).column_names == ["px", "coin"]


def test_pandas_keeps_integers(view: Warehouse) -> None:
    """Nothing becomes a float or a timestamp of another unit, null or not."""
    frame = view.pandas("books")
    assert str(frame["recv_ns"].dtype) == str(frame["exch_ns"].dtype) == "Int64"
    assert int(frame["recv_ns"].iloc[0]) == NOON
    assert frame["exch_ns"].isna().all()


def expected_levels() -> list[tuple[int, str, int, int, int]]:
    """All levels of all books, in order."""
    return [
        (row.recv_ns or 0, side, level, px, sz)
        for row in map(book, range(60))
        for side, pxs, szs in (("bid", row.bid_px, row.bid_sz), ("ask", row.ask_px, row.ask_sz))
        for level, (px, sz) in enumerate(zip(pxs, szs, strict=True))
    ]


def test_levels_are_the_books_level_by_level(view: Warehouse) -> None:
    """Each level of each book is one row, best first."""
    rows = view.arrow(BOOK_LEVELS).to_pylist()
    found = [(row["recv_ns"], row["side"], row["level"], row["px"], row["sz"]) for row in rows]
    assert found == expected_levels()


def test_what_is_not_there_is_an_error_with_the_names(view: Warehouse, tmp_path: Path) -> None:
    """A wrong table, an empty warehouse: said, with what there is."""
    with pytest.raises(DataError, match="trades"):
        view.arrow("trade")
    with pytest.raises(DataError, match="nothing published"):
        Warehouse(tmp_path)


def database(view: Warehouse) -> Database:
    """SQL, where DuckDB is installed."""
    pytest.importorskip("duckdb", reason="DuckDB is not installed (the extra `query`)")
    return Database(view)


def test_sql_sees_the_same_rows(view: Warehouse) -> None:
    """Every table can be asked, empty ones too, and levels are the same as those of the Arrow reader."""
    asked = database(view)
    for name in READABLE:
        columns, rows, is_all = asked.rows(f"SELECT * FROM {name}", 10_000)
        assert len(rows) == view.arrow(name).num_rows
        assert is_all
        assert set(columns) == {*schema_of(name).names, "date"}
    order = "SELECT recv_ns, side, level, px, sz FROM book_levels ORDER BY recv_ns, side DESC, level"
    assert [tuple(row) for row in asked.rows(order, 10_000)[1]] == expected_levels()
    assert asked.rows("SELECT tid FROM trades ORDER BY tid", 5) == (["tid"], [[n] for n in range(5)], False)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY trades TO 'out.csv'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT nothing FROM trades",
        "ATTACH 'x.db'",
        "",
    ],
)
def test_sql_can_only_ask(view: Warehouse, sql: str) -> None:
    """What is no single SELECT over the warehouse is refused in words."""
    with pytest.raises(DataError):
        database(view).rows(sql, 1)


def test_without_duckdb_it_says_what_to_install(view: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra names it."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ExtraMissing, match=r"hyperhats\[query\]"):
        Database(view)


def read_back(path: Path) -> list[dict[str, Any]]:
    """The rows of an exported file."""
    match path.suffix:
        case ".parquet":
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        case ".arrow":
            rows = pa.ipc.open_file(str(path)).read_all().to_pylist()
        case ".jsonl":
            rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
        case _:
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
    return rows


@pytest.mark.parametrize("ending", sorted(FORMATS))
@pytest.mark.parametrize("table", ["trades", "books", BOOK_LEVELS])
def test_an_export_holds_every_row(view: Warehouse, tmp_path: Path, ending: str, table: str) -> None:
    """Whatever the format, the rows are the table's."""
    target = tmp_path / f"out{ending}"
    count = export(view.groups(table), schema_of(table), target)
    rows = read_back(target)
    wanted = view.arrow(table).to_pylist()
    assert count == len(rows) == len(wanted)
    key = "px" if table != "books" else "bid_px"
    spelled = sorted(str(row[key]).strip("[]").replace(",", "") for row in rows)
    assert spelled == sorted(str(row[key]).strip("[]").replace(",", "") for row in wanted)
    with pytest.raises(DataError, match="already"):
        export(view.groups(table), schema_of(table), target)


def test_an_export_that_fails_leaves_nothing(view: Warehouse, tmp_path: Path) -> None:
    """A half-written file is never there under its name, nor beside it."""

    def broken() -> Any:
        yield from list(view.groups("trades"))[:1]
        raise DataError("cut")

    with pytest.raises(DataError, match="cut"):
        export(broken(), schema_of("trades"), tmp_path / "out.csv")
    with pytest.raises(DataError, match="ends with"):
        export(view.groups("trades"), schema_of("trades"), tmp_path / "out.xls")
    assert list(tmp_path.iterdir()) == []
