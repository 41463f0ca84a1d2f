"""The official SDK's own examples that trade, step by step with the unmodified SDK, asserting what each prints.

docs/venue.md has the table of all examples and the tests that hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from hyperliquid.utils.signing import get_timestamp_ms
from hyperliquid.utils.types import Cloid

from shared.clock import WallClock
from tests.contract.example_venue import DEX, make_door
from tests.contract.sdk_venue import DONE, Client, Clients, clients_of, only, served

KEYS = iter(range(1, 60))
GTC = {"limit": {"tif": "Gtc"}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running exchange with all that the examples need."""
    with served(make_door, WallClock()) as address:
        yield address


@pytest.fixture
def make_client(url: str) -> Iterator[Clients]:
    """Makes clients with funded keys of their own, or with the key given."""
    with clients_of(url, KEYS) as make:
        yield make


def rested(client: Client, coin: str, sz: float, px: float, **rest: Any) -> int:
    """Id of a resting buy, found again by that id, as most examples begin."""
    oid: int = only(client.exchange.order(coin, True, sz, px, GTC, **rest))["resting"]["oid"]
    found = client.info.query_order_by_oid(client.address, oid)
    assert (found["status"], found["order"]["status"], found["order"]["order"]["oid"]) == ("order", "open", oid)
    return oid


def test_example_utils_setup(make_client: Clients) -> None:
    """`example_utils.setup`: an account with equity, so that an example runs at all; an unknown one has none."""
    client = make_client()
    assert float(client.info.user_state(client.address)["marginSummary"]["accountValue"]) == 100_000
    assert len(client.info.spot_user_state(client.address)["balances"]) == 2
    nobody = Account.create().address
    assert float(client.info.user_state(nobody)["marginSummary"]["accountValue"]) == 0
    assert client.info.spot_user_state(nobody)["balances"] == []


def test_basic_agent(make_client: Clients) -> None:
    """`basic_agent.py`: a session's agent and a persisting one each rest an order and cancel it."""
    master = make_client()
    for name in (None, "persist"):
        reply, key = master.exchange.approve_agent(name)
        assert reply == DONE
        agent = make_client(Account.from_key(key), account_address=master.address)
        status = only(agent.exchange.order("ETH", True, 0.2, 1000, GTC))
        assert only(agent.exchange.cancel("ETH", status["resting"]["oid"])) == "success"
    assert [row["name"] for row in master.info.extra_agents(master.address)] == ["persist"]


def test_basic_leverage_adjustment(make_client: Clients) -> None:
    """`basic_leverage_adjustment.py`: cross, isolated, a dollar more; state tells it, and a position holds the mode."""
    client = make_client()

    def shown() -> Any:
        (row,) = client.info.user_state(client.address)["assetPositions"]
        return row["position"]["leverage"]

    assert client.exchange.update_leverage(21, "ETH") == DONE
    only(client.exchange.market_open("ETH", True, 0.05))
    assert shown() == {"type": "cross", "value": 21}
    text = "Cannot switch leverage type with open position."
    assert client.exchange.update_leverage(21, "ETH", False)["response"] == text
    only(client.exchange.market_close("ETH"))
    assert client.exchange.update_leverage(21, "ETH", False) == DONE
    only(client.exchange.market_open("ETH", True, 0.05))
    before = shown()
    assert (before["type"], before["value"]) == ("isolated", 21)
    assert client.exchange.update_isolated_margin(1, "ETH") == DONE
    assert float(shown()["rawUsd"]) == pytest.approx(float(before["rawUsd"]) + 1)


def test_basic_market_order(make_client: Clients) -> None:
    """`basic_market_order.py`: sold at the market, then all of it closed."""
    client = make_client()
    sold = only(client.exchange.market_open("ETH", False, 0.05, None, 0.01))["filled"]
    assert (sold["totalSz"], sold["avgPx"]) == ("0.05", "1998.0")
    closed = only(client.exchange.market_close("ETH"))["filled"]
    assert (closed["totalSz"], closed["avgPx"]) == ("0.05", "2002.0")
    assert closed["oid"] != sold["oid"]
    assert client.exchange.market_close("ETH") is None


