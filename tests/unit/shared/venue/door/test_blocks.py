"""Actions that wait for their block: sequence, answers, one hash, clients that are gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import UnitError
from shared.units import MS, Ns
from shared.venue.door.door import Door
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, Socket, make_door
from tests.unit.shared.venue.door.wire_client import START, WireClient, order_action, order_wire


def at(ms: int) -> Ns:
    """So long after the start."""
    return Ns(START + ms * MS)


def submitted(door: Door, client: WireClient, action: dict[str, Any], now: Ns) -> int:
    """The ticket of an action."""
    body = json.dumps(client.body(action)).encode()
    ticket = door.submit("/exchange", "application/json", body, now)
    assert isinstance(ticket, int)
    return ticket


def answers(door: Door, now: Ns) -> dict[int, Any]:
    """Replies by ticket that are there at `now`."""
    door.due(now)
    return {ticket: json.loads(body) for ticket, (_, _, body) in door.drain_answers()}


def test_a_cancel_that_came_later_in_the_block_comes_first() -> None:
    """Bob's IOC arrives before Alice's cancel of the order that it would have met (fact sheet 4.5)."""
    door = make_door(block_ms=100)
    order = submitted(door, ALICE, order_action(order_wire("50010", "0.01", is_buy=False)), at(0))
    oid = answers(door, at(100))[order]["response"]["data"]["statuses"][0]["resting"]["oid"]
    taker = submitted(door, BOB, order_action(order_wire("50020", "0.01", tif="Ioc")), at(110))
    cancel = submitted(door, ALICE, {"type": "cancel", "cancels": [{"a": 0, "o": oid}]}, at(120))
    assert answers(door, at(199)) == {}
    said = answers(door, at(200))
    assert said[cancel]["response"]["data"]["statuses"] == ["success"]
    assert "error" in said[taker]["response"]["data"]["statuses"][0]


def test_prints_of_a_block_share_hash_and_time() -> None:
    """Two takers in one block, a third in the next; the owner is told when to look again."""
    door = make_door(block_ms=100)
    for client, ms in ((ALICE, 0), (BOB, 10), (ALICE, 105)):
        submitted(door, client, order_action(order_wire("50100", "0.01", tif="Ioc")), at(ms))
    assert door.due(at(20)) == at(100)
    answers(door, at(200))
    trades = list(reversed(door.exchange.trades(0)))
    assert len({trade.hash for trade in trades[:2]}) == len({trade.time_ms for trade in trades[:2]}) == 1
    assert trades[2].hash != trades[0].hash


def test_posts_are_answered_by_the_block_and_a_client_that_left_is_forgotten() -> None:
    """Over a WebSocket the same reply comes as a frame later; nobody is left over for who hung up."""
    door = make_door(block_ms=100)
    stays, leaves = Socket(door), Socket(door)
    for client, socket in ((ALICE, stays), (BOB, leaves)):
        payload = client.body(order_action(order_wire("49000", "0.01")))
        assert socket.send({"method": "post", "id": 7, "request": {"type": "action", "payload": payload}}) == []
    door.disconnect(leaves.number)
    door.due(at(200))
    (frame,) = stays.heard()
    assert "resting" in frame["data"]["response"]["payload"]["response"]["data"]["statuses"][0]
    assert door.drain_answers() == []
    assert len(door.exchange.open_orders(BOB.address)) == 1


def test_what_needs_no_block_is_answered_at_once() -> None:
    """Questions, noop and refusals; an action through the direct way says so."""
    door = make_door(block_ms=100)
    noop = json.dumps(ALICE.body({"type": "noop"})).encode()
    assert isinstance(door.submit("/exchange", "application/json", noop, at(0)), tuple)
    body = json.dumps(ALICE.body(order_action(order_wire("49000", "0.01")))).encode()
    with pytest.raises(UnitError):
        door.http("/exchange", "application/json", body, at(0))


def test_a_client_may_wait_for_so_many_posts_and_no_more() -> None:
    """Over all its connections; the next is told with its id, others are not concerned, and blocks make room."""
    door = make_door(block_ms=100, max_pending_posts=2)
    first, second, other = (
        Socket(door, client="1.1.1.1"),
        Socket(door, client="1.1.1.1"),
        Socket(door, client="2.2.2.2"),
    )

    def post(socket: Socket, ms: int, number: int) -> list[Any]:
        payload = ALICE.body(order_action(order_wire("49000", "0.01")))
        return socket.send({"method": "post", "id": number, "request": {"type": "action", "payload": payload}}, at(ms))

    assert [post(first, 0, 1), post(second, 0, 2)] == [[], []]
    assert post(first, 10, 1234) == [{"channel": "error", "data": "too many pending post requests id=1234"}]
    assert post(other, 20, 3) == []
    door.due(at(100))
    assert len(first.heard()) == 1
    assert post(first, 110, 4) == []
