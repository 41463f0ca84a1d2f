"""Whatever places orders (limits, triggers, TWAPs, replacements, batches) is refused if a leaf of it is altered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.security_architect.actions import to_json
from hats.security_architect.packing import Pack, Piece, action_of
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.frames import Ask, Refused, Signed
from hats.security_architect.signer.nonces import NonceBook
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey, Ticket, ticket_of
from shared.ids import Cloid, cloid_for
from shared.messages.order import SubmitOrder
from shared.order import How, Side, Tif, Trigger, TriggerKind, VenueTwap
from shared.units import MS, SECOND, USD, Ns, Px, Sz

NOW: Final = Ns(1_000_000 * SECOND)
KEY: Final = ApprovalKey(b"\x05" * 32)
AGENT: Final = AgentKey(b"\x07" * 32, Network.TESTNET)
POLICY: Final = Policy(
    network=Network.TESTNET, assets=tuple(AssetRule(asset) for asset in range(4)), max_notional_usd=10**9 * USD
)
STOP: Final = Trigger(Px(900_000), TriggerKind.STOP_LOSS)
PROFIT: Final = Trigger(Px(1_200_000), TriggerKind.TAKE_PROFIT)


def wanted(
    number: int, *, how: How | None = None, tif: Tif = Tif.GTC, reduce_only: bool = False, replaces: Cloid | None = None
) -> SubmitOrder:
    """An order that was approved."""
    return SubmitOrder(
        cloid_for(7, 1, number), number, "AAA", number % 3, 0, Side.SELL, Px(850_000), Sz(20 + number), tif,
        reduce_only, replaces, Ns(NOW + SECOND), how,
    )  # fmt: skip


def ticket(order: SubmitOrder) -> Ticket:
    """The Risk Officer's word on it."""
    bare = ticket_of(
        approval_id=order.approval_id, expires_ns=Ns(NOW + 2 * SECOND), cloid=order.cloid, coin=order.coin,
        asset=order.asset, sz_decimals=0, side=order.side, px=order.px, sz=order.sz, tif=order.tif,
        reduce_only=order.reduce_only, replaces=order.replaces, how=order.how,
    )  # fmt: skip
    return msgspec.structs.replace(bare, mac=KEY.seal(bare))


