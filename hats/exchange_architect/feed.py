"""EDGE: drives the Session over a WebSocket, reads what it must over REST, and publishes what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Coroutine, Iterable
from queue import SimpleQueue
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from hats.exchange_architect import errands
from hats.exchange_architect.backlog import Backlog, Waiting
from hats.exchange_architect.backoff import Backoff, Quota
from hats.exchange_architect.line import Line
from hats.exchange_architect.measures import CONFLATED, DECODE
from hats.exchange_architect.reader import Reader
from hats.exchange_architect.session import Session
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.subscriptions import plan
from hats.exchange_architect.tape import Record, Tape, forget
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import bad_data
from shared.clock import Clock
from shared.edge import Publish
from shared.errors import VenueError
from shared.messages import Message
from shared.messages.market import BadKind, FeedState, FeedStatus, UniverseUpdate
from shared.units import MS, SECOND, US, Ns
from shared.warehouse.capture.records import Direction

_MOST_FRAME_BYTES: Final = 16 * 1024 * 1024
_MOST_FRAMES_WAITING: Final = 4_096
_TURN: Final = 128
"""Frames of one socket before the others have their turn."""
_READING_NS: Final = 10 * MS
"""How long what waits is read before the sockets have their turn."""
_FAREWELL_S: Final = 1.0
"""How long a peer may take to say goodbye."""
_MOST_UNIVERSES_PER_MINUTE: Final = 6
"""One costs 40 of the 1200 weight that a minute has."""


class Feed:
    """A thread with its own event loop. Everything that decides is in the Session; here are sockets and the clock."""

    def __init__(
        self, settings: Settings, clock: Clock, universe: Universe, rng: random.Random, record: Record = forget
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._universe = universe
        self._url = f"ws{settings.base_url.removeprefix('http')}/ws"
        self._record = record
        shards = plan(settings)
        self._tapes = [Tape(number, self._url, record) for number in range(len(shards))]
        self._shards = shards
        first_ns, most_ns = settings.backoff_first_ms * MS, settings.backoff_most_ms * MS
        quota = Quota(settings.connections_per_minute)
        self._backoffs = [Backoff(first_ns, most_ns, quota, rng) for _ in shards]
        self._read_backoff = Backoff(first_ns, most_ns, Quota(_MOST_UNIVERSES_PER_MINUTE), rng)
        self._reader = Reader(settings, self.sample)
        self._samples: SimpleQueue[tuple[str, float]] = SimpleQueue()
        self._session: Session
        self._publish: Publish
        self._backlog = Backlog()
        self._has_waiting: asyncio.Event
        self._has_room: asyncio.Event
        self._ends: list[asyncio.Event]
        self._conflated = 0
        self._sockets: list[ClientConnection | None] = [None for _ in shards]
        self._close_reasons = ["" for _ in shards]
        self._is_stopping = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event
        self._group: asyncio.TaskGroup
        self._reading: asyncio.Lock
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name="feed", daemon=True)

    def start(self, publish: Publish) -> None:
        """Its thread runs; whatever it hears is published from there."""
        self._publish = publish
        now, quota = self._clock.now(), Quota(self._settings.frames_per_minute)
        parts = zip(self._shards, self._tapes, strict=True)
        lines = [Line(topics, self._settings, now, tape, quota) for topics, tape in parts]
        self._session = Session(self._settings, self._universe, now, lines, self._record)
        self._thread.start()
        self._ready.wait()

    @property
    def is_alive(self) -> bool:
        """Does its thread run? Until it was stopped, all else is our bug."""
        return self._thread.is_alive()

    def sample(self, measure: str, value: float) -> None:
        """Hand a sample in, from any thread; it is reported with the feed's own."""
        self._samples.put((measure, value))

    def stop(self) -> None:
        """Its thread runs no more and its sockets are closed."""
        self._is_stopping = True
        self._reader.close()
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stopped.set)
        if self._thread.ident is not None:
            self._thread.join((self._settings.connect_ms + self._settings.answer_ms) / 1e3 + _FAREWELL_S)

    # ------------------------------------------------------------------------------------------ the thread

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            self._ready.set()
            if not self._is_stopping:  # our bug; the error goes on to the thread's hook, but nobody may trust us now
                reason = "the feed's thread died"
                self._publish(FeedStatus(FeedState.DOWN, self._session.epoch, reason, self._clock.now()))

    async def _main(self) -> None:
        self._stopped = asyncio.Event()
        self._reading = asyncio.Lock()
        self._has_waiting, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_room.set()
        self._ends = [asyncio.Event() for _ in self._shards]
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for work in (self._tick(), self._work_all(group), self._read_all()):
                    self._begin(group, work)
                await self._stopped.wait()
                for task in self._tasks:
                    task.cancel()
        finally:
            with self._lock:  # `stop` may look at the loop at this very moment
                self._loop = None
            for tape in self._tapes:
                tape.ended(self._clock.now())

    def _begin(self, group: asyncio.TaskGroup, work: Coroutine[None, None, None]) -> None:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._publish(message)

    async def _sleep_until(self, ns: Ns) -> None:
        await asyncio.sleep(max(ns - self._clock.now(), 0) / SECOND)

    # ------------------------------------------------------------------------------------------ the connections

    async def _work_all(self, group: asyncio.TaskGroup) -> None:
        """Every socket, as soon as there is a universe to understand what comes."""
        await self._learn_universe()
        for number in range(len(self._shards)):
            self._begin(group, self._follow(number))

    async def _follow(self, number: int) -> None:
        """Keep one socket connected."""
        backoff = self._backoffs[number]
        while True:
            # others share the quota and may have used it up while we slept
            while (at := backoff.next_attempt(self._clock.now())) > self._clock.now():
                await self._sleep_until(at)
            backoff.attempted(self._clock.now())
            reason, code = await self._one_connection(number)
            await self._read_to_its_end(number)
            self._say(self._session.disconnected(self._clock.now(), reason, number, code))

    async def _one_connection(self, number: int) -> tuple[str, int]:
        """Follow one connection to its end; the reason for the end, and the WebSocket's code if one came."""
        self._close_reasons[number] = ""
        try:
            async with self._connecting() as socket:
                frames, messages = self._session.connected(self._clock.now(), number)
                self._sockets[number] = socket
                self._say(messages)
                await self._send(number, frames)
                count = 0
                while True:
                    self._take(await socket.recv(decode=False), number)
                    count += 1
                    if count % _TURN == 0:
                        await asyncio.sleep(0)  # a socket that always has more must let the others in
                        await self._has_room.wait()
        except ConnectionClosed as error:
            reason = self._close_reasons[number] or f"connection closed: {error}"
            return reason, 0 if error.rcvd is None else error.rcvd.code
        except (OSError, TimeoutError, WebSocketException) as error:
            return f"can't connect: {type(error).__name__} {error}", 0
        finally:
            self._drop(number, "")  # a farewell that was cut short leaves it open
            self._sockets[number] = None

    def _connecting(self) -> connect:
        """A WebSocket without its own pings and without a user agent: the Session keeps it alive."""
        return connect(
            self._url,
            open_timeout=self._settings.connect_ms / 1e3,
            close_timeout=_FAREWELL_S,
            ping_interval=None,
            compression=None,
            user_agent_header=None,
            proxy=None,
            max_size=_MOST_FRAME_BYTES,
            max_queue=_MOST_FRAMES_WAITING,
        )

    async def _send(self, number: int, frames: Iterable[str]) -> None:
        """Write frames to a socket; if it is gone, whoever reads from it will notice."""
        socket = self._sockets[number]
        if socket is None:
            return
        for frame in frames:
            self._tapes[number].frame(frame.encode(), self._clock.now(), time.monotonic_ns(), Direction.OUT)
            await socket.send(frame)

    def _take(self, frame: bytes, number: int) -> None:
        """Write down what came, and let it wait for whoever reads it."""
        recv_ns = self._clock.now()
        self._tapes[number].frame(frame, recv_ns, time.monotonic_ns())
        self._wait(Waiting(number, recv_ns, frame))

    def _wait(self, waiting: Waiting) -> None:
        self._backlog.put(waiting, is_private=self._session.is_private(waiting.socket))
        self._has_waiting.set()
        if self._backlog.is_full:
            self._has_room.clear()

    async def _read_all(self) -> None:
        """Read what waits, for ever; the sockets come first whenever some time has passed."""
        while True:
            await self._has_waiting.wait()
            until = self._clock.now() + _READING_NS
            while (waiting := self._backlog.take()) is not None:
                self._read(waiting)
                if self._clock.now() >= until:
                    break
            else:
                self._has_waiting.clear()
            if not self._backlog.is_full:
                self._has_room.set()
            await asyncio.sleep(0)

    def _read(self, waiting: Waiting) -> None:
        number, recv_ns, frame = waiting
        if frame is None:
            self._ends[number].set()
            return
        began = self._clock.now()
        messages = self._session.received(frame, recv_ns, number)
        self._session.measured(DECODE, (self._clock.now() - began) / US)
        if self._session.is_whole(number):
            self._backoffs[number].succeeded()
        self._say(messages)

    async def _read_to_its_end(self, number: int) -> None:
        """All that came before the connection ended is read before anybody hears of its end."""
        self._ends[number].clear()
        self._wait(Waiting(number, self._clock.now(), None))
        await self._ends[number].wait()

    async def _tick(self) -> None:
        """Look at the deadlines, and do what is due."""
        while True:
            while not self._samples.empty():
                self._session.measured(*self._samples.get())
            if self._backlog.conflated > self._conflated:
                self._session.measured(CONFLATED, self._backlog.conflated - self._conflated)
                self._conflated = self._backlog.conflated
            due = self._session.due(self._clock.now())
            self._say(due.messages)
            for number, reason in due.closes.items():
                self._drop(number, reason)
            for number, frame in due.sends:
                with contextlib.suppress(ConnectionClosed):  # its reader says so
                    await self._send(number, (frame,))
            if due.catch_up_ns is not None:
                self._begin(self._group, self._catch_up(due.catch_up_ns, self._session.epoch))
            await asyncio.sleep(self._settings.tick_ms / 1e3)

    def _drop(self, number: int, reason: str) -> None:
        """Not close(): a peer that is silent would make us wait for its farewell."""
        socket = self._sockets[number]
        if socket is not None:
            self._close_reasons[number] = reason
            socket.transport.abort()

    # ------------------------------------------------------------------------------------------ reads

    async def _learn_universe(self) -> None:
        """Instruments and fees, however long it takes; then again and again, beside the feed."""
        while True:
            await self._sleep_until(self._read_backoff.next_attempt(self._clock.now()))
            self._read_backoff.attempted(self._clock.now())
            reason = await self._refresh_universe()
            if reason is None:
                break
            self._say(self._session.unfollowed(reason, self._clock.now()))
        self._begin(self._group, self._keep_universe())

    async def _keep_universe(self) -> None:
        while True:
            await asyncio.sleep(self._settings.refresh_s)
            await self._refresh_universe()

    async def _refresh_universe(self) -> str | None:
        """Why the coins can't be followed; None if they can."""
        try:
            messages = await self._carry(errands.read_universe(self._settings.user_address, self._clock.now))
        except VenueError as error:
            return f"can't read the universe: {error}"
        for message in messages:
            if isinstance(message, UniverseUpdate):
                self._universe.learn(message)
        self._say(messages)
        missing = self._universe.missing(self._settings.coins)
        return f"not listed: {', '.join(missing)}" if missing else None

    async def _catch_up(self, since_ns: Ns, epoch: int) -> None:
        """Read the account as the Session wished; what it says goes out before the feed is called up."""
        user = self._settings.user_address
        assert user is not None, "the Session wishes for the account only if there is a user"
        try:
            messages = await self._carry(errands.read_account(user, since_ns, self._universe, self._clock.now))
        except VenueError as error:
            # the Session goes on wishing; the feed stays as it is
            self._say(
                [
                    bad_data(
                        errands.INFO,
                        "",
                        f"account not read: {error}",
                        error.said.encode(),
                        self._clock.now(),
                        BadKind.UNANSWERED,
                    )
                ]
            )
            return
        self._say(messages)
        self._say(self._session.caught_up(epoch, self._clock.now()))

    async def _carry(self, errand: errands.Errand) -> list[Message]:
        """What the errand brought; one at a time, for there is one connection."""
        async with self._reading:
            return await asyncio.to_thread(self._reader.carry, errand)
