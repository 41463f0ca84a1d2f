"""The official SDK's `basic_adding.py` as a bot for tests: quotes on both sides of a book followed by socket."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from hyperliquid.utils.signing import get_timestamp_ms

from tests.contract.sdk_venue import Client, only

DEPTH: Final = 0.003
ALLOWED_DEVIATION: Final = 0.5
MAX_POSITION: Final = 0.01
MIN_VALUE_USD: Final = 10
COIN: Final = "ETH"


class Quote(msgspec.Struct):
    """What the bot believes of its order on one side; None: it has none."""

    resting: tuple[int, float] | None = None
    """Oid and price."""


class Adder:
    """Rests 0.3 % outside the best price on each side and moves with it; stops until it knows its position again."""

    def __init__(self, client: Client) -> None:
        self.position: float | None = None
        self.events: list[Any] = []
        self.cancelled: dict[int, int] = {}
        self.strangers: list[int] = []
        self.quotes = {"B": Quote(), "A": Quote()}
        self._client = client

    def start(self) -> None:
        """Listen to the book and to what happens to the account."""
        self._client.info.subscribe({"type": "l2Book", "coin": COIN}, self._on_book)
        self._client.info.subscribe({"type": "userEvents", "user": self._client.address}, self._on_events)

    def refresh(self) -> None:
        """What the example's thread does every ten seconds: cancel what it does not know, learn the position."""
        known = {quote.resting[0] for quote in self.quotes.values() if quote.resting} | self.cancelled.keys()
        for order in self._client.info.open_orders(self._client.address):
            if order["coin"] == COIN and order["oid"] not in known:
                self.strangers.append(order["oid"])
                self._client.exchange.cancel(COIN, order["oid"])
        positions = self._client.info.user_state(self._client.address)["assetPositions"]
        held = [float(row["position"]["szi"]) for row in positions if row["position"]["coin"] == COIN]
        self.position = held[0] if held else 0.0

    def _on_book(self, message: Any) -> None:
        bids, asks = message["data"]["levels"]
        for side, best, sign in (("B", bids[0], -1), ("A", asks[0], 1)):
            px = float(best["px"])
            self._follow(side, px * (1 + sign * DEPTH), px * DEPTH, sign)

    def _follow(self, side: str, ideal_px: float, ideal_distance: float, sign: int) -> None:
        quote = self.quotes[side]
        if quote.resting is not None:
            oid, px = quote.resting
            if abs(ideal_px - px) <= ALLOWED_DEVIATION * ideal_distance:
                return
            if self._client.exchange.cancel(COIN, oid)["status"] != "ok":
                return
            self.cancelled[oid] = get_timestamp_ms()
            quote.resting = None
        if self.position is None:
            return
        sz = MAX_POSITION + self.position * sign
        if sz * ideal_px < MIN_VALUE_USD:
            return
        px = float(f"{ideal_px:.5g}")
        status = only(self._client.exchange.order(COIN, side == "B", sz, px, {"limit": {"tif": "Alo"}}))
        if "resting" in status:
            quote.resting = (status["resting"]["oid"], px)
        else:
            self.position = None

    def _on_events(self, message: Any) -> None:
        self.events.append(message["data"])
        self.position = None
