"""Hostile input at the venue's doors: never a crash, never another answer than the protocol's, never wrong state."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from shared.units import MS, Ns
from shared.venue.core.commands import Command
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Outcome
from shared.venue.core.snapshot import snapshot_of
from shared.venue.door.door import Door
from tests.property.whole.laws import check_state, count_book_orders
from tests.security.hostile_bodies import actions, bent, content_type, encoded, questions, spoilt, subscriptions
from tests.unit.shared.venue.door.door_fixture import ALICE, make_door
from tests.unit.shared.venue.door.wire_client import START

HTTP_STATUSES = {200, 400, 404, 415, 422, 429, 500}
BODIES = 1_500
FRAMES = 1_500


def _state(door: Door) -> bytes:
    """Everything that users own and have placed."""
    return snapshot_of(door.exchange._world.accounts)


def _trading_door(**chosen: Any) -> Door:
    """A door at which Alice has touched both coins, so that a refusal need not open a holding for her."""
    door = make_door(**chosen)
    for asset in (0, 1):
        ALICE.send(door, {"type": "updateLeverage", "asset": asset, "isCross": True, "leverage": 20})
    return door


def _is_refusal(answer: Any) -> bool:
    """Does the reply say that nothing was done?"""
    return isinstance(answer, dict) and answer.get("status") == "err"


def _check_laws(door: Door) -> None:
    check_state(door.exchange, {})
    count_book_orders(door.exchange)


@pytest.mark.parametrize("seed", range(2))
def test_questions_of_any_shape_are_answered_and_change_nothing(seed: int) -> None:
    """Known statuses with their bodies, 500 only as the venue's `null`, and the exchange is what it was."""
    door, chance, seen = make_door(), Random(seed), Counter[int]()
    before = door.exchange.digest()
    for _ in range(BODIES):
        body = encoded(bent(chance.choice(questions()), chance))
        if chance.random() < 0.4:
            body = spoilt(body, chance)
        status, kind, answer = door.http(chance.choice(("/info", "/info", "/inf")), content_type(chance), body, START)
        seen[status] += 1
        assert status in HTTP_STATUSES
        assert status != 500 or answer == b"null", body
        if status == 200:
            assert kind == "application/json"
            json.loads(answer)
    assert door.exchange.digest() == before
    assert set(seen) >= {200, 400, 404, 415, 422}


