"""The socket around the door: limits, drivers, slow readers and the ways to stop. Loopback, free ports."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from shared.clock import Clock, ScaledClock, WallClock
from shared.errors import HatsError, InvariantError
from shared.units import MS, SECOND, Ns
from shared.venue.core.commands import CancelOrder, CancelOrders, PlaceOrders
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Resting
from shared.venue.door import lines, server
from shared.venue.door.door import Door
from shared.venue.door.host import MAX_BODY_BYTES, Driver
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, BTC, MAKER, make_door, maker_order
from tests.unit.shared.venue.door.wire_client import WireClient, order_action, order_wire

_WALL: Final = WallClock()
Scenario = Callable[[aiohttp.ClientSession, str], Awaitable[None]]


def _play(scenario: Scenario, drivers: Sequence[Driver] = (), door: Door | None = None, clock: Clock = _WALL) -> None:
    """Run the scenario against a served door and stop the server after it."""

    async def run() -> None:
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve(door or make_door(clock.now()), clock=clock, drivers=drivers, ready=port.set_result, stop=stop)
        )
        async with aiohttp.ClientSession() as session:
            await scenario(session, f"http://127.0.0.1:{await port}")
        stop.set()
        await serving

    asyncio.run(asyncio.wait_for(run(), 20))


def test_health_and_methods() -> None:
    """/health answers GET; the protocol's doors take POST only; other paths are not there."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/health") as response:
            assert (response.status, (await response.json())["status"]) == (200, "ok")
        async with session.get(f"{url}/info") as response:
            assert response.status == 405
        async with session.post(f"{url}/elsewhere") as response:
            assert response.status == 404

    _play(scenario)


