"""EDGE: the local exchange on a socket: HTTP, WebSocket, and the loop that lets time and market drivers act."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.clock import Clock
from shared.errors import InvariantError
from shared.units import MS, SECOND, Ns
from shared.venue.door.cors import OpenToAll
from shared.venue.door.door import Door

MAX_BODY_BYTES: Final = 256 * 1024
MAX_WAITING_FRAMES: Final = 10_000
"""Frames that may wait for a slow reader; beyond it the connection is closed."""
LONGEST_WAIT_NS: Final = SECOND
_SLOW_READER: Final = 1008
_GRACE_SECONDS: Final = 3
_KEEP_ALIVE_SECONDS: Final = 75


class Driver(Protocol):
    """A market driver: something that trades on the exchange from within its process."""

    def step(self, door: Door, now: Ns) -> Ns:
        """Act at `now` through `door.apply`; when to be called next."""
        ...


class VenueHost:
    """One door, its connections and its drivers, in one event loop."""

    def __init__(self, door: Door, drivers: Sequence[Driver], clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._wakes: list[tuple[Driver, Ns]] = [(driver, Ns(0)) for driver in drivers]
        self._lines: dict[int, asyncio.Queue[bytes | int]] = {}
        self._kick = asyncio.Event()
        self._is_in_doubt = False

    async def run(self) -> None:
        """Never returns: steps drivers and the door when they are due, or when a request may have changed that.

        InvariantError after a request that the exchange did not survive.
        """
        while True:
            if self._is_in_doubt:
                raise InvariantError("a request broke the exchange; its state can't be trusted")
            wake = self._turn(self._clock.now())
            self._kick.clear()
            wait_ns = min(wake - self._clock.now(), LONGEST_WAIT_NS)
            if wait_ns <= 0:
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_ns / SECOND):
                    await self._kick.wait()

    def app(self) -> Starlette:
        """The ASGI application."""
        app = Starlette(
            routes=[
                Route("/info", self._post, methods=["POST"]),
                Route("/exchange", self._post, methods=["POST"]),
                Route("/health", self._health, methods=["GET"]),
                Route("/ws", _no_upgrade, methods=["GET"]),
                WebSocketRoute("/ws", self._talk),
            ],
            middleware=[Middleware(OpenToAll)],
            exception_handlers={404: _empty, 405: _empty},
        )
        app.router.redirect_slashes = False
        return app

    def _turn(self, now: Ns) -> Ns:
        """Everything due at `now` done; when something is due next."""
        self._wakes = [(driver, driver.step(self._door, now) if wake <= now else wake) for driver, wake in self._wakes]
        wake = min([self._door.due(now), *(wake for _, wake in self._wakes)])
        self._pump()
        return wake

    def _pump(self) -> None:
        """Hand what the door has to say to the connections; a reader that is too slow is cut off."""
        for connection, sent in self._door.drain_outbox():
            line = self._lines.get(connection)
            if line is None:
                continue
            if line.qsize() >= MAX_WAITING_FRAMES:
                self._cut(connection, line)
            else:
                line.put_nowait(sent)
        for connection, code in self._door.drain_hangups():
            if connection in self._lines:
                self._lines[connection].put_nowait(code)

    def _cut(self, connection: int, line: asyncio.Queue[bytes | int]) -> None:
        while not line.empty():
            line.get_nowait()
        line.put_nowait(_SLOW_READER)
        del self._lines[connection]
        self._door.disconnect(connection)

    @contextlib.contextmanager
    def _disturbing(self) -> Iterator[None]:
        """Wakes the loop afterwards; if the body raises, the loop will not go on."""
        self._is_in_doubt = True
        self._kick.set()
        yield
        self._is_in_doubt = False

    async def _post(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return Response("length limit exceeded", 413, media_type="text/plain")
        content_type = request.headers.get("content-type")
        with self._disturbing():
            now, client = self._clock.now(), _host(request)
            status, kind, answer = self._door.http(request.url.path, content_type, bytes(body), now, client)
            self._pump()
        return Response(answer, status, headers={"content-type": kind})

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "time": self._clock.now() // MS, "connections": len(self._lines)})

    async def _talk(self, websocket: WebSocket) -> None:
        await websocket.accept()
        connection = self._door.connect(self._clock.now(), _host(websocket))
        line: asyncio.Queue[bytes | int] = asyncio.Queue()
        self._lines[connection] = line
        self._pump()
        writer = asyncio.create_task(_write(websocket, line))
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                sent = message.get("text")
                with self._disturbing():
                    self._door.receive(connection, message["bytes"] if sent is None else sent, self._clock.now())
                    self._pump()
        finally:
            self._lines.pop(connection, None)
            self._door.disconnect(connection)
            writer.cancel()
            await asyncio.wait([writer])


def _host(asked: HTTPConnection) -> str:
    """The client's address, which limits are counted by."""
    return "" if asked.client is None else asked.client.host


async def _write(websocket: WebSocket, line: asyncio.Queue[bytes | int]) -> None:
    """Send what waits in `line` until a close code comes or the client is gone."""
    with contextlib.suppress(WebSocketDisconnect):
        while isinstance(sent := await line.get(), bytes):
            await websocket.send_text(sent.decode())
        await websocket.close(sent)


async def _empty(_: HTTPConnection, error: Exception) -> Response:
    """A refusal without words, as axum gives it for paths and methods that are not served."""
    assert isinstance(error, HTTPException)
    return Response(None, error.status_code, headers=error.headers)


async def _no_upgrade(_: Request) -> Response:
    """What a plain GET gets where a WebSocket is served; axum's words."""
    return Response("Connection header did not include 'upgrade'", 400, media_type="text/plain")


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us and says when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals stay as they are."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listening, and said so."""
        await super().startup(sockets)
        self._listening()


async def serve(
    door: Door,
    *,
    clock: Clock,
    host: str = "127.0.0.1",
    port: int = 0,
    drivers: Sequence[Driver] = (),
    ready: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve `door` until SIGTERM, SIGINT or `stop`; `ready` is told the port, which is a free one for port 0.

    What a driver or the exchange raises ends the server and is raised here; after a request that raised, the client
    has a 500 and InvariantError is raised here.
    """
    stopping = stop or asyncio.Event()
    listener = _listener(host, port)
    bound: int = listener.getsockname()[1]
    venue = VenueHost(door, drivers, clock)
    config = uvicorn.Config(
        venue.app(),
        lifespan="off",
        log_config=None,
        access_log=False,
        ws_max_size=MAX_BODY_BYTES,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config, (lambda: ready(bound)) if ready else (lambda: None))
    running = asyncio.create_task(venue.run())
    stopped = asyncio.create_task(stopping.wait())
    for task in (running, stopped):
        task.add_done_callback(lambda _: setattr(server, "should_exit", True))
    try:
        with listener, _signals_set(stopping):
            await server.serve([listener])
    finally:
        failed = running.done()
        running.cancel()
        stopped.cancel()
        await asyncio.wait([running, stopped])
    if failed:
        running.result()


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket whose connections send without delay.

    asyncio sets TCP_NODELAY only on sockets that name their protocol, and `socket.create_server` makes them without;
    an answer in two writes then waits 40 ms for the peer's acknowledgement.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    return listener


@contextlib.contextmanager
def _signals_set(stopping: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stopping` meanwhile, if this is the main thread."""
    signals = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    loop = asyncio.get_running_loop()
    for number in signals:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
