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

from shared.clock import Clock
from shared.venue.door.door import Door
from shared.venue.door.host import MAX_BODY_BYTES, Driver, VenueHost
from shared.venue.door.mischief import Mischief, TransportInScope

_GRACE_SECONDS: Final = 3
_KEEP_ALIVE_SECONDS: Final = 75


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
    mischief: Mischief | None = None,
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
    venue = VenueHost(door, drivers, clock, mischief)
    config = uvicorn.Config(
        venue.app(),
        http=TransportInScope,
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
