"""The door to the venue inside the deterministic stage: the same Session, wire and proofs, without sockets or clock."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol

from hats.exchange_architect import errands
from hats.exchange_architect.backoff import Backoff, Quota
from hats.exchange_architect.line import Line
from hats.exchange_architect.measures import ANSWER, UNANSWERED
from hats.exchange_architect.session import Session
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.subscriptions import topics
from hats.exchange_architect.tape import Record, Tape, forget
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import bad_data
from hats.exchange_architect.wire_exchange import Proof, alike, is_unanswered, proofs_of, told, unsent
from shared.errors import VenueError, VenueProtocolError, VenueUnreachable
from shared.messages import Message
from shared.messages.account import AccountSnapshot
from shared.messages.market import BadKind, ReadCandles, UniverseUpdate
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
from shared.warehouse.capture.records import Direction


class Wire(Protocol):
    """The venue in this process. A fault injector raises VenueUnreachable where a network would fail."""

    def http(self, path: str, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body of a POST."""
        ...

    def ws_connect(self) -> None:
        """A WebSocket is open; one that was open before is gone."""
        ...

    def ws_send(self, frame: str) -> None:
        """The venue has our frame."""
        ...

    def ws_frames(self) -> list[bytes]:
        """What the venue sent since the last call."""
        ...


