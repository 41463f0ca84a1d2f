"""The official SDK's own examples that run for a while: feeds, a market maker, orders that time ends.

docs/venue.md has the table of all examples and the tests that hold them.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from hyperliquid.utils.signing import get_timestamp_ms, sign_l1_action

from shared.units import MS
from tests.contract.example_venue import make_door
from tests.contract.sdk_adder import Adder
from tests.contract.sdk_venue import DONE, Client, Clients, HurriedClock, clients_of, eventually, only, served

KEYS = iter(range(1, 60))
CLOCK = HurriedClock()
GTC = {"limit": {"tif": "Gtc"}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running exchange with all that the examples need; its time can be hurried."""
    with served(make_door, CLOCK) as address:
        yield address


@pytest.fixture
def make_client(url: str) -> Iterator[Clients]:
    """Makes clients with funded keys of their own."""
    with clients_of(url, KEYS) as make:
        yield make


def test_basic_adding(make_client: Clients) -> None:
    """`basic_adding.py`: quotes follow the best prices by socket, a fill stops them until the position is known."""
    client, mover = make_client(with_ws=True), make_client()
    stranger = only(client.exchange.order("ETH", True, 0.02, 1500, GTC))["resting"]["oid"]
    bot = Adder(client)
    bot.start()
    bot.refresh()
    assert bot.strangers == [stranger]

    def quoted(side: str) -> float | None:
        resting = bot.quotes[side].resting
        return None if resting is None else resting[1]

    eventually(lambda: (quoted("B"), quoted("A")) == (1992.0, 2008.0))
    orders = client.info.frontend_open_orders(client.address)
    assert {(row["side"], row["limitPx"], row["sz"], row["tif"]) for row in orders} == {
        ("B", "1992.0", "0.01", "Alo"),
        ("A", "2008.0", "0.01", "Alo"),
    }
    only(mover.exchange.order("ETH", True, 0.1, 2001.9, GTC))
    eventually(lambda: quoted("B") == 1995.9)
    assert len(bot.cancelled) == 1
    only(mover.exchange.order("ETH", False, 100.01, 1995.9, GTC))
    eventually(lambda: bot.events)
    assert bot.events[0]["fills"][0]["dir"] == "Open Long"
    bot.refresh()
    assert bot.position == 0.01
    eventually(lambda: quoted("B") is None)
    (left,) = client.info.open_orders(client.address)
    assert left["side"] == "A"


def test_basic_ws(make_client: Clients) -> None:
    """`basic_ws.py`: all its subscriptions; each sends what the venue's does, or nothing until something happens."""
    client = make_client(with_ws=True)
    user = client.address
    heard: dict[str, queue.Queue[Any]] = {}

    def listen(**subscription: str) -> None:
        box = heard.setdefault(
            " ".join(subscription[key] for key in ("type", "coin") if key in subscription), queue.Queue()
        )
        client.info.subscribe(subscription, lambda message: box.put(message["data"]))

    listen(type="allMids")
    listen(type="l2Book", coin="ETH")
    listen(type="trades", coin="PURR/USDC")
    listen(type="candle", coin="ETH", interval="1m")
    listen(type="bbo", coin="ETH")
    listen(type="activeAssetCtx", coin="BTC")
    listen(type="activeAssetCtx", coin="@1")
    listen(type="activeAssetData", coin="BTC", user=user)
    silent = ("userEvents", "orderUpdates")
    snapshots = {"userFills": "fills", "userFundings": "fundings", "userNonFundingLedgerUpdates": None}
    for kind in (*silent, *snapshots, "webData2"):
        listen(type=kind, user=user)

    def first(name: str) -> Any:
        return heard[name].get(timeout=5)

    assert first("allMids")["mids"]["@1"] == "30.0"
    assert len(first("l2Book ETH")["levels"]) == 2
    assert first("bbo ETH")["coin"] == "ETH"
    assert first("activeAssetCtx BTC")["ctx"]["openInterest"]
    assert first("activeAssetCtx @1")["ctx"]["circulatingSupply"]
    data = first("activeAssetData BTC")
    assert (data["user"], data["coin"], data["leverage"]) == (user, "BTC", {"type": "cross", "value": 20})
    for kind, rows in snapshots.items():
        told = first(kind)
        assert (told["user"], told["isSnapshot"]) == (user, True)
        assert rows is None or told[rows] == []
    for kind in (*silent, "webData2"):
        assert heard[kind].empty(), kind

    only(client.exchange.order("PURR/USDC", True, 1000, 0.0405, {"limit": {"tif": "Ioc"}}))
    while (trades := first("trades PURR/USDC"))[0]["users"][0] != user:
        assert trades
    (fill,) = first("userFills")["fills"]
    assert first("userEvents") == {"fills": [fill]}
    assert (fill["coin"], fill["side"], fill["tid"]) == ("PURR/USDC", "B", trades[0]["tid"])
    assert first("orderUpdates")[0]["status"] == "filled"
    only(client.exchange.market_open("ETH", True, 0.05))
    assert first("candle ETH")["i"] == "1m"
    assert heard["webData2"].empty(), "the venue retired it; the SDK drops the refusal"


