"""EDGE: the local exchange on a listening socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import uvicorn
from starlette.applications import Starlette

from shared.clock import Clock
from shared.venue.door.control import Control
from shared.venue.door.door import Door
from shared.venue.door.host import MAX_BODY_BYTES, Driver, VenueHost
from shared.venue.door.lines import ImpatientTransport
from shared.venue.door.mischief import Mischief

LOOPBACK: Final = "127.0.0.1"
_GRACE_SECONDS: Final = 3
_KEEP_ALIVE_SECONDS: Final = 75


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us and says when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening
        self.listens = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals stay as they are."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listening, and said so."""
        await super().startup(sockets)
        self._listening()
        self.listens.set()


async def serve(
    door: Door,
    *,
    clock: Clock,
    host: str = "127.0.0.1",
    port: int = 0,
    drivers: Sequence[Driver] = (),
    mischief: Mischief | None = None,
    control_port: int | None = None,
    ready: Callable[[int], None] | None = None,
    control_ready: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve `door` until SIGTERM, SIGINT or `stop`; `ready` is told the port, which is a free one for port 0.

    A control port is served on loopback if one is given, and `control_ready` told of it before `ready`. What a driver
    or the exchange raises ends the server and is raised here; after a request that raised, the client has a 500 and
    InvariantError is raised here.
    """
    stopping = stop or asyncio.Event()
    venue = VenueHost(door, drivers, clock, mischief)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_listener(host, port))
        servers = [(_server(venue.app(), ready, listener), listener)]
        if control_port is not None:
            beside = stack.enter_context(_listener(LOOPBACK, control_port))
            servers.insert(0, (_server(Control(venue).app(), control_ready, beside), beside))
        stack.enter_context(_signals_set(stopping))
        await _run(venue, servers, stopping)


async def _run(venue: VenueHost, servers: list[tuple[_Server, socket.socket]], stopping: asyncio.Event) -> None:
    """All servers, in the order in which they are ready, until `stopping` is set or the host fails."""
    running = asyncio.create_task(venue.run())
    stopped = asyncio.create_task(stopping.wait())

    def end(_: object) -> None:
        for server, _listener in servers:
            server.should_exit = True

    for task in (running, stopped):
        task.add_done_callback(end)
    serving: list[asyncio.Task[None]] = []
    try:
        for server, listener in servers:
            serving.append(asyncio.create_task(server.serve([listener])))
            await server.listens.wait()
        await asyncio.gather(*serving)
    finally:
        failed = running.done()
        for one in (running, stopped, *serving):
            one.cancel()
        await asyncio.wait([running, stopped, *serving])
    if failed:
        running.result()


def _server(app: Starlette, ready: Callable[[int], None] | None, listener: socket.socket) -> _Server:
    """A server of `app` that tells `ready` the port of its listener."""
    bound: int = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        http=ImpatientTransport,
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
    return _Server(config, (lambda: ready(bound)) if ready else (lambda: None))


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
