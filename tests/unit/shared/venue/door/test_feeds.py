"""The WebSocket door in process: snapshots, events, cadence, posts and limits."""

from __future__ import annotations

from typing import Any

import pytest

from shared.units import MS, SECOND, Ns
from shared.venue.core.commands import CancelOrder, CancelOrders, PlaceOrders, SetPrices
from shared.venue.core.outcomes import Resting
from shared.venue.door.door import Door
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, BTC, MAKER, Socket, make_door, maker_order
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire, post


def _channels(frames: list[Any]) -> list[str]:
    return [frame["channel"] for frame in frames]


def _at(ms: int) -> Ns:
    return Ns(START + ms * MS)


def test_subscriptions_are_echoed_in_normal_form() -> None:
    """The acknowledgement spells defaults and lowers addresses; the second time is an error that spells it again."""
    socket = Socket(make_door())
    ack, book = socket.subscribe("l2Book", coin="BTC")
    wanted = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None}
    assert ack == {"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": wanted}}
    assert book["data"]["levels"][0] == [{"px": "49950.0", "sz": "5.0", "n": 1}]
    (again,) = socket.subscribe("l2Book", coin="BTC", nSigFigs=None)
    text = 'Already subscribed: {"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}'
    assert again == {"channel": "error", "data": text}
    ack, snapshot = socket.subscribe("userFills", user="0x" + "AB" * 20)
    assert ack["data"]["subscription"] == {"type": "userFills", "user": "0x" + "ab" * 20, "aggregateByTime": False}
    assert snapshot["data"] == {"user": "0x" + "ab" * 20, "fills": [], "isSnapshot": True}


def test_unsubscribing_ends_the_feed() -> None:
    """After the acknowledgement nothing comes, and a second unsubscription is an error."""
    socket = Socket(make_door())
    socket.subscribe("trades", coin="BTC")
    wanted = {"method": "unsubscribe", "subscription": {"type": "trades", "coin": "BTC"}}
    (ack,) = socket.send(wanted)
    assert ack["data"]["method"] == "unsubscribe"
    assert socket.send(wanted)[0]["data"] == 'Already unsubscribed: {"type":"trades","coin":"BTC"}'
    BOB.send(socket.door, order_action(order_wire("50100", "0.1", tif="Ioc")))
    assert socket.heard() == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "l2Book", "coin": "XYZ"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "webData2", "user": MAKER},
        {"type": "orderUpdates", "user": "0x12"},
        {"type": "candle", "coin": "BTC", "interval": "7m"},
        {"type": "allMids", "dex": "xyz"},
        {},
    ],
)
def test_what_is_not_served_is_an_invalid_subscription(wanted: dict[str, Any]) -> None:
    """Feeds that do not exist here are refused, never silently empty."""
    (frame,) = Socket(make_door()).send({"method": "subscribe", "subscription": wanted})
    assert frame["channel"] == "error"
    assert frame["data"].startswith("Invalid subscription {")


def test_a_trade_is_told_to_everybody_concerned() -> None:
    """One match gives order updates, fills, user events, a print, a candle and a new bbo, each once."""
    door = make_door()
    socket = Socket(door)
    for kind in ("orderUpdates", "userFills", "userEvents"):
        socket.subscribe(kind, user=BOB.address)
    for kind in ("trades", "bbo"):
        socket.subscribe(kind, coin="BTC")
    socket.subscribe("candle", coin="BTC", interval="1m")
    BOB.send(door, order_action(order_wire("50100", "0.5", tif="Ioc")))
    frames = {frame["channel"]: frame["data"] for frame in socket.heard()}
    assert set(frames) == {"orderUpdates", "userFills", "user", "trades", "candle", "bbo"}
    assert [(update["status"], update["order"]["sz"]) for update in frames["orderUpdates"]] == [("filled", "0.0")]
    assert "isSnapshot" not in frames["userFills"]
    assert frames["user"] == {"fills": frames["userFills"]["fills"]}
    assert frames["trades"][0]["tid"] == frames["userFills"]["fills"][0]["tid"]
    assert (frames["candle"]["o"], frames["candle"]["n"]) == ("50050.0", 1)
    assert frames["bbo"]["bbo"][1] == {"px": "50050.0", "sz": "4.5", "n": 1}


def test_bbo_comes_only_when_it_changes() -> None:
    """An order behind the best does not move the bbo feed; one in front does."""
    door = make_door()
    socket = Socket(door)
    socket.subscribe("bbo", coin="BTC")
    door.apply(PlaceOrders(MAKER, (maker_order(True, "49000"),)), START)
    assert socket.heard() == []
    door.apply(PlaceOrders(MAKER, (maker_order(True, "49990"),)), START)
    assert socket.heard()[0]["data"]["bbo"][0]["px"] == "49990.0"


