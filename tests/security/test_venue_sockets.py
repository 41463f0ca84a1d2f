"""Hostile connections to a served venue: too much, too slow, half open; nobody else is hurt. Loopback, free ports."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from random import Random

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from shared.clock import WallClock
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door import lines
from shared.venue.door.door import Door
from shared.venue.door.host import MAX_BODY_BYTES
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings
from tests.security.hostile_bodies import bent, encoded, questions, spoilt, subscriptions
from tests.unit.shared.venue.door.door_fixture import BTC

Scenario = Callable[[int], Awaitable[None]]
_HEAD = b"POST /info HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_META = b'{"type":"meta"}'


def _attack(scenario: Scenario, **chosen: int) -> Door:
    """The door after the scenario; it was served meanwhile, and stopped in good time."""
    now = WallClock().now()
    settings = DoorSettings(**{"max_connections": 1_000, "max_new_connections_per_minute": 10_000} | chosen)  # type: ignore[arg-type]
    door = Door(Exchange([list_perp(BTC)], start_ns=now), settings, now)

    async def run() -> None:
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(door, clock=WallClock(), ready=port.set_result, stop=stop))
        await scenario(await port)
        assert await _answers(await port)
        stop.set()
        await serving

    asyncio.run(asyncio.wait_for(run(), 40))
    return door


async def _said(port: int, sent: bytes, *, is_half: bool = False) -> bytes:
    """Everything that the server says upon these bytes, until it closes or a second goes by."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        writer.write(sent)
        if is_half:
            writer.write_eof()
        async with asyncio.timeout(1.0):
            while part := await reader.read(65_536):
                said += part
                if b"\r\n\r\n" in said and not is_half:
                    break
    writer.close()
    return said


async def _answers(port: int) -> bool:
    """Is an honest client served, and at once?"""
    began = time.monotonic()
    said = await _said(port, _HEAD % len(_META) + _META)
    return said.startswith(b"HTTP/1.1 200") and time.monotonic() - began < 1.0


def test_sizes_around_the_limit() -> None:
    """A body of just the limit is read, one byte more is refused, chunked or not; a head without end is cut off."""

    async def scenario(port: int) -> None:
        for more, status in ((0, b"HTTP/1.1 200"), (1, b"HTTP/1.1 413")):
            body = _META + b" " * (MAX_BODY_BYTES - len(_META) + more)
            assert (await _said(port, _HEAD % len(body) + body)).startswith(status)
        chunked = (
            b"POST /info HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        assert (await _said(port, chunked + chunk * 6)).startswith(b"HTTP/1.1 413")
        assert (await _said(port, b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000)).startswith(b"HTTP/1.1 400")

    _attack(scenario)


def test_bytes_that_are_no_http() -> None:
    """Noise on the wire is refused or dropped; two hundred noisy connections hurt nobody."""
    chance = Random(1)

    async def scenario(port: int) -> None:
        for _ in range(200):
            head = _HEAD % len(_META) + _META
            noise = spoilt(head, chance) if chance.random() < 0.7 else chance.randbytes(chance.randint(1, 400))
            said = await _said(port, noise[:70_000], is_half=True)
            assert not said or said[:9] == b"HTTP/1.1 ", noise[:100]
            assert b" 500 " not in said[:20]

    _attack(scenario)


def test_slow_and_half_open_lines_are_cut_and_hurt_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that come drop by drop, or not at all, end after their time; honest clients are served meanwhile."""
    monkeypatch.setattr(lines, "SLOWEST_REQUEST_SECONDS", 1.0)
    starts = (b"", b"POST /in", _HEAD[:40], _HEAD % 100 + b'{"type":', b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n")

    async def drip(port: int, start: bytes) -> float:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(start)
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b" " if start.endswith(b":") else b"x" if start else b"")
                try:
                    async with asyncio.timeout(0.1):
                        await reader.read(1_000)
                except TimeoutError:
                    continue
        writer.close()
        return time.monotonic() - began

    async def scenario(port: int) -> None:
        slow = [asyncio.create_task(drip(port, starts[number % len(starts)])) for number in range(60)]
        await asyncio.sleep(0.3)
        assert all([await _answers(port) for _ in range(10)])
        assert max(await asyncio.gather(*slow)) < 5.0

    _attack(scenario)


def test_frames_of_any_shape_over_a_socket() -> None:
    """Hundreds of bent frames get answers; one beyond the size limit ends its connection and no other."""
    chance = Random(2)

    async def scenario(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/ws") as socket, connect(f"ws://127.0.0.1:{port}/ws") as other:
            for _ in range(300):
                asked = {"method": "subscribe", "subscription": chance.choice(subscriptions())}
                posted = {"method": "post", "id": 1, "request": {"type": "info", "payload": chance.choice(questions())}}
                frame = encoded(bent(chance.choice((asked, posted)), chance))
                await socket.send(frame if chance.random() < 0.3 else frame.decode())
                assert json.loads(await socket.recv())["channel"]
            await socket.send("x" * (MAX_BODY_BYTES + 1))
            assert await _close_code(socket) == 1009
            await other.send('{"method":"ping"}')
            assert await other.recv() == '{"channel":"pong"}'

    _attack(scenario)


def test_one_who_asks_much_and_reads_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that wait for a client who does not read are bounded in bytes; then the client is gone."""
    monkeypatch.setattr(lines, "MAX_WAITING_BYTES", 2_000_000)

    async def scenario(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_024)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        frame = b"\x81\xff" + (100_000).to_bytes(8) + bytes(4) + b"x" * 100_000
        for _ in range(150):
            writer.write(frame)
        async with asyncio.timeout(10):
            while b'"connections":0' not in (await _health(port)).replace(b" ", b""):
                pass
        writer.transport.abort()

    _attack(scenario, max_messages_per_minute=10**9)


async def _close_code(socket: ClientConnection) -> int | None:
    """With which code the server ends the connection, after what it still says."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


async def _health(port: int) -> bytes:
    return await _said(port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
