"""The request doors in process: HTTP answers, admission, trading and the queries that tell of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ConfigError
from shared.units import MS, SECOND, USD, Ns, Usd
from shared.venue.door.door import Door
from shared.venue.door.info import TYPES
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, MAKER, make_door
from tests.unit.shared.venue.door.wire_client import START, WireClient, order_action, order_wire, post

DONE = {"status": "ok", "response": {"type": "default"}}


def _statuses(reply: Any) -> Any:
    assert reply["status"] == "ok", reply
    return reply["response"]["data"]["statuses"]


@pytest.mark.parametrize(
    ("path", "content_type", "body", "expected"),
    [
        ("/info", "application/json", b"{", (400, "Failed to parse the request body as JSON")),
        ("/info", "text/plain", b"{}", (415, "Expected request with `Content-Type: application/json`")),
        ("/info", None, b"{}", (415, "Expected request with `Content-Type: application/json`")),
        ("/info", "application/json", b"{}", (422, "Failed to deserialize the JSON body into the target type")),
        ("/exchange", "application/json", b"[]", (422, "Failed to deserialize the JSON body into the target type")),
        ("/info", "application/json", b'{"type":"portfolio","user":"0x0"}', (422, None)),
        ("/info", "application/json", b'{"type":"openOrders","user":"0x0"}', (422, None)),
        ("/info", "application/json", b'{"type":"meta","type":"meta"}', (422, None)),
        ("/info", "application/json", b'{"type":"meta","dex":"xyz"}', (500, None)),
        ("/info", "application/json", b'{"type":"meta","other":1,"other":2}', (200, None)),
        ("/info", "application/json", b'{"type":"exchangeStatus"} and more', (200, None)),
        ("/info", "application/json", b'{"type":"l2Book","coin":"BTC","nSigFigs":6}', (500, "null")),
        ("/info", "application/json", b'{"type":"l2Book","coin":"XYZ"}', (200, "null")),
        ("/info", "application/json", b'["userRole","' + MAKER.encode() + b'"]', (200, '{"role":"user"}')),
        ("/other", "application/json", b"{}", (404, "")),
    ],
)
def test_the_http_layer(path: str, content_type: str | None, body: bytes, expected: tuple[int, str | None]) -> None:
    """Statuses and texts are those measured on the venue."""
    status, _, answer = make_door().http(path, content_type, body, START)
    assert status == expected[0]
    assert expected[1] is None or answer.decode() == expected[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "action", "nonce", "signature", "user", "coin", "oid"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(JSON)
def test_no_json_makes_the_door_fail(value: Any) -> None:
    """Any JSON gets an HTTP answer and any frame a WebSocket one."""
    door = DOOR
    body = json.dumps(value).encode()
    for path in ("/info", "/exchange"):
        assert door.http(path, "application/json", body, START)[0] in (200, 422, 500)
    for frame in (value, {"method": "subscribe", "subscription": value}, {"method": "post", "id": 1, "request": value}):
        connection = door.connect(START)
        door.receive(connection, json.dumps(frame), START)
        assert door.drain_outbox()
        door.disconnect(connection)


DOOR = make_door(max_connections=10**6, max_new_connections_per_minute=10**6, max_messages_per_minute=10**6)


def test_an_order_rests_fills_and_is_told_of() -> None:
    """Alice rests, Bob takes; statuses, fills, state and books say the same."""
    door = make_door()
    (resting,) = _statuses(ALICE.send(door, order_action(order_wire("50010", "0.1", is_buy=False, c="0x" + "ab" * 16))))
    assert set(resting["resting"]) == {"oid", "cloid"}
    (filled,) = _statuses(BOB.send(door, order_action(order_wire("50100", "0.2", tif="Ioc"))))
    assert filled["filled"] == {"totalSz": "0.2", "avgPx": "50030.0", "oid": resting["resting"]["oid"] + 1}
    (fill,) = post(door, "/info", {"type": "userFills", "user": ALICE.address.upper().replace("0X", "0x")})
    assert list(fill) == [
        "coin", "px", "sz", "side", "time", "startPosition", "dir", "closedPnl", "hash", "oid", "crossed", "fee", "tid",
        "cloid", "feeToken", "twapId",
    ]  # fmt: skip
    assert (fill["dir"], fill["fee"], fill["crossed"]) == ("Open Short", "0.75015", False)
    merged = post(door, "/info", {"type": "userFills", "user": BOB.address, "aggregateByTime": True})
    assert [(one["sz"], one["px"]) for one in merged] == [("0.2", "50030.0")]
    state = post(door, "/info", {"type": "clearinghouseState", "user": BOB.address})
    assert state["assetPositions"][0]["position"]["entryPx"] == "50030.0"
    assert state["marginSummary"]["totalNtlPos"] == "10000.0"
    status = post(door, "/info", {"type": "orderStatus", "user": ALICE.address, "oid": "0x" + "ab" * 16})
    assert (status["order"]["status"], status["order"]["order"]["sz"]) == ("filled", "0.0")
    unknown = post(door, "/info", {"type": "orderStatus", "user": BOB.address, "oid": resting["resting"]["oid"]})
    assert unknown == {"status": "unknownOid"}
    newest = post(door, "/info", {"type": "recentTrades", "coin": "BTC"})[0]
    assert (newest["px"], newest["side"], newest["users"]) == ("50050.0", "B", [BOB.address, MAKER])
    (_, ctxs) = post(door, "/info", {"type": "metaAndAssetCtxs"})
    assert (ctxs[0]["dayBaseVlm"], ctxs[0]["dayNtlVlm"]) == ("0.2", "10006.0")


def test_a_faulty_payload_refuses_the_batch_with_one_status() -> None:
    """Sizes and prices that the coin can't hold, like all payload faults, answer once for the whole batch."""
    door = make_door()
    good = order_wire("49000", "0.01")
    for bad, text in (
        (order_wire("49000", "0.000001"), "Order has invalid size."),
        (order_wire("49000.01", "0.01"), "Price must be divisible by tick size. asset=0"),
        (order_wire("49000", "0"), "Order has zero size."),
    ):
        assert _statuses(ALICE.send(door, order_action(good, bad))) == [{"error": text}]
    assert post(door, "/info", {"type": "openOrders", "user": ALICE.address}) == []
    assert ALICE.send(door, order_action(order_wire("1", "1", asset=9)))["status"] == "err"
    assert _statuses(ALICE.send(door, order_action())) == [{"error": "Orders are empty."}]


