"""Batches are published whole, once, by one writer, and always as the same bytes."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shared.errors import DataError
from shared.warehouse.parts import PartWriter, date_of
from shared.warehouse.store import Store
from shared.warehouse.tables import TABLES, Origin
from tests.unit.shared.warehouse.rows import DAY_NS, LINEAGE, NOON, bytes_below, publish, some, trade


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """Two stores of the same rows are equal, file by file."""
    for name in ("one", "two"):
        publish(Store(tmp_path / name), "batch", some())
    one = bytes_below(tmp_path / "one")
    assert one == bytes_below(tmp_path / "two")
    assert {path.split("/")[0] for path in one} == {".lock", "batches", "books", "gaps", "trades"}


def test_what_was_added_is_there_exactly(tmp_path: Path) -> None:
    """Each row is in its part, with its origin, and each row group holds one coin."""
    rows = [trade(number, coin) for number in range(2_000) for coin in ("BTC", "ETH")]
    batch = publish(Store(tmp_path), "batch", list(rows))
    (part,) = batch.parts
    file = pq.ParquetFile(tmp_path / part.path)
    assert file.schema_arrow == TABLES["trades"].schema
    found = [tuple(row.values()) for row in file.read().to_pylist()]
    assert sorted(found) == sorted((*row, "import:test", 0, 0, 0, seq, 0) for seq, row in enumerate(rows))
    for number in range(file.num_row_groups):
        coin = file.metadata.row_group(number).column(0).statistics
        assert coin.min == coin.max
    assert (part.rows, part.coins, part.date) == (4_000, ("BTC", "ETH"), date_of(NOON))
    assert (part.min_ns, part.max_ns) == (NOON, NOON + 1_999 * 10**9)


def test_a_day_is_a_partition(tmp_path: Path) -> None:
    """Rows go to the UTC day of the time that they were received, to the nanosecond."""
    midnight = NOON + DAY_NS // 2
    rows = [trade(0, recv_ns=midnight - 1), trade(1, recv_ns=midnight)]
    parts = publish(Store(tmp_path), "batch", list(rows)).parts
    assert [(part.date, part.rows) for part in parts] == [("2024-10-04", 1), ("2024-10-05", 1)]


def test_memory_is_bounded_and_does_not_change_the_rows(tmp_path: Path) -> None:
    """With hardly any room the same rows arrive, in more row groups."""
    writer = PartWriter("batch", tmp_path, buffer_bytes=50_000)
    rows = [trade(number, f"C{number % 50}") for number in range(30_000)]
    for number, row in enumerate(rows):
        writer.add(row, Origin("import:test", seq=number))
        assert writer.waiting_bytes <= 50_000
    ((aside, part),) = writer.finish()
    assert part.rows == 30_000
    assert len(part.coins) == 50
    assert sorted(pq.read_table(aside)["tid"].to_pylist()) == list(range(30_000))


def test_what_is_not_published_leaves_nothing(tmp_path: Path) -> None:
    """An error half way leaves the store as it was."""
    store = Store(tmp_path)

    def fail() -> None:
        with store.writing() as writing, writing.publication("batch", "import", LINEAGE) as publication:
            publication.add(trade(1), Origin("import:test"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.names() == []
    assert list(store.files()) == []


def test_a_batch_is_written_once(tmp_path: Path) -> None:
    """A second batch of the same name is refused and the first stays."""
    store = Store(tmp_path)
    first = publish(store, "batch", some(10))
    with pytest.raises(DataError, match="published before"):
        publish(store, "batch", some(20))
    assert store.batch("batch") == first


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", ".a", "a" * 200])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Batch names are file names of one plain form."""
    with pytest.raises(DataError, match="expected a batch's name"):
        publish(Store(tmp_path), name, some(1))


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    """While one writes, another is refused."""
    store = Store(tmp_path)
    with store.writing(), pytest.raises(DataError, match="somebody else"), Store(tmp_path).writing():
        pass


def test_leftovers_are_no_rows(tmp_path: Path) -> None:
    """What a killed writer left beside and among the files is cleared or listed, never read."""
    store = Store(tmp_path)
    publish(store, "batch", some(10))
    (tmp_path / "aside").mkdir(exist_ok=True)
    (tmp_path / "aside" / "half.parquet").write_bytes(b"PAR1")
    (tmp_path / "trades" / "date=2024-10-04" / "never.parquet").write_bytes(b"PAR1")
    assert store.unpublished() == ["trades/date=2024-10-04/never.parquet"]
    with store.writing():
        assert not (tmp_path / "aside").exists()
    assert store.names() == ["batch"]


def test_a_manifest_that_was_touched_is_refused(tmp_path: Path) -> None:
    """A manifest that is cut, longer, or changed in a digit is no manifest."""
    store = Store(tmp_path)
    publish(store, "batch", some(10))
    path = store.manifest_path("batches", "batch")
    whole = path.read_bytes()
    path.chmod(0o600)
    for damaged in (
        whole[:-1],
        whole + b"\n",
        whole[: len(whole) // 2],
        b"",
        whole.replace(b'"version": 1', b'"version": 2'),
    ):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="manifest"):
            store.batch("batch")
