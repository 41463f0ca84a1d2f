"""EDGE: puts signed actions on the wire as fast as it can, reads what was asked, and tells what came of it."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, NamedTuple

from hats.exchange_architect import errands
from hats.exchange_architect.budget import Priority
from hats.exchange_architect.connection import Connection, Crowd, Lost
from hats.exchange_architect.http1 import Response, request, request_head
from hats.exchange_architect.measures import ANSWER, UNANSWERED
from hats.exchange_architect.reader import Reader
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import bad_data
from hats.exchange_architect.wire_exchange import Proof, alike, is_unanswered, proofs_of, told, unsent
from shared.clock import Clock
from shared.edge import Context, Publish
from shared.errors import VenueError, VenueProtocolError, VenueUnreachable
from shared.messages import Message
from shared.messages.market import BadKind, ReadCandles
from shared.messages.order import (
    ActionSent,
    AnswerKind,
    DropWaiting,
    PostAction,
    ReadAccount,
    ReadAllowance,
    ReadOrder,
    ReadTwaps,
)
from shared.units import MS, Ns

_LOOK_AFTER_S: Final = 1.0
"""How often a warm connection is looked at while nothing is sent."""
_MOST_WAITING: Final = 1_000
Read = ReadOrder | ReadTwaps | ReadAccount | ReadAllowance | ReadCandles


class _Job(NamedTuple):
    """One action under way. `copies` counts how often its bytes may have reached the venue (0: certainly never).

    `drops` is how often entries had been dropped when it came.
    """

    action: PostAction
    context: Context
    data: bytes
    begun_ns: Ns
    copies: int
    is_on_wire: bool
    is_told: bool
    """Is it known that its bytes were sent?"""
    drops: int

    @property
    def is_entry(self) -> bool:
        """Does it bring what may add risk?"""
        return self.action.kind.places and self.action.priority < Priority.REDUCE


class _Line:
    """A connection with a thread that waits for its answers; it carries actions of priority `floor` and above."""

    def __init__(self, connection: Connection, is_warm: bool, floor: int) -> None:
        self.connection = connection
        self.is_warm = is_warm
        self.floor = floor
        self.inbox: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()


class Gateway:
    """Posts body bytes as given and never builds new ones.

    The calling thread itself writes to an idle, warm connection, so no thread has to wake up before bytes leave.
    Actions that find no connection free wait; what matters most goes first, and for their sake an answer that is
    overdue is given up. Some connections are kept for what cancels or reduces.
    Identical bytes are sent a second time only if the connection broke before any answer: their nonce can be admitted
    once, so at most one copy acts; the answer "duplicate nonce" then proves that the first one did. Time running out is
    not answered by sending again: the fate is NO_ANSWER, and the Execution Manager asks.
    """

    commands: ClassVar[frozenset[type[Message]]] = frozenset(
        {PostAction, DropWaiting, ReadOrder, ReadTwaps, ReadAccount, ReadAllowance, ReadCandles}
    )

    def __init__(
        self, settings: Settings, clock: Clock, universe: Universe, sample: Callable[[str, float], None]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._universe = universe
        self._sample = sample
        common = max(settings.most_connections, settings.warm_connections)
        floors = [0] * common + [int(Priority.REDUCE)] * settings.reserved_connections
        self._lines = [
            _Line(Connection(settings.base_url, settings.connect_ms), number < settings.warm_connections, floor)
            for number, floor in enumerate(floors)
        ]
        self._head = request_head(self._lines[0].connection.host, errands.EXCHANGE)
        self._reader = Reader(settings, sample)
        self._reads: queue.SimpleQueue[tuple[Read, Context] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle: list[_Line] = []
        self._waiting: list[tuple[int, int, _Job]] = []
        self._arrivals = itertools.count()
        self._crowd = Crowd(settings.crowded_ms, lambda: bool(self._waiting))
        self._is_stopping = False
        self._drops: list[str] = []
        """Why entries were dropped, each time."""
        self._threads: list[threading.Thread] = []
        self._publish: Publish

    def start(self, publish: Publish) -> None:
        """Its threads run and warm connections are being opened."""
        self._publish = publish
        targets = [(self._serve, (line,)) for line in self._lines]
        self._threads = [
            *(threading.Thread(target=target, args=args, name="gateway", daemon=True) for target, args in targets),
            threading.Thread(target=self._serve_reads, name="gateway reads", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def carry_out(self, command: Message, context: Context, now: Ns) -> None:  # noqa: ARG002 - an edge reads its clock
        """The action is on the wire or queued, the read is queued; what comes of it is published."""
        if isinstance(command, PostAction):
            data, is_resent = request(self._head, command.body), command.is_resent
            copies = int(is_resent or context.may_be_repeated)
            begun_ns, drops = self._clock.now(), len(self._drops)
            self._post(_Job(command, context, data, begun_ns, copies, is_on_wire=False, is_told=is_resent, drops=drops))
        elif isinstance(command, DropWaiting):
            self._drop_waiting(command.reason)
        elif isinstance(command, Read):
            self._reads.put((command, context))

    def stop(self) -> None:
        """No thread of it runs any more; actions without an answer were told as such."""
        with self._lock:
            self._is_stopping = True
            waiting, self._waiting = self._waiting, []
        for _, _, job in waiting:
            self._tell(job, _unsent(job, "stopped"))
        for line in self._lines:
            line.inbox.put(None)
            line.connection.close()
        self._reads.put(None)
        self._reader.close()
        for thread in self._threads:
            thread.join(self._settings.connect_ms / 1e3 + self._settings.answer_ms / 1e3 + _LOOK_AFTER_S)

    # ------------------------------------------------------------------------------------------ actions

    def _post(self, job: _Job) -> None:
        with self._lock:
            line = None if self._is_stopping else self._take_idle(job.action.priority)
            is_refused = len(self._waiting) >= _MOST_WAITING or self._is_stopping
            if line is None and not is_refused:
                heapq.heappush(self._waiting, (-job.action.priority, next(self._arrivals), job))
                return
        if line is None:
            self._tell(job, _unsent(job, "stopping, or too many actions wait to be sent"))
            return
        if line.connection.is_usable() and self._too_late(job) is None:
            job = self._write(line, job)
        line.inbox.put(job)

    def _drop_waiting(self, reason: str) -> None:
        """What adds risk and has no connection yet does not leave; that is told of each.

        What has one that must be opened, or breaks before an answer, is told so by who serves it.
        """
        with self._lock:
            self._drops.append(reason)
            dropped = sorted(each for each in self._waiting if each[2].is_entry)
            self._waiting = [each for each in self._waiting if each not in dropped]
            heapq.heapify(self._waiting)
        for _, _, job in dropped:
            self._tell(job, _unsent(job, reason))

    def _take_idle(self, priority: int) -> _Line | None:
        """An idle line that may carry it, a reserved one only if there is no other; held by the caller's lock."""
        fit = [line for line in self._idle if line.floor <= priority]
        if not fit:
            return None
        line = min(reversed(fit), key=lambda each: each.floor)
        self._idle.remove(line)
        return line

    def _write(self, line: _Line, job: _Job) -> _Job:
        """The job after its bytes were handed to the kernel, or after that failed half-way."""
        try:
            line.connection.send(job.data)
        except VenueUnreachable:
            return job._replace(copies=job.copies + 1, is_on_wire=False)
        sent_ns = self._clock.now()
        if not job.is_told:
            self._publish(ActionSent(job.action.cloid, job.action.nonce, sent_ns, job.action.mates), job.context)
            job = job._replace(begun_ns=sent_ns, is_told=True)
        return job._replace(copies=job.copies + 1, is_on_wire=True)

    def _serve(self, line: _Line) -> None:
        """Wait for answers on one line; between actions, keep it warm."""
        self._look_after(line)
        job = self._release(line) or self._next_job(line)
        while job is not None:
            self._tell(*self._settle(line, job))
            job = self._release(line) or self._next_job(line)
        line.connection.close()

    def _next_job(self, line: _Line) -> _Job | None:
        """The next action for this line; None when all is over. While it waits, a warm line is kept open."""
        while True:
            try:
                return line.inbox.get(timeout=_LOOK_AFTER_S)
            except queue.Empty:
                if not self._reserve(line):
                    continue
            self._look_after(line)
            job = self._release(line)
            if job is not None:
                return job

    def _settle(self, line: _Line, job: _Job) -> tuple[_Job, Sequence[Proof]]:
        """What became of the action. At most two copies of its bytes are sent."""
        while True:
            if not job.is_on_wire:
                reason = self._too_late(job) or self._opened(line)
                if reason is not None:
                    return job, _unsent(job, reason)
                job = self._write(line, job)
            if job.is_on_wire:
                outcome = self._receive(line)
                if isinstance(outcome, Response):
                    action, is_resent = job.action, job.copies > 1
                    return job, proofs_of(action, outcome.status, outcome.body, self._universe, is_resent)
                if not outcome.is_cut or job.copies > 1:
                    return job, alike(job.action, Proof(AnswerKind.NO_ANSWER, error=outcome.reason))
                job = job._replace(is_on_wire=False)
            elif job.copies > 1:
                return job, alike(job.action, Proof(AnswerKind.NO_ANSWER, error="connection lost while sending, twice"))

    def _too_late(self, job: _Job) -> str | None:
        """Why an action that waited for a line is not begun any more, or not sent again."""
        if job.is_entry and job.drops < len(self._drops):
            return self._drops[job.drops]
        now, expires_ms = self._clock.now(), job.action.expires_after_ms
        if 0 < expires_ms * MS <= now:
            return f"expired {now // MS - expires_ms} ms ago"
        waited_ms = (now - job.begun_ns) // MS
        is_late = not job.copies and waited_ms > self._settings.answer_ms
        return f"waited {waited_ms} ms for a connection" if is_late else None

    def _opened(self, line: _Line) -> str | None:
        """Why the line can't be used; None once it can."""
        if self._is_stopping:
            return "stopping"
        try:
            if not line.connection.is_usable():
                line.connection.open()
        except VenueUnreachable as error:
            return str(error)
        return None

    def _receive(self, line: _Line) -> Response | Lost:
        try:
            return line.connection.receive(self._settings.answer_ms, self._crowd)
        except VenueProtocolError as error:
            return Lost(str(error), is_cut=False)

    def _tell(self, job: _Job, proofs: Sequence[Proof]) -> None:
        now = self._clock.now()
        if job.copies:
            self._sample(ANSWER, (now - job.begun_ns) / MS)
            self._sample(UNANSWERED, float(is_unanswered(proofs)))
        for message in told(job.action, proofs, now):
            self._publish(message, job.context)

    # ------------------------------------------------------------------------------------------ lines

    def _release(self, line: _Line) -> _Job | None:
        """The line is free: of the jobs that matter most the one that waited longest, or None and the line is idle."""
        with self._lock:
            if self._waiting and -self._waiting[0][0] >= line.floor:
                return heapq.heappop(self._waiting)[2]
            self._idle.append(line)
            return None

    def _reserve(self, line: _Line) -> bool:
        """Was the line idle, and is it now ours?"""
        with self._lock:
            if line not in self._idle:
                return False
            self._idle.remove(line)
            return True

    def _look_after(self, line: _Line) -> None:
        """Keep a warm line open. Failing is no news: the next action tries again and tells."""
        if line.is_warm and not line.connection.is_usable():
            self._opened(line)

    # ------------------------------------------------------------------------------------------ reads

    def _serve_reads(self) -> None:
        while (read := self._reads.get()) is not None:
            command, context = read
            errand = self._errand(command)
            if errand is None:
                self._complain("no user_address is configured, so there is no account to read", b"", context)
                continue
            try:
                messages = self._reader.carry(errand)
            except VenueError as error:
                self._complain(f"{type(command).__name__}: {error}", error.said.encode(), context)
                continue
            for message in messages:
                self._publish(message, context)
        self._reader.close()

    def _errand(self, command: Read) -> errands.Errand | None:
        """What carries a read out; None for one of the account if there is none."""
        universe, clock, user = self._universe, self._clock.now, self._settings.user_address
        if isinstance(command, ReadCandles):
            return errands.read_candles(command.query, universe, clock)
        if user is None:
            return None
        match command:
            case ReadOrder():
                return errands.read_order(user, command.cloid, universe, clock)
            case ReadTwaps():
                return errands.read_twaps(user, command.queries, universe, clock)
            case ReadAllowance():
                return errands.read_allowance(user, clock)
            case ReadAccount():
                since_ns, with_twaps = command.fills_since_ns, command.with_twaps
                return errands.read_account(user, since_ns, universe, clock, with_twaps=with_twaps)

    def _complain(self, reason: str, raw: bytes, context: Context) -> None:
        self._publish(bad_data(errands.INFO, "", reason, raw, self._clock.now(), BadKind.UNANSWERED), context)


def _unsent(job: _Job, reason: str) -> tuple[Proof, ...]:
    """It does not leave now; that proves something only if it never did."""
    return unsent(job.action, reason, may_be_there=job.copies > 0)
