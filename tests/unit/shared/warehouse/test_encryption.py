"""An encrypted warehouse: the same rows to who has the key, nothing to others, and no bit of it can be changed."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shared.errors import DataError
from shared.sealing import SealKey
from shared.warehouse.query import Database
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from shared.warehouse.verify import verify
from tests.security.plaintext import words_in
from tests.unit.shared.warehouse.rows import publish, some, trade

LONG = "COIN-OF-A-LONG-NAME"
KEY = SealKey(b"k" * 32)
SQL = "SELECT coin, count(*) AS n, sum(px) AS px, min(date) AS day FROM trades GROUP BY coin ORDER BY coin"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An encrypted warehouse with a snapshot; beside it a plain one of the same rows."""
    for name, key in (("sealed", KEY), ("plain", None)):
        store = Store(tmp_path / name, key)
        publish(store, "batch", [*some(), *(trade(number, LONG) for number in range(3))])
        with store.writing() as writing:
            writing.snapshot()
    return tmp_path / "sealed"


def test_the_same_rows_come_back(root: Path) -> None:
    """By Arrow, with a coin and without, by a snapshot, and by what verifies everything."""
    plain = Warehouse(root.with_name("plain"))
    for sealed in (Warehouse(root, key=KEY), Warehouse(root, "latest", KEY)):
        for table in ("trades", "books", "gaps", "book_levels"):
            assert sealed.arrow(table).equals(plain.arrow(table))
        assert sealed.arrow("trades", ["ETH"]).equals(plain.arrow("trades", ["ETH"]))
    checked = verify(Store(root, KEY))
    assert checked.is_sound
    assert checked.rows == verify(Store(root.with_name("plain"))).rows > 0


def test_sql_sees_the_same(root: Path) -> None:
    """DuckDB, by way of Arrow."""
    answers = []
    for view in (Warehouse(root, key=KEY), Warehouse(root.with_name("plain"))):
        database = Database(view)
        answers.append([database.rows(sql, 100) for sql in (SQL, "SELECT count(*) FROM book_levels")])
        database.close()
    assert answers[0] == answers[1]
    assert len(answers[0][0][1]) == 3


def test_nothing_can_be_read_off_it(root: Path) -> None:
    """No coin, no column, no source, in no table, manifest, snapshot or name; in the plain one there are."""
    words = ("BTC", "ETH", LONG, "import:test", "recv_ns", "px_decimals")
    assert words_in(root.with_name("plain"), words)
    tables = list(root.rglob("*.parquet"))
    assert tables
    assert all(path.read_bytes()[:4] == path.read_bytes()[-4:] == b"PARE" for path in tables)
    found = [each for each in words_in(root, words) if not each.endswith(".parquet")]
    found += [str(path) for path in tables for word in words[2:] if word.encode() in path.read_bytes()]
    assert not found


def test_without_the_key_or_with_another_it_is_refused(root: Path) -> None:
    """In words; and other programs can't read it either."""
    with pytest.raises(DataError, match=r"is sealed: set at_rest\.mode"):
        Warehouse(root)
    with pytest.raises(DataError, match="is sealed with key"):
        Warehouse(root, key=SealKey(b"o" * 32))
    path = next(root.rglob("*.parquet"))
    with pytest.raises(OSError, match="encrypted"):
        pq.ParquetFile(path)
    for key, why in ((None, "is encrypted"), (SealKey(b"o" * 32), "is sealed with key")):
        with pytest.raises(DataError, match=why):
            Store(root, key).encryption.parquet(path)


def test_every_flipped_bit_is_refused(root: Path) -> None:
    """In a manifest anywhere; in a table by Parquet's own tags, and wherever it is by the hash in the manifest."""
    store = Store(root, KEY)
    manifest = next((root / "batches").iterdir())
    whole = manifest.read_bytes()
    manifest.chmod(0o600)
    for at in range(0, len(whole), max(len(whole) // 40, 1)):
        manifest.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(DataError):
            store.batch("batch")
    manifest.write_bytes(whole)
    path = next(root.glob("trades/**/*.parquet"))
    whole = path.read_bytes()
    path.chmod(0o600)
    expected, refused = Warehouse(root.with_name("plain")).arrow("trades"), 0
    for at in range(4, len(whole) - 4, len(whole) // 30):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        try:
            # what is said about the key service is outside the tags, and read by nobody
            assert Warehouse(root, key=KEY).arrow("trades").equals(expected)
        except DataError:
            refused += 1
        assert not verify(store).is_sound
    assert refused >= 25


def test_plain_files_of_before_stay_readable(root: Path) -> None:
    """A warehouse that is encrypted from now on is read as one, by Arrow and by SQL."""
    mixed = root.with_name("plain")
    publish(Store(mixed, KEY), "later", some(10))
    view = Warehouse(mixed, key=KEY)
    assert view.arrow("trades").num_rows == 1_013
    database = Database(view)
    assert database.rows("SELECT count(*) FROM trades", 1)[1] == [[1_013]]
    database.close()
    assert verify(Store(mixed, KEY)).is_sound