def test_answers_carry_the_recorded_headers() -> None:
    """Any origin may read the answers, a preflight is answered with nothing, and refusals of paths say nothing."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/info", json={"type": "perpDexs"}) as response:
            assert response.headers["access-control-allow-origin"] == "*"
            assert response.headers["access-control-expose-headers"] == "*"
            assert response.headers["vary"] == "origin, access-control-request-method, access-control-request-headers"
            assert "server" not in response.headers
        async with session.options(f"{url}/exchange") as response:
            assert (response.status, await response.read()) == (200, b"")
            assert response.headers["access-control-allow-methods"] == "*"
        async with session.get(f"{url}/exchange") as response:
            assert (response.status, response.headers["allow"], await response.read()) == (405, "POST", b"")
        async with session.post(f"{url}/info/") as response:
            assert (response.status, await response.read()) == (404, b"")
        async with session.get(f"{url}/ws") as response:
            assert (response.status, await response.text()) == (400, "Connection header did not include 'upgrade'")

    _play(scenario)


def test_connections_send_without_delay() -> None:
    """The listening socket names TCP, because asyncio turns Nagle's delay off only on such sockets."""
    with server._listener("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_statuses_and_types_reach_the_client() -> None:
    """Texts stay plain text and JSON stays JSON on the wire."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/info", data=b"{}", headers={"content-type": "application/json"}) as response:
            assert (response.status, response.content_type) == (422, "text/plain")
        async with session.post(f"{url}/info", json={"type": "perpDexs"}) as response:
            assert (response.status, response.content_type, await response.text()) == (
                200,
                "application/json",
                "[null]",
            )

    _play(scenario)


def test_a_body_beyond_the_limit_is_refused() -> None:
    """The server stops reading a body at its limit."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/info", data=b" " * (MAX_BODY_BYTES + 1)) as response:
            assert response.status == 413
        async with session.ws_connect(f"{url}/ws") as line:
            await line.send_str(" " * (MAX_BODY_BYTES + 1))
            assert (await line.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            assert line.close_code == 1009

    _play(scenario)


class _Flicker:
    """Places and cancels an order in front, `times` times in each step."""

    def __init__(self, times: int) -> None:
        self._times = times

    def step(self, door: Door, now: Ns) -> Ns:
        """Twice as many new best prices as told."""
        for _ in range(self._times):
            (status,) = door.apply(PlaceOrders(MAKER, (maker_order(True, "49990"),)), now).statuses
            assert isinstance(status, Resting)
            door.apply(CancelOrders(MAKER, (CancelOrder(0, oid=status.oid),)), now)
        return Ns(now + 5 * MS)


def test_drivers_are_stepped_and_heard() -> None:
    """What a driver does between requests reaches subscribers without anybody asking."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.ws_connect(f"{url}/ws") as line:
            await line.send_json({"method": "subscribe", "subscription": {"type": "bbo", "coin": "BTC"}})
            best: set[str] = set()
            while len(best) < 2:
                message = await line.receive_json()
                if message["channel"] == "bbo":
                    best.add(message["data"]["bbo"][0]["px"])
            assert best == {"49950.0", "49990.0"}

    _play(scenario, [_Flicker(1)])


class _Ticker:
    """A driver that wants to be called every simulated second, and counts."""

    def __init__(self) -> None:
        self.seen: list[Ns] = []

    def step(self, _: Door, now: Ns) -> Ns:
        """Noted."""
        self.seen.append(now)
        return Ns(now + SECOND)


def test_time_may_run_faster() -> None:
    """At speed 100 a driver that asks for every second is called many times within a real one, at scaled times."""
    ticker = _Ticker()

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        while len(ticker.seen) < 20:
            async with session.get(f"{url}/health") as response:
                assert response.status == 200

    clock = ScaledClock(WallClock(), 100.0)
    began = clock.now()
    _play(scenario, [ticker], clock=clock)
    assert ticker.seen[19] - began >= 19 * SECOND
    assert ticker.seen[19] - began < 6_000 * SECOND


def test_a_reader_that_is_too_slow_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """When too many frames wait, the connection is closed with 1008 instead of growing without end."""
    monkeypatch.setattr(lines, "MAX_WAITING_FRAMES", 10)

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.ws_connect(f"{url}/ws") as line:
            await line.send_json({"method": "subscribe", "subscription": {"type": "bbo", "coin": "BTC"}})
            async for _ in line:
                pass
            assert line.close_code == 1008

    _play(scenario, [_Flicker(20)])


def test_a_connection_too_many_is_told_and_closed() -> None:
    """Beyond the limit the server says why and hangs up."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.ws_connect(f"{url}/ws"), session.ws_connect(f"{url}/ws") as second:
            assert (await second.receive_json())["data"] == "Too many connections."
            assert (await second.receive()).type is aiohttp.WSMsgType.CLOSE

    _play(scenario, door=make_door(_WALL.now(), max_connections=1))


class _Broken:
    """A driver with a bug."""

    def step(self, door: Door, now: Ns) -> Ns:
        """Never returns."""
        raise HatsError("a driver's bug")


def test_a_broken_driver_ends_the_server_with_its_error() -> None:
    """An exception of a driver is not swallowed: serving ends and raises it."""
    with pytest.raises(HatsError, match="a driver's bug"):
        asyncio.run(asyncio.wait_for(serve(make_door(_WALL.now()), clock=_WALL, drivers=[_Broken()]), 20))


class _Crumbling(Door):
    """A door whose exchange breaks at the first query of mids."""

    def submit(
        self, path: str, content_type: str | None, body: bytes, now: Ns, client: str = ""
    ) -> tuple[int, str, bytes] | int:
        """Nothing, ever."""
        raise InvariantError("a bug of ours")


def test_a_request_that_breaks_the_exchange_ends_the_server() -> None:
    """The client gets a 500, and nobody trades on in a state that can't be trusted."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/info", json={"type": "allMids"}) as response:
            assert response.status == 500

    clock = WallClock()
    door = _Crumbling(Exchange([list_perp(BTC)], start_ns=clock.now()), DoorSettings(), clock.now())
    with pytest.raises(InvariantError, match="can't be trusted"):
        _play(scenario, door=door)


SCRIPT = """
import asyncio
from shared.clock import Clock, ScaledClock, WallClock
from shared.venue.door.server import serve
from tests.unit.shared.venue.door.door_fixture import make_door
asyncio.run(serve(make_door(WallClock().now()), clock=WallClock(), ready=lambda port: print(port, flush=True)))
print("closed", flush=True)
"""


def test_sigterm_closes_cleanly() -> None:
    """SIGTERM ends the server, the code after it runs, and the exit status is 0."""
    root = Path(__file__).parents[5]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, env=environment, cwd=root) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
        assert (rest, process.returncode) == (b"closed\n", 0)


def test_the_exchange_may_start_empty() -> None:
    """A door without accounts or prices serves; its books are empty and its mids unknown."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/info", json={"type": "allMids"}) as response:
            assert await response.json() == {}
        async with session.post(f"{url}/info", json={"type": "l2Book", "coin": "BTC"}) as response:
            assert (await response.json())["levels"] == [[], []]
        async with session.post(f"{url}/info", json={"type": "metaAndAssetCtxs"}) as response:
            (_, (ctx,)) = await response.json()
            assert (ctx["midPx"], ctx["impactPxs"], ctx["premium"]) == (None, None, None)

    clock = WallClock()
    _play(scenario, door=Door(Exchange([list_perp(BTC)], start_ns=clock.now()), DoorSettings(), clock.now()))


def test_with_blocks_the_response_waits_for_the_block() -> None:
    """Two clients at once, both answered by the same block; nothing is kept for them afterwards."""

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async def order(client: WireClient) -> Any:
            body = client.body(order_action(order_wire("49000", "0.01")), nonce=WallClock().now() // MS)
            async with session.post(f"{url}/exchange", json=body) as response:
                return await response.json()

        for reply in await asyncio.gather(order(ALICE), order(BOB)):
            assert "resting" in reply["response"]["data"]["statuses"][0]

    door = make_door(_WALL.now(), block_ms=40)
    _play(scenario, door=door)
    assert door.drain_answers() == []
