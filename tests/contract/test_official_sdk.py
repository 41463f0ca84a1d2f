"""The unmodified official SDK trades on the local exchange over real sockets, as its own examples do."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from hyperliquid.utils.error import ClientError
from hyperliquid.utils.types import Cloid

from shared.clock import Clock, WallClock
from shared.instrument import Instrument
from shared.units import USD, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from tests.contract.sdk_venue import FUNDED, Clients, clients_of, only, served

BTC = Instrument("BTC", 0, 5, 40)
ETH = Instrument("ETH", 1, 4, 25)
MAKER = "0x" + "ee" * 20
KEYS = iter(range(1, 1000))


def _door(clock: Clock) -> Door:
    """An exchange with a book of one internal maker on both coins."""
    exchange = Exchange([list_perp(BTC), list_perp(ETH)], start_ns=clock.now())
    settings = DoorSettings(fund=FUNDED, l2_interval_ms=20, mids_interval_ms=20, max_connections=100)
    door = Door(exchange, settings, clock.now())
    door.apply(Deposit(MAKER, Usd(50_000_000 * USD)), clock.now())
    for coin, px in ((BTC, 50_000), (ETH, 2_000)):
        door.apply(SetPrices(coin.asset, coin.px(str(px))), clock.now())
        orders = [
            OrderSpec(coin.asset, sign < 0, coin.px(str(px + sign * step * px // 1000)), coin.sz("5"), False, Tif.ALO)
            for step in (1, 2, 3)
            for sign in (-1, 1)
        ]
        door.apply(PlaceOrders(MAKER, tuple(orders)), clock.now())
    return door


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running local exchange."""
    with served(_door, WallClock()) as address:
        yield address


@pytest.fixture
def make_client(url: str) -> Iterator[Clients]:
    """Makes clients with funded keys of their own, or with the key given."""
    with clients_of(url, KEYS) as make:
        yield make


def test_basic_order(make_client: Clients) -> None:
    """Place a resting order, find it by its id, cancel it: the SDK's basic_order."""
    client = make_client()
    assert float(client.info.user_state(client.address)["marginSummary"]["accountValue"]) == 100_000
    reply = client.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}})
    oid = only(reply)["resting"]["oid"]
    found = client.info.query_order_by_oid(client.address, oid)
    assert found["status"] == "order"
    assert found["order"]["order"]["limitPx"] == "1100.0"
    assert [order["oid"] for order in client.info.open_orders(client.address)] == [oid]
    assert client.info.frontend_open_orders(client.address)[0]["tif"] == "Gtc"
    assert only(client.exchange.cancel("ETH", oid)) == "success"
    again = only(client.exchange.cancel("ETH", oid))
    assert again == {"error": "Order was never placed, already canceled, or filled. asset=1"}
    assert client.info.query_order_by_oid(client.address, oid)["order"]["status"] == "canceled"


def test_basic_order_modify(make_client: Clients) -> None:
    """Modify by venue id and by client id: the SDK's basic_order_modify."""
    client = make_client()
    cloid = Cloid.from_str("0x00000000000000000000000000000001")
    oid = only(client.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}}, cloid=cloid))["resting"]["oid"]
    status = only(client.exchange.modify_order(oid, "ETH", True, 0.1, 1105, {"limit": {"tif": "Gtc"}}, cloid=cloid))
    assert status["resting"]["oid"] != oid
    assert status["resting"]["cloid"] == cloid.to_raw()
    only(client.exchange.modify_order(cloid, "ETH", True, 0.1, 1106, {"limit": {"tif": "Gtc"}}, cloid=cloid))
    (order,) = client.info.open_orders(client.address)
    assert (order["limitPx"], order["sz"], order["cloid"]) == ("1106.0", "0.1", cloid.to_raw())


def test_basic_order_with_cloid(make_client: Clients) -> None:
    """Place, query and cancel by client id: the SDK's basic_order_with_cloid."""
    client = make_client()
    cloid = Cloid.from_str("0xabcdef00000000000000000000000001")
    status = only(client.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}}, cloid=cloid))
    assert status["resting"]["cloid"] == cloid.to_raw()
    assert client.info.query_order_by_cloid(client.address, cloid)["order"]["status"] == "open"
    assert only(client.exchange.cancel_by_cloid("ETH", cloid)) == "success"


def test_basic_agent(make_client: Clients) -> None:
    """Named and unnamed agents trade for their account and show in extraAgents: the SDK's basic_agent."""
    master = make_client()
    for name in ("bot", None):
        reply, key = master.exchange.approve_agent(name)
        assert reply == {"status": "ok", "response": {"type": "default"}}
        wallet = Account.from_key(key)
        agent = make_client(wallet, account_address=master.address)
        oid = only(agent.exchange.order("ETH", True, 0.2, 1000, {"limit": {"tif": "Gtc"}}))["resting"]["oid"]
        assert [order["oid"] for order in master.info.open_orders(master.address)] == [oid]
        assert only(agent.exchange.cancel("ETH", oid)) == "success"
        assert master.info.user_role(wallet.address)["role"] == "agent"
    assert [one["name"] for one in master.info.extra_agents(master.address)] == ["bot"]


