"""The local exchange under load: many coins, each with books of 20 x 20 that change and trades, at a chosen rate.

It is the real exchange behind its real doors: every trade is an order that was matched, every book is rendered from
what rests. Half of the frames are books and half are trades, so `rate` frames a second take `rate / 2` orders.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence

from shared.clock import WallClock
from shared.instrument import Instrument
from shared.units import MS, SECOND, USD, Ns, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings

TAKER = "0x" + "aa" * 20
SIDES = 20
"""Levels a side, as many as a book shows."""
STEP_NS = 5 * MS
CATCH_UP_MAX = 50
"""Orders in one step at most, so that a machine that was away does not find the exchange deaf when it is back."""


def instruments(coins: int) -> list[Instrument]:
    """Perps at 1,000 USDC with a tick of 0.1."""
    return [Instrument(f"C{number:03}", number, 3, 50) for number in range(coins)]


class Trades:
    """Takes a little from one coin after the other, buys and sells by turns, `per_second` in all."""

    def __init__(self, listed: Sequence[Instrument], per_second: float) -> None:
        self._listed = listed
        self._per_second = per_second
        self._began: Ns | None = None
        self._count = 0
        self.behind = 0
        """Orders that were left out because the machine did not keep up."""
        self.is_paused = False

    def step(self, door: Door, now: Ns) -> Ns:
        """Send what is due; nothing any more once it is paused."""
        if self.is_paused:
            return Ns(now + SECOND)
        self._began = now if self._began is None else self._began
        due = int((now - self._began) * self._per_second / SECOND) - self._count - self.behind
        self.behind += max(0, due - CATCH_UP_MAX)
        for _ in range(min(due, CATCH_UP_MAX)):
            self._take(door, now)
        return Ns(now + STEP_NS)

    def _take(self, door: Door, now: Ns) -> None:
        number, turn = self._count % len(self._listed), self._count // len(self._listed)
        self._count += 1
        coin, is_buy = self._listed[number], turn % 2 == 0
        spec = OrderSpec(number, is_buy, coin.px("1002" if is_buy else "998"), coin.sz("0.011"), False, Tif.IOC)
        door.apply(PlaceOrders(TAKER, (spec,)), now)


def make_door(coins: int, rate: float) -> Door:
    """Every coin with a book of 20 levels a side, deep enough for a day."""
    now, listed = WallClock().now(), instruments(coins)
    interval_ms = max(1, round(2 * coins * 1_000 / rate))
    settings = DoorSettings(
        l2_interval_ms=interval_ms, l2_fast_interval_ms=interval_ms, l2_refresh_ms=60_000, ctx_interval_ms=60_000,
    )  # fmt: skip
    door = Door(Exchange([list_perp(one) for one in listed], start_ns=now), settings, now)
    door.apply(Deposit(TAKER, Usd(10**9 * USD)), now)
    for one in listed:
        _open(door, one, now)
    return door


def _open(door: Door, coin: Instrument, now: Ns) -> None:
    """A price, and a maker of the coin's own, for nobody may have more than a thousand orders."""
    maker = f"0x{coin.asset + 1:040x}"
    door.apply(Deposit(maker, Usd(10**9 * USD)), now)
    door.apply(SetPrices(coin.asset, coin.px("1000")), now)
    tenths = [(is_bid, 10_000 + (-n if is_bid else n)) for n in range(1, SIDES + 1) for is_bid in (True, False)]
    sides = [(is_bid, f"{px // 10}.{px % 10}") for is_bid, px in tenths]
    specs = tuple(OrderSpec(coin.asset, is_bid, coin.px(px), coin.sz("900"), False, Tif.ALO) for is_bid, px in sides)
    door.apply(PlaceOrders(maker, specs), now)


def main() -> None:
    """Serve until told to stop; one JSON line says where. SIGUSR1 pauses the market."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coins", type=int, default=100)
    parser.add_argument("--rate", type=float, default=2_000, help="frames a second, once somebody asked for them all")
    options = parser.parse_args()
    door = make_door(options.coins, options.rate)
    said: dict[str, int] = {}
    trades = Trades(instruments(options.coins), options.rate / 2)
    signal.signal(signal.SIGUSR1, lambda *_: setattr(trades, "is_paused", True))
    asyncio.run(
        serve(
            door,
            clock=WallClock(),
            drivers=[trades],
            control_port=0,
            control_ready=lambda port: said.update(control_port=port),
            ready=lambda port: print(json.dumps(said | {"port": port}), flush=True),
        )
    )


if __name__ == "__main__":
    main()