class StageLink:
    """Synchronous twin of the VenueEdge. The stage decides when each call happens, and so all latencies.

    `start`, `tick` (every `settings.tick_ms`), `frames` and `carry_out` return the messages to publish, in order.
    """

    commands: ClassVar[frozenset[type[Message]]] = frozenset(
        {PostAction, DropWaiting, ReadOrder, ReadTwaps, ReadAccount, ReadAllowance, ReadCandles}
    )

    def __init__(self, settings: Settings, wire: Wire, rng: random.Random, record: Record = forget) -> None:
        self._settings = settings
        self._wire = wire
        self._universe = Universe()
        self._backoff = Backoff(
            settings.backoff_first_ms * MS,
            settings.backoff_most_ms * MS,
            Quota(settings.connections_per_minute),
            rng,
        )
        self._record = record
        self._tape = Tape(0, "stage", record)
        self._session: Session
        self._is_connected = False
        self._refresh_ns = Ns(0)
        self._connect_ns = Ns(0)

    def start(self, now: Ns) -> list[Message]:
        """Read the universe and connect."""
        line = Line(topics(self._settings), self._settings, now, self._tape)
        self._session = Session(self._settings, self._universe, now, [line], self._record)
        return self.tick(now)

    def tick(self, now: Ns) -> list[Message]:
        """What time makes necessary at `now`: universe, (re)connecting, deadlines, the account; and waiting frames."""
        messages = self._refresh(now)
        if self._universe.missing(self._settings.coins):
            return messages + self._session.due(now).messages
        if not self._is_connected and self._connect_ns <= now:
            messages += self._connect(now)
        if self._is_connected:
            messages += self.frames(now, self._wire.ws_frames())
        return messages + self._do_due(now)

    def frames(self, now: Ns, frames: Sequence[bytes]) -> list[Message]:
        """The messages in frames that arrived at `now`; none of a connection that was given up."""
        messages: list[Message] = []
        if not self._is_connected:
            return messages
        for frame in frames:
            self._tape.frame(frame, now, now)
            messages += self._session.received(frame, now)
        return messages

    def reachable(self, now: Ns) -> list[Message]:
        """The venue can be reached, says the stage: connect now, whatever pause was meant."""
        self._connect_ns = now
        return self.tick(now)

    def lost(self, now: Ns, reason: str) -> list[Message]:
        """The WebSocket broke, says the stage."""
        self._is_connected = False
        self._connect_ns = self._backoff.next_attempt(now)
        return self._session.disconnected(now, reason)

    def carry_out(
        self, command: Message, now: Ns, sent_ns: Ns | None = None, *, may_be_repeated: bool = False
    ) -> list[Message]:
        """What comes of a command whose answer arrives at `now`. `sent_ns`: when its bytes left, if earlier.

        `may_be_repeated`: they may have left before.
        """
        match command:
            case PostAction():
                may_be_there = command.is_resent or may_be_repeated
                return self._post(command, now, now if sent_ns is None else sent_ns, may_be_there=may_be_there)
            case DropWaiting():
                return []  # nothing waits for a connection here
            case ReadOrder(cloid=cloid):
                user = self._user()
                return self._read(errands.read_order(user, cloid, self._universe, lambda: now), now)
            case ReadTwaps(queries=queries):
                return self._read(errands.read_twaps(self._user(), queries, self._universe, lambda: now), now)
            case ReadCandles(query=candles):
                return self._read(errands.read_candles(candles, self._universe, lambda: now), now)
            case ReadAllowance():
                return self._read(errands.read_allowance(self._user(), lambda: now), now)
            case ReadAccount(fills_since_ns=since, with_twaps=twaps):
                errand = errands.read_account(self._user(), since, self._universe, lambda: now, with_twaps=twaps)
                return self._read(errand, now)
        raise AssertionError(f"{type(command).__name__} is not a command of this edge")

    def _post(self, action: PostAction, now: Ns, sent_ns: Ns, *, may_be_there: bool) -> list[Message]:
        if 0 < action.expires_after_ms * MS <= sent_ns:
            return told(action, unsent(action, "expired", may_be_there=may_be_there), now)
        sent = [] if action.is_resent else [ActionSent(action.cloid, action.nonce, sent_ns, action.mates)]
        try:
            status, body = self._wire.http(errands.EXCHANGE, action.body)
        except VenueUnreachable as error:
            proofs = alike(action, Proof(AnswerKind.NO_ANSWER, error=str(error)))
        else:
            proofs = proofs_of(action, status, body, self._universe, may_be_there)
        self._session.measured(ANSWER, (now - sent_ns) / MS)
        self._session.measured(UNANSWERED, float(is_unanswered(proofs)))
        return [*sent, *told(action, proofs, now)]

    def _read(self, errand: errands.Errand, now: Ns) -> list[Message]:
        try:
            return errands.run(errand, self._ask)
        except VenueError as error:
            return [bad_data(errands.INFO, "", str(error), error.said.encode(), now, BadKind.UNANSWERED)]

    def _ask(self, body: bytes) -> bytes:
        status, reply = self._wire.http(errands.INFO, body)
        if status != 200:
            raise VenueProtocolError(f"HTTP {status} to a read", reply[:200].decode("utf-8", "replace"))
        return reply

    def _refresh(self, now: Ns) -> list[Message]:
        if now < self._refresh_ns:
            return []
        self._refresh_ns = Ns(now + self._settings.refresh_s * 1_000 * MS)
        messages = self._read(errands.read_universe(self._settings.user_address, lambda: now), now)
        for message in messages:
            if isinstance(message, UniverseUpdate):
                self._universe.learn(message)
        missing = self._universe.missing(self._settings.coins)
        if missing:
            self._refresh_ns = Ns(now + self._settings.backoff_most_ms * MS)
            messages += self._session.unfollowed(f"not listed: {', '.join(missing)}", now)
        return messages

    def _connect(self, now: Ns) -> list[Message]:
        self._backoff.attempted(now)
        try:
            self._wire.ws_connect()
            frames, messages = self._session.connected(now)
            self._is_connected = True
            self._send(frames, now)
        except VenueUnreachable as error:
            return self.lost(now, str(error))
        return messages

    def _do_due(self, now: Ns) -> list[Message]:
        if self._session.is_whole(0):
            self._backoff.succeeded()
        due = self._session.due(now)
        messages = due.messages
        if due.closes:
            return messages + self.lost(now, due.closes[0])
        try:
            self._send((frame for _, frame in due.sends), now)
        except VenueUnreachable as error:
            return messages + self.lost(now, str(error))
        if due.catch_up_ns is not None:
            user, epoch = self._user(), self._session.epoch
            read = self._read(errands.read_account(user, due.catch_up_ns, self._universe, lambda: now), now)
            messages += read
            if isinstance(read[0], AccountSnapshot):
                messages += self._session.caught_up(epoch, now)
        return messages

    def _send(self, frames: Iterable[str], now: Ns) -> None:
        for frame in frames:
            self._tape.frame(frame.encode(), now, now, Direction.OUT)
            self._wire.ws_send(frame)

    def _user(self) -> str:
        user = self._settings.user_address
        assert user is not None, "account reads need a user_address"
        return user
