"""TWAP orders, scheduled cancels and reserved requests through the door, in the venue's shapes."""

from __future__ import annotations

from typing import Any

import pytest

from shared.units import MS, SECOND, Ns
from shared.venue.core.commands import Deposit, PlaceOrders, SetPrices
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.policy import VenuePolicy
from shared.venue.door.action_types import read_action
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.door.signatures import packed
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, BTC, MAKER, Socket, make_door, maker_order
from tests.unit.shared.venue.door.wire_client import START, WireClient, order_action, order_wire, post

TWAP = {"type": "twapOrder", "twap": {"a": 0, "b": True, "s": "0.1", "r": False, "m": 5, "t": False}}
PACKED: dict[str, tuple[dict[str, Any], str]] = {
    "twapOrder": (
        {"type": "twapOrder", "twap": {"a": 1, "b": True, "s": "1.0", "r": False, "m": 5, "t": False}},
        "82a474797065a9747761704f72646572a47477617086a16101a162c3a173a131a172c2a16d05a174c2",
    ),
    "twapCancel": (
        {"type": "twapCancel", "a": 1, "t": 77},
        "83a474797065aa7477617043616e63656ca16101a1744d",
    ),
}


def ask(door: Door, kind: str, user: str, now: Ns = START, **rest: Any) -> Any:
    """The answer to a question about a user."""
    return post(door, "/info", {"type": kind, "user": user, **rest}, now)


def later(seconds: int) -> Ns:
    """So many seconds after the start."""
    return Ns(START + seconds * SECOND)


@pytest.mark.parametrize("name", sorted(PACKED))
def test_actions_are_packed_as_the_venue_hashes_them(name: str) -> None:
    """Bytes of the official SDK's encoder (computed vectors 40 and 41)."""
    action, expected = PACKED[name]
    read = read_action(action)
    assert not isinstance(read, str)
    assert packed(read).hex() == expected


