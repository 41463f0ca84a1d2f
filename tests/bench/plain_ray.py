"""EDGE: the same nine Hats as plain Ray actors, for comparison: every batch, answer and publication is a Ray call.

Heart, journal, its rule of what is on disk before whom, the Hats and their edges are the product's own; only the
transport is another. The hub is an asyncio actor: it awaits answers as they come, so that neither a thread that sits in
`ray.get` nor a polling `ray.wait` adds to Ray's times. Other ways of writing it were not measured.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import ray

from orchestrator import compose
from orchestrator.cluster import WORKER_ENV, LaunchOrder
from orchestrator.heart import Heart, Output
from orchestrator.hub import ACTING, DISPATCH_ORDER
from orchestrator.machine.runfiles import RunFiles
from orchestrator.patience import NOTED_WAIT_NS, can_wait
from orchestrator.supervisor import Supervisor
from shared.clock import WallClock
from shared.codec import decode, encode
from shared.edge import Context
from shared.hat import settled
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.mailbox import Mailbox
from shared.messages import Message
from shared.messages.message import Lane
from shared.shell import LaunchSpec, quicken
from shared.units import MS, SECOND, Ns

READY_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 30.0

UNDER_WAY_MAX: Final = 64
"""Publications of market data that a feed may have under way. Without a limit the hub's queue grows for ever at a rate
that it can't keep up with; with one the feed waits, and what waits before it is read does not count against Ray."""

Letters = list[tuple[int, int, bytes]]
"""(seq, origin_ns, encoded message) each."""
Answer = tuple[list[tuple[int, bytes]], list[int]]
"""What a Hat said ((index of the letter, encoded message) each) and the time that each letter took (ns)."""


