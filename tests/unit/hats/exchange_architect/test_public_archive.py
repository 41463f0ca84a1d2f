"""Lines of the public archives are read exactly; what can't be read, is not listed or is the other side is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hats.exchange_architect.public_archive import Said, contexts, fills, l2book, loose, ns_from_stamp, trades
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import UNREADABLE
from shared.errors import DataError
from shared.instrument import Instrument
from shared.messages.market import UniverseUpdate
from shared.units import MS, SECOND, Ns
from shared.warehouse.tables import AssetContextRow, LiquidationRow, TradeRow

T_MS = 1_753_606_210_334
FILL: dict[str, Any] = {
    "coin": "ETH", "px": "3761.4", "sz": "0.5", "side": "A", "time": T_MS, "startPosition": "1.5", "dir": "Close Long",
    "closedPnl": "-1.2", "hash": "0x00", "oid": 7, "crossed": True, "fee": "0.8", "tid": 999_999_999_999_999,
    "feeToken": "USDC",
}  # fmt: skip


@pytest.fixture
def universe() -> Universe:
    """BTC and ETH."""
    known = Universe()
    known.learn(UniverseUpdate((Instrument("BTC", 0, 5, 40), Instrument("ETH", 1, 4, 25)), 0, 0, Ns(0)))
    return known


def block(*events: Any) -> bytes:
    """A block's line."""
    said = {"local_time": "2025-07-27T08:50:10.334741123", "block_time": "2025-07-27T08:50:10.3", "block_number": 1}
    return json.dumps(said | {"events": [["0xAB", event] for event in events]}).encode()


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-09-16T09:00:00.123456789", 1_694_854_800_123_456_789),
        ("2025-01-01T00:00:00Z", 1_735_689_600 * SECOND),
        ("2025-01-01T00:00:00.5", 1_735_689_600 * SECOND + 500 * MS),
    ],
)
def test_times_are_exact_to_the_nanosecond(text: str, ns: int) -> None:
    """With any number of decimals, with and without Z."""
    assert ns_from_stamp(text) == ns


@pytest.mark.parametrize("text", ["", "2025-13-01T00:00:00", "2025-01-01", "2025-01-01T00:00:00+02:00", "now", "9" * 9])
def test_other_times_are_refused(text: str) -> None:
    """Nothing is guessed, above all no time zone."""
    with pytest.raises(DataError):
        ns_from_stamp(text)


@pytest.mark.parametrize(("text", "value"), [("1.25e-05", 125_000), ("0.0000125", 125_000), ("-1E-10", -1), ("0.0", 0)])
def test_numbers_that_programs_printed_are_read(text: str, value: int) -> None:
    """Scientific notation is exact too."""
    assert loose(text, 10) == value


@pytest.mark.parametrize("text", ["nan", "inf", "1e99", "e", "", "0x10", "1_000"])
def test_what_is_no_number_is_refused(text: str) -> None:
    """Neither infinite, nor absurd, nor Python's own notations."""
    with pytest.raises(UNREADABLE):
        loose(text, 10)


def test_the_takers_side_of_a_fill_is_the_print(universe: Universe) -> None:
    """Both sides are in the block; one trade comes of them, with both clocks."""
    maker = FILL | {"side": "B", "crossed": False}
    said = fills(universe)(block(maker, FILL))
    at, received = T_MS * MS, ns_from_stamp("2025-07-27T08:50:10.334741123")
    assert list(said.rows) == [TradeRow("ETH", at, received, 2, 4, "sell", 376_140, 5_000, FILL["tid"])]
    assert (said.passed, said.unread, said.strangers) == (1, [], [])


def test_older_files_have_a_fill_a_line(universe: Universe) -> None:
    """`[wallet, fill]`; nobody wrote down when it was received."""
    said = fills(universe)(json.dumps(["0xab", FILL]).encode())
    (row,) = said.rows
    assert isinstance(row, TradeRow)
    assert (row.recv_ns, row.exch_ns, said.ns) == (None, T_MS * MS, T_MS * MS)


