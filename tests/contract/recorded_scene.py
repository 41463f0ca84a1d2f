"""A venue on which enough has happened that no answer about it is empty, for comparing answers with recordings."""

from __future__ import annotations

from typing import Any, Final

from shared.instrument import Instrument
from shared.rules.spot import FIRST_SPOT_ASSET
from shared.units import HOUR, MINUTE, MS, SECOND, USD, Ns, Px, Usd
from shared.venue.core.commands import IssueToken, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp, list_spot
from shared.venue.core.tokens import USDC
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.flow.spot_coins import SPOT_PAIRS
from tests.unit.shared.venue.door.wire_client import START, WireClient, order_action, order_wire, post

MAKER: Final = "0x" + "ee" * 20
COINS: Final = (
    (Instrument("BTC", 0, 5, 40), "50000"),
    (Instrument("ETH", 1, 4, 25), "4305"),
    (Instrument("DYDX", 2, 1, 5), "2.11"),
    (Instrument("kPEPE", 3, 0, 10), "0.0016"),
    (Instrument("INJ", 4, 1, 10), "10.05"),
    (Instrument("HYPE", 5, 2, 10), "94.01"),
)
HYPE: Final = next(pair for pair in SPOT_PAIRS if pair.base.name == "HYPE")
CLOID: Final = "0x" + "ab" * 16


class Scene:
    """One user with orders of every kind, fills, funding, agents and a ledger, at a time some hours after START."""

    def __init__(self) -> None:
        self.user = WireClient(1)
        listings = [list_perp(instrument) for instrument, _ in COINS]
        listings += [list_spot(pair) for pair in SPOT_PAIRS]
        exchange = Exchange(listings, start_ns=START)
        fund = {self.user.address: Usd(100_000 * USD), MAKER: Usd(10**8 * USD)}
        self.now = START
        self.door = Door(exchange, DoorSettings(fund=fund), self.now)
        for instrument, px in COINS:
            self.door.apply(SetPrices(instrument.asset, instrument.px(px)), self.now)
        self._quote()
        self._hold_tokens()
        self._approve()
        self.filled_oid = self._trade()
        self._wait(2)
        self._rest()

    def ask(self, question: dict[str, Any]) -> Any:
        """The answer of the door's /info."""
        return post(self.door, "/info", question, self.now)

    def _send(self, action: dict[str, Any]) -> list[Any]:
        reply = self.user.send(self.door, action, self.now)
        assert reply["status"] == "ok", reply
        statuses: list[Any] = reply["response"]["data"]["statuses"]
        return statuses

    def _quote(self) -> None:
        """Five levels of a maker on both sides of every coin."""
        for instrument, px in COINS:
            mark, tick = instrument.px(px), instrument.tick(instrument.px(px))
            step = max(mark // 1_000 // tick, 1) * tick
            sz = instrument.sz(str(10**6 // max(int(float(px)), 1)))
            orders = tuple(
                OrderSpec(instrument.asset, is_buy, Px(mark + away * step), sz, False, Tif.ALO)
                for is_buy, sign in ((True, -1), (False, 1))
                for away in (sign * n for n in range(1, 6))
            )
            self.door.apply(PlaceOrders(MAKER, orders), self.now)

    def _hold_tokens(self) -> None:
        """USDC and a token on spot, a price for its pair, and an order that holds a part of it."""
        for token, amount in ((USDC, "50.5"), (HYPE.base, "100.25")):
            self.door.apply(IssueToken(self.user.address, token.index, token.wei(amount)), self.now)
        asset = FIRST_SPOT_ASSET + HYPE.index
        self.door.apply(SetPrices(asset, self.door.answers.instruments[asset].px("40")), self.now)
        self._send(order_action(order_wire("41", "2.5", is_buy=False, asset=asset)))

    def _approve(self) -> None:
        for number, name in enumerate(("first", "second")):
            address = "0x" + f"{number + 0xA0:02x}" * 20
            post(self.door, "/exchange", self.user.agent_body(address, name), self.now)

    def _trade(self) -> int:
        """The oid of a market order that filled; positions on three coins stay, one of them was partly closed."""
        buy = order_wire("4650", "1", tif="FrontendMarket", asset=1, c=CLOID)
        (opened,) = self._send(order_action(buy))
        self._send(order_action(order_wire("3960", "0.4", is_buy=False, tif="Ioc", asset=1, reduce_only=True)))
        self._send(order_action(order_wire("48000", "0.01", is_buy=False, tif="Ioc", asset=0)))
        self._send(order_action(order_wire("0.0017", "40000", tif="Ioc", asset=3)))
        oid: int = opened["filled"]["oid"]
        return oid

    def _wait(self, hours: int) -> None:
        """Hours go by, with a trade in each and prices that go on."""
        for _ in range(hours * 6):
            self.now = Ns(self.now + 10 * MINUTE)
            self.door.due(self.now)
        self._send(order_action(order_wire("0.0017", "40000", tif="Ioc", asset=3)))
        self.now = Ns((self.now // HOUR + 1) * HOUR + SECOND)
        self.door.due(self.now)

    def _rest(self) -> None:
        """Resting orders with and without cloid and reduce-only, a parent with children, one cancelled, one that met
        nobody."""
        plain, named, reducing = self._send(
            order_action(
                order_wire("45000", "0.01"),
                order_wire("45001", "0.01", c="0x" + "cd" * 16),
                order_wire("4900", "0.1", is_buy=False, asset=1, reduce_only=True),
            )
        )
        assert ("resting" in named, "resting" in reducing) == (True, True)
        self._send({"type": "cancel", "cancels": [{"a": 0, "o": plain["resting"]["oid"]}]})
        self._send(order_action(order_wire("45000", "0.01", tif="Ioc")))
        children = [self._child("11.5", "tp"), self._child("8.5", "sl")]
        self._send({"type": "order", "orders": [order_wire("9", "12.5", asset=4), *children], "grouping": "normalTpsl"})

    def _child(self, px: str, tpsl: str) -> dict[str, Any]:
        trigger = {"isMarket": True, "triggerPx": px, "tpsl": tpsl}
        return order_wire(px, "12.5", is_buy=False, asset=4, reduce_only=True) | {"t": {"trigger": trigger}}

    def translated(self, question: dict[str, Any], *, finds_order: bool) -> dict[str, Any]:
        """The recorded question about this scene's user, order and hours instead."""
        own: dict[str, Any] = {
            "user": self.user.address,
            "startTime": START // MS,
            "endTime": self.now // MS,
        }
        if finds_order:
            own["oid"] = self.filled_oid
        asked = {key: own.get(key, value) for key, value in question.items()}
        if "req" in asked:
            asked["req"] = {key: own.get(key, value) for key, value in asked["req"].items()}
        return asked
