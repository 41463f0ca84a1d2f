"""The control port: faults, money and time over HTTP, described by OpenAPI, for this machine only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import pytest

from shared.clock import Clock, VirtualClock, WallClock
from shared.units import SECOND
from shared.venue.door.control import OPERATIONS
from shared.venue.door.mischief import Mischief
from shared.venue.door.openapi import describe
from shared.venue.door.server import serve
from shared.venue.faults.engine import Faults
from tests.unit.shared.venue.door.door_fixture import ALICE, make_door
from tests.unit.shared.venue.door.wire_client import START

_WALL: Final = WallClock()
Talk = Callable[[str, str, Any], Awaitable[tuple[int, Any]]]
Scenario = Callable[[Talk, Talk], Awaitable[None]]


def talk_to(session: aiohttp.ClientSession, port: int) -> Talk:
    """A way to call one port: (method, path, JSON body or None) -> (status, JSON)."""

    async def talk(method: str, path: str, body: Any) -> tuple[int, Any]:
        async with session.request(method, f"http://127.0.0.1:{port}{path}", json=body) as response:
            return response.status, await response.json(content_type=None)

    return talk


def play(scenario: Scenario, clock: Clock = _WALL) -> None:
    """Run the scenario with a way to call the control port and one to call the exchange."""

    async def run() -> None:
        stop, ports = asyncio.Event(), asyncio.Queue[int]()
        serving = asyncio.create_task(
            serve(
                make_door(clock.now()),
                clock=clock,
                mischief=Mischief(Faults()),
                control_port=0,
                control_ready=ports.put_nowait,
                ready=ports.put_nowait,
                stop=stop,
            )
        )
        async with aiohttp.ClientSession() as session:
            control, venue = talk_to(session, await ports.get()), talk_to(session, await ports.get())
            await scenario(control, venue)
        stop.set()
        await serving

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_fault_is_armed_seen_and_cleared() -> None:
    """Its number, its strikes and its end; the protocol's door feels it at once."""

    async def scenario(control: Talk, venue: Talk) -> None:
        fault = {"kind": "too_many_requests", "most": 1}
        assert await control("POST", "/faults", fault) == (200, {"numbers": [1]})
        assert await venue("POST", "/info", {"type": "meta"}) == (429, None)
        assert (await venue("POST", "/info", {"type": "meta"}))[0] == 200
        _, (listed,) = await control("GET", "/faults", None)
        assert (listed["number"], listed["kind"], listed["strikes"]) == (1, "too_many_requests", 1)
        _, (strike,) = await control("GET", "/strikes", None)
        assert strike["target"] == "http /info meta"
        assert await control("DELETE", "/faults/1", None) == (200, {"cleared": 1})
        assert await control("DELETE", "/faults", None) == (200, {"cleared": 0})

    play(scenario)


def test_scripts_and_money() -> None:
    """A script arms all it holds; a deposit is there at once."""

    async def scenario(control: Talk, venue: Talk) -> None:
        script = {"seed": 0, "faults": [{"kind": "duplicate"}, {"kind": "halt", "coin": "BTC"}]}
        assert await control("POST", "/script", script) == (200, {"numbers": [1, 2]})
        await control("POST", "/deposit", {"user": ALICE.address.upper().replace("0X", "0x"), "usd": "0.5"})
        _, state = await venue("POST", "/info", {"type": "clearinghouseState", "user": ALICE.address})
        assert state["withdrawable"] == "100000.5"
        _, overview = await venue("GET", "/overview", None)
        assert [one["kind"] for one in overview["faults"]] == ["duplicate", "halt"]
        assert overview["accounts"][0]["positions"] == []

    play(scenario)


def test_requests_are_used_up() -> None:
    """They count for the user as if they had been sent."""

    async def scenario(control: Talk, venue: Talk) -> None:
        asked = {"type": "userRateLimit", "user": ALICE.address}
        _, before = await venue("POST", "/info", asked)
        status, _ = await control("POST", "/requests", {"user": ALICE.address, "count": 7})
        _, after = await venue("POST", "/info", asked)
        assert (status, after["nRequestsUsed"]) == (200, before["nRequestsUsed"] + 7)

    play(scenario)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/requests", {"user": "me", "count": 5}),
        ("/requests", {"user": "0x" + "11" * 20, "count": 0}),
        ("/faults", {"kind": "rain"}),
        ("/faults", {"kind": "halt"}),
        ("/script", {"faults": 5}),
        ("/deposit", {"user": "me", "usd": "5"}),
        ("/deposit", {"user": "0x" + "11" * 20, "usd": "-5"}),
        ("/time", {"span_ms": 5}),
    ],
)
def test_what_makes_no_sense_is_refused_with_reasons(path: str, body: Any) -> None:
    """400 and what was expected; a wall clock can't be stepped."""

    async def scenario(control: Talk, venue: Talk) -> None:
        status, answer = await control("POST", path, body)
        assert status == 400
        assert answer["error"]

    play(scenario)


def test_time_passes_only_when_told() -> None:
    """A stepped exchange stands still, then does everything that falls due in its order."""

    async def scenario(control: Talk, venue: Talk) -> None:
        before = await control("GET", "/time", None)
        await asyncio.sleep(0.05)
        assert await control("GET", "/time", None) == before == (200, {"time_ms": START // 10**6})
        hour_ms = 3_600_000
        assert await control("POST", "/time", {"span_ms": hour_ms}) == (200, {"time_ms": START // 10**6 + hour_ms})
        _, history = await venue("POST", "/info", {"type": "fundingHistory", "coin": "BTC", "startTime": 0})
        assert len(history) == 1

    play(scenario, VirtualClock(START))
    assert START % (3_600 * SECOND)


def test_other_hosts_names_are_turned_away() -> None:
    """A page of another site that resolves to this machine gets nothing."""

    async def elsewhere() -> None:
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve(make_door(_WALL.now()), clock=_WALL, control_port=0, control_ready=port.set_result, stop=stop)
        )
        address = f"http://127.0.0.1:{await port}/faults"
        async with (
            aiohttp.ClientSession(headers={"Host": "evil.example:80"}) as session,
            session.get(address) as answer,
        ):
            assert answer.status == 421
        stop.set()
        await serving

    asyncio.run(asyncio.wait_for(elsewhere(), 20))


def test_openapi_describes_every_operation() -> None:
    """Each path has its method, and every schema that is named is there."""
    document = describe("test", "1", OPERATIONS)
    found = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert found == {(one.method, one.path) for one in OPERATIONS}
    schemas = document["components"]["schemas"]
    assert {"Problem", "LoseAnswer", "HaltTrading", "Strike", "Moment"} <= set(schemas)
    named = {part.split('"')[0] for part in str(document).replace("'", '"').split("#/components/schemas/")[1:]}
    assert named <= set(schemas)
