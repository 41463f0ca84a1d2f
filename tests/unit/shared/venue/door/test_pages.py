"""Aggregates, packed contexts and the rest of what a page subscribes to; and small questions."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from shared.units import MS, SECOND, Ns
from shared.venue.core.commands import PlaceOrders, SetPrices
from shared.venue.door.door import Door
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, BTC, MAKER, Socket, make_door, maker_order
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire, post

AGENT = "0x" + "a9" * 20


def _at(ms: int) -> Ns:
    return Ns(START + ms * MS)


def _unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text), -15))


def test_packed_contexts_tell_all_and_then_what_changed() -> None:
    """The first message has every coin that has a price, the next ones only what moved, and silence if nothing did."""
    door = make_door()
    socket = Socket(door)
    _, first = socket.subscribe("fastAssetCtxs")
    assert _unpacked(first["data"])["BTC"] == {"markPx": "50000.0", "midPx": "50000.0"}
    door.due(_at(5_000))
    assert socket.heard() == []
    door.apply(PlaceOrders(MAKER, (maker_order(True, "49990"),)), _at(6_000))
    door.due(_at(10_000))
    (frame,) = socket.heard()
    assert _unpacked(frame["data"])["BTC"]["midPx"] == "50020.0"


def test_web_data_tells_the_agent_and_the_ledger() -> None:
    """webData3 is sent at once and at its interval; webData2 has the same facts beside the user's standing."""
    door = make_door(web_data_interval_ms=3_000)
    post(door, "/exchange", ALICE.agent_body(AGENT, None))
    socket = Socket(door)
    _, frame = socket.subscribe("webData3", user=ALICE.address)
    state = frame["data"]["userState"]
    assert (state["agentAddress"], state["cumLedger"], state["isVault"]) == (AGENT, "100000.0", False)
    assert [list(dex) for dex in frame["data"]["perpDexStates"]] == [["totalVaultEquity", "perpsAtOpenInterestCap"]]
    door.due(_at(3_000))
    assert [frame["channel"] for frame in socket.heard()] == ["webData3"]
    whole = post(door, "/info", {"type": "webData2", "user": ALICE.address})
    assert (whole["agentAddress"], whole["cumLedger"]) == (AGENT, "100000.0")
    assert whole["clearinghouseState"]["withdrawable"] == "100000.0"
    assert len(whole["assetCtxs"]) == len(whole["meta"]["universe"])


def test_all_contexts_come_at_their_interval() -> None:
    """assetCtxs are those of metaAndAssetCtxs."""
    door = make_door(ctxs_interval_ms=1_000)
    socket = Socket(door)
    ack, frame = socket.subscribe("assetCtxs")
    assert ack["data"]["subscription"] == {"type": "assetCtxs", "dex": ""}
    assert frame["data"] == {"dex": "", "ctxs": post(door, "/info", {"type": "metaAndAssetCtxs"})[1]}
    door.due(_at(1_000))
    assert [frame["channel"] for frame in socket.heard()] == ["assetCtxs"]


def test_order_history_is_streamed() -> None:
    """userHistoricalOrders begins with what historicalOrders answers and tells every change."""
    door = make_door()
    BOB.send(door, order_action(order_wire("49000", "0.01")))
    socket = Socket(door)
    _, first = socket.subscribe("userHistoricalOrders", user=BOB.address)
    history = post(door, "/info", {"type": "historicalOrders", "user": BOB.address})
    assert first["data"] == {"user": BOB.address, "orderHistory": history, "isSnapshot": True}
    BOB.send(door, {"type": "cancel", "cancels": [{"a": 0, "o": history[0]["order"]["oid"]}]})
    (frame,) = socket.heard()
    assert [change["status"] for change in frame["data"]["orderHistory"]] == ["canceled"]
    assert "isSnapshot" not in frame["data"]


def test_streaming_messages_may_say_that_they_are_no_snapshot() -> None:
    """With `is_snapshot_false` the key is there, and false."""
    door = make_door(is_snapshot_false=True)
    socket = Socket(door)
    socket.subscribe("userFills", user=BOB.address)
    BOB.send(door, order_action(order_wire("50100", "0.1", tif="Ioc")))
    assert [frame["data"]["isSnapshot"] for frame in socket.heard()] == [False]


