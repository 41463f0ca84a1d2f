"""EDGE: the loop around a Hat in a process of its own: batch in, handle, batch out.

The hub leads: Restore (a state), replayed batches, Go, then live batches. A batch is answered as a whole or not at
all, so a Hat that dies half-way has, for the journal, not begun. Commands for the Hat's own edge are carried out before
the answer leaves: what led to them is on disk already, they are harmless to repeat, and the wire is what waits.
"""

from __future__ import annotations

import gc
import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, ClassVar, Final

import msgspec

from shared.bus import frames
from shared.bus.sockets import Connection, connect
from shared.bus.tls import TlsFiles
from shared.codec import decode, encode
from shared.edge import Context, Edge, SettlingEdge
from shared.errors import BusError, InvariantError
from shared.hat import Hat, restore, settled, snapshot
from shared.ids import Role
from shared.messages import Message
from shared.messages.message import Lane
from shared.units import Ns

EXIT_HUNG: Final = 70
GC_THRESHOLDS: Final = (20_000, 20, 20)
"""A garbage collection is a pause; messages are freed by their reference counts, so it can be rare."""
STOP_TIMEOUT_S: Final = 5.0


class LaunchSpec(msgspec.Struct, frozen=True):
    """What a Hat's process needs to begin: where the hub is, how to be let in, and its settings as JSON.

    `token` is the pass of its role. `tls` names its host's certificate where the bus crosses hosts.
    """

    role: Role
    address: str
    token: str
    build: str
    settings: bytes
    run_dir: str
    run: int = 0
    tls: TlsFiles | None = None

    def __repr__(self) -> str:
        return f"LaunchSpec({self.role}, {self.address})"


class Publisher:
    """The way from an edge to the hub: market data on one connection, everything else on another, so that a flood of
    one can't hold back the other."""

    def __init__(self, spec: LaunchSpec) -> None:
        self._market = _join(spec, "market")
        self._order = _join(spec, "order")

    def __call__(self, message: Message, context: Context = Context()) -> None:
        """Say it; waits while the hub holds us back."""
        connection = self._market if message.lane is Lane.MARKET else self._order
        connection.send(
            frames.encode(frames.Publication(context.cause, context.origin_ns, msgspec.Raw(encode(message))))
        )

    def close(self) -> None:
        """End both connections."""
        self._market.close()
        self._order.close()