def test_basic_order_modify(make_client: Clients) -> None:
    """`basic_order_modify.py`: modified by id with a client id, then by that client id without one."""
    client = make_client()
    cloid = Cloid.from_str("0x00000000000000000000000000000001")
    oid = rested(client, "ETH", 0.2, 1100, cloid=cloid)
    by_oid = only(client.exchange.modify_order(oid, "ETH", True, 0.1, 1105, GTC, cloid=cloid))["resting"]
    assert by_oid["cloid"] == cloid.to_raw()
    by_cloid = only(client.exchange.modify_order(cloid, "ETH", True, 0.1, 1105, GTC))["resting"]
    (order,) = client.info.open_orders(client.address)
    assert (order["oid"], order["limitPx"], order["sz"]) == (by_cloid["oid"], "1105.0", "0.1")


def test_basic_order_with_cloid(make_client: Clients) -> None:
    """`basic_order_with_cloid.py`: found by client id, another is unknown, cancelled by client id."""
    client = make_client()
    cloid = Cloid.from_str("0x00000000000000000000000000000001")
    rested(client, "ETH", 0.2, 1100, cloid=cloid)
    found = client.info.query_order_by_cloid(client.address, cloid)
    assert (found["order"]["status"], found["order"]["order"]["cloid"]) == ("open", cloid.to_raw())
    assert client.info.query_order_by_cloid(client.address, Cloid.from_int(2)) == {"status": "unknownOid"}
    assert only(client.exchange.cancel_by_cloid("ETH", cloid)) == "success"


def test_basic_order_with_builder_deployed_dex(make_client: Clients) -> None:
    """`basic_order_with_builder_deployed_dex.py`: the deployed dex's meta, and an order on it with its money there."""
    client = make_client(perp_dexs=[DEX.name])
    assert client.info.user_state(client.address)["assetPositions"] == []
    (coin,) = client.info.meta(dex=DEX.name)["universe"]
    assert (coin["name"], coin["szDecimals"]) == ("test:ABC", 0)
    poor = only(client.exchange.order("test:ABC", True, 20, 1, GTC))
    assert poor == {"error": "Insufficient margin to place order. asset=110000"}
    assert client.exchange.send_asset(client.address, "", DEX.name, "USDC", 100) == DONE
    oid = rested(client, "test:ABC", 20, 1)
    assert only(client.exchange.cancel("test:ABC", oid)) == "success"


@pytest.mark.parametrize("is_long", [True, False])
def test_basic_tpsl(make_client: Clients, is_long: bool) -> None:
    """`basic_tpsl.py`, with and without `--is_buy`: an IOC entry at 184.8 with both exits in one batch.

    A short at 184.8 finds no buyer, and its exits end with it.
    """
    client = make_client()
    px = 184.80
    entry = {"coin": "SOL", "is_buy": is_long, "sz": 1, "limit_px": px, "order_type": {"limit": {"tif": "Ioc"}}}
    orders = [entry | {"reduce_only": False}]
    for at, kind in ((px * 1.05, "tp"), (px * 0.95, "sl")):
        trigger = {"trigger": {"isMarket": True, "triggerPx": at, "tpsl": kind}}
        exit_ = {"coin": "SOL", "is_buy": not is_long, "sz": 1, "limit_px": at, "order_type": trigger}
        orders.append(exit_ | {"reduce_only": True})
    reply = client.exchange.bulk_orders(orders, grouping="normalTpsl")
    first, *children = reply["response"]["data"]["statuses"]
    shown = client.info.frontend_open_orders(client.address)
    if is_long:
        assert first["filled"]["totalSz"] == "1.0"
        assert children == ["waitingForTrigger", "waitingForTrigger"]
        assert {row["triggerPx"] for row in shown} == {"194.04", "175.56"}
    else:
        assert first == {"error": "Order could not immediately match against any resting orders. asset=2"}
        assert shown == []


