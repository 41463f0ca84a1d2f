"""A tiny venue on loopback for feed tests: confirms subscriptions, sends a book, and misbehaves on command."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from tests.unit.hats.exchange_architect import scene


class SmallVenue:
    """HTTP and WebSocket on one port, in a thread. Switches may be thrown from the test's thread."""

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[str] = []
        self.subscribed: list[dict[str, Any]] = []
        self.refuses = 0
        self.breaks_info = False
        self.sends_books = True
        self.is_deaf = False
        self._left = threading.Event()
        self.fills: list[dict[str, Any]] = []
        self.coins = scene.META
        self._book_ms = scene.T0_MS
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self.url = ""
        self._thread = threading.Thread(target=lambda: self._runner.run(self._run()))
        self._thread.start()
        assert self._ready.wait(10)

    def close(self) -> None:
        """Nothing of it runs any more."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._runner.close()  # and lets every connection end

    def send(self, frame: bytes) -> None:
        """Send a frame on every connection."""
        self._call(lambda: self._to_all(frame))

    def book(self) -> bytes:
        """A book newer than all before."""
        self._book_ms += 1
        return scene.book(time_ms=self._book_ms)

    def cut(self) -> None:
        """Drop every connection without a word."""
        self._call(lambda: [self._abort(socket) for socket in self._sockets])

    def wait_until_left(self) -> None:
        """A connection to the deaf venue has ended."""
        assert self._left.wait(10)

    def _call(self, action: Callable[[], Any]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _to_all(self, frame: bytes) -> None:
        for socket in self._sockets:
            self._tasks.append(self._loop.create_task(socket.send_str(frame.decode("latin-1"))))

    @staticmethod
    def _abort(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport if socket._req is not None else None
        if transport is not None:
            transport.abort()

    async def _run(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        app = web.Application()
        app.add_routes([web.post("/info", self._info), web.get("/ws", self._talk)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._stop.wait()
        for socket in list(self._sockets):
            self._abort(socket)
        await runner.cleanup()

    async def _info(self, request: web.Request) -> web.Response:
        kind = json.loads(await request.read())["type"]
        self.asked.append(kind)
        if self.breaks_info:
            return web.Response(status=502, text="bad gateway")
        table = {
            "meta": self.coins, "userFees": scene.FEES, "clearinghouseState": scene.CLEARINGHOUSE,
            "frontendOpenOrders": [], "userFillsByTime": self.fills,
        }  # fmt: skip
        return web.json_response(table[kind])

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        self.connections += 1
        if self.refuses:
            self.refuses -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        while self.is_deaf:
            await asyncio.sleep(0.01)
            if request.transport is None:
                self._left.set()
                return socket
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._heard(socket, json.loads(message.data))
        self._sockets.discard(socket)
        return socket

    async def _heard(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        if said["method"] == "ping":
            await socket.send_str('{"channel":"pong"}')
            return
        topic = said["subscription"]
        self.subscribed.append(topic)
        await socket.send_str(
            scene.ack(topic["type"], said["method"], **{k: topic[k] for k in topic if k != "type"}).decode()
        )
        if said["method"] == "subscribe" and topic["type"] == "l2Book" and self.sends_books:
            await socket.send_str(self.book().decode())
        if said["method"] == "subscribe" and topic["type"] == "allMids":
            await socket.send_str(scene.frame("allMids", {"mids": {"BTC": "113387.0"}}).decode())
        if said["method"] == "subscribe" and topic["type"] == "userFills":
            await socket.send_str(scene.fills(*self.fills, snapshot=True).decode())
