"""Laws of signing: no signature without a matching approval, nonces that rise, a state that can be written down."""

from __future__ import annotations

import random
from typing import Any, Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.security_architect import SecurityArchitect, Settings
from hats.security_architect.audit import Head, follow
from shared.hat import restore, snapshot
from shared.ids import StrategyId, cloid_for
from shared.messages import AnyMessage
from shared.messages.control import AuditRecord, KillLevel, KillOrdered, ResumeOrdered
from shared.messages.order import CancelOrder, SignatureRefused, SignRequest, SubmitOrder
from shared.messages.risk import OrderApproved
from shared.messages.signal import OrderIntent
from shared.order import Side, Tif
from shared.units import MS, SECOND, Ns, Px, Sz

START: Final = 1_700_000_000 * SECOND


def approval(number: int, draw: random.Random, now: int) -> OrderApproved:
    """A random approval, good for a second."""
    intent = OrderIntent(
        cloid_for(1, 1, number),
        StrategyId("mm"),
        draw.choice(["BTC", "ETH"]),
        draw.choice(list(Side)),
        Px(draw.randint(1, 10**7)),
        Sz(draw.randint(1, 10**6)),
        draw.choice(list(Tif)),
        draw.random() < 0.2,
        cloid_for(1, 1, number + 10**6) if draw.random() < 0.3 else None,
        Ns(now),
        "because",
    )
    return OrderApproved(intent, number, Ns(now + SECOND))


def fitting(approved: OrderApproved, now: int) -> SubmitOrder:
    """The one order that the approval allows."""
    intent = approved.intent
    asset = 0 if intent.coin == "BTC" else 1
    return SubmitOrder(
        intent.cloid, approved.approval_id, intent.coin, asset, 4, intent.side, intent.px, intent.sz, intent.tif,
        intent.reduce_only, intent.replaces, Ns(now + 5 * SECOND),
    )  # fmt: skip


def tampered(order: SubmitOrder, draw: random.Random) -> SubmitOrder:
    """The order with one thing changed that the approval fixes."""
    changes: dict[str, Any] = draw.choice([
        {"sz": Sz(order.sz + 1)},
        {"px": Px(order.px + draw.choice([-1, 1]))},
        {"side": order.side.opposite},
        {"coin": "SOL"},
        {"reduce_only": not order.reduce_only},
        {"tif": draw.choice([tif for tif in Tif if tif is not order.tif])},
        {"replaces": None if order.replaces else cloid_for(1, 2, 3)},
        {"cloid": cloid_for(1, 3, draw.randint(0, 9))},
        {"approval_id": order.approval_id + 10**7},
    ])  # fmt: skip
    return msgspec.structs.replace(order, **changes)


def alone(hat: SecurityArchitect, message: AnyMessage, now: Ns) -> list[AnyMessage]:
    """What it says of a message that comes alone."""
    return [*hat.handle(message, now), *(each for _, each in hat.settle(now))]


def test_a_thousand_tampered_orders() -> None:
    """1,000 orders that are tampered with, replayed or late are all refused, and every right one is signed."""
    draw, hat = random.Random(7), SecurityArchitect(Settings())
    refused = asked = 0
    for number in range(1, 1_001):
        now = Ns(START + number * 10 * MS)
        approved = approval(number, draw, now)
        order = fitting(approved, now)
        hat.handle(approved, now)
        way = draw.choice(["tampered", "replayed", "late"])
        if way == "replayed":
            assert [type(message) for message in alone(hat, order, now)] == [SignRequest]
            asked += 1
        wrong = tampered(order, draw) if way == "tampered" else order
        when = Ns(approved.expires_ns) if way == "late" else now
        said = alone(hat, wrong, when)
        assert [type(message) for message in said] == [SignatureRefused], (way, wrong)
        refused += 1
        if way == "tampered":
            assert [type(message) for message in alone(hat, order, now)] == [SignRequest]
            asked += 1
    assert refused == 1_000
    assert asked > 500


STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["approve", "order", "tampered", "again", "cancel", "kill", "resume"]),
        st.integers(-2 * SECOND, 2 * SECOND),
    ),
    max_size=60,
)


def played(steps: list[tuple[str, int]], seed: int, restart_at: int = -1) -> list[AnyMessage]:
    """Everything said in a random life, the clock stepping back and forth; a snapshot is restored midway."""
    draw, hat, now = random.Random(seed), SecurityArchitect(Settings()), START
    known: list[OrderApproved] = []
    said: list[AnyMessage] = []
    for number, (step, moved_ns) in enumerate(steps):
        if number == restart_at:
            data, hat = snapshot(hat), SecurityArchitect(Settings())
            restore(hat, data)
            assert snapshot(hat) == data
        now += moved_ns
        for message in messages_of(step, number, known, draw, now):
            said += alone(hat, message, Ns(now))
    return said


def messages_of(step: str, number: int, known: list[OrderApproved], draw: random.Random, now: int) -> list[AnyMessage]:
    """What the Hat is told in one step."""
    if step == "approve":
        known.append(approval(number + 1, draw, now))
        return [known[-1]]
    if step == "kill":
        return [KillOrdered(KillLevel.PAUSE, "x")]
    if step == "resume":
        return [ResumeOrdered("x")]
    if step == "cancel":
        return [CancelOrder(cloid_for(1, 1, number), "BTC", 0, Ns(now + SECOND))]
    if not known:
        return []
    order = fitting(draw.choice(known), now)
    return [tampered(order, draw)] if step == "tampered" else [order] * (2 if step == "again" else 1)


@settings(max_examples=80)
@given(steps=STEPS, seed=st.integers(0, 2**32), restart_at=st.integers(0, 60))
def test_laws(steps: list[tuple[str, int]], seed: int, restart_at: int) -> None:
    """Nonces rise under any clock; one approval, one request; the audit chain is whole; a restart changes nothing."""
    said = played(steps, seed)
    requests = [message for message in said if isinstance(message, SignRequest)]
    nonces = [request.nonce for request in requests]
    assert nonces == sorted(set(nonces))
    placed = [request.cloid for request in requests if request.kind != "cancel"]
    assert len(placed) == len(set(placed))
    head = Head()
    for message in said:
        if isinstance(message, AuditRecord):
            head = follow(head, message)
    assert played(steps, seed, restart_at) == said