@pytest.mark.parametrize("seed", range(2))
def test_actions_of_any_shape_do_what_they_say_or_nothing(seed: int) -> None:
    """Bent and spoilt bodies, signed before or after: whoever is refused has changed nothing, and every law holds."""
    door, chance, seen = _trading_door(), Random(seed), Counter[str]()
    now, state = START, _state(door)
    for number in range(BODIES):
        now = Ns(START + number * MS)
        action = chance.choice(actions())
        is_signed_after = chance.random() < 0.3
        try:
            body = ALICE.body(bent(action, chance) if is_signed_after else action, nonce=START // MS + number)
        except (ValueError, TypeError, OverflowError, KeyError, AttributeError):
            continue
        sent = encoded(body if is_signed_after else bent(body, chance))
        if chance.random() < 0.15:
            sent = spoilt(sent, chance)
        status, _, answer = door.http("/exchange", content_type(chance), sent, now)
        assert status in HTTP_STATUSES
        assert status != 500, sent
        reply = json.loads(answer) if status == 200 else None
        after = _state(door)
        if status != 200 or _is_refusal(reply):
            assert after == state, (sent[:500], answer)
        seen[str(status) if reply is None else reply["status"]] += 1
        state = after
        if number % 100 == 0:
            _check_laws(door)
    _check_laws(door)
    assert set(seen) >= {"ok", "err", "400", "415", "422"}, seen


@pytest.mark.parametrize("seed", range(2))
def test_frames_of_any_shape_are_answered_in_channels(seed: int) -> None:
    """Each frame is answered with JSON frames of a channel, few and bounded, whatever it was; state as in HTTP."""
    door, chance, seen = _trading_door(max_messages_per_minute=10**9), Random(seed), Counter[str]()
    connection, state = door.connect(START), _state(door)
    for number in range(FRAMES):
        frame = _a_frame(chance, number)
        sent: str | bytes = frame
        if chance.random() < 0.5:
            sent = frame.decode(errors="surrogateescape").encode("utf-8", "replace").decode()
        door.receive(connection, sent, START)
        out = door.drain_outbox()
        assert 1 <= len(out) <= 40, frame[:200]
        assert sum(len(one) for _, one in out) <= 100_000 + 12 * len(frame)
        refused = True
        for to, one in out:
            assert to == connection
            heard = json.loads(one)
            seen[heard["channel"]] += 1
            if heard["channel"] == "post":
                said = heard["data"]["response"]
                refused = not (said["type"] == "action" and not _is_refusal(said["payload"]))
        after = _state(door)
        assert after == state or not refused
        state = after
        assert door.drain_hangups() == []
    _check_laws(door)
    assert set(seen) >= {"error", "post", "pong", "subscriptionResponse"}


def _a_frame(chance: Random, number: int) -> bytes:
    """A ping, a subscription, a post or none of these, bent or spoilt or both."""
    action = ALICE.body(chance.choice(actions()), nonce=START // MS + number)
    message: Any = chance.choice(
        (
            {"method": "ping"},
            {
                "method": chance.choice(("subscribe", "unsubscribe", "publish", "")),
                "subscription": chance.choice(subscriptions()),
            },
            {"method": "post", "id": number, "request": {"type": "info", "payload": chance.choice(questions())}},
            {"method": "post", "id": number, "request": {"type": "action", "payload": action}},
        )
    )
    if chance.random() < 0.7:
        message = bent(message, chance)
    frame = encoded(message)
    return spoilt(frame, chance)[:200_000] if chance.random() < 0.2 else frame


def test_bombs_meet_limits() -> None:
    """Subscriptions, users, messages and connections beyond the limits are refused with one small frame each."""
    door = make_door(max_subscriptions=50, max_messages_per_minute=500)
    connections = [door.connect(START, "1.1.1.1") for _ in range(200)]
    assert len(door.drain_outbox()) == 190
    assert len(door.drain_hangups()) == 190
    for number in range(len(connections)):
        if number >= 10:
            door.disconnect(connections[number])
    for number in range(2_000):
        kind = ("candle", "l2Book", "orderUpdates")[number % 3]
        asked = {"type": kind, "coin": "BTC", "interval": "1m", "user": f"0x{number:040x}", "nSigFigs": 2 + number % 4}
        door.receive(connections[0], json.dumps({"method": "subscribe", "subscription": asked}), START)
    heard = [json.loads(frame) for _, frame in door.drain_outbox()]
    accepted = sum(one["channel"] == "subscriptionResponse" for one in heard)
    assert accepted <= 50
    assert sum(one["data"] == "Too many messages." for one in heard if one["channel"] == "error") == 1_500
    sessions = door._sessions
    assert sum(len(one.subscriptions) for one in sessions._connections.values()) == accepted
    for connection in connections:
        door.disconnect(connection)
    assert not sessions._connections


def test_floods_of_refused_requests_leave_no_memory() -> None:
    """Strangers' requests, stale nonces and clients of a minute are not kept."""
    door = make_door(ip_weight_per_minute=1_200)
    body = ALICE.body({"type": "noop"})
    before = door.exchange.digest()
    for number in range(3_000):
        stranger = {**body, "signature": {"r": f"0x{number + 1:x}", "s": f"0x{number + 7:x}", "v": 27 + number % 2}}
        client = f"10.0.{number // 250}.{number % 250}"
        door.http("/exchange", "application/json", encoded(stranger), START, client)
    api = door._api
    assert door.exchange.digest() == before
    assert len(api._admission._nonces._used) <= 2
    assert len(api._budgets._used) <= 2
    later = Ns(START + 61_000 * MS)
    door.http("/info", "application/json", b'{"type":"meta"}', later, "10.1.1.1")
    assert len(api._weights._spent) == 1


class _Loud(Door):
    """A door that counts what reaches the core."""

    reached = 0

    def apply(self, command: Command, now: Ns) -> Outcome:
        """Counted."""
        self.reached += 1
        return super().apply(command, now)


def test_nobody_unsigned_reaches_the_core() -> None:
    """Thousands of well-formed actions under signatures of nobody in particular: the core never hears of one."""
    chance = Random(3)
    inner = make_door()
    door = _Loud(Exchange([list_perp(one.instrument) for one in inner.exchange.listings.values()], start_ns=START),
                 inner._api._settings, START)  # fmt: skip
    funded = door.reached
    for number in range(1_000):
        r, s = (f"0x{chance.getrandbits(256):x}" for _ in range(2))
        signature = {"r": r, "s": s, "v": chance.choice((0, 1, 27, 28, 29, 2**62))}
        body = {"action": chance.choice(actions()), "nonce": START // MS + number, "signature": signature}
        status, _, answer = door.http("/exchange", "application/json", encoded(body), START)
        assert (status, json.loads(answer)["status"]) == (200, "err")
    assert door.reached == funded
