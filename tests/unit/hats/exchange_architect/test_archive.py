"""Captured frames become the rows of every table, exactly; what can't be read is said and nothing else is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.archive import ArchiveReader
from shared.instrument import Instrument
from shared.units import Ns
from shared.warehouse.compaction import Reading
from shared.warehouse.tables import AssetContextRow, BboRow, CandleRow, FillRow, LedgerRow, LiquidationRow, TradeRow

LISTED = (Instrument("BTC", 0, 5, 40), Instrument("ETH", 1, 4, 25))
USER, OTHER = "0x" + "a1" * 20, "0x" + "b2" * 20
T = 1_790_000_040_000
"""A whole minute, in milliseconds."""
NS = 10**6


def read(channel: str, data: Any) -> Reading:
    """What the reader makes of a frame, received at 7 ns."""
    reader = ArchiveReader()
    reader.learn(LISTED)
    return reader.read(json.dumps({"channel": channel, "data": data}).encode(), Ns(7))


def test_bbo() -> None:
    """Best bid and offer as integers; an empty side is null."""
    data = {"coin": "ETH", "time": T, "bbo": [{"px": "3000.5", "sz": "1.25", "n": 3}, None]}
    reading = read("bbo", data)
    assert reading.rows == [BboRow("ETH", T * NS, 7, 2, 4, 300_050, 12_500, 3, None, None, None)]
    assert (reading.channel, reading.unread) == ("bbo", [])


def test_candle() -> None:
    """A candle that is pushed is the row that one asked for would be, with its receive time."""
    data = {"t": T, "T": T + 59_999, "s": "BTC", "i": "1m", "o": "60000", "c": "60001", "h": "60002.5", "l": "59999",
            "v": "0.12345", "n": 7}  # fmt: skip
    row = CandleRow("BTC", T * NS, 7, 1, 5, "1m", (T + 60_000) * NS - 1, 600_000, 600_025, 599_990, 600_010, 12_345, 7)
    assert read("candle", data).rows == [row]


def test_a_liquidation_of_an_account() -> None:
    """What userEvents tell of a liquidation, money to the micro-USDC."""
    data = {"liquidation": {"lid": 9, "liquidator": OTHER, "liquidated_user": USER, "liquidated_ntl_pos": "1234.5",
                            "liquidated_account_value": "0.1"}}  # fmt: skip
    (row,) = read("user", data).rows
    assert row == LiquidationRow(None, None, 7, USER, OTHER, None, 9, 1_234_500_000, 100_000)
    assert read("user", {"fills": []}).rows == []


def test_a_liquidation_in_a_fill() -> None:
    """A fill that is part of a liquidation is a fill and a liquidation."""
    fill = {"coin": "BTC", "px": "60000", "sz": "0.5", "side": "A", "time": T, "startPosition": "0.5", "dir": "x",
            "closedPnl": "-1.5", "hash": "0x0", "oid": 4, "crossed": True, "fee": "0.25", "tid": 11,
            "liquidation": {"liquidatedUser": USER, "markPx": "60010.5", "method": "market"}}  # fmt: skip
    fills, liquidation = read("userFills", {"user": USER, "fills": [fill]}).rows
    assert isinstance(fills, FillRow)
    assert isinstance(liquidation, LiquidationRow)
    assert (fills.tid, fills.side, fills.closed_pnl_usd) == (11, "sell", -1_500_000)
    assert (liquidation.liquidated_user, liquidation.method, liquidation.mark_px) == (USER, "market", 600_105)
    assert (liquidation.side, liquidation.px, liquidation.sz, liquidation.tid) == ("sell", 600_000, 50_000, 11)


@pytest.mark.parametrize(
    ("delta", "usd"),
    [
        ({"type": "deposit", "usdc": "100.5"}, 100_500_000),
        ({"type": "withdraw", "usdc": "10", "nonce": 1, "fee": "1"}, -11_000_000),
        ({"type": "internalTransfer", "usdc": "3", "user": OTHER, "destination": USER, "fee": "1"}, 3_000_000),
        ({"type": "internalTransfer", "usdc": "3", "user": USER, "destination": OTHER, "fee": "1"}, -4_000_000),
        ({"type": "accountClassTransfer", "usdc": "3", "toPerp": True}, 3_000_000),
        ({"type": "spotTransfer", "token": "PURR", "amount": "5", "usdcValue": "1"}, None),
    ],
)
def test_money(delta: dict[str, Any], usd: int | None) -> None:
    """What came to the perps cash or went, with the venue's own words beside it; no number where none did."""
    data = {"user": USER, "nonFundingLedgerUpdates": [{"time": T, "hash": "0x1", "delta": delta}]}
    (row,) = read("userNonFundingLedgerUpdates", data).rows
    assert isinstance(row, LedgerRow)
    assert row[:6] == (T * NS, 7, USER, delta["type"], usd, "0x1")
    assert json.loads(row.detail) == delta


