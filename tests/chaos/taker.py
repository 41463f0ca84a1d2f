"""Somebody else at the local exchange who trades against a desk's quotes, so that it holds something."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import requests
from eth_account import Account
from hyperliquid.exchange import Exchange

from tests.chaos.real_desk import RealDesk

TIMEOUT_S: Final = 2.0
"""The exchange loses answers to everybody."""


class Taker:
    """A funded trader with a key of its own and the official SDK."""

    def __init__(self, desk: RealDesk) -> None:
        self._desk = desk
        self._sdk = Exchange(Account.create(), desk.url, timeout=TIMEOUT_S)

    def take(self, coin: str) -> None:
        """Sell into the desk's best bid for the coin, through all that stands before it; nothing if it has none."""
        orders = self._desk.ask("openOrders")
        bids = [order for order in orders if order["coin"] == coin and order["side"] == "B"]
        if not bids:
            return
        best = max(bids, key=lambda order: Decimal(order["limitPx"]))
        book: Any = self._sdk.info.l2_snapshot(coin)
        levels = ((Decimal(level["px"]), Decimal(level["sz"])) for level in book["levels"][0])
        size = sum((sz for px, sz in levels if px >= Decimal(best["limitPx"])), Decimal(0))
        if size:
            try:
                self._sdk.order(coin, False, float(size), float(best["limitPx"]), {"limit": {"tif": "Ioc"}})
            except requests.RequestException:
                return  # an answer that was lost; whether it traded shows in the desk's positions