def test_books_keep_their_pace() -> None:
    """Changes within the interval come together at its end; a quiet book is repeated at the refresh time."""
    door = make_door(l2_interval_ms=50, l2_refresh_ms=200)
    socket = Socket(door)
    socket.subscribe("l2Book", coin="BTC")
    for step in range(4):
        door.apply(PlaceOrders(MAKER, (maker_order(True, str(49951 + step)),)), _at(10 * step))
    assert socket.heard() == []
    assert door.due(_at(40)) == _at(50)
    door.due(_at(50))
    (frame,) = socket.heard()
    assert (frame["data"]["time"], len(frame["data"]["levels"][0])) == (START // MS + 50, 5)
    assert door.due(_at(51)) == _at(250)
    assert socket.heard() == []
    door.due(_at(250))
    assert _channels(socket.heard()) == ["l2Book"]
    door.apply(PlaceOrders(MAKER, (maker_order(True, "49960"),)), _at(301))
    assert _channels(socket.heard()) == ["l2Book"], "a change after the interval is sent at once"


def test_fast_books_have_five_levels() -> None:
    """`fast` is another feed with fewer levels, and says so."""
    door = make_door()
    door.apply(PlaceOrders(MAKER, tuple(maker_order(True, str(49000 + n), "0.1") for n in range(30))), START)
    _, slow = Socket(door).subscribe("l2Book", coin="BTC")
    ack, fast = Socket(door).subscribe("l2Book", coin="BTC", fast=True)
    assert ack["data"]["subscription"]["fast"] is True
    assert (len(slow["data"]["levels"][0]), len(fast["data"]["levels"][0])) == (20, 5)
    assert fast["data"]["fast"] is True


def test_states_follow_the_account() -> None:
    """Open orders and the clearinghouse state are sent whole, at their pace, after something changed."""
    door = make_door()
    socket = Socket(door)
    _, orders = socket.subscribe("openOrders", user=ALICE.address)
    assert orders["data"] == {"dex": "", "user": ALICE.address, "orders": []}
    _, state = socket.subscribe("clearinghouseState", user=ALICE.address)
    assert state["data"]["clearinghouseState"]["withdrawable"] == "100000.0"
    _, data = socket.subscribe("activeAssetData", user=ALICE.address, coin="BTC")
    assert data["data"]["maxTradeSzs"] == ["40.0", "40.0"]
    ALICE.send(door, order_action(order_wire("49000", "0.01")))
    door.due(_at(500))
    frames = {frame["channel"]: frame["data"] for frame in socket.heard()}
    assert [one["limitPx"] for one in frames["openOrders"]["orders"]] == ["49000.0"]
    assert frames["clearinghouseState"]["clearinghouseState"]["withdrawable"] != "100000.0"


def test_funding_is_told_at_the_hour() -> None:
    """When the hour passes, holders hear of their payment on both of their feeds."""
    door = make_door()
    BOB.send(door, order_action(order_wire("50100", "0.5", tif="Ioc")))
    socket = Socket(door)
    socket.subscribe("userFundings", user=BOB.address)
    socket.subscribe("userEvents", user=BOB.address)
    door.apply(SetPrices(0, BTC.px("50000")), _at(5_000))
    socket.heard()
    door.due(Ns(START + 3_600 * SECOND))
    frames = {frame["channel"]: frame["data"] for frame in socket.heard()}
    (paid,) = frames["userFundings"]["fundings"]
    assert (paid["coin"], paid["szi"]) == ("BTC", "0.5")
    assert frames["user"] == {"funding": paid}
    (record,) = post(door, "/info", {"type": "userFunding", "user": BOB.address, "startTime": 0}, _at(3_600_000))
    assert record["delta"]["usdc"] == paid["usdc"]


def test_posts_are_the_http_doors() -> None:
    """Info and action posts answer with what HTTP would say; faults come as error payloads."""
    door = make_door()
    socket = Socket(door)
    book = socket.post("info", {"type": "l2Book", "coin": "BTC"})
    expected = post(door, "/info", {"type": "l2Book", "coin": "BTC"})
    assert book == {"type": "info", "payload": {"type": "l2Book", "data": expected}}
    assert socket.post("action", ALICE.body({"type": "noop"})) == {
        "type": "action",
        "payload": {"status": "ok", "response": {"type": "default"}},
    }
    text = "Failed to deserialize the JSON body into the target type"
    assert socket.post("action", {"type": "noop"}) == {"type": "error", "payload": text}
    assert socket.post("info", {"type": "unheardOf"}) == {"type": "error", "payload": text}


def test_pings_and_nonsense() -> None:
    """A ping gets a pong; a frame that is no request is quoted back."""
    socket = Socket(make_door())
    assert socket.send({"method": "ping"}) == [{"channel": "pong"}]
    for text in ("hello", '{"method":"subscribe"}', "[]"):
        (frame,) = socket.send(text)
        assert frame == {"channel": "error", "data": f"Error parsing JSON into valid websocket request: {text}"}


def test_limits_of_connections_users_and_messages() -> None:
    """Each limit answers with its text; a connection too many is hung up."""
    door = make_door(max_connections=2, max_users=2, max_messages_per_minute=4, max_subscriptions=3)
    first, _, third = Socket(door), Socket(door), Socket(door)
    assert door.drain_hangups() == [(third.number, 1000)]
    first.subscribe("orderUpdates", user=MAKER)
    first.subscribe("userFills", user=ALICE.address)
    (refused,) = first.subscribe("userFills", user=BOB.address)
    assert refused["data"] == "Cannot track more than 2 total users."
    first.subscribe("allMids")
    assert first.send({"method": "ping"})[0]["data"] == "Too many messages."
    (refused,) = first.subscribe("trades", _at(60_000), coin="BTC")
    assert refused["data"] == "Too many subscriptions."


def test_silence_of_a_minute_hangs_up() -> None:
    """A connection that was sent nothing for 60 s is closed; a pong keeps it."""
    door = make_door()
    quiet, pinging = Socket(door), Socket(door)
    pinging.send({"method": "ping"}, _at(50_000))
    door.due(_at(59_999))
    assert door.drain_hangups() == []
    door.due(_at(60_000))
    assert door.drain_hangups() == [(quiet.number, 1000)]


def test_a_closed_connection_leaves_nothing_behind() -> None:
    """Its feeds end with it, and what it sends later is ignored."""
    door = make_door()
    socket = Socket(door)
    socket.subscribe("l2Book", coin="BTC")
    socket.subscribe("bbo", coin="BTC")
    door.disconnect(socket.number)
    door.disconnect(socket.number)
    door.apply(PlaceOrders(MAKER, (maker_order(True, "49990"),)), _at(600))
    assert socket.send({"method": "ping"}) == []


def _session(door: Door) -> list[tuple[int, bytes]]:
    """A fixed hour of requests, commands and time; everything the door said."""
    said: list[tuple[int, bytes]] = []
    socket = Socket(door)
    for kind in ("l2Book", "trades", "bbo", "activeAssetCtx"):
        socket.door.receive(
            socket.number, f'{{"method":"subscribe","subscription":{{"type":"{kind}","coin":"BTC"}}}}', START
        )
    for step in range(50):
        now = _at(step * 137)
        (status,) = door.apply(PlaceOrders(MAKER, (maker_order(True, str(49951 + step), "0.3"),)), now).statuses
        assert isinstance(status, Resting)
        if step % 3 == 0:
            door.apply(CancelOrders(MAKER, (CancelOrder(0, oid=status.oid),)), now)
        if step % 10 == 0:
            BOB.send(door, order_action(order_wire("50100", "0.01", tif="Ioc")), now)
        door.due(now)
        said += door.drain_outbox()
    return said


def test_the_same_calls_give_the_same_bytes() -> None:
    """The door is deterministic: two runs of one session say the same, to the byte."""
    first, second = _session(make_door()), _session(make_door())
    assert first == second
    assert sum(b'"channel":"bbo"' in frame for _, frame in first) > 10


@pytest.mark.parametrize("is_told", [True, False])
def test_an_interval_without_a_print_is_a_flat_candle_if_so_chosen(is_told: bool) -> None:
    """Pushed once when its interval begins, and not again; else nothing is."""
    door = make_door(has_empty_candles=is_told)
    socket = Socket(door)
    assert len(socket.subscribe("candle", coin="BTC", interval="1m")) == 1
    BOB.send(door, order_action(order_wire("50100", "0.5", tif="Ioc")))
    assert [frame["data"]["n"] for frame in socket.heard()] == [1]
    for second in range(1, 121):
        door.due(Ns(START + second * SECOND))
    rows = [frame["data"] for frame in socket.heard()]
    assert [(row["n"], row["v"], row["o"], row["c"]) for row in rows] == [
        (0, "0.0", "50050.0", "50050.0")
    ] * 2 * is_told
    assert [row["t"] % 60_000 for row in rows] == [0, 0] * is_told