def test_a_twap_order_from_start_to_end() -> None:
    """Running with an id, on time without anybody asking, in every question and feed about it (fact sheet 1.5, 3.4)."""
    door = make_door()
    socket = Socket(door)
    for kind in ("twapStates", "userTwapSliceFills", "userTwapHistory", "userEvents"):
        socket.subscribe(kind, user=ALICE.address)
    reply = ALICE.send(door, TWAP)
    assert reply == {"status": "ok", "response": {"type": "twapOrder", "data": {"status": {"running": {"twapId": 1}}}}}
    assert door.due(later(29)) <= later(30)
    socket.heard()
    door.due(later(30))
    channels = [frame["channel"] for frame in socket.heard()]
    assert {"userTwapSliceFills", "user", "twapStates"} <= set(channels)
    (row,) = ask(door, "userTwapSliceFills", ALICE.address)
    assert (row["twapId"], row["fill"]["twapId"], row["fill"]["sz"]) == (1, 1, "0.01")
    assert row["fill"]["hash"] == "0x" + "0" * 64
    (order,) = ask(door, "historicalOrders", ALICE.address)
    assert (order["order"]["orderType"], order["order"]["tif"], order["status"]) == ("Twap Slice", "Ioc", "filled")
    (state,) = ask(door, "webData2", ALICE.address)["twapStates"]
    assert state[0] == 1
    assert state[1] == {
        "coin": "BTC",
        "user": ALICE.address,
        "side": "B",
        "sz": "0.1",
        "executedSz": "0.01",
        "executedNtl": "500.5",
        "minutes": 5,
        "reduceOnly": False,
        "randomize": False,
        "timestamp": START // MS,
    }
    cancelled = ALICE.send(door, {"type": "twapCancel", "a": 0, "t": 1}, later(31))
    assert cancelled == {"status": "ok", "response": {"type": "twapCancel", "data": {"status": "success"}}}
    ended, begun = ask(door, "twapHistory", ALICE.address)
    assert (begun["status"], begun["time"]) == ({"status": "activated"}, START // SECOND)
    assert (ended["status"], ended["time"], ended["twapId"]) == ({"status": "terminated"}, START // SECOND + 31, 1)


@pytest.mark.parametrize(
    ("change", "status"),
    [({"m": 1}, "Invalid TWAP duration: 1 min(s)"), ({"r": True}, "Reduce-only TWAP order would increase position.")],
)
def test_a_refused_twap_order(change: dict[str, Any], status: str) -> None:
    """Refusals stand where the id would (fact sheet 2.6, 2.7)."""
    reply = ALICE.send(make_door(), {**TWAP, "twap": {**TWAP["twap"], **change}})  # type: ignore[dict-item]
    assert reply == {"status": "ok", "response": {"type": "twapOrder", "data": {"status": {"error": status}}}}


def test_a_cancel_of_no_twap_order() -> None:
    """Fact sheet 2.7."""
    reply = ALICE.send(make_door(), {"type": "twapCancel", "a": 0, "t": 9})
    assert reply["response"]["data"]["status"] == {"error": "TWAP was never placed, already canceled, or filled."}


def test_details_wait_for_the_mark_and_have_no_stop() -> None:
    """A trigger waits; a stop price is refused in our own words."""
    door = make_door()
    ALICE.send(door, TWAP | {"details": {"t": {"p": "60000", "a": True}, "s": None}})
    assert ask(door, "twapHistory", ALICE.address)[0]["status"] == {"status": "waitingForTrigger"}
    reply = ALICE.send(door, TWAP | {"details": {"t": None, "s": "1"}})
    assert reply["status"] == "err"


def test_a_scheduled_cancel() -> None:
    """Refused without volume; without the gate it fires by itself, with its own status (fact sheet 2.7, 2.8)."""
    time_ms = START // MS + 5_000
    refusal = ALICE.send(make_door(), {"type": "scheduleCancel", "time": time_ms})
    assert refusal["response"].startswith("Cannot set scheduled cancel time until enough volume traded. Required: $1")
    policy = VenuePolicy(schedule_cancel_volume_usd=None)
    exchange = Exchange([list_perp(BTC)], start_ns=START, policy=policy)
    door = Door(exchange, DoorSettings(fund={ALICE.address: 10**11}), START)  # type: ignore[dict-item]
    door.apply(Deposit(MAKER, 10**12), START)  # type: ignore[arg-type]
    door.apply(SetPrices(0, BTC.px("50000")), START)
    door.apply(PlaceOrders(MAKER, (maker_order(True, "49950"),)), START)
    ALICE.send(door, order_action(order_wire("49000", "0.01")))
    done = {"status": "ok", "response": {"type": "default"}}
    assert ALICE.send(door, {"type": "scheduleCancel", "time": time_ms}) == done
    assert ALICE.send(door, {"type": "scheduleCancel"}) == done
    assert ALICE.send(door, {"type": "scheduleCancel", "time": time_ms}) == done
    door.due(later(5))
    assert ask(door, "openOrders", ALICE.address) == []
    assert ask(door, "historicalOrders", ALICE.address)[0]["status"] == "scheduledCancel"


def test_requests_are_bought_by_the_account_itself() -> None:
    """They lower what counts as used and show as surplus (fact sheet 1.5); an agent may not buy (9)."""
    door = make_door()
    action = {"type": "reserveRequestWeight", "weight": 1_000}
    assert ALICE.send(door, action)["status"] == "ok"
    limits = ask(door, "userRateLimit", ALICE.address)
    assert (limits["nRequestsUsed"], limits["nRequestsSurplus"]) == (0, 999)
    assert ask(door, "clearinghouseState", ALICE.address)["marginSummary"]["accountValue"] == "99999.5"
    agent = WireClient(77)
    post(door, "/exchange", BOB.agent_body(agent.address, None))
    assert agent.send(door, action)["status"] == "err"


def test_a_stale_request_costs_five() -> None:
    """Fact sheet 8.2: an action after its own expiry counts for five requests."""
    door = make_door()
    body = ALICE.body(order_action(order_wire("49000", "0.01")), expires_after=START // MS - 1)
    assert post(door, "/exchange", body) == {"status": "err", "response": "Action already expired"}
    assert ask(door, "userRateLimit", ALICE.address)["nRequestsUsed"] == 5
