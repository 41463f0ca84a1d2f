"""The stage: one thread, virtual time, seeded: backtests, replays, rehearsals and fault simulation.

The same Hats, heart and journal as in the cluster; only the answer to "what time is it, and who comes next?" differs.
Events are ordered by (ns, n), n counting how they were scheduled, so a run repeats byte for byte.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orchestrator.heart import Flight, Heart, Output
from orchestrator.patience import ENDS
from orchestrator.replay import bring_back, replay_of
from orchestrator.supervisor import Verdict
from shared.clock import VirtualClock
from shared.edge import Context, Edge
from shared.errors import InvariantError
from shared.hat import Hat, settled
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.messages import AnyMessage, Message
from shared.units import US, Ns

HANDLING_NS: Final = 50 * US
"""What handling one message costs in virtual time unless told otherwise."""

Action = Callable[[Ns], None]
Tamper = Callable[[Sequence[Message]], Sequence[AnyMessage]]


class Stage:
    """Nine Hats in one thread. `hats` makes each Hat anew, so that one can die and be restored from the journal.

    Edges belong to their Hat's process: they die and are opened again with it.
    """

    def __init__(
        self,
        heart: Heart,
        journal: Journal,
        clock: VirtualClock,
        hats: Mapping[Role, Callable[[], Hat]],
        edges: Mapping[Role, Edge],
    ) -> None:
        self.heart = heart
        self.clock = clock
        self.handling_ns: dict[Role, int] = dict.fromkeys(HATS, HANDLING_NS)
        self.tampers: dict[Role, Tamper] = {}
        self._journal = journal
        self._make = hats
        self._hats: dict[Role, Hat] = {}
        self._edges = edges
        self._heap: list[tuple[int, int, Action]] = []
        self._n = 0
        self._inherited_seq: dict[Role, int] = {}
        self._doomed: dict[Role, tuple[type[Message], int]] = {}
        self._dying: Role | None = None
        """Whose batch is carried out and will not be written down: the hub would not take what it says of ends."""

    def start(self) -> None:
        """Raise the curtain: every Hat is restored (from nothing, on a new journal) and its edge opened."""
        for role in HATS:
            self.raise_hat(role)

    def at(self, ns: int, action: Action) -> None:
        """Do `action(now)` at `ns` (or now, if that is past)."""
        self._n += 1
        heapq.heappush(self._heap, (max(ns, self.clock.now()), self._n, action))

    def publish(self, role: Role, message: AnyMessage, context: Context = Context()) -> None:
        """Say something now in the name of `role`'s edge (or of the operator)."""
        self.heart.publish(role, message, self.clock.now(), context)

    def run_until(self, end_ns: int) -> None:
        """Let time pass up to `end_ns`, doing everything that falls due, in order."""
        while True:
            next_ns = min(self._heap[0][0] if self._heap else end_ns + 1, self.heart.next_ns())
            if next_ns > end_ns:
                break
            self.clock.advance_to(max(next_ns, self.clock.now()))
            now = self.clock.now()
            if self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2](now)
            if self.heart.next_ns() <= now:
                self.heart.tick(now)
            self._dispatch(now)
        self.clock.advance_to(end_ns)

    def kill_hat(self, role: Role, reason: str, back_after_ns: int) -> None:
        """The Hat's process dies now and, unless it is quarantined, is back later, restored from the journal."""
        self._hats.pop(role)
        if role in self._edges:
            self._edges[role].stop()
        if self.heart.lose(role, reason, self.clock.now()) is Verdict.RESTART:
            self.at(self.clock.now() + back_after_ns, lambda _: self.raise_hat(role))

    def doom_hat(self, role: Role, command: type[Message], back_after_ns: int) -> None:
        """The Hat's process dies once its edge has carried out such a command, before the journal has that batch."""
        self._doomed[role] = command, back_after_ns

    def raise_hat(self, role: Role) -> None:
        """The Hat comes (back): its state is what the journal tells, and its edge is opened anew."""
        now = self.clock.now()
        self._inherited_seq[role] = self._journal.last_seq
        self.heart.say(self.heart.supervisor.connected(role), now)
        self._hats[role] = self.restored_hat(role)
        self.heart.say(self.heart.supervisor.restored(role, now), now)
        if role in self._edges:
            self._edges[role].start(self._publisher(role))

    def restored_hat(self, role: Role) -> Hat:
        """A fresh Hat brought to the state that the journal tells: newest snapshot, then everything handled since."""
        hat = self._make[role]()
        bring_back(hat, replay_of(self._journal.reader, role, self._journal.epoch))
        return hat

    def _dispatch(self, now: Ns) -> None:
        for role, hat in self._hats.items():
            flight = self.heart.depart(role, now)
            if flight is not None:
                self._fly(role, hat, flight)

    def _fly(self, role: Role, hat: Hat, flight: Flight) -> None:
        outputs: list[Output] = []
        for index, letter in enumerate(flight.letters):
            said: Sequence[AnyMessage] = tuple(hat.handle(letter.message, flight.now))
            if role in self.tampers:
                said = self.tampers[role](said)
            outputs += [Output(index, message) for message in said]
        for index, message in settled(hat, flight.now):
            kept: Sequence[AnyMessage] = (message,)
            if role in self.tampers:
                kept = self.tampers[role](kept)
            outputs += [Output(index, each) for each in kept]
        cost = self.handling_ns[role]
        self.at(flight.now + cost * len(flight.letters), lambda now: self._land(role, hat, flight, outputs, now))

    def _land(self, role: Role, hat: Hat, flight: Flight, outputs: Sequence[Output], now: Ns) -> None:
        if self._hats.get(role) is not hat:
            return  # it died while it was at it; the batch is with its successor
        edge = self._edges.get(role)
        commands = [output for output in outputs if edge is not None and type(output.message) in edge.commands]
        doom, back_after_ns = self._doomed.get(role, (None, 0))
        is_doomed = any(type(output.message) is doom for output in commands)
        costs = [self.handling_ns[role]] * len(flight.letters)
        if not is_doomed and self.heart.land(role, outputs, costs, now) is None:
            raise InvariantError(f"{role} said {len(outputs)} messages that no mailbox has room for")
        self._dying = role if is_doomed else None
        for output in commands:
            letter = flight.letters[output.cause_index]
            context = Context(letter.seq, letter.origin_ns, letter.seq <= self._inherited_seq[role])
            self._edges[role].carry_out(output.message, context, now)
        if is_doomed:
            self._dying = None
            del self._doomed[role]
            self.kill_hat(role, "died after it had acted", back_after_ns)

    def _publisher(self, role: Role) -> Callable[..., None]:
        def publish(message: AnyMessage, context: Context = Context()) -> None:
            if role is not self._dying or not isinstance(message, ENDS):
                self.publish(role, message, context)

        return publish
