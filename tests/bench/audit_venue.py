"""The exchange of the candle audit: its own core and doors, many coins, and takers who trade at random moments.

A process of its own with a stepped clock; it prints its ports, and at the end writes every trade that happened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from pathlib import Path
from random import Random
from typing import Final

from shared.clock import VirtualClock
from shared.instrument import Instrument
from shared.units import HOUR, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.events import TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Outcome
from shared.venue.door.door import Door
from shared.venue.door.mischief import Mischief
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings
from shared.venue.faults.engine import Faults

START: Final = Ns(472_000 * HOUR - 30 * SECOND)
TRADES_PER_MINUTE: Final = 12.0
MAKER, TAKER = "0x" + "aa" * 20, "0x" + "bb" * 20
ORACLE, ASK, BID = Px(500_000), Px(500_010), Px(499_990)
QUOTE: Final = Sz(10**8)


def coin_name(number: int) -> str:
    """The coin of this number."""
    return f"C{number:03}"


class LoggingDoor(Door):
    """The door, with every trade that happened: (tid, coin, venue's milliseconds, lots)."""

    def __init__(self, exchange: Exchange, settings: DoorSettings, now: Ns) -> None:
        self.happened: list[tuple[int, str, int, int]] = []
        super().__init__(exchange, settings, now)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """As the door does."""
        outcome = super().apply(command, now)
        for event in outcome.events:
            if isinstance(event, TradeHappened):
                self.happened.append((event.tid, coin_name(event.asset), event.time_ms, event.sz))
        return outcome


class Takers:
    """Immediate orders on every coin, at random times, of random sizes; the maker's quotes stand far beyond them."""

    def __init__(self, coins: int, rng: Random) -> None:
        self._rng = rng
        self._due = [(START + self._pause(), asset) for asset in range(coins)]
        heapify(self._due)

    def _pause(self) -> int:
        return max(int(self._rng.expovariate(TRADES_PER_MINUTE / 60) * SECOND), 1)

    def step(self, door: Door, now: Ns) -> Ns:
        """Trade where it is time; when the next is due."""
        while self._due[0][0] <= now:
            due, asset = heappop(self._due)
            is_buy = self._rng.random() < 0.5
            sz = Sz(self._rng.randrange(100, 5_000))
            order = OrderSpec(asset, is_buy, ASK if is_buy else BID, sz, False, Tif.IOC)
            door.apply(PlaceOrders(TAKER, (order,)), now)
            heappush(self._due, (due + self._pause(), asset))
        return Ns(self._due[0][0])


def venue(coins: int) -> LoggingDoor:
    """An exchange with a maker on every coin."""
    listed = [list_perp(Instrument(coin_name(number), number, 5, 40)) for number in range(coins)]
    door = LoggingDoor(Exchange(listed, start_ns=START), DoorSettings(), START)
    for user in (MAKER, TAKER):
        door.apply(Deposit(user, Usd(10**12 * USD)), START)
    for asset in range(coins):
        door.apply(SetPrices(asset, ORACLE), START)
        quotes = tuple(
            OrderSpec(asset, is_buy, px, QUOTE, False, Tif.ALO) for is_buy, px in ((True, BID), (False, ASK))
        )
        door.apply(PlaceOrders(MAKER, quotes), START)
    return door


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coins", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--trades", type=Path, required=True, help="where every trade is written at the end")
    chosen = parser.parse_args(arguments)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of every frame for a socket that was just cut
    door, ports = venue(chosen.coins), []

    def ready(port: int) -> None:
        ports.append(port)
        if len(ports) == 2:
            sys.stdout.write(json.dumps({"control": ports[0], "port": ports[1]}) + "\n")
            sys.stdout.flush()

    asyncio.run(
        serve(
            door,
            clock=VirtualClock(START),
            drivers=[Takers(chosen.coins, Random(chosen.seed))],
            mischief=Mischief(Faults()),
            control_port=0,
            ready=ready,
            control_ready=ready,
        )
    )
    chosen.trades.write_text(json.dumps(door.happened))


if __name__ == "__main__":
    main()