def test_an_unknown_key_is_told_so(make_client: Clients) -> None:
    """A key without an account gets the venue's refusal, with the address that its signature recovers to."""
    stranger = make_client(Account.from_key((2**200).to_bytes(32, "big")))
    reply = stranger.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}})
    address = stranger.wallet.address.lower()
    assert reply == {"status": "err", "response": f"User or API Wallet {address} does not exist."}


def test_market_open_and_close(make_client: Clients) -> None:
    """Market orders open and close a position, and fills, state and rates tell of it."""
    client = make_client()
    filled = only(client.exchange.market_open("ETH", True, 0.05))["filled"]
    assert (filled["totalSz"], filled["avgPx"]) == ("0.05", "2002.0")
    (row,) = client.info.user_state(client.address)["assetPositions"]
    assert (row["position"]["szi"], row["position"]["entryPx"]) == ("0.05", "2002.0")
    assert only(client.exchange.market_close("ETH"))["filled"]["totalSz"] == "0.05"
    assert client.info.user_state(client.address)["assetPositions"] == []
    close, opening = client.info.user_fills(client.address)
    assert (opening["dir"], close["dir"], opening["fee"]) == ("Open Long", "Close Long", "0.045045")
    assert close["closedPnl"] == "-0.2"
    assert [fill["tid"] for fill in client.info.user_fills_by_time(client.address, 0)] == [opening["tid"], close["tid"]]
    assert client.info.user_fees(client.address)["userCrossRate"] == "0.00045"
    assert client.info.post("/info", {"type": "userRateLimit", "user": client.address})["nRequestsUsed"] == 2


def test_update_leverage(make_client: Clients) -> None:
    """Leverage changes are acknowledged, and impossible ones refused in the venue's words."""
    client = make_client()
    assert client.exchange.update_leverage(21, "ETH") == {"status": "ok", "response": {"type": "default"}}
    assert client.exchange.update_leverage(26, "ETH") == {"status": "err", "response": "Invalid leverage value"}
    data = client.info.post("/info", {"type": "activeAssetData", "user": client.address, "coin": "ETH"})
    assert data["leverage"] == {"type": "cross", "value": 21}


def test_market_data_over_http(make_client: Clients) -> None:
    """Every market query of the SDK that needs no spot market is answered in shape."""
    client = make_client()
    info = client.info
    bids, asks = info.l2_snapshot("BTC")["levels"]
    assert bids[0] == {"px": "49950.0", "sz": "5.0", "n": 1}
    assert [level["px"] for level in asks] == ["50050.0", "50100.0", "50150.0"]
    assert info.all_mids()["BTC"] == "50000.0"
    meta, ctxs = info.meta_and_asset_ctxs()
    assert [row["name"] for row in meta["universe"]] == ["BTC", "ETH"]
    assert ctxs[0]["oraclePx"] == "50000.0"
    assert info.spot_meta_and_asset_ctxs() == [{"universe": [], "tokens": []}, []]
    assert info.perp_dexs() == [None]
    assert info.funding_history("BTC", 0) == []
    assert info.user_funding_history(client.address, 0) == []
    assert info.candles_snapshot("BTC", "1m", 0, int(time.time() * 1000)) == []
    assert info.historical_orders(client.address) == []
    assert info.query_sub_accounts(client.address) is None
    assert [name for name, _ in info.portfolio(client.address)][:4] == ["day", "week", "month", "allTime"]
    with pytest.raises(ClientError, match="422"):
        info.query_spot_deploy_auction_status(client.address)


def test_what_is_not_played_is_refused_by_name(make_client: Clients) -> None:
    """Actions and order kinds that this exchange does not play are refused in plain words, not with success."""
    client = make_client()
    text = "This local exchange does not support the action"
    assert client.exchange.use_big_blocks(True)["response"] == f"{text} evmUserModify."
    assert client.exchange.token_delegate(MAKER, 1, False)["response"] == f"{text} tokenDelegate."


def _trigger(trigger_px: float, tpsl: str) -> Any:
    """The SDK's order type of a market trigger."""
    return {"trigger": {"triggerPx": trigger_px, "isMarket": True, "tpsl": tpsl}}


def test_basic_tpsl(make_client: Clients) -> None:
    """A position, a stop and a take-profit, each cancelled: the SDK's basic_tpsl of 2023."""
    client = make_client()
    assert "filled" in only(client.exchange.order("ETH", True, 0.02, 2500, {"limit": {"tif": "Gtc"}}))
    stop = only(client.exchange.order("ETH", False, 0.02, 1500, _trigger(1600, "sl"), reduce_only=True))
    oid = stop["resting"]["oid"]
    (shown,) = client.info.frontend_open_orders(client.address)
    assert (shown["orderType"], shown["triggerCondition"]) == ("Stop Market", "Price below 1600")
    assert (shown["triggerPx"], shown["isTrigger"], shown["tif"]) == ("1600.0", True, None)
    assert [order["oid"] for order in client.info.open_orders(client.address)] == [oid]
    assert only(client.exchange.cancel("ETH", oid)) == "success"
    satisfied = only(client.exchange.order("ETH", False, 0.02, 1500, _trigger(1600, "tp"), reduce_only=True))
    assert satisfied == {"error": "Invalid TP/SL price. asset=1"}
    assert client.info.open_orders(client.address) == []