def test_order_examples(make_client: Clients) -> None:
    """`order_examples.py`: market and limit by size and by notional, stops, a take-profit, a bracket, a change."""
    client = make_client()
    exchange = client.exchange
    assert only(exchange.market_open("ETH", True, 0.1, None, 0.01))["filled"]["totalSz"] == "0.1"
    assert only(exchange.market_open("BTC", False, round(1000 / 50_000, 5)))["filled"]["totalSz"] == "0.02"
    assert "resting" in only(exchange.order("ETH", True, 0.1, 1800, GTC))
    assert "error" in only(exchange.order("ETH", False, round(2000 / 1900, 4), 1900, {"limit": {"tif": "Alo"}}))

    def trigger(px: float, kind: str, is_market: bool = True) -> Any:
        return {"trigger": {"triggerPx": px, "isMarket": is_market, "tpsl": kind}}

    for coin, is_buy, sz, px, kind in (
        ("ETH", False, 0.1, 1750, trigger(1750, "sl")),
        ("BTC", True, 0.02, 55_100, trigger(55_000, "sl", is_market=False)),
        ("ETH", False, 0.1, 2100, trigger(2100, "tp")),
    ):
        assert "resting" in only(exchange.order(coin, is_buy, sz, px, kind, reduce_only=True)), kind
    oid = rested(client, "ETH", 0.1, 1750, cloid=Cloid.from_int(2))
    assert "resting" in only(exchange.modify_order(oid, "ETH", True, 0.15, 1760, GTC))
    kinds = sorted(row["orderType"] for row in client.info.frontend_open_orders(client.address))
    assert kinds == ["Limit", "Limit", "Stop Limit", "Stop Market", "Take Profit Market"]


def test_rounding(make_client: Clients) -> None:
    """`rounding.py`: what has too many digits is refused; rounded as the example does, it rests."""
    client = make_client()
    decimals = {row["name"]: row["szDecimals"] for row in client.info.meta()["universe"]}
    sz, px, coin = 12.345678, 1.2345678, "OP"
    assert "error" in only(client.exchange.order(coin, True, round(sz, 1), px, GTC))
    assert only(client.exchange.order(coin, True, sz, 1.2, GTC)) == {"error": "Order has invalid size."}
    px = round(float(f"{px:.5g}"), 6 - decimals[coin])
    oid = rested(client, coin, round(sz, decimals[coin]), px)
    assert only(client.exchange.cancel(coin, oid)) == "success"


def test_basic_spot_order(make_client: Clients) -> None:
    """`basic_spot_order.py`: balances, a resting order for a pair, cancelled."""
    client = make_client()
    coins = [balance["coin"] for balance in client.info.spot_user_state(client.address)["balances"]]
    assert coins == ["USDC", "PURR"]
    oid = rested(client, "PURR/USDC", 1200, 0.01)
    assert only(client.exchange.cancel("PURR/USDC", oid)) == "success"


def test_cancel_open_orders(make_client: Clients) -> None:
    """`cancel_open_orders.py`: one by one until none is left, on perps and spot."""
    client = make_client()
    for coin, sz, px in (("ETH", 0.2, 1100), ("BTC", 0.01, 30_000), ("PURR/USDC", 1200, 0.01)):
        rested(client, coin, sz, px)
    orders = client.info.open_orders(client.address)
    assert len(orders) == 3
    for order in orders:
        assert only(client.exchange.cancel(order["coin"], order["oid"])) == "success"
    assert client.info.open_orders(client.address) == []


def test_grid_trading_bot(make_client: Clients) -> None:
    """`basic_grid_trading_bot.py`: ten orders on each side of the book's middle, each found again by its id."""
    client = make_client()
    bids, asks = client.info.l2_snapshot("ETH")["levels"]
    middle = (float(bids[0]["px"]) + float(asks[0]["px"])) / 2
    oids = []
    for step in range(1, 11):
        for sign in (-1, 1):
            px = middle * (1 + sign * step * 0.01)
            oids.append(only(client.exchange.order("ETH", sign < 0, 0.1, px, GTC))["resting"]["oid"])
    for oid in oids:
        assert client.info.query_order_by_oid(client.address, oid)["order"]["status"] == "open"
    assert len(client.info.open_orders(client.address)) == 20


def test_expires_after(make_client: Clients) -> None:
    """An order with a time to live is taken before that time and refused after it; None takes the limit away."""
    client = make_client()
    client.exchange.set_expires_after(get_timestamp_ms() + 60_000)
    rested(client, "ETH", 0.2, 1100)
    client.exchange.set_expires_after(get_timestamp_ms() - 1_000)
    assert client.exchange.order("ETH", True, 0.2, 1100, GTC)["response"] == "Action already expired"
    client.exchange.set_expires_after(None)
    rested(client, "ETH", 0.2, 1100)
