"""Trigger orders on the wire: replies, order objects and updates in the venue's shapes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.units import SECOND, Ns
from shared.venue.core.commands import CancelOrder, CancelOrders, SetPrices
from shared.venue.core.policy import VenuePolicy
from shared.venue.door.door import Door
from tests.unit.shared.venue.door.door_fixture import ALICE, BTC, MAKER, Socket, make_door
from tests.unit.shared.venue.door.wire_client import START, order_wire, post

KEYS = {"children", "coin", "isPositionTpsl", "isTrigger", "limitPx", "oid", "orderType", "origSz", "reduceOnly"}
KEYS |= {"side", "sz", "tif", "timestamp", "triggerCondition", "triggerPx"}
"""Of the recorded `frontendOpenOrders` (which is older than client ids)."""


def trigger_wire(trigger_px: str, px: str, sz: str, tpsl: str, is_market: bool = True, **more: Any) -> dict[str, Any]:
    """One trigger order that sells."""
    wire = order_wire(px, sz, is_buy=False, **({"reduce_only": True} | more))
    return wire | {"t": {"trigger": {"isMarket": is_market, "triggerPx": trigger_px, "tpsl": tpsl}}}


def send(door: Door, grouping: Any, *orders: dict[str, Any]) -> Any:
    """Alice's reply to a group."""
    return ALICE.send(door, {"type": "order", "orders": list(orders), "grouping": grouping})


def statuses(reply: Any) -> list[Any]:
    """What became of each order."""
    assert reply["status"] == "ok", reply
    return list(reply["response"]["data"]["statuses"])


def shown(door: Door) -> list[Any]:
    """Alice's `frontendOpenOrders`."""
    return list(post(door, "/info", {"type": "frontendOpenOrders", "user": ALICE.address}))


TAKE = trigger_wire("55000", "50000", "0.1", "tp")
STOP = trigger_wire("45000", "40000", "0.1", "sl")


def test_a_bracket_shows_as_it_was_recorded() -> None:
    """Newest first; the parent last, its children inside it oldest first and beside it (recorded, INJ 2023)."""
    door = make_door()
    resting, *children = statuses(send(door, "normalTpsl", order_wire("49000", "0.1"), STOP, TAKE))
    assert children == ["waitingForFill", "waitingForFill"]
    take, stop, parent = shown(door)
    assert parent["oid"] == resting["resting"]["oid"]
    assert (parent["isTrigger"], parent["triggerCondition"], parent["triggerPx"]) == (False, "N/A", "0.0")
    assert (parent["orderType"], parent["tif"]) == ("Limit", "Gtc")
    assert parent["children"] == [stop, take]
    assert all(order.keys() >= KEYS for order in (take, stop, parent))
    assert (take["orderType"], take["triggerCondition"]) == ("Take Profit Market", "Price above 55000")
    assert (stop["orderType"], stop["triggerCondition"]) == ("Stop Market", "Price below 45000")
    assert (stop["triggerPx"], stop["limitPx"], stop["sz"]) == ("45000.0", "40000.0", "0.1")
    assert (stop["isTrigger"], stop["reduceOnly"], stop["tif"]) == (True, True, None)
    brief = post(door, "/info", {"type": "openOrders", "user": ALICE.address})
    assert [order["oid"] for order in brief] == [order["oid"] for order in (take, stop, parent)]
    assert "triggerPx" not in brief[0]


@pytest.mark.parametrize(
    ("tpsl", "is_market", "name"),
    [
        ("sl", True, "Stop Market"),
        ("sl", False, "Stop Limit"),
        ("tp", True, "Take Profit Market"),
        ("tp", False, "Take Profit Limit"),
    ],
)
def test_names_of_the_four_kinds(tpsl: str, is_market: bool, name: str) -> None:
    """A trigger that belongs to nobody answers resting; its kind has the venue's name (fact sheet 1.3, 2.6)."""
    door = make_door()
    px = "45000" if tpsl == "sl" else "55000"
    (status,) = statuses(send(door, "na", trigger_wire(px, "40000", "0.1", tpsl, is_market, reduce_only=False)))
    (order,) = shown(door)
    assert (order["oid"], order["orderType"], order["tif"]) == (status["resting"]["oid"], name, None)


