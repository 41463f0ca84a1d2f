"""Signed orders per second through the local exchange's doors, beside a bare signature-recovery loop of one run."""

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
from typing import Any

from coincurve import PrivateKey
from websockets.asyncio.client import connect

from shared.clock import WallClock
from shared.instrument import Instrument
from shared.units import MS, USD, Ns, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings
from shared.venue.door.signatures import connection_id, keccak256, l1_digest, packed, recover

BTC = Instrument("BTC", 0, 5, 40)
KEY = PrivateKey(bytes(31) + b"\x09")
USER = "0x" + keccak256(KEY.public_key.format(compressed=False)[1:])[12:].hex()
MAKER = "0x" + "ee" * 20
LANES = 8
WINDOW = 64


def make_door() -> Door:
    """A deep book on BTC and a rich taker; no limits on how much may be sent."""
    now = WallClock().now()
    settings = DoorSettings(
        fund={USER: Usd(10**9 * USD)}, address_budget=None, max_connections=100, max_messages_per_minute=10**9
    )
    door = Door(Exchange([list_perp(BTC)], start_ns=now), settings, now)
    market_opened(door, now)
    sides = [OrderSpec(0, is_buy, BTC.px(px), BTC.sz("500"), False, Tif.ALO) for is_buy, px in SIDES]
    door.apply(PlaceOrders(MAKER, tuple(sides)), now)
    return door


def market_opened(door: Door, now: Ns) -> None:
    """A rich maker and a price."""
    door.apply(Deposit(MAKER, Usd(10**10 * USD)), now)
    door.apply(SetPrices(0, BTC.px("50000")), now)


SIDES = ((True, "49990"), (False, "50010"))


def signed_order(nonce: int) -> dict[str, Any]:
    """An order that fills at once, buys and sells by turns."""
    px = "50010" if nonce % 2 else "49990"
    wire = {"a": 0, "b": bool(nonce % 2), "p": px, "s": "0.001", "r": False, "t": {"limit": {"tif": "Ioc"}}}
    return signed({"type": "order", "orders": [wire], "grouping": "na"}, nonce)


def signed(action: dict[str, Any], nonce: int) -> dict[str, Any]:
    """The body of an action, signed by the taker's key."""
    digest = l1_digest(connection_id(packed(action), nonce, None, None), "Testnet")
    made = KEY.sign_recoverable(digest, hasher=None)
    signature = {"r": "0x" + made[:32].hex(), "s": "0x" + made[32:64].hex(), "v": made[64] + 27}
    return {"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None, "expiresAfter": None}


def recover_rate(n: int) -> float:
    """Bare recoveries per second in this process."""
    digest = keccak256(b"bench")
    signature = KEY.sign_recoverable(digest, hasher=None)
    began = time.perf_counter()
    for _ in range(n):
        assert recover(digest, signature) == USER
    return n / (time.perf_counter() - began)


def door_rate(bodies: Sequence[bytes]) -> float:
    """Orders per second through the door in process, without sockets."""
    door, clock = make_door(), WallClock()
    began = time.perf_counter()
    for body in bodies:
        assert b"filled" in door.http("/exchange", "application/json", body, clock.now())[2]
    return len(bodies) / (time.perf_counter() - began)


async def http_rate(port: int, bodies: Sequence[bytes]) -> float:
    """Orders per second over keep-alive HTTP, `LANES` connections, one request under way on each."""
    began = time.perf_counter()
    await asyncio.gather(*(_http_lane(port, bodies[lane::LANES]) for lane in range(LANES)))
    return len(bodies) / (time.perf_counter() - began)


async def _http_lane(port: int, bodies: Sequence[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /exchange HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    for body in bodies:
        writer.write(head % len(body) + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        assert b"filled" in await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


async def ws_rate(port: int, envelopes: Sequence[dict[str, Any]]) -> float:
    """Orders per second as posts on one WebSocket with `WINDOW` under way."""
    frames = [
        json.dumps({"method": "post", "id": number, "request": {"type": "action", "payload": envelope}})
        for number, envelope in enumerate(envelopes)
    ]
    room = asyncio.Semaphore(WINDOW)
    async with connect(f"ws://127.0.0.1:{port}/ws", compression=None) as socket:
        began = time.perf_counter()

        async def listen() -> None:
            for _ in frames:
                assert "filled" in str(await socket.recv())
                room.release()

        listening = asyncio.create_task(listen())
        for frame in frames:
            await room.acquire()
            await socket.send(frame)
        await listening
        return len(frames) / (time.perf_counter() - began)


def socket_rates(n: int) -> tuple[float, float]:
    """(HTTP, WebSocket) orders per second against a server in a process of its own."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.bench.bench_venue_http", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env=dict(os.environ)) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        start = WallClock().now() // MS
        orders = [signed_order(start + number) for number in range(2 * n)]
        bodies = [json.dumps(order).encode() for order in orders[:n]]
        rates = asyncio.run(http_rate(port, bodies)), asyncio.run(ws_rate(port, orders[n:]))
        process.terminate()
        process.wait(20)
    return rates


def measure(n: int) -> dict[str, float]:
    """All figures of one run; the shares are recovery time over total time of one order."""
    bare = recover_rate(n)
    start = WallClock().now() // MS
    door = door_rate([json.dumps(signed_order(start + number)).encode() for number in range(n)])
    http, ws = socket_rates(n)
    bare = max(bare, recover_rate(n))
    return {
        "recoveries_per_s": round(bare),
        "door_orders_per_s": round(door),
        "http_orders_per_s": round(http),
        "ws_orders_per_s": round(ws),
        "recovery_share_of_door": round(door / bare, 3),
        "recovery_share_of_http": round(http / bare, 3),
        "recovery_share_of_ws": round(ws / bare, 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the run with the best HTTP rate, in words or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument("--orders", type=int, default=4_000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--serve", action="store_true", help="be the server of a run; used by the benchmark itself")
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(serve(make_door(), clock=WallClock(), ready=lambda port: print(port, flush=True)))
        return
    runs = [measure(options.orders) for _ in range(options.runs)]
    best = max(runs, key=lambda run: run["http_orders_per_s"])
    print(json.dumps(best) if options.json else "\n".join(f"{name}: {value}" for name, value in best.items()))


if __name__ == "__main__":
    main()
