"""The local exchange on the stage: the same door, bytes and signatures as on a socket, at virtual time.

What is sent arrives `latency_ns` later; what comes back takes as long. Faults of the feed are switches that a test
throws; those of requests are armed in `faults`, as at the served exchange.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Protocol

from hats.exchange_architect.settings import Settings
from hats.exchange_architect.stage_link import StageLink
from hats.exchange_architect.tape import Record, forget
from orchestrator.recording import Played, Recording
from orchestrator.stage import Stage
from shared.edge import Context, Publish
from shared.errors import VenueUnreachable
from shared.ids import Role
from shared.messages import Message
from shared.messages.market import CaptureState, CaptureStatus
from shared.messages.order import ActionSent
from shared.units import MS, Ns
from shared.venue.door.door import Door
from shared.venue.door.mischief import Mischief
from shared.venue.faults.engine import Faults
from shared.warehouse.capture.recorder import REPORT_NS
from shared.warehouse.capture.records import AnyRecord, Frame, SocketClosed, SocketOpened

ROLE = Role.EXCHANGE_ARCHITECT


class Driver(Protocol):
    """A market: something that trades on the exchange from within."""

    def step(self, door: Door, now: Ns) -> Ns:
        """Act; when to be called next."""
        ...


class StageVenue:
    """Venue, network and the Exchange Architect's edge in one, for one desk."""

    commands: ClassVar[frozenset[type[Message]]] = StageLink.commands

    def __init__(
        self,
        door: Door,
        drivers: Sequence[Driver],
        settings: Settings,
        *,
        seed: int,
        latency_ns: int = 2 * MS,
        recording: Recording | None = None,
        record: Record = forget,
    ) -> None:
        """With a `recording`, what it holds of market data comes from it; `record` takes what happens on the socket."""
        self.door = door
        self.latency_ns = latency_ns
        self.is_feed_dropped = False
        self.is_cut = False
        self.frame_delay_ns = 0
        self.mangle: Callable[[bytes], bytes] = bytes
        self._record = record
        self._captured = 0
        self.faults = Faults(seed)
        self._mischief = Mischief(self.faults)
        self._withheld_ns = 0
        """How much later than a normal answer the last one comes, or is given up waiting for."""
        self._wakes = [(driver, Ns(0)) for driver in drivers]
        self._settings = settings
        self._link = StageLink(settings, self, random.Random(seed), self._capture)
        self._recording = recording
        self._stage: Stage
        self._publish: Publish
        self._connection: int | None = None
        self._frames: list[bytes] = []
        self._turn_ns = 0
        self._is_started = False
        self._life = 0
        """Counts starts and stops, so that what a former life had under way comes to nothing."""

    @property
    def played(self) -> Played | None:
        """What was played of the recording so far; None if there is none."""
        return None if self._recording is None else self._recording.counts

    def join(self, stage: Stage) -> None:
        """Belong to this stage; the market begins to move."""
        self._stage = stage
        self._turn(stage.clock.now())
        self._play_later()

    # the edge

    def start(self, publish: Publish) -> None:
        """Read the universe and connect."""
        self._publish = publish
        self._is_started = True
        self._life += 1
        self._tell_capture(self._life, self._stage.clock.now())
        self._tick_on(self._life, self._stage.clock.now(), self._link.start)

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:
        """Send it off; it arrives later, and its answer later still."""
        self._stage.at(now + self.latency_ns, partial(self._arrive, self._life, command, context, now))

    def stop(self) -> None:
        """The connection is gone; what was sent still arrives, but nobody hears the answer."""
        self._life += 1
        self._is_started = False
        self._disconnect()
        self._link.lost(self._stage.clock.now(), "the process ended")

    # the wire, as StageLink sees it

    def http(self, path: str, body: bytes) -> tuple[int, bytes]:
        """What comes of a POST now; VenueUnreachable if no answer does."""
        if self.is_cut:
            raise VenueUnreachable("the stage cut the network")
        now = self._stage.clock.now()
        fate = self._mischief.fate_of_body(path, body, now)
        replies = [self.door.http(path, "application/json", body, now) for _ in range(fate.times)]
        self._turn(now)
        self._withheld_ns += self._settings.answer_ms * MS if fate.ending == "hang" else fate.delay_ns
        if fate.ending != "answer":
            raise VenueUnreachable(f"no answer ({fate.ending})")
        status, _, reply = fate.answer or replies[0]
        return status, reply

    def ws_connect(self) -> None:
        """A new connection; an old one is gone."""
        if self.is_cut:
            raise VenueUnreachable("the stage cut the network")
        if self._recording is not None and not self._recording.is_open:
            raise VenueUnreachable("the recording is not connected")
        self._disconnect()
        self._frames = []
        self._connection = self.door.connect(self._stage.clock.now())

    def ws_send(self, frame: str) -> None:
        """The door has it."""
        if self.is_cut or self._connection is None:
            raise VenueUnreachable("the stage cut the network")
        now = self._stage.clock.now()
        answers = self._recording.answer(frame) if self._recording is not None else None
        if answers is not None:
            for answer in answers:
                self._stage.at(now + 2 * self.latency_ns, partial(self._deliver, self._connection, answer))
            return
        self.door.receive(self._connection, frame, now)
        self._turn(now)

    def ws_frames(self) -> list[bytes]:
        """Frames that have arrived."""
        frames, self._frames = self._frames, []
        return frames

    # faults

    def cut(self, for_ns: int, reason: str) -> None:
        """The network is gone for so long, connection included."""
        self.is_cut = True
        now = self._stage.clock.now()
        self._disconnect()
        self._say(self._link.lost(now, reason))
        self._stage.at(now + for_ns, self._mend)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self.door.disconnect(self._connection)
            self._connection = None

    def _mend(self, _: Ns) -> None:
        self.is_cut = False

    # the recording

    def _play_later(self) -> None:
        next_ns = self._recording.next_ns if self._recording is not None else None
        if next_ns is not None:
            self._stage.at(next_ns, self._play)

    def _play(self, now: Ns) -> None:
        """Let happen what the recording has for this moment."""
        assert self._recording is not None
        item = self._recording.take()
        if self._is_started:
            match item:
                case Frame() if self._connection is not None:
                    self._deliver(self._connection, item.data, now)
                case SocketOpened():
                    self._say(self._link.reachable(now))
                case SocketClosed():
                    self._disconnect()
                    self._say(self._link.lost(now, f"as recorded: {item.reason}"))
        self._play_later()

    # time

    def _turn(self, now: Ns) -> None:
        """Let the market and the door do what is due, send what they have to say, and come back when more is."""
        for index, (driver, wake) in enumerate(self._wakes):
            if wake <= now:
                self._wakes[index] = (driver, driver.step(self.door, now))
        next_ns = min([self.door.due(now), *(wake for _, wake in self._wakes)])
        self._flush(now)
        if next_ns < self._turn_ns or self._turn_ns <= now:
            self._turn_ns = max(next_ns, Ns(now + 1))
            self._stage.at(self._turn_ns, self._turn_if_due)

    def _turn_if_due(self, now: Ns) -> None:
        if self._turn_ns <= now:
            self._turn(now)

    def _flush(self, now: Ns) -> None:
        for connection, frame in self.door.drain_outbox():
            if connection == self._connection and not self.is_cut:
                arrives_ns = now + self.latency_ns + self.frame_delay_ns
                self._stage.at(arrives_ns, partial(self._deliver, connection, self.mangle(frame)))
        for connection, _ in self.door.drain_hangups():
            if connection == self._connection:
                self._connection = None
                self._say(self._link.lost(now, "the venue hung up"))

    def _deliver(self, connection: int, frame: bytes, now: Ns) -> None:
        # a frame of a connection that is gone never arrives
        if connection == self._connection and not self.is_feed_dropped:
            self._say(self._link.frames(now, [frame]))

    def _arrive(self, life: int, command: Message, context: Context, sent_ns: Ns, arrived: Ns) -> None:
        self._withheld_ns = 0
        answered_ns, may_be_repeated = Ns(arrived + self.latency_ns), context.may_be_repeated
        for message in self._link.carry_out(command, answered_ns, sent_ns, may_be_repeated=may_be_repeated):
            delay_ns = 0 if isinstance(message, ActionSent) else self.latency_ns + self._withheld_ns
            self._stage.at(arrived + delay_ns, partial(self._hear, life, message, context))

    def _hear(self, life: int, message: Message, context: Context, _: Ns) -> None:
        if life == self._life:
            self._publish(message, context)

    def _capture(self, record: AnyRecord) -> None:
        self._captured += isinstance(record, Frame)
        self._record(record)

    def _tell_capture(self, life: int, now: Ns) -> None:
        """Say now and then how the log stands, as the recorder does in the cluster; virtual disks are never full."""
        if life == self._life:
            is_on = self._record is not forget
            state, frames = (CaptureState.ON, self._captured) if is_on else (CaptureState.OFF, 0)
            self._publish(CaptureStatus(state, "on the stage", frames, 0, -1, now))
            self._stage.at(now + REPORT_NS, partial(self._tell_capture, life))

    def _tick(self, life: int, now: Ns) -> None:
        if life == self._life:
            self._tick_on(life, now, self._link.tick)

    def _tick_on(self, life: int, now: Ns, work: Callable[[Ns], list[Message]]) -> None:
        self._say(work(now))
        self._stage.at(now + self._settings.tick_ms * MS, partial(self._tick, life))

    def _say(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._publish(message)
