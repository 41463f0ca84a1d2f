"""Snapshots are immutable, name what they hold by its hash, and come out the same wherever they are made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import DataError
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from tests.house.sources import ROOT
from tests.unit.shared.warehouse.logs import compacted, story, write_log
from tests.unit.shared.warehouse.rows import bytes_below, publish, some, trade

REBUILD = """
import sys
from pathlib import Path
from shared.warehouse.store import Store
from tests.unit.shared.warehouse.logs import compacted
compacted(Path(sys.argv[1]), Path(sys.argv[2]))
with Store(Path(sys.argv[2])).writing() as writing:
    print(writing.snapshot(note="again").id)
"""


def rebuilt(log: Path, root: Path, zone: str, seed: str) -> str:
    """The id of a snapshot of the log, built by a process of its own in this time zone and with this hash seed."""
    env = os.environ | {"TZ": zone, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", REBUILD, str(log), str(root)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_a_snapshot_is_rebuilt_to_the_same_bytes(tmp_path: Path) -> None:
    """Two processes, two paths, two time zones, two hash seeds: every file of the warehouse is the same."""
    log = write_log(tmp_path / "log", story(400))
    one = rebuilt(log, tmp_path / "here", "Asia/Kathmandu", "1")
    log.rename(tmp_path / "moved")
    two = rebuilt(tmp_path / "moved", tmp_path / "some" / "where else", "America/St_Johns", "2")
    assert one == two
    files = bytes_below(tmp_path / "here")
    assert files == bytes_below(tmp_path / "some" / "where else")
    assert f"snapshots/{one}.json" in files


def test_a_snapshot_sees_what_it_saw(tmp_path: Path) -> None:
    """What is published later is not in it, and taking it again gives the same one."""
    store = Store(tmp_path)
    publish(store, "a", some(10))
    with store.writing() as writing:
        first = writing.snapshot()
        assert writing.snapshot() == first
    publish(store, "b", some(20))
    with store.writing() as writing:
        second = writing.snapshot(note="with b")
    assert [one.id for one in store.snapshots()] == [first.id, second.id]
    assert store.snapshot("latest") == second
    assert store.snapshot(first.id[:5]) == first
    assert Warehouse(tmp_path, first.id).arrow("trades").num_rows == 10
    assert Warehouse(tmp_path, second.id).arrow("trades").num_rows == Warehouse(tmp_path).arrow("trades").num_rows == 30


def test_lineage_says_what_it_was_made_of(tmp_path: Path) -> None:
    """Each batch names its segment by hash, the code, the settings and the library."""
    log = write_log(tmp_path / "log", story(300))
    batches = compacted(log, tmp_path / "store").published
    for batch in batches:
        (segment,) = batch.lineage.inputs
        assert (log / segment.name).stat().st_size == segment.bytes
        assert batch.lineage.code == "code"
        assert batch.lineage.pyarrow.startswith("pyarrow ")
        assert batch.lineage.config == {"capture_format": "1"}


def test_an_empty_store_has_no_snapshot(tmp_path: Path) -> None:
    """A snapshot of nothing is refused, and so is a name that means none or several."""
    store = Store(tmp_path)
    with store.writing() as writing, pytest.raises(DataError, match="found none"):
        writing.snapshot()
    for wanted in ("", "latest", "abc"):
        with pytest.raises(DataError, match="expected the id"):
            store.snapshot(wanted)


def test_a_snapshot_refuses_another_batch(tmp_path: Path) -> None:
    """A batch that was exchanged for another of the same name is not what the snapshot meant."""
    store = Store(tmp_path / "store")
    publish(store, "a", some(10))
    with store.writing() as writing:
        snapshot = writing.snapshot()
    other = Store(tmp_path / "other")
    publish(other, "a", [trade(5)])
    store.manifest_path("batches", "a").unlink()
    new = other.manifest_path("batches", "a")
    (store.root / "batches" / new.name).write_bytes(new.read_bytes())
    with pytest.raises(DataError, match="another a"):
        Warehouse(store.root, snapshot.id)