def test_basic_tpsl_in_a_group(make_client: Clients) -> None:
    """An IOC entry with both children in one batch: the SDK's basic_tpsl of today; and one whose entry rests."""
    client = make_client()

    def bracket(px: float, tif: str) -> Any:
        entry = {"coin": "ETH", "is_buy": True, "sz": 1, "limit_px": px, "order_type": {"limit": {"tif": tif}}}
        exits = [
            {"coin": "ETH", "is_buy": False, "sz": 1, "limit_px": at, "order_type": _trigger(at, kind)}
            for at, kind in ((2100, "tp"), (1800, "sl"))
        ]
        orders = [entry | {"reduce_only": False}, *(one | {"reduce_only": True} for one in exits)]
        return client.exchange.bulk_orders(orders, grouping="normalTpsl")["response"]["data"]["statuses"]

    filled, *children = bracket(2010, "Ioc")
    assert filled["filled"]["totalSz"] == "1.0"
    assert children == ["waitingForTrigger", "waitingForTrigger"]
    shown = client.info.frontend_open_orders(client.address)
    assert [order["orderType"] for order in shown] == ["Stop Market", "Take Profit Market"]
    client.exchange.bulk_cancel([{"coin": "ETH", "oid": order["oid"]} for order in shown])
    resting, *children = bracket(1900, "Gtc")
    assert children == ["waitingForFill", "waitingForFill"]
    entry = next(one for one in client.info.frontend_open_orders(client.address) if not one["isTrigger"])
    assert [child["triggerPx"] for child in entry["children"]] == ["2100.0", "1800.0"]
    assert len(client.info.open_orders(client.address)) == 3
    assert only(client.exchange.cancel("ETH", resting["resting"]["oid"])) == "success"
    assert client.info.open_orders(client.address) == []
    statuses = [row["status"] for row in client.info.historical_orders(client.address)[:3]]
    assert statuses == ["canceled", "canceled", "canceled"]


def test_expired_actions_are_refused(make_client: Clients) -> None:
    """An action whose expiresAfter is past is refused, and one in the future is taken."""
    client = make_client()
    client.exchange.set_expires_after(int(time.time() * 1000) - 1_000)
    reply = client.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}})
    assert reply == {"status": "err", "response": "Action already expired"}
    client.exchange.set_expires_after(int(time.time() * 1000) + 60_000)
    assert "resting" in only(client.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}}))


def test_basic_ws(make_client: Clients) -> None:
    """Every feed of the SDK's basic_ws that is served delivers what happens, in the SDK's own routing."""
    client = make_client(with_ws=True)
    heard: dict[str, queue.Queue[Any]] = {}

    def listen(kind: str, **rest: str) -> None:
        box = heard.setdefault(kind, queue.Queue())
        client.info.subscribe({"type": kind, **rest}, lambda message: box.put(message["data"]))

    listen("allMids")
    for kind in ("l2Book", "trades", "bbo", "activeAssetCtx"):
        listen(kind, coin="BTC")
    listen("candle", coin="BTC", interval="1m")
    for kind in ("orderUpdates", "userFills", "userEvents", "userFundings"):
        listen(kind, user=client.address)
    assert heard["userFills"].get(timeout=5) == {"user": client.address, "fills": [], "isSnapshot": True}
    assert heard["userFundings"].get(timeout=5)["isSnapshot"] is True
    assert heard["bbo"].get(timeout=5)["bbo"][1]["px"] == "50050.0"
    assert heard["l2Book"].get(timeout=5)["levels"][0][0]["px"] == "49950.0"
    assert heard["allMids"].get(timeout=5)["mids"]["ETH"] == "2000.0"
    assert heard["activeAssetCtx"].get(timeout=5)["ctx"]["markPx"] == "50000.0"

    oid = only(client.exchange.order("BTC", True, 0.01, 50050, {"limit": {"tif": "Ioc"}}))["filled"]["oid"]
    (update,) = heard["orderUpdates"].get(timeout=5)
    assert (update["order"]["oid"], update["status"], update["order"]["sz"]) == (oid, "filled", "0.0")
    (fill,) = heard["userFills"].get(timeout=5)["fills"]
    assert heard["userEvents"].get(timeout=5) == {"fills": [fill]}
    (trade,) = heard["trades"].get(timeout=5)
    assert (trade["side"], trade["px"], trade["sz"], trade["tid"]) == ("B", "50050.0", "0.01", fill["tid"])
    assert trade["users"] == [client.address, MAKER]
    assert heard["candle"].get(timeout=5)["v"] == "0.01"
    assert heard["bbo"].get(timeout=5)["bbo"][1]["sz"] == "4.99"
    while (book := heard["l2Book"].get(timeout=5))["levels"][1][0]["sz"] != "4.99":
        assert book["coin"] == "BTC"