def test_an_order_for_the_whole_position_has_no_size() -> None:
    """Size 0 is taken with positionTpsl and shown as 0.0; elsewhere it is no size (fact sheet 1.3, 4.6)."""
    door = make_door()
    statuses(send(door, "na", order_wire("50050", "0.1", tif="Ioc")))
    whole = trigger_wire("45000", "40000", "0", "sl")
    assert statuses(send(door, "na", whole)) == [{"error": "Order has zero size."}]
    assert statuses(send(door, "positionTpsl", whole)) == ["waitingForTrigger"]
    (order,) = shown(door)
    assert (order["sz"], order["origSz"], order["isPositionTpsl"]) == ("0.0", "0.0", True)


def test_updates_tell_of_triggering_under_the_same_id() -> None:
    """open, then triggered and filled, all of one oid (fact sheet 4.6); the sibling's end is told too.

    Without asks the mark follows the oracle.
    """
    door = make_door()
    statuses(send(door, "na", order_wire("50050", "0.1", tif="Ioc")))
    socket = Socket(door)
    socket.subscribe("orderUpdates", user=ALICE.address)
    statuses(send(door, "positionTpsl", TAKE, STOP))
    socket.heard()
    door.apply(CancelOrders(MAKER, (CancelOrder(0, 2),)), START)
    door.apply(SetPrices(0, BTC.px("44000")), Ns(START + 600 * SECOND))
    updates = [
        (update["order"]["oid"], update["status"])
        for frame in socket.heard()
        if frame["channel"] == "orderUpdates"
        for update in frame["data"]
    ]
    take, stop = 4, 5
    assert updates[0] == (stop, "triggered")
    assert set(updates[1:]) == {(take, "siblingFilledCanceled"), (stop, "filled")}


def test_modify_answers() -> None:
    """`modify` answers default, `batchModify` statuses; a waiting order needs `a` (fact sheet 2.6, 4.4)."""
    door = make_door()
    (status,) = statuses(send(door, "na", STOP | {"r": False}))
    oid = status["resting"]["oid"]
    moved = trigger_wire("46000", "40000", "0.1", "sl", reduce_only=False)
    refused = ALICE.send(door, {"type": "modify", "oid": oid, "order": moved})
    assert refused["status"] == "err"
    done = ALICE.send(door, {"type": "modify", "oid": oid, "order": moved, "a": True})
    assert done == {"status": "ok", "response": {"type": "default"}}
    (order,) = shown(door)
    batch = {"type": "batchModify", "modifies": [{"oid": order["oid"], "order": STOP | {"r": False}}], "a": True}
    (status,) = statuses(ALICE.send(door, batch))
    assert status["resting"]["oid"] == order["oid"] + 1


def test_whole_group_errors_and_priority() -> None:
    """Odd groups and unpaid priority are errors of the action (fact sheet 2.7)."""
    door = make_door()
    odd = send(door, "normalTpsl", order_wire("49000", "0.1"))
    assert odd == {"status": "err", "response": "Unexpected number of trigger orders"}
    unpaid = send(door, {"p": 80_000}, order_wire("49000", "0.1", tif="Alo"))
    assert unpaid == {"status": "err", "response": "Insufficient delegatable balance for priority order"}


@pytest.mark.parametrize(("choice", "text"), [("kept", "Price below 45000"), ("triggered", "Triggered")])
def test_what_a_fired_order_says_of_its_condition_is_a_switch(choice: str, text: str) -> None:
    """What it had waited for, or that it is over."""
    door = make_door()
    door.exchange._world.policy = msgspec.convert({"fired_condition": choice}, VenuePolicy)
    statuses(send(door, "na", order_wire("50100", "0.1", tif="Ioc")))
    statuses(send(door, "na", STOP))
    assert shown(door)[0]["triggerCondition"] == "Price below 45000"
    door.apply(CancelOrders(MAKER, (CancelOrder(0, 2),)), START)
    door.apply(SetPrices(0, BTC.px("44000")), Ns(START + 600 * SECOND))
    rows = post(door, "/info", {"type": "historicalOrders", "user": ALICE.address})
    told = {row["status"]: row["order"]["triggerCondition"] for row in rows if row["order"]["isTrigger"]}
    assert told["triggered"] == text
