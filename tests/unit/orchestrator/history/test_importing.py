"""Files of history become batches: once, whole, from lz4, gzip or plain; bad lines are counted, named and kept."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.cli.data_history import FileKind
from orchestrator.history import importing
from orchestrator.history.importing import Kind, import_file
from shared.errors import DataError
from shared.instrument import Instrument
from shared.warehouse.manifest import Batch
from shared.warehouse.store import Store

BTC, ETH = Instrument("BTC", 0, 5, 40), Instrument("ETH", 1, 4, 25)
MARKET = Path(__file__).resolve().parents[5] / "shared" / "data" / "market"
needs_market = pytest.mark.skipif(not MARKET.exists(), reason=f"the recorded data folder {MARKET} is not here")


def trade(number: int, **changes: Any) -> dict[str, Any]:
    """A node's trade."""
    told = {"coin": "BTC", "side": "B", "time": f"2025-03-22T10:50:{number % 60:02}.5", "px": "84000.0", "sz": "0.001"}
    return told | changes


def lines(*told: Any) -> bytes:
    """A file of lines."""
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in told)


def lz4(*frames: bytes) -> bytes:
    """LZ4 frames, one behind the other, as archives are made that grow."""
    packed = b""
    for frame in frames:
        sink = pa.BufferOutputStream()
        out = pa.CompressedOutputStream(sink, "lz4")
        out.write(frame)
        out.close()
        packed += sink.getvalue().to_pybytes()
    return packed


def brought(store: Store, kind: Kind, path: Path) -> Batch | None:
    """The batch of one import."""
    with store.writing() as writing:
        return import_file(kind, path, (BTC, ETH), writing, "code")


def rows(store: Store, table: str) -> list[dict[str, Any]]:
    """All rows of a table in the order of their lines."""
    paths = [part.path for batch in store.batches() for part in batch.parts if part.table == table]
    found = [row for path in paths for row in pq.ParquetFile(store.root / path).read().to_pylist()]
    return sorted(found, key=lambda row: (row["seq"], row["entry"]))


def test_bad_lines_are_counted_named_and_kept(tmp_path: Path) -> None:
    """A good file with rubbish in it: the good rows, each bad line with its number, reason and bytes."""
    path = tmp_path / "node_trades"
    path.write_bytes(lines(trade(0), b"rubbish", trade(1, px="0.0"), b"", trade(2, coin="@1"), trade(3)) + b'{"cut')
    store = Store(tmp_path / "warehouse")
    batch = brought(store, Kind.TRADES, path)
    assert batch is not None
    assert batch.counts == {"lines": 7, "rows": 2, "unread": 3, "empty": 1, "passed": 0, "not_listed": 1}
    assert [row["seq"] for row in rows(store, "trades")] == [1, 6]
    assert {row["source"] for row in rows(store, "trades")} == {"import:trades"}
    bad = rows(store, "bad_frames")
    assert [(row["seq"], row["data"]) for row in bad] == [
        (2, b"rubbish"),
        (3, lines(trade(1, px="0.0"))[:-1]),
        (7, b'{"cut'),
    ]
    assert [problem.partition(":")[0] for problem in batch.problems[:3]] == ["line 2", "line 3", "line 7"]
    assert batch.problems[3] == "@1 is not listed: 1 entries left out"


def test_the_command_knows_the_same_kinds() -> None:
    """Its words are spelled apart, so that `hats --help` need not import what reads them."""
    assert [kind.value for kind in FileKind] == [kind.value for kind in Kind]


def test_the_same_file_is_imported_once(tmp_path: Path) -> None:
    """By what is in it, whatever it is called."""
    store = Store(tmp_path / "warehouse")
    for name, is_new in (("one", True), ("two", False)):
        (tmp_path / name).write_bytes(lines(trade(0)))
        assert (brought(store, Kind.TRADES, tmp_path / name) is not None) == is_new
    assert len(rows(store, "trades")) == 1


@pytest.mark.parametrize("suffix", ["", ".gz", ".lz4"])
def test_packed_or_plain_it_is_the_same(tmp_path: Path, suffix: str) -> None:
    """LZ4 in two frames, gzip and plain give the same rows."""
    told = [lines(*(trade(number) for number in range(span, span + 300))) for span in (0, 300)]
    data = {"": b"".join(told), ".gz": gzip.compress(b"".join(told)), ".lz4": lz4(*told)}[suffix]
    path = tmp_path / f"hour{suffix}"
    path.write_bytes(data)
    moved: list[float] = []
    store = Store(tmp_path / "warehouse")
    with store.writing() as writing:
        import_file(Kind.TRADES, path, (BTC,), writing, "code", moved.append)
    assert [row["seq"] for row in rows(store, "trades")] == list(range(1, 601))
    assert sum(moved) == len(data), "progress reaches the end of the file"