def of(orders: Sequence[SubmitOrder]) -> Ask:
    """One action that places them all."""
    pack = Pack(tuple(Piece(index, order, ticket(order)) for index, order in enumerate(orders)))
    return Ask(1, to_json(action_of(pack)), NOW // MS, (NOW + SECOND) // MS, pack.tickets)


GENUINE: Final[dict[str, Callable[[], Ask]]] = {
    "limit": lambda: of([wanted(1)]),
    "stop": lambda: of([wanted(1, how=STOP, tif=Tif.IOC, reduce_only=True)]),
    "profit at a limit": lambda: of([wanted(1, how=PROFIT, reduce_only=True)]),
    "replacement": lambda: of([wanted(1, replaces=cloid_for(7, 1, 99))]),
    "twap": lambda: of([wanted(1, how=VenueTwap(30, randomize=False))]),
    "reducing twap": lambda: of([wanted(1, how=VenueTwap(30, randomize=True), reduce_only=True)]),
    "batch": lambda: of([wanted(1), wanted(2, tif=Tif.ALO), wanted(3, how=STOP, tif=Tif.IOC, reduce_only=True)]),
    "batch of replacements": lambda: of([wanted(n, replaces=cloid_for(7, 1, 90 + n)) for n in (1, 2)]),
}


def decided(ask: Ask) -> Signed | Refused:
    """What a fresh signer says."""
    answer = Signer(POLICY, AGENT, NonceBook(), TicketBook(KEY)).decide(ask, NOW // MS).answer
    assert isinstance(answer, Signed | Refused)
    return answer


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where the values of a JSON document are."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def with_leaf(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The document with another value there."""
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


def leaf(document: Any, path: tuple[str | int, ...]) -> Any:
    """The value there."""
    for key in path:
        document = document[key]
    return document


OTHER_TEXTS: Final = ("1", "0.5", "900001", "Ioc", "Gtc", "Alo", "tp", "sl", "na", "positionTpsl", "0x" + "2" * 32)


def others(value: Any) -> list[Any]:
    """What may stand there instead."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 0 if value else 3]
    return [text for text in OTHER_TEXTS if text != value]


@pytest.mark.parametrize("name", GENUINE)
def test_the_genuine_one_is_signed(name: str) -> None:
    """So that a refusal below is one of what was altered."""
    assert isinstance(decided(GENUINE[name]()), Signed)


@pytest.mark.parametrize("name", GENUINE)
def test_no_leaf_of_an_action_can_be_altered(name: str) -> None:
    """Each value of the action, each for every other that might fit: refused."""
    ask = GENUINE[name]()
    document = json.loads(ask.action)
    tried = 0
    for path in leaves(document):
        for other in others(leaf(document, path)):
            body = msgspec.json.encode(with_leaf(document, path, other))
            assert isinstance(decided(msgspec.structs.replace(ask, action=body)), Refused), (path, other)
            tried += 1
    assert tried >= 10


@pytest.mark.parametrize("name", GENUINE)
def test_no_field_of_a_ticket_can_be_altered(name: str) -> None:
    """Nor in the ticket alone, what it says of the trigger included."""
    ask = GENUINE[name]()
    for number, real in enumerate(ask.tickets):
        document = msgspec.to_builtins(real)
        for path in leaves(document):
            value = leaf(document, path)
            for other in [value + "00"] if path == (len(document) - 1,) else others(value):
                try:
                    forged = msgspec.convert(with_leaf(document, path, other), Ticket)
                except msgspec.ValidationError:
                    continue
                tickets = (*ask.tickets[:number], forged, *ask.tickets[number + 1 :])
                assert isinstance(decided(msgspec.structs.replace(ask, tickets=tickets)), Refused), (path, other)


def test_the_tickets_of_a_batch_cannot_change_places_or_be_left_out() -> None:
    """Each order stands on its own; one of another order, one twice, one too few or too many is refused."""
    ask = GENUINE["batch"]()
    first, second, third = ask.tickets
    for tickets in (
        (second, first, third), (first, first, third), (first, second), (first, second, third, ticket(wanted(9))), (),
    ):  # fmt: skip
        assert isinstance(decided(msgspec.structs.replace(ask, tickets=tickets)), Refused), tickets


def test_one_bad_order_of_a_batch_refuses_all_and_spends_nothing() -> None:
    """The others can be asked for again without it."""
    orders = [wanted(1), wanted(2)]
    signer = Signer(POLICY, AGENT, NonceBook(), TicketBook(KEY))
    ask = of(orders)
    bad = msgspec.structs.replace(ask, tickets=(ask.tickets[0], msgspec.structs.replace(ask.tickets[1], mac=b"x" * 32)))
    decision = signer.decide(bad, NOW // MS)
    assert isinstance(decision.answer, Refused)
    assert not decision.approval_ids
    assert isinstance(signer.decide(of([orders[0]]), NOW // MS).answer, Signed)


@pytest.mark.parametrize("how", [STOP, PROFIT])
def test_a_trigger_that_could_open_is_refused_even_with_a_genuine_seal(how: Trigger) -> None:
    """What sleeps at the venue may only reduce: the signer's own law, whoever approved."""
    assert isinstance(decided(of([wanted(1, how=how, tif=Tif.IOC)])), Refused)


@pytest.mark.parametrize(("minutes", "reduce_only"), [(4, False), (7 * 24 * 60 + 1, True)])
def test_a_twap_of_no_duration_that_the_venue_knows_is_refused(minutes: int, reduce_only: bool) -> None:
    """Even with a genuine seal."""
    how = VenueTwap(minutes, randomize=False)
    assert isinstance(decided(of([wanted(1, how=how, reduce_only=reduce_only)])), Refused)


def test_a_twap_is_held_to_the_caps_by_the_price_of_its_ticket() -> None:
    """Its wire has no price: one worth more than an order may be is refused, and one that only reduces is not."""
    low = msgspec.structs.replace(POLICY, max_notional_usd=10 * USD)
    for reduce_only, kind in ((False, Refused), (True, Signed)):
        ask = of([wanted(1, how=VenueTwap(30, randomize=False), reduce_only=reduce_only)])
        answer = Signer(low, AGENT, NonceBook(), TicketBook(KEY)).decide(ask, NOW // MS).answer
        assert isinstance(answer, kind), answer


def test_a_signer_without_approvals_signs_no_twap_that_may_add() -> None:
    """The watchdog's can end one, and reduce by one."""
    reducing = msgspec.structs.replace(POLICY, max_notional_usd=0)
    watchdog = Signer(reducing, AGENT, NonceBook(), None)
    adding = of([wanted(1, how=VenueTwap(30, randomize=False))])
    assert isinstance(watchdog.decide(adding, NOW // MS).answer, Refused)
    ending = msgspec.structs.replace(adding, action=b'{"type":"twapCancel","a":1,"t":7}', tickets=())
    assert isinstance(watchdog.decide(ending, NOW // MS).answer, Signed)


@given(st.binary(max_size=40))
def test_no_other_seal_opens_the_door(mac: bytes) -> None:
    """Whatever bytes stand for the seal."""
    ask = GENUINE["stop"]()
    forged = msgspec.structs.replace(ask.tickets[0], mac=mac)
    assert isinstance(decided(msgspec.structs.replace(ask, tickets=(forged,))), Refused)