def test_fills_may_come_merged() -> None:
    """One order that met two makers at one time is one fill with the average price, in the snapshot too."""
    door = make_door()
    door.apply(PlaceOrders(MAKER, (maker_order(False, "50040", "0.1"),)), START)
    socket = Socket(door)
    ack, _ = socket.subscribe("userFills", user=BOB.address, aggregateByTime=True)
    assert ack["data"]["subscription"]["aggregateByTime"] is True
    BOB.send(door, order_action(order_wire("50100", "0.2", tif="Ioc")))
    (frame,) = socket.heard()
    assert [(fill["sz"], fill["px"]) for fill in frame["data"]["fills"]] == [("0.2", "50045.0")]
    _, snapshot = Socket(door).subscribe("userFills", user=BOB.address, aggregateByTime=True)
    assert snapshot["data"]["fills"] == frame["data"]["fills"]


def test_the_house_tells_its_own_cancels() -> None:
    """Trading with oneself cancels the resting order, and the channel `user` says whose and which."""
    door = make_door()
    socket = Socket(door)
    reply = BOB.send(door, order_action(order_wire("50000", "0.01")))
    oid = reply["response"]["data"]["statuses"][0]["resting"]["oid"]
    socket.subscribe("userEvents", user=BOB.address)
    BOB.send(door, order_action(order_wire("50000", "0.01", is_buy=False, tif="Ioc")))
    cancels = [frame["data"]["nonUserCancel"] for frame in socket.heard() if "nonUserCancel" in frame["data"]]
    assert cancels == [[{"coin": "BTC", "oid": oid}]]


def test_books_come_every_five_seconds_and_fast_ones_every_half() -> None:
    """The defaults are the venue's of July 2026."""
    door = make_door()
    slow, fast = Socket(door), Socket(door)
    slow.subscribe("l2Book", coin="BTC")
    fast.subscribe("l2Book", coin="BTC", fast=True)
    counts = {slow.number: 0, fast.number: 0}
    for step in range(1, 101):
        door.apply(PlaceOrders(MAKER, (maker_order(True, str(49000 + step), "0.1"),)), _at(100 * step))
        door.due(_at(100 * step))
        for number, _ in door.drain_outbox():
            counts[number] += 1
    assert (counts[slow.number], counts[fast.number]) == (2, 20)


@pytest.mark.parametrize(("table_id", "leverages"), [(40, [40]), (3, [3]), (56, [40, 20])])
def test_margin_tables_are_known_by_id(table_id: int, leverages: list[int]) -> None:
    """Listed tables, the venue's own and single tiers are told; nobody knows others."""
    table = post(make_door(), "/info", {"type": "marginTable", "id": table_id})
    assert [tier["maxLeverage"] for tier in table["marginTiers"]] == leverages
    status, _, answer = _raw(make_door(), {"type": "marginTable", "id": 9_999})
    assert (status, answer) == (500, b"null")


def test_largest_market_orders_follow_leverage() -> None:
    """One row for each maximum leverage that is listed."""
    rows = post(make_door(), "/info", {"type": "maxMarketOrderNtls"})
    assert rows == [[25, "30000000.0"], [40, "30000000.0"]]


def test_candles_of_silent_minutes_may_be_told() -> None:
    """By default a minute without trades has no candle; with `has_empty_candles` it has a flat one."""
    asked = {"coin": "BTC", "interval": "1m", "startTime": START // MS, "endTime": START // MS + 179_999}
    for has_empty, volumes in ((False, ["0.1"]), (True, ["0.1", "0.0", "0.0"])):
        door = make_door(has_empty_candles=has_empty)
        BOB.send(door, order_action(order_wire("50100", "0.1", tif="Ioc")))
        door.apply(SetPrices(0, BTC.px("50000")), Ns(START + 200 * SECOND))
        now = Ns(START + 200 * SECOND)
        rows = post(door, "/info", {"type": "candleSnapshot", "req": asked}, now)
        assert [row["v"] for row in rows][: len(volumes)] == volumes
        assert all(row["n"] == 0 for row in rows[1:])


def _raw(door: Door, question: dict[str, Any]) -> tuple[int, str, bytes]:
    return door.http("/info", "application/json", json.dumps(question).encode(), START)
