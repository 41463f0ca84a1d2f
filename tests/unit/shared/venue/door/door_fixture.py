"""A small exchange behind a door, with a maker on the book, for door tests."""

from __future__ import annotations

import json
from typing import Any

from shared.instrument import Instrument
from shared.units import USD, Ns, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from tests.unit.shared.venue.door.wire_client import START, WireClient

BTC = Instrument("BTC", 0, 5, 40)
ETH = Instrument("ETH", 1, 4, 25)
MAKER = "0x" + "ee" * 20
ALICE = WireClient(1)
BOB = WireClient(2)


def make_door(now: Ns = START, **chosen: Any) -> Door:
    """BTC 49950 / 50050 by an internal maker with 5 BTC a side; Alice and Bob have 100,000 USDC each.

    It begins at `now`; one that is served by the wall clock should, or it lives through the hours of years first.
    """
    fund = {client.address: Usd(100_000 * USD) for client in (ALICE, BOB)}
    settings = DoorSettings(**({"fund": fund} | chosen))
    door = Door(Exchange([list_perp(BTC), list_perp(ETH)], start_ns=now), settings, now)
    door.apply(Deposit(MAKER, Usd(50_000_000 * USD)), now)
    door.apply(SetPrices(0, BTC.px("50000")), now)
    door.apply(PlaceOrders(MAKER, (maker_order(True, "49950"), maker_order(False, "50050"))), now)
    return door


def maker_order(is_buy: bool, px: str, sz: str = "5") -> OrderSpec:
    """A resting order on BTC."""
    return OrderSpec(0, is_buy, BTC.px(px), BTC.sz(sz), False, Tif.ALO)


class Socket:
    """One WebSocket connection to a door, in process."""

    def __init__(self, door: Door, now: Ns = START, client: str = "") -> None:
        self.door = door
        self.number = door.connect(now, client)

    def send(self, message: Any, now: Ns = START) -> list[Any]:
        """What the door says to this connection upon `message`, with whatever waited before it."""
        self.door.receive(self.number, message if isinstance(message, str) else json.dumps(message), now)
        return self.heard()

    def heard(self) -> list[Any]:
        """Frames for this connection since the last look; those of others are lost."""
        return [json.loads(frame) for number, frame in self.door.drain_outbox() if number == self.number]

    def subscribe(self, kind: str, now: Ns = START, **rest: Any) -> list[Any]:
        """The answer to a subscription."""
        return self.send({"method": "subscribe", "subscription": {"type": kind, **rest}}, now)

    def post(self, kind: str, payload: Any, now: Ns = START) -> Any:
        """The response to a post; frames before it are lost."""
        frame = self.send({"method": "post", "id": 7, "request": {"type": kind, "payload": payload}}, now)[-1]
        assert (frame["channel"], frame["data"]["id"]) == ("post", 7)
        return frame["data"]["response"]
