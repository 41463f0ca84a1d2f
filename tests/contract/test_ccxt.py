"""ccxt, unmodified and in its sandbox mode, trades on `hats venue` as its users do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import ccxt
import pytest
from eth_account import Account

from tests.contract.serving import venue_process

BTC = "BTC/USDC:USDC"
ETH = "ETH/USDC:USDC"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running exchange with a synthetic market."""
    with venue_process("--fund-all", "100000", "--seed", "3", "--coins", "BTC,ETH,SOL") as facts:
        yield facts["url"]


@pytest.fixture
def exchange(url: str) -> Any:
    """A client with a fresh key, which the exchange funds when it first signs."""
    key = Account.create()
    client = ccxt.hyperliquid({"walletAddress": key.address, "privateKey": key.key.hex(), "enableRateLimit": False})
    client.set_sandbox_mode(True)
    client.urls["api"] = {"public": url, "private": url}
    client.load_markets()
    client.set_leverage(10, BTC)
    return client


def eventually(ask: Callable[[], Any]) -> Any:
    """The first truthy answer within ten seconds."""
    end = time.monotonic() + 10
    while not (answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.1)
    return answer


def px(exchange: Any, symbol: str = BTC) -> float:
    """The mid."""
    return float(exchange.fetch_ticker(symbol)["last"])


def test_markets_books_and_candles(exchange: Any) -> None:
    """Markets have the venue's precision; books, tickers and candles agree with each other."""
    market = exchange.market(BTC)
    assert (market["swap"], market["precision"]["amount"], market["limits"]["leverage"]["max"]) == (True, 1e-05, 40)
    book = exchange.fetch_order_book(BTC)
    assert book["bids"][0][0] < book["asks"][0][0]
    ticker = exchange.fetch_tickers([BTC])[BTC]
    assert book["bids"][0][0] * 0.99 < ticker["last"] < book["asks"][0][0] * 1.01
    candles = eventually(lambda: exchange.fetch_ohlcv(BTC, "1m"))
    _, opened, high, low, close, volume = candles[-1]
    assert low <= min(opened, close) <= max(opened, close) <= high
    assert volume > 0


def test_funding(exchange: Any) -> None:
    """Rates of all perps, and histories that are empty in a young market."""
    rates = exchange.fetch_funding_rates()
    assert rates[BTC]["interval"] == "1h"
    assert rates[BTC]["markPrice"] > 0
    assert exchange.fetch_funding_rate_history(BTC) == []
    assert exchange.fetch_funding_history(BTC) == []
    assert exchange.fetch_open_interests()[BTC]["openInterestAmount"] is not None