@pytest.mark.parametrize(
    ("channel", "data"),
    [
        ("bbo", {"coin": "ETH", "time": T, "bbo": [{"px": "NaN", "sz": "1", "n": 1}, None]}),
        ("bbo", {"coin": "DOGE", "time": T, "bbo": [None, None]}),
        (
            "candle",
            {"t": T, "T": T + 5, "s": "BTC", "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1", "v": "0", "n": 0},
        ),
        ("user", {"liquidation": {"lid": "nine"}}),
        ("userNonFundingLedgerUpdates", {"user": USER}),
        ("l2Book", {"coin": "BTC"}),
    ],
)
def test_what_cannot_be_read_is_said(channel: str, data: Any) -> None:
    """No row, one reason, and the channel."""
    reading = read(channel, data)
    heard = "userEvents" if channel == "user" else channel
    assert (reading.channel, list(reading.rows), len(reading.unread)) == (heard, [], 1)
    assert reading.unread[0].reason


def test_a_bad_trade_does_not_take_its_neighbours_with_it() -> None:
    """Of a batch what can be read becomes rows, the rest is said."""
    good = {"coin": "BTC", "side": "B", "px": "60000", "sz": "0.1", "hash": "", "time": T, "tid": 1}
    reading = read("trades", [good, good | {"px": "x", "tid": 2}, good | {"tid": 3}])
    assert [row.tid for row in reading.rows if isinstance(row, TradeRow)] == [1, 3]
    assert len(reading.unread) == 1


def test_a_context_has_the_mid_and_the_days_trade() -> None:
    """What no Hat decides on is in the table; one of another shape is said, and the rest of the context stays."""
    ctx = {"markPx": "60000", "oraclePx": "60001", "openInterest": "12.5", "funding": "0.0000125"}
    more = {"midPx": "60000.55", "prevDayPx": "59000.0", "dayNtlVlm": "1234567.8912345"}
    (row,) = read("activeAssetCtx", {"coin": "BTC", "ctx": ctx | more}).rows
    assert isinstance(row, AssetContextRow)
    assert (row.mark_px, row.mid_px, row.prev_day_px, row.day_usd) == (600_000, 600_006, 590_000, 1_234_567_891_235)
    (bare,) = read("activeAssetCtx", {"coin": "BTC", "ctx": ctx}).rows
    odd = read("activeAssetCtx", {"coin": "BTC", "ctx": ctx | {"midPx": 60000.5}})
    assert list(odd.rows) == [bare]
    assert "expected a number as text" in odd.unread[0].reason


def test_a_number_that_no_column_holds_is_unread() -> None:
    """Beyond 2^62 units: said with its reason, where Arrow would have refused the whole batch."""
    huge = "9" * 25
    bbo = {"coin": "ETH", "time": T, "bbo": [{"px": huge, "sz": "1.25", "n": 3}, None]}
    candle = {"t": T, "T": T + 59_999, "s": "BTC", "i": "1m", "v": "1", "n": 7} | dict.fromkeys("ochl", huge)
    for channel, data in (("bbo", bbo), ("candle", candle)):
        reading = read(channel, data)
        assert list(reading.rows) == []
        assert "2^62" in reading.unread[0].reason


_SIDES = st.lists(
    st.fixed_dictionaries(
        {
            "px": st.sampled_from(["60000", "60001.5", "59999.0", "60000.25", "0", "-1", "1e5", "\u0661"]),
            "sz": st.sampled_from(["0.5", "1", "0.00001", "0.000001", "0"]),
            "n": st.integers(-1, 3),
        }
    ),
    max_size=4,
)


@given(st.sampled_from(["BTC", "ETH", "DOGE"]), st.tuples(_SIDES, _SIDES))
def test_a_book_is_read_the_same_by_either_way(coin: str, levels: tuple[Any, Any]) -> None:
    """Spaces keep a frame off the fast way: its rows and what is wrong with it are those of the compact one."""
    check_either_way({"channel": "l2Book", "data": {"coin": coin, "time": T, "levels": levels}})


@given(
    st.sampled_from(["BTC", "ETH", "DOGE"]),
    st.fixed_dictionaries({name: st.sampled_from(["60000", "60001.5", "0", "-1", "1e5"]) for name in "ochlv"}),
    st.sampled_from(["1m", "5m", "1x"]),
    st.integers(-1, 2),
)
def test_a_candle_is_read_the_same_by_either_way(coin: str, texts: dict[str, str], interval: str, trades: int) -> None:
    """Sound or not."""
    span = {"t": T, "T": T + 59_999, "s": coin, "i": interval, "n": trades}
    check_either_way({"channel": "candle", "data": span | texts})


def check_either_way(said: dict[str, Any]) -> None:
    """The compact frame and the one with spaces come to the same reading."""
    reader = ArchiveReader()
    reader.learn(LISTED)
    fast, slow = (
        reader.read(json.dumps(said, separators=with_).encode(), Ns(7)) for with_ in ((",", ":"), (", ", ": "))
    )
    assert (fast.channel, fast.coin, list(fast.rows)) == (slow.channel, slow.coin, list(slow.rows))
    assert list(fast.unread) == list(slow.unread)
