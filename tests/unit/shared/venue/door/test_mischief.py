"""Faults over real sockets: what the client sees, and what the exchange did all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from shared.clock import WallClock
from shared.units import MS, Ns
from shared.venue.door.door import Door
from shared.venue.door.mischief import Mischief
from shared.venue.door.server import serve
from shared.venue.faults.catalogue import (
    AnyFault,
    BadGateway,
    CutSockets,
    DelayAnswer,
    DropRequest,
    Duplicate,
    FreezeFeed,
    Garbage,
    LoseAnswer,
    TooManyRequests,
)
from shared.venue.faults.engine import Faults
from tests.unit.shared.venue.door.door_fixture import make_door
from tests.unit.shared.venue.door.wire_client import WireClient, order_action, order_wire

Scenario = Callable[[aiohttp.ClientSession, str, Door], Awaitable[None]]
MIDS = {"type": "allMids"}


def play(scenario: Scenario, *faults: AnyFault, door: Door | None = None) -> Faults:
    """Run the scenario against a door with these faults armed; the engine with its record."""
    engine, door = Faults(seed=1), door or make_door(WallClock().now())
    for fault in faults:
        engine.arm(fault, Ns(0))

    async def run() -> None:
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve(door, clock=WallClock(), mischief=Mischief(engine), ready=port.set_result, stop=stop)
        )
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            await scenario(session, f"http://127.0.0.1:{await port}", door)
        stop.set()
        await serving

    asyncio.run(asyncio.wait_for(run(), 20))
    return engine


def resting_order() -> dict[str, object]:
    """A signed order far from the market, with a nonce of now."""
    return WireClient(1).body(order_action(order_wire("40000", "0.01")), WallClock().now() // MS)


def open_orders(door: Door) -> int:
    """How many orders Alice has."""
    return len(door.exchange.open_orders(WireClient(1).address))


@pytest.mark.parametrize("ending", ["hang", "cut"])
@pytest.mark.parametrize("kind", [LoseAnswer, DropRequest])
def test_no_answer_with_and_without_the_deed(kind: type[LoseAnswer | DropRequest], ending: str) -> None:
    """The client can't tell the two apart; the exchange can."""

    async def scenario(session: aiohttp.ClientSession, url: str, door: Door) -> None:
        expected = aiohttp.ServerDisconnectedError if ending == "cut" else TimeoutError
        with pytest.raises(expected):
            await session.post(f"{url}/exchange", json=resting_order(), timeout=aiohttp.ClientTimeout(total=0.3))
        assert open_orders(door) == (kind is LoseAnswer)
        async with session.post(f"{url}/info", json=MIDS) as response:
            assert response.status == 200

    engine = play(scenario, kind(ending=ending))  # type: ignore[arg-type]
    assert len(engine.strikes) == 1


@pytest.mark.parametrize(
    ("fault", "status", "placed"),
    [
        (BadGateway(), 502, 1),
        (BadGateway(status=504, is_done=False), 504, 0),
        (TooManyRequests(), 429, 0),
        (Garbage(), 200, 1),
        (Duplicate(), 200, 1),
        (DelayAnswer(delay_ms=30), 200, 1),
    ],
)
def test_wrong_answers(fault: AnyFault, status: int, placed: int) -> None:
    """The status lies, the exchange does not; a doubled request places once, for its nonce is used."""

    async def scenario(session: aiohttp.ClientSession, url: str, door: Door) -> None:
        async with session.post(f"{url}/exchange", json=resting_order()) as response:
            body = await response.read()
            assert response.status == status
        assert open_orders(door) == placed
        if isinstance(fault, Garbage):
            with pytest.raises(ValueError, match=r"codec|JSON|Expecting"):
                json.loads(body)
        elif status == 200:
            assert b'"resting"' in body

    play(scenario, fault)


def test_posts_over_the_socket_are_struck_too() -> None:
    """A lost answer never comes, though the next one does."""

    async def scenario(session: aiohttp.ClientSession, url: str, door: Door) -> None:
        async with session.ws_connect(f"{url}/ws") as socket:
            payload = {"type": "action", "payload": resting_order()}
            await socket.send_json({"method": "post", "id": 1, "request": payload})
            await socket.send_json({"method": "post", "id": 2, "request": {"type": "info", "payload": MIDS}})
            assert (await socket.receive_json())["data"]["id"] == 2
        assert open_orders(door) == 1

    play(scenario, LoseAnswer(transport="ws"))


def test_a_frozen_feed_answers_pings_only() -> None:
    """Subscribing brings nothing; a ping brings its pong."""

    async def scenario(session: aiohttp.ClientSession, url: str, door: Door) -> None:
        async with session.ws_connect(f"{url}/ws") as socket:
            await socket.send_json({"method": "subscribe", "subscription": {"type": "allMids"}})
            await socket.send_json({"method": "ping"})
            assert await socket.receive_json() == {"channel": "pong"}

    play(scenario, FreezeFeed())


@pytest.mark.parametrize(
    ("fault", "code"),
    [(CutSockets(), 1006), (CutSockets(is_mid_frame=True), 1006), (CutSockets(code=1000), 1000)],
)
def test_sockets_end_as_asked(fault: CutSockets, code: int) -> None:
    """Without a close frame the client finds 1006, with one its code; other requests go on."""

    async def scenario(session: aiohttp.ClientSession, url: str, door: Door) -> None:
        async with session.ws_connect(f"{url}/ws") as socket:
            message = await socket.receive()
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)
            assert socket.close_code == code
        async with session.post(f"{url}/info", json=MIDS) as response:
            assert response.status == 200

    play(scenario, fault)


def test_a_client_over_a_limit_is_cut_off_if_so_chosen() -> None:
    """With `over_limit` abort the client of a real socket finds 1006."""

    async def scenario(session: aiohttp.ClientSession, url: str, door: Door) -> None:
        async with session.ws_connect(f"{url}/ws") as first, session.ws_connect(f"{url}/ws") as second:
            message = await second.receive()
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            assert (second.close_code, first.closed) == (1006, False)

    play(scenario, door=make_door(WallClock().now(), max_connections=1, over_limit="abort"))
