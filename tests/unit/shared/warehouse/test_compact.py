"""Compaction loses nothing, invents nothing, may be stopped anywhere and always makes the same files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hats.exchange_architect.archive import ArchiveReader
from shared.errors import DataError
from shared.warehouse.capture.reader import segments
from shared.warehouse.capture.records import Direction, Frame, Gap
from shared.warehouse.compact import Progress, compact
from shared.warehouse.store import Store
from shared.warehouse.verify import verify
from tests.unit.shared.warehouse.logs import LISTED, compacted, story, write_log
from tests.unit.shared.warehouse.rows import bytes_below


def rows_of(store: Store, table: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    parts = [part for batch in store.batches() for part in batch.parts if part.table == table]
    return [row for part in parts for row in pq.read_table(store.root / part.path).to_pylist()]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of several segments."""
    return write_log(tmp_path_factory.mktemp("log"), story(600))


def test_every_frame_and_gap_is_a_row(log: Path, tmp_path: Path) -> None:
    """Captured + declared = everything: each record of the log is there once, with its origin."""
    compacted(log, tmp_path)
    told = story(600)
    frames = [record for record in told if isinstance(record, Frame)]
    found = {(row["socket"], row["epoch"], row["seq"]): row for row in rows_of(Store(tmp_path), "frames")}
    assert len(found) == len(frames) == len(rows_of(Store(tmp_path), "frames"))
    for frame in frames:
        row = found[frame.socket, frame.epoch, frame.seq]
        assert (row["recv_ns"], row["mono_ns"], row["bytes"]) == (frame.recv_ns, frame.mono_ns, len(frame.data))
        assert row["direction"] == ("out" if frame.direction is Direction.OUT else "in")
        assert (row["source"], row["session"]) == ("capture:000000000000beef", 1)
    gaps = [record for record in told if isinstance(record, Gap)]
    assert sorted((row["reason"], row["first_seq"], row["last_seq"]) for row in rows_of(Store(tmp_path), "gaps")) == (
        sorted((gap.reason.value, gap.first_seq, gap.last_seq) for gap in gaps)
    )


def test_rows_say_exactly_what_the_frames_said(log: Path, tmp_path: Path) -> None:
    """Numbers are the venue's texts as integers, found again by the row's origin."""
    compacted(log, tmp_path)
    store = Store(tmp_path)
    data = {(f.epoch, f.seq): f.data for f in story(600) if isinstance(f, Frame) and f.direction is Direction.IN}
    books, trades = rows_of(store, "books"), rows_of(store, "trades")
    assert len(books) > 200
    for row in books:
        spoken = json.loads(data[row["epoch"], row["seq"]])["data"]
        px, sz = 10 ** row["px_decimals"], 10 ** row["sz_decimals"]
        bids, asks = spoken["levels"]
        assert row["coin"] == spoken["coin"]
        assert row["exch_ns"] == spoken["time"] * 10**6
        assert row["bid_px"] == [int(level["px"]) * px for level in bids]
        assert row["ask_sz"] == [round(float(level["sz"]) * sz) for level in asks]
        assert row["ask_n"] == [level["n"] for level in asks]
    for row in trades:
        spoken = json.loads(data[row["epoch"], row["seq"]])["data"][row["entry"]]
        assert (row["tid"], row["side"]) == (spoken["tid"], "buy" if spoken["side"] == "B" else "sell")
        assert row["px"] == int(spoken["px"]) * 10 ** row["px_decimals"]
    counted = Counter(json.loads(f)["channel"] for f in data.values() if f.startswith(b"{") and len(f) > 40)
    assert counted["l2Book"] == len(books)
    assert counted["trades"] * 3 == len(trades)
    assert counted["userFills"] == len(rows_of(store, "fills"))
    assert counted["orderUpdates"] == len(rows_of(store, "orders"))
    assert counted["userFundings"] == len(rows_of(store, "funding_payments"))
    assert counted["activeAssetCtx"] == len(rows_of(store, "asset_contexts"))


def test_what_cannot_be_read_is_kept_whole(log: Path, tmp_path: Path) -> None:
    """A frame that nobody can read is a row with its bytes and the reason."""
    batches = compacted(log, tmp_path).published
    hostile = [f.data for f in story(600) if isinstance(f, Frame) and f.data in {b"\x00not a frame", b'{"channel":"l2Book","data":1}'}]  # fmt: skip # noqa: E501
    rows = rows_of(Store(tmp_path), "bad_frames")
    assert Counter(row["data"] for row in rows) == Counter(hostile)
    assert all(row["reason"] for row in rows)
    assert sum(batch.counts["unread"] for batch in batches) == len(hostile)