def quicken() -> bool:
    """Has the calling thread, and every thread that it starts, the priority of ordinary programs from now on?

    Ray starts its workers at the lowest but four; False if the system does not let us lift that (then start Ray with
    RAY_worker_niceness=0). What is loaded by now is never looked at by the garbage collector again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    if os.getpriority(os.PRIO_PROCESS, 0) > 0:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, 0)
        except PermissionError:
            return False
    return True


class HatLoop:
    """One Hat's life on the bus, until the hub says Stop or is gone."""

    def __init__(self, spec: LaunchSpec, make_hat: Callable[[], Hat], make_edge: Callable[[], Edge | None]) -> None:
        self.turned_ns = time.monotonic_ns()
        self.batches = 0
        self.spec = spec
        self._make_hat = make_hat
        self._make_edge = make_edge
        self._hat = make_hat()
        self._edge: Edge | None = None
        self._publisher: Publisher | None = None
        self._replayed = 0
        self._inherited_seq = 0
        self._connection: Connection | None = None

    def run(self) -> None:
        """Serve until the end. Re-raises the Hat's own bug after telling the hub its place."""
        quicken()
        self._connection = connection = _join(self.spec, "hat")
        try:
            while (data := connection.receive()) is not None:
                self.turned_ns = time.monotonic_ns()
                if not self._serve(frames.decode_to_hat(data), connection):
                    return
        except BusError:
            return  # the hub is gone; whoever launched us decides what follows
        except Exception as error:
            connection.send(frames.encode(frames.Failed(_place_of(error))))
            raise
        finally:
            self._close_edge()
            connection.close()

    @property
    def is_connected(self) -> bool:
        """Does the hub hold on to us, as far as we know? True also before the first connection."""
        return self._connection is None or self._connection.is_open

    def stop(self) -> None:
        """End from another thread."""
        if self._connection is not None:
            self._connection.close()

    def _serve(self, frame: frames.ToHat, connection: Connection) -> bool:
        match frame:
            case frames.Batch(is_replay=False):
                self._handle(frame, connection)
            case frames.Batch():
                for letter in frame.letters:
                    for _ in self._hat.handle(decode(letter.body), Ns(frame.now)):
                        pass
                    self._replayed += 1
                for _ in settled(self._hat, Ns(frame.now)):
                    pass
            case frames.Restore():
                self._hat, self._replayed = self._make_hat(), 0
                if frame.state is not None:
                    restore(self._hat, frame.state)
            case frames.Go(seq=seq):
                self._inherited_seq = seq
                connection.send(frames.encode(frames.Restored(self._replayed)))
                self._open_edge()
            case frames.TakeSnapshot():
                connection.send(frames.encode(frames.SnapshotTaken(0, snapshot(self._hat))))
            case frames.Ping():
                connection.send(frames.encode(frames.Pong(frame.sent_ns)))
            case frames.Stop():
                self._settle()
                return False
            case frames.Answer():
                raise BusError("an answer for the operator came to a Hat")
        return True

    def _handle(self, batch: frames.Batch, connection: Connection) -> None:
        self._settle()  # the hub let go of this batch only when all that we said before it was on disk
        now = Ns(batch.now)
        said: list[frames.Said] = []
        handled_ns: list[int] = []
        commands: list[tuple[Message, Context]] = []
        wanted = self._edge.commands if self._edge is not None else frozenset()
        for index, letter in enumerate(batch.letters):
            began = time.perf_counter_ns()
            for output in self._hat.handle(decode(letter.body), now):
                said.append(frames.Said(index, msgspec.Raw(encode(output))))
                if type(output) in wanted:
                    commands.append((output, self._context_of(letter)))
            handled_ns.append(time.perf_counter_ns() - began)
        began = time.perf_counter_ns()
        for index, output in settled(self._hat, now):
            said.append(frames.Said(index, msgspec.Raw(encode(output))))
            if type(output) in wanted:
                commands.append((output, self._context_of(batch.letters[index])))
        if handled_ns:
            handled_ns[-1] += time.perf_counter_ns() - began
        if self._edge is not None:
            for command, context in commands:
                self._edge.carry_out(command, context, now)
        connection.send(frames.encode(frames.Outcome(batch.n, tuple(said), tuple(handled_ns))))
        self.batches += 1

    def _context_of(self, letter: frames.Delivered) -> Context:
        return Context(letter.seq, letter.origin_ns, letter.seq <= self._inherited_seq)

    def _settle(self) -> None:
        edge: object = self._edge
        if isinstance(edge, SettlingEdge):
            edge.settled()

    def _open_edge(self) -> None:
        if self._edge is not None:
            raise InvariantError("the hub said Go twice")
        self._edge = self._make_edge()
        if self._edge is not None:
            self._publisher = Publisher(self.spec)
            self._edge.start(self._publisher)

    def _close_edge(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
        if self._edge is not None:
            self._edge.stop()


class HatShell:
    """A Hat as an actor. Subclasses say how to make the Hat and its edge; the constructor does nothing that can fail.

    After `start` returned the loop runs in a thread of its own; if this process dies, the launcher starts it again and
    the hub restores it. `health` answers from the actor's own thread, so it also tells when the loop hangs.
    """

    role: ClassVar[Role]

    def __init__(self) -> None:
        self._loop: HatLoop | None = None
        self._thread: threading.Thread | None = None

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        raise InvariantError(f"{type(self).__name__} does not say how to make the Hat of {spec.role}")

    def make_edge(self, spec: LaunchSpec) -> Edge | None:  # noqa: ARG002 - for those that have one
        """Its edge, if it touches the world."""
        return None

    def start(self, data: bytes) -> int:
        """Begin (again) with a LaunchSpec in msgpack; the result is this process's id. Harmless if it runs already.

        A loop that does not end when told to is a hung one: the process ends itself, and comes back fresh.
        """
        spec = msgspec.msgpack.decode(data, type=LaunchSpec)
        assert spec.role is self.role, f"this is {self.role}, told to be {spec.role}"
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            if self._loop.spec == spec and self._loop.is_connected:
                return os.getpid()
            self.stop()
            if self._thread.is_alive():
                os._exit(EXIT_HUNG)
        self._loop = loop = HatLoop(spec, lambda: self.make_hat(spec), lambda: self.make_edge(spec))
        self._thread = threading.Thread(target=loop.run, name=self.role, daemon=True)
        self._thread.start()
        return os.getpid()

    def health(self) -> dict[str, Any]:
        """Process id, whether the loop lives, its age since the last turn (ms) and batches handled."""
        loop, thread = self._loop, self._thread
        return {
            "role": str(self.role),
            "pid": os.getpid(),
            "is_alive": thread is not None and thread.is_alive(),
            "turn_age_ms": None if loop is None else (time.monotonic_ns() - loop.turned_ns) / 1e6,
            "batches": 0 if loop is None else loop.batches,
        }

    def stop(self) -> None:
        """End the loop and wait for its edge to close."""
        if self._loop is not None and self._thread is not None:
            self._loop.stop()
            self._thread.join(timeout=STOP_TIMEOUT_S)

    def __repr__(self) -> str:
        return type(self).__name__.removesuffix("Actor")


def _join(spec: LaunchSpec, channel: str) -> Connection:
    connection = connect(spec.address, tls=spec.tls)
    connection.send(frames.encode(frames.Hello(spec.role, channel, spec.token, spec.build, os.getpid())))
    return connection


def _place_of(error: BaseException) -> str:
    frames_of = traceback.extract_tb(error.__traceback__)
    place = f"{frames_of[-1].filename}:{frames_of[-1].lineno}" if frames_of else "nowhere"
    return f"{type(error).__name__}: {error} at {place}"
