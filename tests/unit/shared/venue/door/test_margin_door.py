"""Margin and liquidation as clients see them: actions, states, fills, events, metadata."""

from __future__ import annotations

import json
from typing import Any

from shared.instrument import Instrument
from shared.units import SECOND, USD, Ns, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import MarginMode, list_perp
from shared.venue.core.policy import LIQUIDATOR
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from tests.unit.shared.venue.door.door_fixture import ALICE, ETH, MAKER, Socket, make_door
from tests.unit.shared.venue.door.wire_client import START, order_action, order_wire, post

DONE = {"status": "ok", "response": {"type": "default"}}
ETH_FIRST = Instrument("ETH", 0, 4, 25)
CRASH = Ns(START + 3 * SECOND)


def _long(is_cross: bool) -> Door:
    """Alice is long 10 ETH at 3000 and 20x against the maker."""
    door = make_door()
    door.apply(SetPrices(1, ETH.px("3000")), START)
    leverage = {"type": "updateLeverage", "asset": 1, "isCross": is_cross, "leverage": 20}
    assert ALICE.send(door, leverage) == DONE
    _rest(door, False, "3000", "10")
    ALICE.send(door, order_action(order_wire("3000", "10", tif="Ioc", asset=1)))
    return door


def _rest(door: Door, is_buy: bool, px: str, sz: str, now: Ns = START) -> None:
    order = OrderSpec(1, is_buy, ETH.px(px), ETH.sz(sz), False, Tif.GTC)
    door.apply(PlaceOrders(MAKER, (order,)), now)


def _info(door: Door, kind: str, **more: Any) -> Any:
    return post(door, "/info", {"type": kind, "user": ALICE.address, **more})


def test_isolated_margin_over_the_wire() -> None:
    """`updateIsolatedMargin` and `topUpIsolatedOnlyMargin` as clients sign them, and the state that follows."""
    door = _long(is_cross=False)
    add = {"type": "updateIsolatedMargin", "asset": 1, "isBuy": True, "ntli": 513_500_000}
    assert ALICE.send(door, add) == DONE
    position = _info(door, "clearinghouseState")["assetPositions"][0]["position"]
    assert position["leverage"] == {"type": "isolated", "value": 20, "rawUsd": "-28000.0"}
    assert position["marginUsed"] == "2000.0"
    assert ALICE.send(door, {"type": "topUpIsolatedOnlyMargin", "asset": 1, "leverage": "12.5"}) == DONE
    assert _info(door, "activeAssetData", coin="ETH")["leverage"]["rawUsd"] == "-27600.0"
    nothing = {"type": "updateIsolatedMargin", "asset": 1, "isBuy": True, "ntli": 0}
    assert ALICE.send(door, nothing) == {"status": "err", "response": "Update to isolated margin cannot be zero."}
    state = _info(door, "clearinghouseState")
    assert (state["marginSummary"]["totalMarginUsed"], state["crossMarginSummary"]["totalMarginUsed"]) == (
        "2400.0",
        "0.0",
    )


def test_a_backstop_names_the_liquidated_side_on_both_sides() -> None:
    """Two fills with `Liquidated Isolated Long` and method backstop; the user hears of the liquidation."""
    door = _long(is_cross=False)
    socket = Socket(door)
    socket.subscribe("userEvents", user=ALICE.address)
    door.apply(SetPrices(1, ETH.px("2880")), CRASH)
    mine = _info(door, "userFills")[0]
    vault = post(door, "/info", {"type": "userFills", "user": LIQUIDATOR})[0]
    wanted = {"liquidatedUser": ALICE.address, "markPx": "2880.0", "method": "backstop"}
    assert mine["liquidation"] == vault["liquidation"] == wanted
    assert mine["dir"] == vault["dir"] == "Liquidated Isolated Long"
    assert (mine["side"], vault["side"], mine["tid"] == vault["tid"]) == ("A", "B", True)
    told = [frame["data"] for frame in socket.heard() if frame["channel"] == "user"]
    assert {
        "lid": 1,
        "liquidator": LIQUIDATOR,
        "liquidated_user": ALICE.address,
        "liquidated_ntl_pos": "28800.0",
        "liquidated_account_value": "286.5",
    } in [data.get("liquidation") for data in told]


def test_a_market_liquidation_looks_like_a_close() -> None:
    """`Close Long` with method market; the order reads Market and LiquidationMarket."""
    door = _long(is_cross=False)
    _rest(door, True, "2900", "20")
    door.apply(SetPrices(1, ETH.px("2902")), CRASH)
    fill = _info(door, "userFills")[0]
    assert (fill["dir"], fill["liquidation"]["method"]) == ("Close Long", "market")
    order = _info(door, "orderStatus", oid=fill["oid"])["order"]["order"]
    assert (order["orderType"], order["tif"]) == ("Market", "LiquidationMarket")


def test_deleveraging_says_so_on_both_sides() -> None:
    """`Auto-Deleveraging` for the bankrupt and for the winner."""
    door = _long(is_cross=False)
    door.apply(SetPrices(1, ETH.px("2500")), CRASH)
    winner = post(door, "/info", {"type": "userFills", "user": MAKER})[0]
    assert _info(door, "userFills")[0]["dir"] == winner["dir"] == "Auto-Deleveraging"
    assert winner["liquidation"]["liquidatedUser"] == ALICE.address


def test_no_user_can_send_a_liquidation_order() -> None:
    """The time in force is the exchange's own."""
    door = make_door()
    body = ALICE.body(order_action(order_wire("50000", "0.1", tif="LiquidationMarket")))
    assert door.http("/exchange", "application/json", json.dumps(body).encode(), START)[0] == 422


def test_metadata_tells_which_assets_are_never_cross() -> None:
    """`onlyIsolated` and `marginMode` appear only where they are set."""
    exchange = Exchange([list_perp(ETH_FIRST, margin_mode=MarginMode.STRICT_ISOLATED)], start_ns=START)
    door = Door(exchange, DoorSettings(), START)
    door.apply(Deposit(ALICE.address, Usd(USD)), START)
    (row,) = post(door, "/info", {"type": "meta"})["universe"]
    assert (row["onlyIsolated"], row["marginMode"]) == (True, "strictIsolated")
    assert _info(door, "activeAssetData", coin="ETH")["leverage"] == {"type": "isolated", "value": 20, "rawUsd": "0.0"}
    assert "onlyIsolated" not in post(make_door(), "/info", {"type": "meta"})["universe"][0]
