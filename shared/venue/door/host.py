"""EDGE: one event loop for the door, its connections and its drivers; every request and frame passes here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.clock import Clock, ScaledClock, VirtualClock
from shared.errors import ConfigError, InvariantError
from shared.units import MS, SECOND, Ns
from shared.venue.core.commands import Command
from shared.venue.door.cors import OpenToAll
from shared.venue.door.door import Door
from shared.venue.door.lines import Line
from shared.venue.door.mischief import Mischief, cut_transport, unanswered
from shared.venue.door.overview import overview
from shared.venue.door.sent import SentLedger
from shared.venue.door.sessions import ABORTED
from shared.venue.faults.catalogue import CutSockets
from shared.venue.faults.engine import Faults

MAX_BODY_BYTES: Final = 256 * 1024
LONGEST_WAIT_NS: Final = SECOND
_SLOW_READER: Final = 1008
_PAGE: Final = Path(__file__).with_name("page.html")


class Driver(Protocol):
    """A market driver: something that trades on the exchange from within its process."""

    def step(self, door: Door, now: Ns) -> Ns:
        """Act at `now` through `door.apply`; when to be called next."""
        ...


class VenueHost:
    """One door, its connections and its drivers, in one event loop."""

    def __init__(self, door: Door, drivers: Sequence[Driver], clock: Clock, mischief: Mischief | None = None) -> None:
        self._door = door
        self._mischief = mischief or Mischief(Faults())
        self._clock = clock
        self._speed = clock.speed if isinstance(clock, ScaledClock) else 1.0
        self._wakes: list[tuple[Driver, Ns]] = [(driver, Ns(0)) for driver in drivers]
        self._lines: dict[int, Line] = {}
        self._sockets: dict[int, WebSocket] = {}
        self._awaited: dict[int, asyncio.Future[tuple[int, str, bytes]]] = {}
        self._kick = asyncio.Event()
        self._is_in_doubt = False
        self.sent: SentLedger | None = None
        """Filled while there is one; the control port puts it there."""

    async def run(self) -> None:
        """Never returns: steps drivers and the door when they are due, or when a request may have changed that.

        InvariantError after a request that the exchange did not survive.
        """
        while True:
            if self._is_in_doubt:
                raise InvariantError("a request broke the exchange; its state can't be trusted")
            wake = self._turn(self._clock.now())
            self._kick.clear()
            wait_ns = min((wake - self._clock.now()) / self._speed, LONGEST_WAIT_NS)
            if wait_ns <= 0:
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_ns / SECOND):
                    await self._kick.wait()

    @property
    def faults(self) -> Faults:
        """The faults of this exchange."""
        return self._mischief.faults

    def now(self) -> Ns:
        """The exchange's time."""
        return self._clock.now()

    def wake(self) -> None:
        """Look again at what is due."""
        self._kick.set()

    def apply(self, command: Command, now: Ns) -> None:
        """A command from beside the protocol; those who subscribed are told."""
        with self._disturbing():
            self._door.apply(command, now)
            self._pump()

    def owe_requests(self, user: str, count: int) -> None:
        """Count requests of the user that nobody sent."""
        self._door.owe_requests(user, count)

    async def step(self, span: Ns) -> Ns:
        """Let `span` pass on a stepped clock, everything at its time; the time then. ConfigError on any other clock."""
        if not isinstance(self._clock, VirtualClock):
            raise ConfigError(["time can be stepped only on a venue that was started with --stepped"])
        end = Ns(self._clock.now() + span)
        while (wake := self._turn(self._clock.now())) <= end:
            self._clock.advance_to(max(wake, self._clock.now()))
            await asyncio.sleep(0)
        self._clock.advance_to(end)
        self._turn(end)
        return end

    def app(self) -> Starlette:
        """The ASGI application."""
        app = Starlette(
            routes=[
                Route("/", self._page, methods=["GET"]),
                Route("/overview", self._overview, methods=["GET"]),
                Route("/info", self._post, methods=["POST"]),
                Route("/exchange", self._post, methods=["POST"]),
                Route("/health", self._health, methods=["GET"]),
                Route("/ws", _no_upgrade, methods=["GET"]),
                WebSocketRoute("/ws", self._talk),
            ],
            middleware=[Middleware(OpenToAll)],
            exception_handlers={404: _empty, 405: _empty, ClientDisconnect: _gone},
        )
        app.router.redirect_slashes = False
        return app

    def _turn(self, now: Ns) -> Ns:
        """Everything due at `now` done; when something is due next."""
        self._wakes = [(driver, driver.step(self._door, now) if wake <= now else wake) for driver, wake in self._wakes]
        self._mischief.act(self._door, now)
        for connection, fault in self._mischief.cuts(self._lines, now):
            self._strike(connection, fault)
        wake = min([self._door.due(now), self._mischief.due(now), *(wake for _, wake in self._wakes)])
        self._pump()
        return wake

    def _pump(self) -> None:
        """Hand what the door has to say to the connections; a reader that is too slow is cut off."""
        for connection, sent in self._mischief.passed(self._door.drain_outbox(), self._clock.now()):
            line = self._lines.get(connection)
            if line is None:
                continue
            if not line.put(sent):
                self._cut(connection, line)
        for ticket, response in self._door.drain_answers():
            if ticket in self._awaited and not self._awaited[ticket].done():
                self._awaited[ticket].set_result(response)
        for connection, code in self._door.drain_hangups():
            if connection in self._lines:
                self._lines[connection].hang_up(code)

    def _cut(self, connection: int, line: Line) -> None:
        line.clear()
        line.hang_up(_SLOW_READER)
        del self._lines[connection]
        self._door.disconnect(connection)

    def _strike(self, connection: int, fault: CutSockets) -> None:
        """End a connection as the fault asks for."""
        line = self._lines[connection]
        if fault.code is None:
            cut_transport(self._sockets[connection], is_mid_frame=fault.is_mid_frame)
        else:
            line.hang_up(fault.code)

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
        fate = self._mischief.fate_of_body(request.url.path, body, self._clock.now())
        answered = fate.answer
        for _ in range(fate.times):
            truth = await self._asked(request, bytes(body))
            answered = answered or truth
        if answered is None or fate.ending != "answer":
            return await unanswered(request, fate)
        await asyncio.sleep(fate.delay_ns / SECOND)
        status, kind, answer = answered
        return Response(answer, status, headers={"content-type": kind})

    async def _asked(self, request: Request, body: bytes) -> tuple[int, str, bytes]:
        """What the door answers, when the block of the action has run."""
        with self._disturbing():
            now, kind = self._clock.now(), request.headers.get("content-type")
            answered = self._door.submit(request.url.path, kind, body, now, _host(request))
            self._pump()
        if not isinstance(answered, int):
            return answered
        awaited: asyncio.Future[tuple[int, str, bytes]] = asyncio.get_running_loop().create_future()
        self._awaited[answered] = awaited
        try:
            return await awaited
        finally:
            self._awaited.pop(answered, None)

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "time": self._clock.now() // MS, "connections": len(self._lines)})

    async def _page(self, _: Request) -> Response:
        return Response(_PAGE.read_bytes(), media_type="text/html; charset=utf-8")

    async def _overview(self, _: Request) -> Response:
        shown = overview(self._door.answers, self._mischief.faults, len(self._lines), self._clock.now())
        return JSONResponse(shown)

    async def _talk(self, websocket: WebSocket) -> None:
        await websocket.accept()
        connection = self._door.connect(self._clock.now(), _host(websocket))
        line = Line()
        self._lines[connection] = line
        self._sockets[connection] = websocket
        ledger = self.sent
        if ledger is not None:
            ledger.opened(connection)
        self._pump()
        writer = asyncio.create_task(_write(websocket, line, connection, ledger))
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                text = message.get("text")
                sent = message["bytes"] if text is None else text
                for _ in range(self._mischief.arrivals(connection, sent, self._clock.now())):
                    with self._disturbing():
                        self._door.receive(connection, sent, self._clock.now())
                        self._pump()
        finally:
            self._lines.pop(connection, None)
            self._sockets.pop(connection, None)
            self._mischief.forget(connection)
            self._door.disconnect(connection)
            writer.cancel()
            await asyncio.wait([writer])
            if ledger is not None:
                ledger.closed(connection)


