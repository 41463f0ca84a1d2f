"""What each client address may do in a minute, and what it is told beyond that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.units import MS, SECOND, Ns, Usd
from shared.venue.door.budgets import AddressBudgets
from shared.venue.door.door import Door
from shared.venue.door.weights import MinuteBudgets, answer_weight, exchange_weight, info_weight
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, Socket, make_door
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire, post


def _ask(door: Door, question: dict[str, Any], client: str, now: Ns = START) -> int:
    return door.http("/info", "application/json", json.dumps(question).encode(), now, client)[0]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 30), st.integers(0, 50_000)), max_size=30))
def test_no_client_spends_more_than_its_budget(asked: list[tuple[str, int, int]]) -> None:
    """In no minute is more granted to a client than the budget, whatever others do; nothing is refused too early."""
    budgets, granted, now_ms = MinuteBudgets(50), dict[tuple[str, int], int](), 0
    for client, weight, later_ms in asked:
        now_ms += later_ms
        key = client, now_ms // 60_000
        would_be = granted.get(key, 0) + weight
        assert budgets.spend(client, weight, now_ms) == (would_be <= 50)
        if would_be <= 50:
            granted[key] = would_be


def test_weights_are_those_of_the_table() -> None:
    """Light questions weigh 2, others 20, a role 60; long answers and long batches weigh more."""
    assert [info_weight(name) for name in ("l2Book", "allMids", "userRole", "meta", "userFills")] == [2, 2, 60, 20, 20]
    assert [answer_weight("userFills", [0] * n) for n in (0, 19, 20, 2_000)] == [0, 0, 1, 100]
    assert [answer_weight("candleSnapshot", [0] * n) for n in (59, 60, 5_000)] == [0, 1, 83]
    assert answer_weight("openOrders", [0] * 100) == 0
    assert [exchange_weight(n) for n in (1, 39, 40, 80)] == [1, 1, 2, 3]


def test_weight_is_counted_by_client_and_minute() -> None:
    """One client's spending does not touch another's; the next minute begins anew; posts count with HTTP."""
    door = make_door(ip_weight_per_minute=25)
    assert [_ask(door, {"type": "meta"}, "1.1.1.1") for _ in range(2)] == [200, 429]
    assert door.http("/info", "application/json", b'{"type":"meta"}', START, "1.1.1.1")[1:] == (
        "application/json",
        b"null",
    )
    assert _ask(door, {"type": "meta"}, "2.2.2.2") == 200
    socket = Socket(door, client="1.1.1.1")
    assert socket.post("info", {"type": "meta"}) == {"type": "error", "payload": "429 Too Many Requests"}
    assert _ask(door, {"type": "meta"}, "1.1.1.1", Ns(START + 60 * SECOND)) == 200


def test_a_long_answer_weighs_more_afterwards() -> None:
    """What an answer's length adds is owed by the next question."""
    door = make_door(ip_weight_per_minute=41)
    for _ in range(40):
        BOB.send(door, order_action(order_wire("49000", "0.01", tif="Alo")))
    assert _ask(door, {"type": "historicalOrders", "user": BOB.address}, "1.1.1.1") == 200
    assert _ask(door, {"type": "userFills", "user": BOB.address}, "1.1.1.1") == 429
    assert _ask(door, {"type": "userFills", "user": BOB.address}, "2.2.2.2") == 200


def test_limits_of_the_socket_are_those_of_one_address() -> None:
    """Connections, subscriptions and users of others do not count."""
    door = make_door(max_connections=1, max_users=1, max_subscriptions=1)
    ours, theirs = Socket(door, client="1.1.1.1"), Socket(door, client="2.2.2.2")
    assert door.drain_hangups() == []
    assert ours.subscribe("orderUpdates", user=ALICE.address)[0]["channel"] == "subscriptionResponse"
    assert theirs.subscribe("orderUpdates", user=BOB.address)[0]["channel"] == "subscriptionResponse"
    assert ours.subscribe("orderUpdates", user=BOB.address)[0]["data"] == "Too many subscriptions."
    third = Socket(door, client="2.2.2.2")
    assert door.drain_hangups() == [(third.number, 1000)]


def test_who_is_over_a_limit_may_be_cut_off_silently() -> None:
    """With `over_limit` close nothing is said, and the chosen code ends the connection."""
    door = make_door(max_subscriptions=1, over_limit="close", over_limit_close_code=1008)
    socket = Socket(door)
    socket.subscribe("trades", coin="BTC")
    assert socket.subscribe("trades", coin="ETH") == []
    assert door.drain_hangups() == [(socket.number, 1008)]


def test_a_greeting_is_sent_if_wanted() -> None:
    """The first frame is the chosen text, which is not JSON."""
    door = make_door(greeting="Websocket connection established.")
    number = door.connect(START)
    assert door.drain_outbox() == [(number, b"Websocket connection established.")]


@pytest.mark.parametrize("number", [-1, 2**64, True, 1.5, "7", None])
def test_posts_need_an_id_of_64_bits(number: Any) -> None:
    """An id that is no unsigned integer of 64 bits makes the frame no request; the largest one is echoed."""
    socket = Socket(make_door())
    post = {"method": "post", "id": number, "request": {"type": "info", "payload": {"type": "perpDexs"}}}
    (frame,) = socket.send(post, Ns(START + MS))
    assert frame["channel"] == "error"
    (frame,) = socket.send(post | {"id": 2**64 - 1}, Ns(START + MS))
    assert frame["data"]["id"] == 2**64 - 1


def test_a_stale_request_costs_five() -> None:
    """Each action of a request that came after its expiry counts for five in the address's budget."""
    door = make_door()
    action = order_action(order_wire("49000", "0.01"), order_wire("49001", "0.01"))
    body = BOB.body(action, expires_after=START // MS - 1)
    assert post(door, "/exchange", body)["response"] == "Action already expired"
    assert post(door, "/info", {"type": "userRateLimit", "user": BOB.address})["nRequestsUsed"] == 10


def test_who_is_over_a_limit_may_find_the_line_dead() -> None:
    """With `over_limit` abort the connection is to be cut without a close frame: clients call that 1006."""
    door = make_door(max_subscriptions=1, max_connections=1, over_limit="abort")
    socket = Socket(door)
    socket.subscribe("trades", coin="BTC")
    assert socket.subscribe("trades", coin="ETH") == []
    one_too_many = Socket(door)
    assert one_too_many.heard() == []
    assert door.drain_hangups() == [(socket.number, 1006), (one_too_many.number, 1006)]


def test_a_stale_request_of_somebody_who_bought_requests_counts_once() -> None:
    """Of a hundred bought, ten were used and five were owed."""
    budgets = AddressBudgets(None)
    budgets.reserve("a", 100)
    assert budgets.charge("a", 10, False, lambda: Usd(0), 0) is None
    budgets.owe("a", 5)
    assert (budgets.used("a"), budgets.surplus("a")) == (0, 85)