def test_a_liquidation_is_a_row_of_its_own(universe: Universe) -> None:
    """Beside the print, with whom it was and how."""
    told = {"liquidatedUser": "0xFF", "markPx": "3760.05", "method": "market"}
    printed, liquidation = fills(universe)(block(FILL | {"liquidation": told})).rows
    assert isinstance(printed, TradeRow)
    assert isinstance(liquidation, LiquidationRow)
    assert (liquidation.liquidated_user, liquidation.method, liquidation.mark_px) == ("0xff", "market", 376_005)
    assert (liquidation.px, liquidation.sz, liquidation.side, liquidation.tid) == (376_140, 5_000, "sell", FILL["tid"])


def test_bad_events_do_not_take_their_block_with_them(universe: Universe) -> None:
    """A spot coin, a price finer than a tick's unit, a negative size, a missing id, rubbish."""
    bad = [FILL | {"px": "3761.401"}, FILL | {"sz": "-1"}, {k: v for k, v in FILL.items() if k != "tid"}, 7]
    said = fills(universe)(block(FILL | {"coin": "@107"}, *bad, FILL))
    assert len(said.rows) == 1
    assert said.strangers == ["@107"]
    assert [json.loads(one.data) for one in said.unread] == bad
    assert all(one.reason for one in said.unread)


def test_node_trades_have_no_id(universe: Universe) -> None:
    """It is null, not invented."""
    told = {"coin": "BTC", "side": "B", "time": "2025-03-22T10:50:22.1234", "px": "84000.0", "sz": "0.00017"}
    said = trades(universe)(json.dumps(told | {"hash": "0x", "side_info": [{}, {}]}).encode())
    (row,) = said.rows
    assert row == TradeRow("BTC", ns_from_stamp(told["time"]), None, 1, 5, "buy", 840_000, 17, None)
    assert trades(universe)(json.dumps(told | {"coin": "PURR/USDC"}).encode()).strangers == ("PURR/USDC",)


HEADER = (
    "time,coin,funding,open_interest,prev_day_px,day_ntl_vlm,premium,oracle_px,mark_px,mid_px,"
    "impact_bid_px,impact_ask_px"
)


def test_contexts_keep_unknown_unknown(universe: Universe) -> None:
    """Empty premium and mid are null; the header says where what is; other coins are counted."""
    read = contexts(universe)
    assert read(HEADER.encode()) == Said(passed=1)
    full = read(b"2025-01-01T00:01:00Z,BTC,1.25e-05,2548.7,92000.0,1169046.29,0.00031774,93000.0,93001.5,93001.25,1,2")
    (row,) = full.rows
    assert row == AssetContextRow(
        "BTC", (1_735_689_600 + 60) * SECOND, None, 1, 5, 930_015, 930_000, 930_013, 254_870_000, 125_000, 3_177_400,
        920_000, 1_169_046_290_000,
    )  # fmt: skip
    thin = read(b"2025-01-01T00:01:00Z,ETH,0.0,0.0,1.0,0.0,,3000.1,3000.2,,,").rows[0]
    assert isinstance(thin, AssetContextRow)
    assert (thin.premium_e10, thin.mid_px, thin.mark_px) == (None, None, 300_020)
    assert read(b"2025-01-01T00:01:00Z,DOGE,0,0,0,0,0,0,0,0,0,0").strangers == ("DOGE",)


@pytest.mark.parametrize("line", [b"a,b,c", b"2025-01-01T00:01:00Z,BTC,1", b"", b"\xff\xfe"])
def test_csv_without_its_header_or_fields_is_refused(universe: Universe, line: bytes) -> None:
    """Columns are never guessed by their place."""
    with pytest.raises(UNREADABLE):
        contexts(universe)(line)
    read = contexts(universe)
    read(HEADER.encode())
    with pytest.raises(UNREADABLE):
        read(line)


def test_a_snapshot_is_the_frame_within() -> None:
    """The frame's own bytes go to the feed's decoder, with the archivist's clock."""
    heard: list[tuple[bytes, int]] = []

    def read(frame: bytes, recv_ns: Ns) -> tuple[list[Any], list[str]]:
        heard.append((frame, recv_ns))
        return [], ["crossed"]

    line = b'{"time":"2023-09-16T09:00:00.123456789","ver_num":1,"raw":{"channel":"l2Book","data":{"coin":"BTC"}}}'
    said = l2book(read)(line)
    assert heard == [(b'{"channel":"l2Book","data":{"coin":"BTC"}}', 1_694_854_800_123_456_789)]
    assert [one.reason for one in said.unread] == ["crossed"]