def test_single_modify_answers_default_and_batches_answer_statuses() -> None:
    """`modify` says default, or why not; `batchModify` has one status an entry."""
    door = make_door()
    oid = _statuses(ALICE.send(door, order_action(order_wire("49000", "0.01"))))[0]["resting"]["oid"]
    assert ALICE.send(door, {"type": "modify", "oid": oid, "order": order_wire("49001", "0.01")}) == DONE
    gone = {"type": "modify", "oid": oid, "order": order_wire("49002", "0.01")}
    assert ALICE.send(door, gone) == {"status": "err", "response": "Cannot modify canceled or filled order"}
    batch = {"type": "batchModify", "modifies": [{"oid": oid, "order": order_wire("49002", "0.01")}]}
    assert _statuses(ALICE.send(door, batch)) == [{"error": "Cannot modify canceled or filled order"}]
    assert "resting" in _statuses(ALICE.send(door, batch | {"a": True}))[0]


def test_nonces_are_used_up_by_refusals_but_not_by_faults_before_them() -> None:
    """A business refusal costs the nonce; a body that is no request, or an unknown signer, does not."""
    door = make_door()
    body = ALICE.body(order_action(order_wire("49000", "0")), nonce=START // MS)
    assert _statuses(post(door, "/exchange", body)) == [{"error": "Order has zero size."}]
    again = post(door, "/exchange", body)
    assert again == {"status": "err", "response": f"Invalid nonce: duplicate nonce {START // MS}"}
    stale = ALICE.body({"type": "noop"}, expires_after=START // MS - 1)
    assert post(door, "/exchange", stale)["response"] == "Action already expired"
    assert post(door, "/exchange", stale)["response"].startswith("Invalid nonce: duplicate nonce")


def test_a_vault_that_is_none_is_named() -> None:
    """There are no vaults or sub-accounts here, and the nonce stays free."""
    door, client = make_door(), WireClient(1, vault_address="0x" + "cd" * 20)
    body = client.body({"type": "noop"})
    text = "Vault not registered: 0x" + "cd" * 20
    assert post(door, "/exchange", body)["response"] == text
    assert post(door, "/exchange", body)["response"] == text


def test_signatures_that_nobody_made() -> None:
    """Zero words recover nobody; the wrong network recovers somebody else."""
    body = ALICE.body({"type": "noop"})
    nobody = body | {"signature": {"r": "0x0", "s": "0x0", "v": 27}}
    assert post(make_door(), "/exchange", nobody) == {"status": "err", "response": "Unable to recover signer."}
    assert post(make_door(), "/exchange", body) == DONE
    assert "does not exist." in post(make_door(network="Mainnet"), "/exchange", body)["response"]


def test_agents_trade_but_do_not_approve() -> None:
    """An agent's order is its account's; its own approval of another agent is refused, and so is a foreign nonce."""
    door, agent = make_door(), WireClient(77)
    assert post(door, "/exchange", ALICE.agent_body(agent.wallet.address, "bot")) == DONE
    assert "resting" in _statuses(agent.send(door, order_action(order_wire("49000", "0.01"))))[0]
    assert len(post(door, "/info", {"type": "openOrders", "user": ALICE.address})) == 1
    refused = post(door, "/exchange", agent.agent_body("0x" + "12" * 20, None))
    assert refused["response"] == f"Must deposit before performing actions. User: {agent.address}"
    taken = post(door, "/exchange", ALICE.agent_body(BOB.address, None))
    assert taken["response"] == "Extra agent already used.", "an account can't be made somebody's agent"
    mismatch = ALICE.agent_body("0x" + "12" * 20, None) | {"nonce": START // MS + 999}
    assert post(door, "/exchange", mismatch)["response"] == "Nonce mismatch."
    role = post(door, "/info", {"type": "userRole", "user": agent.address})
    assert role == {"role": "agent", "data": {"user": ALICE.address}}


def test_the_house_may_fund_everybody_who_signs() -> None:
    """With `fund_all_usd` a stranger's first signature opens its account; without it the stranger is unknown."""
    stranger = WireClient(500)
    assert stranger.send(make_door(), {"type": "noop"})["response"] == (
        f"User or API Wallet {stranger.address} does not exist."
    )
    door = make_door(fund_all_usd=Usd(50 * USD))
    assert stranger.send(door, {"type": "noop"}) == DONE
    state = post(door, "/info", {"type": "clearinghouseState", "user": stranger.address})
    assert state["withdrawable"] == "50.0"


def test_an_address_over_its_budget_may_act_every_ten_seconds() -> None:
    """Beyond the budget one action in ten seconds passes; cancels have twice the room."""
    door = make_door(address_budget=2)
    for _ in range(3):
        assert ALICE.send(door, {"type": "noop"}) == DONE
    assert ALICE.send(door, {"type": "noop"})["response"].startswith(
        "Too many cumulative requests sent (4 > 2) for cumulative volume traded $0."
    )
    assert _statuses(ALICE.send(door, {"type": "cancel", "cancels": [{"a": 0, "o": 1}]}))[0]["error"]
    later = Ns(START + 10 * SECOND)
    assert ALICE.send(door, {"type": "noop"}, later) == DONE


def test_a_budget_of_weight_answers_429() -> None:
    """With the IP limit on, the request beyond it gets `null` with 429 until the next minute."""
    door = make_door(ip_weight_per_minute=21)
    body = b'{"type":"meta"}'
    assert [door.http("/info", "application/json", body, START)[::2] for _ in range(2)][1] == (429, b"null")
    assert door.http("/info", "application/json", body, Ns(START + 60 * SECOND))[0] == 200


def test_unsound_settings_are_refused() -> None:
    """An unknown network and an address to fund that is none stop the door from opening."""
    with pytest.raises(ConfigError):
        make_door(network="Devnet")
    with pytest.raises(ConfigError):
        make_door(fund={"0x12": Usd(1)})


def test_every_supported_query_answers_a_stranger() -> None:
    """No query needs an account to be answered."""
    door: Door = make_door()
    for kind in ("openOrders", "frontendOpenOrders", "historicalOrders", "userFills", "userFunding", "extraAgents"):
        assert post(door, "/info", {"type": kind, "user": "0x" + "12" * 20}) == []
    state = post(door, "/info", {"type": "clearinghouseState", "user": "12" * 20})
    assert (state["withdrawable"], state["assetPositions"]) == ("0.0", [])
    limit = post(door, "/info", {"type": "userRateLimit", "user": "0x" + "12" * 20})
    assert limit == {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 10_000, "nRequestsSurplus": 0}


@pytest.mark.parametrize("kind", sorted(TYPES))
@pytest.mark.parametrize("user", [BOB.address, "0x" + "12" * 20])
def test_every_kind_of_question_has_an_answer(kind: str, user: str) -> None:
    """Each /info type that is read is also answered, for holders and for strangers, before and after trading."""
    door = make_door()
    question = {"type": kind, "user": user, "coin": "BTC", "oid": 1, "startTime": 0, "endTime": None, "dex": ""}
    question["req"] = {"coin": "BTC", "interval": "1m", "startTime": 0, "endTime": START // MS}
    question |= {"id": 40, "vaultAddress": user, "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054"}
    question |= {"builder": user}
    post(door, "/info", question)
    BOB.send(door, order_action(order_wire("50100", "0.2", tif="Ioc")))
    post(door, "/info", question)
