"""Does a book reach 200 subscribers in time? Frames sent against frames due, their lag, and what the server needs."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from shared.clock import WallClock
from shared.units import MS, Ns
from shared.venue.core.commands import OrderSpec, PlaceOrders, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings
from tests.bench.bench_venue_http import BTC, MAKER, market_opened

SUBSCRIBERS = 200
INTERVAL_MS = 500
MOVE_NS = 50 * MS
SIDES = 20
"""Levels a side, as many as a book shows."""


class Mover:
    """Changes the book twenty times a second, so that every frame is due."""

    def __init__(self) -> None:
        self._next = Ns(0)
        self._count = 0

    def step(self, door: Door, now: Ns) -> Ns:
        """One more order rests, at each level in turn."""
        if now >= self._next:
            self._next = Ns(now + MOVE_NS)
            self._count += 1
            px = BTC.px(str(49_000 + self._count % SIDES))
            door.apply(PlaceOrders(MAKER, (OrderSpec(0, True, px, BTC.sz("0.01"), False, Tif.ALO),)), now)
        return self._next


def make_door() -> Door:
    """A book of full depth that changes, and room for everybody."""
    now = WallClock().now()
    settings = DoorSettings(
        max_connections=2 * SUBSCRIBERS, max_new_connections_per_minute=10**6, l2_interval_ms=INTERVAL_MS,
        l2_refresh_ms=INTERVAL_MS,
    )  # fmt: skip
    door = Door(Exchange([list_perp(BTC)], start_ns=now), settings, now)
    market_opened(door, now)
    asks = [OrderSpec(0, False, BTC.px(str(51_000 + n)), BTC.sz("1"), False, Tif.ALO) for n in range(SIDES)]
    bids = [OrderSpec(0, True, BTC.px(str(49_000 + n)), BTC.sz("1"), False, Tif.ALO) for n in range(SIDES)]
    door.apply(PlaceOrders(MAKER, (*asks, *bids)), now)
    return door


async def listen(port: int, seconds: float, lags_ms: list[float], all_in: asyncio.Barrier) -> None:
    """Note the lag of every book frame that one subscriber hears for `seconds` after all have subscribed."""
    async with connect(f"ws://127.0.0.1:{port}/ws", compression=None, open_timeout=60) as socket:
        await socket.send(json.dumps({"method": "subscribe", "subscription": {"type": "l2Book", "coin": "BTC"}}))
        await _book(socket)
        await all_in.wait()
        end = time.monotonic() + seconds
        while True:
            made_ms = await _book(socket)
            if time.monotonic() > end:
                return
            lags_ms.append(time.time() * 1_000 - made_ms)


async def _book(socket: ClientConnection) -> int:
    """When the next book frame was made, in milliseconds of the wall clock."""
    while True:
        heard = json.loads(await socket.recv())
        if heard["channel"] == "l2Book":
            return int(heard["data"]["time"])


def cpu_seconds(process: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(port: int, process: int, seconds: float, subscribers: int) -> dict[str, float]:
    """All figures of one run."""
    lags_ms: list[float] = []
    all_in, began = asyncio.Barrier(subscribers + 1), 0.0
    listening = [asyncio.create_task(listen(port, seconds, lags_ms, all_in)) for _ in range(subscribers)]
    await all_in.wait()
    began = cpu_seconds(process)
    await asyncio.gather(*listening)
    spent = cpu_seconds(process) - began
    lags_ms.sort()
    due = subscribers * seconds * 1_000 / INTERVAL_MS
    return {
        "subscribers": subscribers,
        "frames_due": round(due),
        "frames_heard": len(lags_ms),
        "heard_per_due": round(len(lags_ms) / due, 3),
        "lag_ms_p50": round(lags_ms[len(lags_ms) // 2], 1),
        "lag_ms_p99": round(lags_ms[len(lags_ms) * 99 // 100], 1),
        "server_cpu_share": round(spent / seconds, 3),
        "server_us_per_frame": round(spent / len(lags_ms) * 1e6, 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one run, in words or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--subscribers", type=int, default=SUBSCRIBERS)
    parser.add_argument("--serve", action="store_true", help="be the server of a run; used by the benchmark itself")
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(
            serve(make_door(), clock=WallClock(), drivers=[Mover()], ready=lambda port: print(port, flush=True))
        )
        return
    command = [sys.executable, "-m", "tests.bench.bench_venue_fanout", "--serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], env=dict(os.environ)
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        result = asyncio.run(measure(port, server.pid, options.seconds, options.subscribers))
        server.terminate()
        server.wait(20)
    print(json.dumps(result) if options.json else "\n".join(f"{name}: {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