def test_a_limit_order_lives_moves_and_dies(exchange: Any) -> None:
    """Create, find, edit, cancel; each step is seen by the next request."""
    order = exchange.create_order(BTC, "limit", "buy", 0.01, px(exchange) * 0.8)
    found = exchange.fetch_order(order["id"], BTC)
    assert (found["status"], found["amount"]) == ("open", 0.01)
    edited = exchange.edit_order(order["id"], BTC, "limit", "buy", 0.02, px(exchange) * 0.7)
    assert [(one["id"], one["amount"]) for one in exchange.fetch_open_orders(BTC)] == [(edited["id"], 0.02)]
    exchange.cancel_order(edited["id"], BTC)
    assert exchange.fetch_open_orders(BTC) == []
    assert exchange.fetch_order(edited["id"], BTC)["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(edited["id"], BTC)


def test_times_in_force_and_client_ids(exchange: Any) -> None:
    """Post-only rests or is refused, IOC fills or is gone, and a client id finds its order."""
    low, high = px(exchange) * 0.8, px(exchange) * 1.02
    cloid = "0x" + "cd" * 16
    exchange.create_order(BTC, "limit", "buy", 0.01, low, {"postOnly": True, "clientOrderId": cloid})
    assert exchange.fetch_order(cloid, BTC)["clientOrderId"] == cloid
    with pytest.raises(ccxt.InvalidOrder, match="Post only"):
        exchange.create_order(BTC, "limit", "buy", 0.01, high, {"postOnly": True})
    with pytest.raises(ccxt.InvalidOrder, match="could not immediately match"):
        exchange.create_order(BTC, "limit", "buy", 0.01, low, {"timeInForce": "Ioc"})
    taken = exchange.create_order(BTC, "limit", "buy", 0.01, high, {"timeInForce": "Ioc"})
    assert taken["info"]["filled"]["totalSz"] == "0.01"
    exchange.cancel_orders([one["id"] for one in exchange.fetch_open_orders(BTC)], BTC)
    assert exchange.fetch_open_orders(BTC) == []


def test_a_market_order_makes_a_position_that_reduce_only_closes(exchange: Any) -> None:
    """Position, balance, trades and fees after a round trip."""
    exchange.create_order(ETH, "market", "buy", 0.5, px(exchange, ETH))
    (position,) = exchange.fetch_positions([ETH])
    assert (position["side"], position["contracts"], position["marginMode"]) == ("long", 0.5, "cross")
    exchange.create_order(ETH, "market", "sell", 0.5, px(exchange, ETH), {"reduceOnly": True})
    assert exchange.fetch_positions([ETH]) == []
    trades = exchange.fetch_my_trades(ETH)
    assert sum(one["amount"] for one in trades) == pytest.approx(1.0)
    paid = sum(one["fee"]["cost"] for one in trades)
    rate = exchange.fetch_trading_fee(ETH)["taker"]
    assert paid == pytest.approx(rate * sum(one["cost"] for one in trades), rel=1e-4)
    assert float(exchange.fetch_balance()["USDC"]["total"]) < 100_000


def test_the_venues_refusals_become_ccxts_exceptions(exchange: Any) -> None:
    """What is too small, too large or wrongly levered is told apart."""
    with pytest.raises(ccxt.InvalidOrder):
        exchange.create_order(BTC, "limit", "buy", 0.00001, px(exchange) * 0.8)
    with pytest.raises((ccxt.InsufficientFunds, ccxt.InvalidOrder)):
        exchange.create_order(BTC, "limit", "buy", 500, px(exchange) * 0.9)
    with pytest.raises(ccxt.ExchangeError, match="Invalid leverage value"):
        exchange.set_leverage(1_000, BTC)


def test_stops_and_take_profits(exchange: Any) -> None:
    """Alone, and as brackets of an entry; they are listed with their trigger and can be cancelled."""
    exchange.create_order(BTC, "market", "buy", 0.01, px(exchange))
    low, high = px(exchange) * 0.9, px(exchange) * 1.1
    stop = exchange.create_order(BTC, "market", "sell", 0.01, low, {"stopLossPrice": low, "reduceOnly": True})
    take = exchange.create_order(BTC, "market", "sell", 0.01, high, {"takeProfitPrice": high, "reduceOnly": True})
    found = {one["id"]: one for one in exchange.fetch_open_orders(BTC)}
    assert float(found[stop["id"]]["triggerPrice"]) == pytest.approx(low, rel=1e-3)
    assert found[take["id"]]["reduceOnly"]
    exchange.cancel_orders([stop["id"], take["id"]], BTC)
    brackets = {"stopLoss": {"triggerPrice": low * 0.9, "price": low * 0.9}, "takeProfit": {"triggerPrice": high}}
    entry = exchange.create_order(BTC, "limit", "buy", 0.01, px(exchange) * 0.95, brackets)
    assert len(exchange.fetch_open_orders(BTC)) == 3
    exchange.cancel_order(entry["id"], BTC)
    assert exchange.fetch_open_orders(BTC) == []


def test_isolated_margin(exchange: Any) -> None:
    """Leverage and margin mode are set while flat; margin moves into and out of the position."""
    exchange.set_margin_mode("isolated", ETH, {"leverage": 5})
    exchange.create_order(ETH, "market", "buy", 0.5, px(exchange, ETH))
    (before,) = exchange.fetch_positions([ETH])
    assert (before["marginMode"], before["leverage"], before["liquidationPrice"] > 0) == ("isolated", 5, True)
    exchange.add_margin(ETH, 50)
    (after,) = exchange.fetch_positions([ETH])
    assert after["initialMargin"] == pytest.approx(before["initialMargin"] + 50, rel=0.01)
    assert after["liquidationPrice"] < before["liquidationPrice"]
    exchange.reduce_margin(ETH, 40)
    with pytest.raises(ccxt.ExchangeError, match="Cannot switch leverage type with open position"):
        exchange.set_margin_mode("cross", ETH, {"leverage": 5})


def test_money_moves(exchange: Any) -> None:
    """Between perps and spot, and out; each move is in the ledger."""
    exchange.transfer("USDC", 100, "swap", "spot")
    assert exchange.fetch_balance({"type": "spot"})["USDC"]["total"] == pytest.approx(100)
    exchange.transfer("USDC", 40, "spot", "swap")
    exchange.withdraw("USDC", 25, exchange.walletAddress)
    assert exchange.fetch_balance()["USDC"]["total"] == pytest.approx(100_000 - 60 - 25, abs=1.01)
    kinds = [entry["info"]["delta"]["type"] for entry in exchange.fetch_ledger()]
    assert {"accountClassTransfer", "withdraw"} <= set(kinds)


def test_a_twap_runs_and_is_ended(exchange: Any) -> None:
    """The venue's own TWAP, which answers with its number."""
    order = exchange.create_twap_order(ETH, "buy", 1.0, 300_000)
    assert order["id"] is not None
    assert exchange.cancel_order(order["id"], ETH, {"twap": True})["info"]["status"] == "success"