@pytest.mark.parametrize("suffix", [".gz", ".lz4"])
def test_a_cut_or_damaged_file_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    """Its whole copy can be imported later; no half of it is in the way."""
    told = lines(*(trade(number) for number in range(5_000)))
    whole = gzip.compress(told) if suffix == ".gz" else lz4(told)
    store = Store(tmp_path / "warehouse")
    path = tmp_path / f"hour{suffix}"
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    shattered = whole[:40] + bytes(255 - byte for byte in whole[40:60]) + whole[60:]
    for bad in (whole[: len(whole) // 2], whole[:-3], bytes(flipped), shattered, b"not packed at all"):
        path.write_bytes(bad)
        with pytest.raises(DataError, match="nothing of it was imported"):
            brought(store, Kind.TRADES, path)
        assert (store.names(), store.unpublished()) == ([], [])
    path.write_bytes(whole)
    assert brought(store, Kind.TRADES, path) is not None


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one bad line; the next is read."""
    monkeypatch.setattr(importing, "LINE_BYTES_MAX", 1 << 20)
    path = tmp_path / "trades"
    path.write_bytes(b"x" * (5 << 20) + b"\n" + lines(trade(1)) + b"y" * (3 << 20))
    store = Store(tmp_path / "warehouse")
    batch = brought(store, Kind.TRADES, path)
    assert batch is not None
    assert (batch.counts["lines"], batch.counts["unread"], batch.counts["rows"]) == (3, 2, 1)
    assert [row["seq"] for row in rows(store, "trades")] == [2]


def test_snapshots_go_through_the_feeds_own_decoder(tmp_path: Path) -> None:
    """A book of the archive is a row of books; a crossed one is set aside as the feed would."""

    def line(bid: str, ask: str) -> bytes:
        levels = [[{"px": bid, "sz": "1.5", "n": 2}], [{"px": ask, "sz": "0.5", "n": 1}]]
        frame = {"channel": "l2Book", "data": {"coin": "BTC", "time": 1_694_854_800_000, "levels": levels}}
        return json.dumps({"time": "2023-09-16T09:00:00.123456789", "ver_num": 1, "raw": frame}).encode()

    path = tmp_path / "BTC.lz4"
    path.write_bytes(lz4(lines(line("26500.0", "26501.0"), line("26502.0", "26501.0"))))
    store = Store(tmp_path / "warehouse")
    brought(store, Kind.L2BOOK, path)
    (book,) = rows(store, "books")
    assert (book["bid_px"], book["bid_sz"], book["bid_n"]) == ([265_000], [150_000], [2])
    assert (book["exch_ns"], book["recv_ns"]) == (1_694_854_800_000_000_000, 1_694_854_800_123_456_789)
    (bad,) = rows(store, "bad_frames")
    assert bad["seq"] == 2
    assert "cross" in bad["reason"]


@needs_market
def test_the_recorded_frames_of_the_venue_are_imported_without_loss(tmp_path: Path) -> None:
    """55 frames: every book a row, every trade a row, nothing unread."""
    store = Store(tmp_path / "warehouse")
    path = MARKET / "hyperliquid_btc_20250126.ws.gz"
    batch = brought(store, Kind.FRAMES, path)
    assert batch is not None
    told = [json.loads(line.partition(b" ")[2]) for line in gzip.decompress(path.read_bytes()).splitlines()]
    trades = [one for frame in told if frame["channel"] == "trades" for one in frame["data"]]
    assert batch.rows == {"books": 46, "trades": len(trades)}
    assert batch.counts.get("unread", 0) == 0
    assert [row["tid"] for row in rows(store, "trades")] == [one["tid"] for one in trades]


@needs_market
@pytest.mark.slow
def test_the_recorded_binance_frames_are_imported_without_loss(tmp_path: Path) -> None:
    """Every trade and best bid and offer exactly, books from their first snapshot on; nothing unread."""
    store = Store(tmp_path / "warehouse")
    path = MARKET / "binance_usdm_btcusdt_20240808.ws.gz"
    batch = brought(store, Kind.BINANCE, path)
    assert batch is not None
    streams = [json.loads(line.partition(b" ")[2]) for line in gzip.decompress(path.read_bytes()).splitlines()]
    named = [frame.get("stream", "@rest").split("@")[1] for frame in streams]
    assert batch.counts.get("unread", 0) == 0
    assert batch.rows["trades"] == named.count("trade")
    assert batch.rows["bbo"] == named.count("bookTicker")
    assert 0 < batch.rows["books"] <= named.count("depth") + named.count("rest")
    first = next(frame["data"] for frame in streams if frame.get("stream", "").endswith("@trade"))
    (row,) = rows(store, "trades")[:1]
    assert (row["tid"], row["px"], row["side"]) == (
        first["t"],
        round(float(first["p"]) * 10),
        "sell" if first["m"] else "buy",
    )