class PlainHat:
    """One Hat whose batches come as Ray calls."""

    def __init__(self, role: Role, settings: bytes, run_dir: str, hub: Any) -> None:
        spec = LaunchSpec(role, "", "", "", settings, run_dir)
        quicken()
        shell = compose.actor_class(role)()
        self._role = role
        self._hub = hub
        self._under_way: list[Any] = []
        self._hat = shell.make_hat(spec)
        self._edge = shell.make_edge(spec)

    def open_edge(self) -> None:
        """Its edge is open, if it has one."""
        if self._edge is not None:
            self._edge.start(self._publish)

    def close_edge(self) -> None:
        """Its edge is closed, if it has one."""
        if self._edge is not None:
            self._edge.stop()

    def handle_batch(self, now: int, letters: Letters) -> Answer:
        """What the Hat says; commands for its edge are carried out before this returns."""
        said: list[tuple[int, bytes]] = []
        handled_ns: list[int] = []
        commands: list[tuple[Message, Context]] = []
        wanted = self._edge.commands if self._edge is not None else frozenset()
        for index, (seq, origin_ns, body) in enumerate(letters):
            began = time.perf_counter_ns()
            for output in self._hat.handle(decode(body), Ns(now)):
                said.append((index, encode(output)))
                if type(output) in wanted:
                    commands.append((output, Context(seq, origin_ns)))
            handled_ns.append(time.perf_counter_ns() - began)
        for index, output in settled(self._hat, Ns(now)):
            said.append((index, encode(output)))
            if type(output) in wanted:
                commands.append((output, Context(letters[index][0], letters[index][1])))
        if self._edge is not None:
            for command, context in commands:
                self._edge.carry_out(command, context, Ns(now))
        return said, handled_ns

    def _publish(self, message: Message, context: Context = Context()) -> None:
        call = self._hub.publish.remote(str(self._role), context.cause, context.origin_ns, encode(message))
        if message.lane is Lane.MARKET:  # said by the feed's thread alone
            self._under_way.append(call)
            if len(self._under_way) >= UNDER_WAY_MAX:
                _, self._under_way = ray.wait(self._under_way, num_returns=UNDER_WAY_MAX // 2)


class PlainHub:
    """The orchestrator's heart, fed by Ray calls."""

    def __init__(self, order: bytes) -> None:
        self._order = msgspec.msgpack.decode(order, type=LaunchOrder)
        self._settings = settings = compose.settings_from_json(self._order.settings)
        quicken()
        self._clock = WallClock()
        self._journal = Journal(RunFiles(Path(self._order.run_dir)).journal, now_ns=self._clock.now())
        supervisor = Supervisor(self._order.run, wants_armed=True)
        mailboxes = {role: Mailbox(role, settings.mailbox.capacity) for role in HATS}
        self._heart = Heart(self._journal, compose.CATALOGUE, supervisor, mailboxes)
        self._hats: dict[Role, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_running = True
        self._last_commit_ns = 0
        self._problem = ""

    async def raise_hats(self, hats: dict[str, Any]) -> None:
        """All nine are told that they started, and their edges are open."""
        for name, hat in hats.items():
            role = Role(name)
            self._heart.say(self._heart.supervisor.connected(role), self._clock.now())
            self._hats[role] = hat
            self._heart.say(self._heart.supervisor.restored(role, self._clock.now()), self._clock.now())
        self._begin(self._keep_time())
        await asyncio.gather(*(hat.open_edge.remote() for hat in hats.values()))

    async def is_armed(self) -> bool:
        """Is it trading? Raises what stopped it, if something did."""
        if self._problem:
            raise RuntimeError(self._problem)
        return self._heart.supervisor.is_armed

    async def publish(self, role: str, cause: int, origin_ns: int, body: bytes) -> None:
        """An edge says something."""
        if self._is_running:
            self._heart.publish(Role(role), decode(body), self._clock.now(), Context(cause, origin_ns), body)
            self._dispatch()

    async def stop(self) -> None:
        """Edges are closed and the journal is on disk."""
        self._is_running = False
        await asyncio.gather(*(hat.close_edge.remote() for hat in self._hats.values()))
        for task in self._tasks:
            task.cancel()
        self._journal.close()

    async def _keep_time(self) -> None:
        while self._is_running:
            now = self._clock.now()
            if now >= self._heart.next_ns():
                self._heart.tick(now)
                self._dispatch()
            longest_ns = SECOND
            if self._heart.mailboxes[Role.SECURITY_ARCHITECT].depth:
                self._dispatch()
                longest_ns = NOTED_WAIT_NS
            await asyncio.sleep(max(min(self._heart.next_ns() - self._clock.now(), longest_ns), 0) / SECOND)

    def _dispatch(self) -> None:
        now = self._clock.now()
        for role in DISPATCH_ORDER:
            hat, mailbox = self._hats.get(role), self._heart.mailboxes[role]
            if hat is None or (role is Role.SECURITY_ARCHITECT and mailbox.depth and can_wait(mailbox, now)):
                continue
            flight = self._heart.depart(role, now)
            if flight is None:
                continue
            if role in ACTING and self._journal.has_durable_pending:
                self._journal.sync()
            letters = [(letter.seq, letter.origin_ns, letter.payload) for letter in flight.letters]
            self._begin(self._settle(role, hat.handle_batch.remote(flight.now, letters)))
        if now - self._last_commit_ns >= self._settings.journal.commit_interval_ms * MS:
            self._journal.commit()
            self._last_commit_ns = now

    async def _settle(self, role: Role, answer: Any) -> None:
        said, handled_ns = await answer
        outputs = [Output(index, decode(body), body) for index, body in said]
        while self._heart.land(role, outputs, handled_ns, self._clock.now()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        self._dispatch()

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._is_running and not task.cancelled() and task.exception() is not None:
            self._problem = repr(task.exception())


class PlainDesk:
    """Ten plain actors, trading while inside."""

    def __init__(self, order: LaunchOrder) -> None:
        remote: Any = ray.remote
        env = {"env_vars": dict(WORKER_ENV)}
        made = remote(num_cpus=0, max_restarts=0, enable_task_events=False, runtime_env=env)
        settings = compose.settings_from_json(order.settings)
        self._hub = made(PlainHub).remote(msgspec.msgpack.encode(order))
        kind = made(PlainHat)
        self._hats = {
            str(role): kind.remote(role, compose.hat_settings(settings, role), order.run_dir, self._hub)
            for role in HATS
        }

    def __enter__(self) -> Self:
        ray.get(self._hub.raise_hats.remote(self._hats), timeout=READY_TIMEOUT_S)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not ray.get(self._hub.is_armed.remote(), timeout=READY_TIMEOUT_S):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not armed within {READY_TIMEOUT_S:.0f} s")
            time.sleep(0.5)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            ray.get(self._hub.stop.remote(), timeout=STOP_TIMEOUT_S)
        finally:
            for actor in (self._hub, *self._hats.values()):
                ray.kill(actor)
