"""What both runtimes share: sequence, react as orchestrator, hand out batches, settle them, measure, score.

The heart reads no clock. A runtime tells it what arrived and when, asks for batches, and returns outcomes. One batch a
Hat is out at a time; while it is out, the Hat's mailbox fills and conflates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from orchestrator.scoring import TIMELINESS, UPTIME, Scores
from orchestrator.sequencer import Sequencer
from orchestrator.situation import Situation
from orchestrator.supervisor import WORKING, Supervisor, Verdict
from orchestrator.timers import Timers
from orchestrator.witness.witness import Witness
from shared.edge import Context
from shared.ids import HATS, Role
from shared.mailbox import BATCH_LETTERS_MAX, Letter, Mailbox
from shared.messages import AnyMessage, Envelope
from shared.messages.control import HatState, HopSample, HopTimings, Measured, Started, WakeAt, Woke
from shared.messages.order import ActionSent
from shared.record import Record
from shared.scorecard import Measure, Samples
from shared.units import MS, SECOND, Ns

HOPS_PER_ROLE: Final = 64
"""Hops of each Hat in one report, so that a busy Hat does not hide a quiet one."""
BEAT_NS: Final = SECOND
"""How often the heart reports hops, uptime and timeliness."""


class Output(NamedTuple):
    """What a Hat said about the letter at `cause_index` of its batch."""

    cause_index: int
    message: AnyMessage
    body: bytes | None = None


class Flight(NamedTuple):
    """A batch that is out with a Hat."""

    now: Ns
    letters: Sequence[Letter]


class Heart:
    """The orchestrator without its sockets."""

    def __init__(
        self,
        record: Record,
        catalogue: Mapping[Role, Sequence[Measure]],
        supervisor: Supervisor,
        mailboxes: Mapping[Role, Mailbox],
    ) -> None:
        self.sequencer = Sequencer(record, mailboxes)
        self.mailboxes = mailboxes
        self.supervisor = supervisor
        self.timers = Timers()
        self.scores = Scores(catalogue)
        self.situation = Situation()
        self.flights: dict[Role, Flight] = {}
        self._hops: dict[Role, list[HopSample]] = {role: [] for role in HATS}
        self._tick_to_wire: list[int] = []
        self._samples: dict[Role, Samples] = {role: Samples() for role in HATS}
        self._witness = Witness(self._samples)
        self.sequencer.witness = self._witness.see
        self._next_beat_ns = 0
        self._seen_working: set[Role] = set()
        """Hats that have been up once: coming up for the first time is not an outage."""

    # what arrives

    def publish(
        self, source: Role, message: AnyMessage, now: Ns, context: Context = Context(), body: bytes | None = None
    ) -> Envelope:
        """Sequence what an edge or the operator says, and everything that the orchestrator answers to it."""
        if isinstance(message, ActionSent) and context.origin_ns:
            self._tick_to_wire.append(message.sent_ns - context.origin_ns)
        envelope = self.sequencer.say(source, message, now, cause=context.cause, origin_ns=context.origin_ns, body=body)
        self.react(now)
        return envelope

    def say(self, messages: Iterable[AnyMessage], now: Ns) -> None:
        """The orchestrator says these, and whatever follows from them."""
        for message in messages:
            self.sequencer.say(Role.ORCHESTRATOR, message, now)
        self.react(now)

    def react(self, now: Ns) -> None:
        """Answer everything in the orchestrator's own inbox."""
        while self.sequencer.inbox:
            envelope = self.sequencer.inbox.popleft()
            self.fold(envelope)
            for message in self.supervisor.hear(envelope):
                self.sequencer.say(Role.ORCHESTRATOR, message, now, cause=envelope.seq)

    def fold(self, envelope: Envelope) -> None:
        """Take a message into the orchestrator's own state (live and in recovery alike)."""
        message = envelope.message
        if isinstance(message, WakeAt):
            self.timers.set(envelope.source, message.timer, message.ns)
        elif isinstance(message, Measured):
            self.scores.add(envelope)
        else:
            self.situation.hear(envelope)

    # time

    def tick(self, now: Ns, *, loop_lag_ns: int = 0, clock_offset_ns: int = 0) -> None:
        """Say what time makes due: wake-ups, and once a beat the hops, timeliness and uptime."""
        for role, timer, ns in self.timers.due(now):
            self.sequencer.say(Role.ORCHESTRATOR, Woke(role, timer, ns), now)
        if now >= self._next_beat_ns:
            self._next_beat_ns = now - now % BEAT_NS + BEAT_NS
            self._beat(now, loop_lag_ns, clock_offset_ns)
        self.react(now)

    def next_ns(self) -> int:
        """When `tick` should be called next."""
        timer = self.timers.next_ns()
        return self._next_beat_ns if timer is None else min(timer, self._next_beat_ns)

    # batches

    def depart(self, role: Role, now: Ns) -> Flight | None:
        """The next batch for an idle Hat; None if nothing waits or one is out."""
        if role in self.flights or not self.mailboxes[role].depth:
            return None
        flight = Flight(now, self.mailboxes[role].take(BATCH_LETTERS_MAX))
        self.flights[role] = flight
        return flight

    def land(self, role: Role, outputs: Sequence[Output], handled_ns: Sequence[int], now: Ns) -> list[Envelope] | None:
        """A batch came back handled: write that down with everything said.

        None, with nothing changed, if a hearer has no room: the speaker waits, and the runtime asks again.
        """
        flight = self.flights[role]
        if not self.sequencer.has_room(role, [output.message for output in outputs]):
            return None
        del self.flights[role]
        self.sequencer.record.append_handled(role, flight.now, tuple(letter.seq for letter in flight.letters))
        self._measure(role, flight, handled_ns)
        said = []
        for output in outputs:
            letter = flight.letters[output.cause_index]
            said.append(
                self.sequencer.say(
                    role, output.message, now, cause=letter.seq, origin_ns=letter.origin_ns, body=output.body
                )
            )
        if any(isinstance(letter.message, Started) for letter in flight.letters):
            for message in self.supervisor.settled_start(role):
                self.sequencer.say(Role.ORCHESTRATOR, message, now)
        self.react(now)
        return said

    def lose(self, role: Role, reason: str, now: Ns) -> Verdict:
        """A Hat is gone: what was out with it goes back to the front of its mailbox."""
        flight = self.flights.pop(role, None)
        if flight is not None:
            self.mailboxes[role].put_back(flight.letters)
        said, verdict = self.supervisor.lost(role, reason, now)
        if verdict is Verdict.LEAVE:
            self.mailboxes[role].close()
        self.say(said, now)
        return verdict

    # measurement

    def _measure(self, role: Role, flight: Flight, handled_ns: Sequence[int]) -> None:
        elapsed = 0
        is_up = role in self._seen_working
        for letter, spent in zip(flight.letters, handled_ns, strict=True):
            elapsed += spent
            waited = flight.now - letter.ts
            if is_up:
                self._samples[role].add(TIMELINESS.name, (waited + elapsed) / MS)
            if len(self._hops[role]) < HOPS_PER_ROLE:
                self._hops[role].append(HopSample(role, type(letter.message).__name__, waited, spent))

    def _beat(self, now: Ns, loop_lag_ns: int, clock_offset_ns: int) -> None:
        self._witness.look(now)
        for role in HATS:
            state = self.supervisor.states[role]
            self._seen_working |= {role} if state in WORKING else set()
            if role in self._seen_working and state is not HatState.STOPPED:
                answers = state in WORKING or state in (HatState.SYNCING, HatState.DRAINING)
                self._samples[role].add(UPTIME.name, float(answers))
            for message in self._samples[role].report(role):
                self.sequencer.say(Role.ORCHESTRATOR, message, now)
        hops = tuple(hop for each in self._hops.values() for hop in each)
        timings = HopTimings(hops, tuple(self._tick_to_wire), loop_lag_ns, clock_offset_ns)
        self.sequencer.say(Role.ORCHESTRATOR, timings, now)
        self._hops, self._tick_to_wire = {role: [] for role in HATS}, []
