"""ccxt's WebSocket side, unmodified, follows and trades on `hats venue`: ccxt.pro of the same package."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import ccxt
import ccxt.pro
import pytest
from eth_account import Account

from tests.contract.serving import venue_process

BTC = "BTC/USDC:USDC"
ETH = "ETH/USDC:USDC"
WAIT_SECONDS = 20

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running exchange with a synthetic market."""
    with venue_process("--fund-all", "100000", "--seed", "5", "--coins", "BTC,ETH,SOL") as facts:
        yield facts["url"]


def played(url: str, flow: Callable[[Any], Awaitable[None]]) -> None:
    """The flow with a client whose fresh key the exchange funds when it first signs; its sockets are closed after."""

    async def run() -> None:
        key = Account.create()
        client = ccxt.pro.hyperliquid(
            {"walletAddress": key.address, "privateKey": key.key.hex(), "enableRateLimit": False}
        )
        client.set_sandbox_mode(True)
        client.urls["api"] = {"public": url, "private": url, "ws": {"public": url.replace("http", "ws") + "/ws"}}
        try:
            await client.load_markets()
            await client.set_leverage(10, ETH)
            await asyncio.wait_for(flow(client), WAIT_SECONDS)
        finally:
            await client.close()

    asyncio.run(run())


def test_books_trades_and_candles(url: str) -> None:
    """Books are ordered and go on, trades are of their market, candles hold their prices; each can be ended."""

    async def flow(client: Any) -> None:
        first = (await client.watch_order_book(BTC))["timestamp"]
        while (book := await client.watch_order_book(BTC))["timestamp"] <= first:
            assert book["bids"]
        assert book["bids"][0][0] < book["asks"][0][0]
        assert [px for px, _ in book["asks"]] == sorted(px for px, _ in book["asks"])
        trades = await client.watch_trades(BTC)
        assert {trade["symbol"] for trade in trades} == {BTC}
        assert all(trade["side"] in ("buy", "sell") and trade["amount"] > 0 for trade in trades)
        (candle, *_) = await client.watch_ohlcv(BTC, "1m")
        _, first_px, high, low, last, _ = candle
        assert low <= min(first_px, last) <= max(first_px, last) <= high
        for ended in (client.un_watch_order_book(BTC), client.un_watch_trades(BTC), client.un_watch_ohlcv(BTC, "1m")):
            await ended

    played(url, flow)


def test_tickers(url: str) -> None:
    """Mids come by socket; the channel that ccxt asks for by default is retired on the venue and refused here too."""

    async def mids(client: Any) -> None:
        tickers = await client.watch_tickers([BTC, ETH], {"channel": "allMids"})
        assert tickers[BTC]["last"] > tickers[ETH]["last"] > 0

    async def by_default(client: Any) -> None:
        with pytest.raises(ccxt.ExchangeError, match="Invalid subscription"):
            await client.watch_tickers([BTC])

    played(url, mids)
    played(url, by_default)


def test_orders_by_socket(url: str) -> None:
    """Placed, edited and cancelled in posts over one socket; every step is heard as an order update."""

    async def flow(client: Any) -> None:
        heard: set[tuple[str, str, float]] = set()

        async def listen(sz: float) -> None:
            """Until an order of that size is cancelled."""
            while not any((status, amount) == ("canceled", sz) for _, status, amount in heard):
                heard.update((one["id"], one["status"], one["amount"]) for one in await client.watch_orders(BTC))

        listening = asyncio.create_task(listen(0.02))
        px = (await client.fetch_ticker(BTC))["last"] * 0.8
        order = await client.create_order_ws(BTC, "limit", "buy", 0.01, px, {"postOnly": True})
        edited = await client.edit_order_ws(order["id"], BTC, "limit", "buy", 0.02, px, {"postOnly": True})
        assert edited["id"] != order["id"]
        (resting,) = await client.fetch_open_orders(BTC)
        assert (resting["id"], resting["amount"]) == (edited["id"], 0.02)
        assert (await client.cancel_order_ws(edited["id"], BTC))["status"] == "success"
        await listening
        first, second = order["id"], edited["id"]
        assert {(first, "open", 0.01), (first, "canceled", 0.01), (second, "open", 0.02)} <= heard
        with pytest.raises(ccxt.InvalidOrder, match="Post only"):
            await client.create_order_ws(BTC, "limit", "buy", 0.01, px * 1.3, {"postOnly": True})

    played(url, flow)


def test_fills_positions_and_balance(url: str) -> None:
    """A market order by socket: its trades, its position and the money that is left are told by socket too."""

    async def flow(client: Any) -> None:
        before = await client.watch_balance({"type": "swap"})
        assert before["USDC"]["total"] == 100_000
        trades = asyncio.create_task(client.watch_my_trades(ETH))
        await asyncio.sleep(0)
        px = (await client.fetch_ticker(ETH))["last"]
        order = await client.create_order_ws(ETH, "market", "buy", 0.5, px)
        assert order["info"]["filled"]["totalSz"] == "0.5"
        mine = await trades
        assert {(trade["symbol"], trade["side"], trade["order"]) for trade in mine} == {(ETH, "buy", order["id"])}
        (position,) = await client.watch_positions([ETH])
        assert (position["side"], position["contracts"]) == ("long", 0.5)
        while (balance := await client.watch_balance({"type": "swap"}))["USDC"]["used"] == 0:
            assert balance["USDC"]["total"] > 99_000

    played(url, flow)