def test_compaction_makes_the_same_bytes_whenever_it_is_stopped(log: Path, tmp_path: Path) -> None:
    """One pass, or a pass that ends after each segment and begins again: the same files."""
    compacted(log, tmp_path / "one")

    class StoppedError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.rows > 0:
            raise StoppedError

    store, stops = Store(tmp_path / "two"), 0
    while True:
        try:
            done = compact(log, store, ArchiveReader(), "code", LISTED, stop)
        except StoppedError:
            stops += 1
            continue
        break
    assert done.published == ()
    assert stops == done.known == len(segments(log)) > 5
    assert bytes_below(tmp_path / "one") == bytes_below(tmp_path / "two")


def test_a_damaged_segment_is_declared(log: Path, tmp_path: Path) -> None:
    """What a flipped bit took out of a segment is a gap with the records that were lost; the rest is there."""
    copy = tmp_path / "log"
    copy.mkdir()
    for path in segments(log):
        (copy / path.name).write_bytes(path.read_bytes())
    target = segments(copy)[1]
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 4
    target.write_bytes(data)
    done = compacted(copy, tmp_path / "store")
    assert any(target.name in problem for batch in done.published for problem in batch.problems)
    gaps = [row for row in rows_of(Store(tmp_path / "store"), "gaps") if row["reason"] == "damaged"]
    (lost,) = [row for row in gaps if row["epoch"] == 0]
    (frames,) = [row for row in gaps if row["epoch"]]
    records = lost["last_record"] - lost["first_record"] + 1
    assert frames["last_seq"] - frames["first_seq"] + 1 == records
    assert verify(Store(tmp_path / "store")).is_sound
    whole = sum(batch.counts["records"] for batch in compacted(log, tmp_path / "whole").published)
    assert sum(batch.counts["records"] for batch in done.published) == whole - records > 0


def test_a_missing_segment_is_declared(log: Path, tmp_path: Path) -> None:
    """A log without one of its segments says so as a gap."""
    copy = tmp_path / "log"
    copy.mkdir()
    for path in segments(log):
        (copy / path.name).write_bytes(path.read_bytes())
    segments(copy)[2].unlink()
    compacted(copy, tmp_path / "store")
    lost = [row for row in rows_of(Store(tmp_path / "store"), "gaps") if row["reason"] == "missing_segment"]
    assert sorted(bool(row["last_seq"]) for row in lost) == [False, True]
    assert verify(Store(tmp_path / "store")).is_sound


def test_a_log_that_begins_in_the_middle_says_so(log: Path, tmp_path: Path) -> None:
    """Without the first segments of a log, what they held of the connections is declared."""
    copy = tmp_path / "log"
    copy.mkdir()
    for path in segments(log)[2:]:
        (copy / path.name).write_bytes(path.read_bytes())
    compacted(copy, tmp_path / "store")
    assert verify(Store(tmp_path / "store")).is_sound
    lost = [row for row in rows_of(Store(tmp_path / "store"), "gaps") if row["reason"] == "missing_segment"]
    assert [row["first_seq"] for row in lost if row["last_seq"]] == [1]


def test_what_is_listed_is_known_to_every_segment(log: Path, tmp_path: Path) -> None:
    """Instruments are rows once a log, and a compaction that begins in the middle knows them from the batch before."""
    compacted(log, tmp_path)
    rows = rows_of(Store(tmp_path), "instruments")
    assert [(row["coin"], row["px_decimals"], row["sz_decimals"]) for row in rows] == [("BTC", 1, 5), ("ETH", 2, 4)]


def test_a_coin_that_is_listed_later_is_read_from_then_on(log: Path, tmp_path: Path) -> None:
    """A compaction that goes on with more instruments reads the new ones; they become rows once."""
    copy, (first, *rest) = tmp_path / "log", segments(log)
    copy.mkdir()
    (copy / first.name).write_bytes(first.read_bytes())
    store = Store(tmp_path / "store")
    (alone,) = compact(copy, store, ArchiveReader(), "code", LISTED[:1]).published
    assert alone.counts["unread"] > 50
    for path in rest:
        (copy / path.name).write_bytes(path.read_bytes())
    compact(copy, store, ArchiveReader(), "code", LISTED)
    assert [(row["coin"], row["sz_decimals"]) for row in rows_of(store, "instruments")] == [("BTC", 5), ("ETH", 4)]
    reasons = [row["reason"] for row in rows_of(store, "bad_frames") if "not listed" in row["reason"]]
    assert 0 < len(reasons) <= alone.counts["unread"]
    assert verify(store).is_sound


def test_a_folder_without_segments_is_refused(tmp_path: Path) -> None:
    """Nothing to compact is an error, for it is mostly a wrong path."""
    (tmp_path / "log").mkdir()
    with pytest.raises(DataError, match="sealed segments"):
        compacted(tmp_path / "log", tmp_path / "store")
