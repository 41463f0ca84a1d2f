"""Faults that happen to coins and users: done once, undone where they end, recorded when there is nothing to do."""

from __future__ import annotations

from typing import Any

import pytest

from shared.units import MS, Ns
from shared.venue.core.events import FillHappened
from shared.venue.door.door import Door
from shared.venue.door.mischief import Mischief
from shared.venue.faults.catalogue import (
    AnyFault,
    AutoDeleverage,
    ChangeMeta,
    DelistCoin,
    ExpireAgents,
    ForceLiquidation,
    FundingSpike,
    HaltTrading,
)
from shared.venue.faults.engine import Faults
from tests.unit.shared.venue.door.door_fixture import ALICE, make_door
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire, post


def after(door: Door, *faults: AnyFault, ms: int = 0) -> Faults:
    """The engine when the faults were armed at the start and `ms` went by."""
    engine = Faults()
    mischief = Mischief(engine)
    for fault in faults:
        engine.arm(fault, START)
    for step in sorted({0, ms}):
        mischief.act(door, Ns(START + step * MS))
    return engine


def buy(door: Door, ms: int = 0) -> Any:
    """The status of an order that would fill."""
    action = order_action(order_wire("50100", "0.5", tif="Ioc"))
    return ALICE.send(door, action, Ns(START + ms * MS))["response"]


def position(door: Door, user: str) -> int:
    """Signed lots of BTC."""
    return sum(one.net_sz for one in door.exchange.account(user).positions)


def test_a_halt_begins_and_ends() -> None:
    """Orders are refused meanwhile, with the venue's words."""
    door = make_door()
    engine = Faults()
    mischief = Mischief(engine)
    engine.arm(HaltTrading(coin="BTC", for_ms=100), START)
    mischief.act(door, START)
    assert buy(door) == "Trading is halted"
    mischief.act(door, Ns(START + 100 * MS))
    assert "filled" in buy(door, 100)["data"]["statuses"][0]
    assert not engine.armed


def test_a_delisting_settles_and_stays() -> None:
    """The position is gone, the listing says so, and a second one is only recorded."""
    door = make_door()
    buy(door)
    engine = after(door, DelistCoin(coin="BTC"), DelistCoin(coin="BTC"))
    assert position(door, ALICE.address) == 0
    assert door.exchange.listings[0].instrument.is_delisted
    assert [strike.target for strike in engine.strikes] == ["BTC", "BTC was delisted before"]


def test_meta_changes() -> None:
    """The new leverage is told and holds."""
    door = make_door()
    after(door, ChangeMeta(coin="BTC", max_leverage=7))
    assert door.exchange.listings[0].instrument.max_leverage == 7


def test_funding_spikes_and_comes_back() -> None:
    """The running rate is at its cap, and the next sample after the end is the book's."""
    door = make_door()
    after(door, FundingSpike(coin="BTC", premium=1.0))
    for second in range(1, 20):
        door.due(Ns(START + second * 1_000 * MS))
    assert door.exchange.asset_view(0).rate_e10 == 400_000_000


@pytest.mark.parametrize(
    ("fault", "method"),
    [
        (ForceLiquidation(user=ALICE.address), "market"),
        (ForceLiquidation(user=ALICE.address, method="backstop"), "backstop"),
        (AutoDeleverage(user=ALICE.address), "adl"),
    ],
)
def test_positions_are_taken(fault: AnyFault, method: str) -> None:
    """The user is flat and was told how; nobody else's position is left without its other side."""
    door = make_door()
    buy(door)
    assert position(door, ALICE.address) == 50_000
    engine = after(door, fault)
    assert position(door, ALICE.address) == 0
    assert sum(position(door, user) for user in door.exchange.users()) == 0
    last: FillHappened = door.exchange.fills(ALICE.address)[-1]
    assert last.liquidation is not None
    assert last.liquidation.method == method
    assert engine.strikes[0].target == ALICE.address


def test_agents_expire() -> None:
    """An approved key does not exist any more."""
    door = make_door()
    post(door, "/exchange", ALICE.agent_body("0x" + "a9" * 20, "desk"))
    assert post(door, "/info", {"type": "extraAgents", "user": ALICE.address})
    engine = after(door, ExpireAgents(user=ALICE.address))
    assert post(door, "/info", {"type": "extraAgents", "user": ALICE.address}) == []
    assert engine.strikes[0].target == f"1 agents of {ALICE.address}"


def test_what_is_not_there_is_recorded() -> None:
    """A coin or user that does not exist changes nothing."""
    door = make_door()
    before = [door.exchange.account(user) for user in door.exchange.users()]
    engine = after(door, HaltTrading(coin="NOSUCH"), ForceLiquidation(user="0x" + "99" * 20))
    assert engine.strikes[0].target == "no coin NOSUCH"
    assert "Must deposit" in engine.strikes[1].target
    assert [door.exchange.account(user) for user in door.exchange.users()] == before
