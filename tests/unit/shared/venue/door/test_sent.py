"""What was sent is known frame by frame, as the bytes on the socket were."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from binascii import crc32

import aiohttp
from websockets.asyncio.client import connect

from shared.clock import WallClock
from shared.venue.door.sent import SentLedger
from shared.venue.door.server import serve
from tests.unit.shared.venue.door.door_fixture import make_door


def test_the_ledger_counts_by_connection() -> None:
    """In the order in which they began, closed ones too; a connection that never was has no frames."""
    ledger = SentLedger()
    ledger.opened(3)
    ledger.opened(1)
    for frame in (b"a", b"bc"):
        ledger.sent(3, frame)
    ledger.closed(3)
    assert [(line.connection, line.frames, line.bytes, line.is_open) for line in ledger.lines()] == [
        (3, 2, 3, False),
        (1, 0, 0, True),
    ]
    assert base64.b64decode(ledger.frames_of(3).checksums) == struct.pack("<2I", crc32(b"a"), crc32(b"bc"))
    assert ledger.frames_of(9).checksums == ""


def test_the_control_port_tells_what_a_client_was_sent() -> None:
    """Every frame that a client heard is there, in its order, and no other."""

    async def run() -> None:
        stop, ports = asyncio.Event(), asyncio.Queue[int]()
        serving = asyncio.create_task(
            serve(
                make_door(WallClock().now()), clock=WallClock(), control_port=0, control_ready=ports.put_nowait,
                ready=ports.put_nowait, stop=stop,
            )
        )  # fmt: skip
        control, venue = await ports.get(), await ports.get()
        heard: list[bytes] = []
        async with connect(f"ws://127.0.0.1:{venue}/ws") as socket:
            for channel in ("l2Book", "trades", "bbo"):
                asked = json.dumps({"method": "subscribe", "subscription": {"type": channel, "coin": "BTC"}})
                await socket.send(asked)
                heard.append(await socket.recv(decode=False))
                heard.append(await socket.recv(decode=False))
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{control}/sent") as reply:
                    (line,) = await reply.json()
                async with session.get(f"http://127.0.0.1:{control}/sent/{line['connection']}") as reply:
                    sums = base64.b64decode((await reply.json())["checksums"])
        assert line["frames"] == len(heard) == 6
        assert line["bytes"] == sum(map(len, heard))
        assert struct.unpack("<6I", sums) == tuple(map(crc32, heard))
        stop.set()
        await serving

    asyncio.run(asyncio.wait_for(run(), 60))