def test_basic_schedule_cancel(make_client: Clients) -> None:
    """`basic_schedule_cancel.py`: ten seconds later no order is open; a time too near is refused."""
    client = make_client()
    oid = only(client.exchange.order("ETH", True, 0.2, 1100, GTC))["resting"]["oid"]
    assert client.info.query_order_by_oid(client.address, oid)["order"]["status"] == "open"
    now = CLOCK.now() // MS
    assert client.exchange.schedule_cancel(now + 1_000)["status"] == "err"
    assert client.exchange.schedule_cancel(now + 10_000) == DONE
    assert len(client.info.open_orders(client.address)) == 1
    CLOCK.skip(10)
    eventually(lambda: client.info.open_orders(client.address) == [])
    assert client.info.query_order_by_oid(client.address, oid)["order"]["status"] == "scheduledCancel"


def posted(client: Client, action: dict[str, Any]) -> Any:
    """The reply to an action that SDK 0.24 can sign and has no method for."""
    nonce = get_timestamp_ms()
    signature = sign_l1_action(client.wallet, action, None, nonce, None, False)
    body = {"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None, "expiresAfter": None}
    return client.exchange.post("/exchange", body)


def twap(client: Client, sz: str) -> Any:
    """The status of a buy of PURR over five minutes."""
    asset = client.info.name_to_asset("PURR/USDC")
    order = {"a": asset, "b": True, "s": sz, "r": False, "m": 5, "t": False}
    return posted(client, {"type": "twapOrder", "twap": order})["response"]["data"]["status"]


def test_basic_twap_order(make_client: Clients) -> None:
    """`basic_twap_order.py`: a buy of PURR over five minutes, cancelled after the first suborder, half a minute on.

    The example's 20 PURR are worth less than a TWAP order must be here, and are refused as such; 5,000 are not.
    """
    client = make_client()
    assert len(client.info.spot_user_state(client.address)["balances"]) == 2
    assert "error" in twap(client, "20")
    twap_id = twap(client, "5000")["running"]["twapId"]
    CLOCK.skip(15)
    assert client.info.user_twap_slice_fills(client.address) == []
    CLOCK.skip(16)
    (row,) = eventually(lambda: client.info.user_twap_slice_fills(client.address))
    assert (row["twapId"], row["fill"]["coin"], row["fill"]["sz"]) == (twap_id, "PURR/USDC", "500.0")
    cancel = {"type": "twapCancel", "a": client.info.name_to_asset("PURR/USDC"), "t": twap_id}
    assert posted(client, cancel)["response"] == {"type": "twapCancel", "data": {"status": "success"}}
    assert "error" in posted(client, cancel)["response"]["data"]["status"]
