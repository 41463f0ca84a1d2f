"""A check finds every kind of damage, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from shared.errors import DataError
from shared.warehouse.capture.records import AnyRecord, Frame, SocketClosed, SocketOpened
from shared.warehouse.findings import FindingKind
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from shared.warehouse.verify import verify
from tests.unit.shared.warehouse.logs import compacted, story, write_log
from tests.unit.shared.warehouse.rows import publish, some


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two batches and a snapshot of the first."""
    made = Store(tmp_path / "store")
    publish(made, "a", some(200))
    with made.writing() as writing:
        writing.snapshot()
    publish(made, "b", some(100))
    return made


def kinds(store: Store, *, with_rows: bool = True) -> list[FindingKind]:
    """What a check finds, by kind."""
    return [finding.kind for finding in verify(store, with_rows=with_rows).findings]


def test_a_sound_warehouse_is_sound(store: Store) -> None:
    """No finding where nothing is wrong, and the counts are those of the rows."""
    checked = verify(store)
    assert checked.findings == ()
    assert (checked.batches, checked.snapshots, checked.files, checked.rows) == (2, 1, 6, 200 + 100 + 100 + 50 + 2)


def a_part(store: Store) -> Path:
    """The trades of the first batch."""
    return next(store.root / part.path for part in store.batch("a").parts if part.table == "trades")


def damaged(path: Path, change: Callable[[bytes], bytes]) -> None:
    """The file with other bytes."""
    path.chmod(0o600)
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("with_rows", [True, False])
def test_truncated_changed_missing_and_additional_files_are_found(store: Store, with_rows: bool) -> None:
    """Each kind of damage to a file is named as what it is."""
    path = a_part(store)
    whole = path.read_bytes()
    damaged(path, lambda data: data[:-1])
    assert kinds(store, with_rows=with_rows) == [FindingKind.SIZE]
    damaged(path, lambda _: whole + b"\0")
    assert kinds(store, with_rows=with_rows) == [FindingKind.SIZE]
    damaged(path, lambda _: whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert kinds(store, with_rows=with_rows) == [FindingKind.CHANGED]
    path.unlink()
    assert kinds(store, with_rows=with_rows) == [FindingKind.MISSING]
    path.write_bytes(whole)
    (path.parent / "extra.parquet").write_bytes(whole)
    (store.root / "batches" / "half.part").write_bytes(b"x")
    assert kinds(store, with_rows=with_rows) == [FindingKind.EXTRA, FindingKind.EXTRA]


def test_every_flipped_bit_is_found(store: Store) -> None:
    """Whatever bit of whatever file below the warehouse flips, the check finds something."""
    chance = Random(4)
    paths = [path for path in sorted(store.root.rglob("*")) if path.is_file() and path.name != ".lock"]
    assert len(paths) == 9
    for number in range(120):
        path = paths[number % len(paths)]
        whole = path.read_bytes()
        at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        damaged(path, lambda data, at=at, bit=bit: data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])  # type: ignore[misc]
        assert kinds(store, with_rows=False), (path.name, at, bit)
        path.write_bytes(whole)
    assert kinds(store) == []


def test_a_manifest_that_is_gone_is_found(store: Store) -> None:
    """Without its manifest a batch's files are too many, and a snapshot that means it is broken."""
    store.manifest_path("batches", "a").unlink()
    assert sorted(set(kinds(store))) == [FindingKind.EXTRA, FindingKind.SNAPSHOT]


def test_a_snapshot_is_checked_by_itself(store: Store) -> None:
    """What is not in a snapshot does not spoil it."""
    for part in store.batch("b").parts:
        (store.root / part.path).unlink()
    assert verify(store, "latest").is_sound
    assert set(kinds(store)) == {FindingKind.MISSING}


def test_a_damaged_page_is_never_read_as_data(store: Store) -> None:
    """A reader that does not check hashes meets the page's own checksum."""
    path = a_part(store)
    damaged(path, lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:])
    with pytest.raises(DataError, match="not as it was published"):
        Warehouse(store.root).arrow("trades")


def lives(*records: AnyRecord) -> list[AnyRecord]:
    """A connection of these records."""
    return [SocketOpened(1, 1, 10**18, "ws"), *records]


def frame(seq: int) -> Frame:
    """A frame of a connection."""
    return Frame(1, 1, seq, 10**18 + seq, seq, b'{"channel":"pong"}')


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            lives(frame(1), frame(3), SocketClosed(1, 1, 10**18 + 9, 3)),
            "1 frames are neither here nor declared: 2 to 2",
        ),
        (lives(frame(1), SocketClosed(1, 1, 10**18 + 9, 2)), "1 frames are neither here nor declared: 2 to 2"),
        (lives(frame(1), frame(2), SocketClosed(1, 1, 10**18 + 9, 1)), "closed after 1 frames, and there are 2"),
        (lives(frame(1), SocketClosed(1, 1, 10**18 + 9, -1)), "no gap says so"),
        (lives(frame(1), frame(1), SocketClosed(1, 1, 10**18 + 9, 1)), "1 frames are here or declared twice"),
    ],
)
def test_an_account_that_does_not_add_up_is_found(tmp_path: Path, records: list[AnyRecord], said: str) -> None:
    """Frames that are nowhere, twice, or too many are found from the tables alone."""
    log = write_log(tmp_path / "log", records)
    compacted(log, tmp_path / "store")
    (finding,) = verify(Store(tmp_path / "store")).findings
    assert finding.kind is FindingKind.UNDECLARED
    assert said in finding.what


def test_a_whole_log_adds_up(tmp_path: Path) -> None:
    """Two connections with a declared hole: captured + declared = all, from the tables alone."""
    compacted(write_log(tmp_path / "log", story(300)), tmp_path / "store")
    checked = verify(Store(tmp_path / "store"))
    assert checked.findings == ()
    assert checked.connections == 2