def _host(asked: HTTPConnection) -> str:
    """The client's address, which limits are counted by."""
    return "" if asked.client is None else asked.client.host


async def _write(websocket: WebSocket, line: Line, connection: int, ledger: SentLedger | None) -> None:
    """Send what waits in `line` until a close code comes or the client is gone."""
    with contextlib.suppress(WebSocketDisconnect):
        while isinstance(sent := await line.get(), bytes):
            await websocket.send_text(sent.decode())
            if ledger is not None:
                ledger.sent(connection, sent)
        if sent == ABORTED:
            cut_transport(websocket)
        else:
            await websocket.close(sent)


async def _empty(_: HTTPConnection, error: Exception) -> Response:
    """A refusal without words, as axum gives it for paths and methods that are not served."""
    assert isinstance(error, HTTPException)
    return Response(None, error.status_code, headers=error.headers)


async def _gone(_: HTTPConnection, error: Exception) -> Response:
    """For nobody: the client hung up in the middle of its request, which is no error of ours."""
    assert isinstance(error, ClientDisconnect)
    return Response(None, 400)


async def _no_upgrade(_: Request) -> Response:
    """What a plain GET gets where a WebSocket is served; axum's words."""
    return Response("Connection header did not include 'upgrade'", 400, media_type="text/plain")
