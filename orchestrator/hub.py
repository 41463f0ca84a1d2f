"""EDGE: the orchestrator's loop: one thread, one selector, the heart inside.

Reads what Hats and edges say, has the heart sequence it, commits the journal, and hands out the next batches. Before
the Hats that act on the outside world get a batch, everything durable before it is on disk.
"""

from __future__ import annotations

import contextlib
import hmac
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

from loguru import logger

from orchestrator.access import SAY, AccessBook
from orchestrator.heart import Heart, Output
from orchestrator.patience import NOTED_WAIT_NS, can_wait, must_wait
from orchestrator.peers import Peer
from orchestrator.recovery import checkpoint
from orchestrator.replay import replay_of
from orchestrator.supervisor import Verdict
from shared.bus import frames
from shared.bus.sockets import Connection, Listener
from shared.clock import WallClock
from shared.codec import decode
from shared.edge import Context
from shared.errors import BusError, HatsError, JournalError, MailboxFull, NotAllowedError
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.units import MS, SECOND, Ns

ACTING: Final = frozenset({Role.SECURITY_ARCHITECT, Role.EXCHANGE_ARCHITECT})
"""Hats whose edges act on the world: what led there must be on disk first."""
DISPATCH_ORDER: Final = (*(role for role in HATS if role not in ACTING), *(role for role in HATS if role in ACTING))
"""While the disk is waited for, the others are at work already."""
REPLAY_FRAMES_PER_TURN: Final = 64
REPLAY_WAIT_NS: Final = MS
RESTORE_NS_MAX: Final = 60 * SECOND
"""A Hat that takes nothing of its replay for so long, or does not end it so long after its last piece, hangs."""
Service = Callable[[Heart, Ns, bytes], bytes]
"""Answers one kind of question from the operator, between two turns of the loop."""
CHECKPOINT_NS: Final = 30 * SECOND
"""How often the orchestrator's own state is kept, so that its recovery does not grow with the run."""
PING_NS: Final = SECOND
STRANGERS_MAX: Final = 32
"""Connections that have not said Hello; more are hung up on."""
HELLO_BYTES_MAX: Final = 4_096
HELLO_NS_MAX: Final = 5 * SECOND
SILENCE_NS_MAX: Final = 5 * SECOND


class Hub:
    """Owns the sockets and the journal; runs until `stop`."""

    def __init__(
        self,
        heart: Heart,
        journal: Journal,
        listener: Listener,
        clock: WallClock,
        *,
        secret: str,
        build: str,
        commit_interval_ns: int = 5 * MS,
        snapshot_every: int = 2_000,
        services: Mapping[str, Service],
        on_lost: Callable[[Role, Verdict, int], None],
        on_beat: Callable[[Heart, Ns, Mapping[Role, int]], None],
    ) -> None:
        self.heart = heart
        self._journal = journal
        self._listener = listener
        self._clock = clock
        self._secret = secret
        self._build = build
        self._commit_interval_ns = commit_interval_ns
        self._snapshot_every = snapshot_every
        self._services = services
        self._on_lost = on_lost
        self._on_beat = on_beat
        self._next_beat_ns = 0
        self._last_checkpoint_ns: int = clock.now()
        self._selector = selectors.DefaultSelector()
        self._peers: dict[Connection, Peer] = {}
        self._hats: dict[Role, Peer] = {}
        self._bell, self._rung = socket.socketpair()
        self._running = True
        self._last_commit_ns = 0
        self._is_holding = False
        """Does something wait for the Security Architect although it is idle?"""
        self._loop_lag_ns = 0
        self.accesses = AccessBook()

    @property
    def address(self) -> str:
        """Where Hats find it."""
        return self._listener.address

    def stop(self) -> None:
        """End the loop after this turn, from any thread; Hats are told to stop."""
        self._running = False
        with contextlib.suppress(OSError):  # it has ended already
            self._bell.send(b"!")

    # the loop

    def run(self) -> None:
        """Turn until stopped; a JournalError ends it at once, for what can't be written must not happen."""
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._rung, selectors.EVENT_READ)
        try:
            while self._running:
                self._turn()
            self.accesses.flush(self._clock.now())
            self.accesses.tell(self.heart, self._clock.now())
            self.heart.say(self.heart.supervisor.stopped(HATS), self._clock.now())
            for peer in list(self._hats.values()):
                self._send(peer, frames.Stop())
        finally:
            for connection in list(self._peers):
                connection.close()
            self._listener.close()
            self._selector.close()
            self._bell.close()
            self._rung.close()
            self._journal.close()

    def _turn(self) -> None:
        ready = self._selector.select(self._patience_s())
        began = time.monotonic_ns()
        for key, _ in ready:
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._rung:
                self._rung.recv(4096)
            elif (peer := self._peers.get(key.fileobj)) is not None:  # type: ignore[call-overload]
                self._read(peer)
                self._dispatch()  # at once, not after the others that are ready too
        now = self._clock.now()
        self._retry_parked()
        self.accesses.tell(self.heart, now)
        if now >= self.heart.next_ns():
            self.heart.tick(now, loop_lag_ns=self._loop_lag_ns, clock_offset_ns=self._clock.system_offset_ns())
            self._loop_lag_ns = 0
            self._watch(now)
        self._dispatch()
        self._commit_if_due()
        self._loop_lag_ns = max(self._loop_lag_ns, time.monotonic_ns() - began)

    def _patience_s(self) -> float:
        now = self._clock.now()
        due = min(self.heart.next_ns(), now + self._commit_interval_ns if self._journal.is_dirty else now + SECOND)
        if self._is_holding:
            due = min(due, now + NOTED_WAIT_NS)
        replaying = [peer for peer in self._hats.values() if peer.replay is not None]
        if any(peer.connection.can_send for peer in replaying):
            return 0.0
        if replaying:
            due = min(due, now + REPLAY_WAIT_NS)
        return max(due - now, 0) / SECOND

    def _commit_if_due(self) -> None:
        now = self._clock.now()
        if now - self._last_commit_ns >= self._commit_interval_ns:
            self._journal.commit()
            self._last_commit_ns = now

    # reading

    def _accept(self) -> None:
        try:
            connection = self._listener.accept()
        except BusError as error:
            logger.warning("{error}", error=error)
            return
        if sum(peer.role is None for peer in self._peers.values()) >= STRANGERS_MAX:
            connection.close()
            return
        self._peers[connection] = Peer(connection, self._clock.now())
        self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, peer: Peer) -> None:
        try:
            received = peer.connection.receive_ready()
            for data in received:
                self._take(peer, frames.decode_from_hat(data))
            if peer.role is None and peer.connection.pending_bytes > HELLO_BYTES_MAX:
                raise BusError(f"expected a Hello of at most {HELLO_BYTES_MAX} bytes")
        except (BusError, NotAllowedError) as error:
            self._drop(peer, str(error))
            return
        if not peer.connection.is_open:
            self._drop(peer, "connection ended")

    def _take(self, peer: Peer, frame: frames.FromHat) -> None:
        """Handle one frame, or park it behind those that wait for room."""
        if peer.parked or not self._accepted(peer, frame):
            peer.parked.append(frame)
            self._heed(peer)

    def _heed(self, peer: Peer) -> None:
        """Read on what it says, unless something of it waits for room."""
        is_read = not peer.parked or self._is_early(peer, peer.parked[0])
        if is_read is not peer.is_read and peer.connection in self._peers:
            peer.is_read = is_read
            if is_read:
                self._selector.register(peer.connection, selectors.EVENT_READ)
            else:
                self._selector.unregister(peer.connection)

    def _is_early(self, peer: Peer, frame: frames.FromHat) -> bool:
        flight = self.heart.flights.get(peer.known_role)
        return flight is not None and must_wait(frame, flight.letters)

    def _accepted(self, peer: Peer, frame: frames.FromHat) -> bool:
        now = self._clock.now()
        if (peer.role is None) is not isinstance(frame, frames.Hello):
            raise BusError(f"expected a Hello first and once, got {type(frame).__name__}")
        peer.heard_ns = now
        match frame:
            case frames.Publication():
                return self._publish(peer, frame, now)
            case frames.Outcome():
                return self._land(peer, frame, now)
            case frames.Hello():
                self._greet(peer, frame, now)
            case frames.Restored():
                peer.is_live = True
                self.heart.say(self.heart.supervisor.restored(peer.known_role, now), now)
            case frames.SnapshotTaken():
                if peer.snapshot_of is not None:
                    self._journal.put_snapshot(peer.known_role, peer.snapshot_of, frame.state)
                peer.snapshot_of = None
            case frames.Failed():
                logger.error("{role} failed: {detail}", role=peer.role, detail=frame.detail)
            case frames.Ask():
                self._send(peer, self._answer(peer, frame, now))
            case frames.Pong():
                pass
        return True

    def _answer(self, peer: Peer, ask: frames.Ask, now: Ns) -> frames.Answer:
        if peer.known_role is not Role.OPERATOR:
            raise BusError(f"{peer.role} asked for {ask.what}, which is the operator's")
        service = self._services.get(ask.what)
        if service is None:
            answer = frames.Answer(b"", f"expected one of {', '.join(self._services)}, got {ask.what!r}")
        else:
            try:
                answer = frames.Answer(service(self.heart, now, ask.body), "")
                if ask.what == SAY:  # whoever is told that a kill was taken need not say it again
                    self._journal.sync()
            except HatsError as error:
                if isinstance(error, JournalError):
                    raise
                answer = frames.Answer(b"", str(error))
        self.accesses.asked(ask, answer.refusal, peer.who, now)
        return answer

    def _publish(self, peer: Peer, frame: frames.Publication, now: Ns) -> bool:
        if self._is_early(peer, frame):
            return False
        message = decode(frame.body)
        try:
            self.heart.publish(peer.known_role, message, now, Context(frame.cause, frame.origin_ns), bytes(frame.body))
        except MailboxFull:
            return False
        return True

    def _land(self, peer: Peer, frame: frames.Outcome, now: Ns) -> bool:
        outputs = [Output(said.cause_index, decode(said.body), bytes(said.body)) for said in frame.said]
        if self.heart.land(peer.known_role, outputs, frame.handled_ns, now) is None:
            return False
        peer.batches_since_snapshot += 1
        return True

    def _greet(self, peer: Peer, hello: frames.Hello, now: Ns) -> None:
        if not hmac.compare_digest(hello.token.encode(), frames.pass_of(hello.role, self._secret).encode()):
            raise BusError(f"a peer without the pass of {hello.role}")
        if hello.build != self._build:
            raise BusError(f"{hello.role} is build {hello.build}, this is {self._build}")
        peer.role, peer.channel, peer.pid = hello.role, hello.channel, hello.pid
        if hello.channel != "hat":
            hat = self._hats.get(hello.role)
            if hello.role in HATS and (hat is None or hat.pid != hello.pid):
                raise BusError(f"{hello.role} speaks from process {hello.pid}, which is not the one that serves")
            return
        if hello.role in self._hats:
            raise BusError(f"{hello.role} is here already")
        self._hats[hello.role] = peer
        self._journal.commit()  # the replay must see everything
        peer.replay, peer.fed_ns = replay_of(self._journal.reader, hello.role, self._journal.epoch), now
        self.heart.say(self.heart.supervisor.connected(hello.role), now)

    def _retry_parked(self) -> None:
        for peer in [peer for peer in self._peers.values() if peer.parked]:
            try:
                while peer.connection in self._peers and peer.parked and self._accepted(peer, peer.parked[0]):
                    peer.parked.popleft()
                self._heed(peer)
            except (BusError, NotAllowedError) as error:
                self._drop(peer, str(error))

    # writing

    def _dispatch(self) -> None:
        flights, mailboxes = self.heart.flights, self.heart.mailboxes
        self._is_holding = False
        for role in DISPATCH_ORDER:
            peer = self._hats.get(role)
            if peer is None:
                continue
            if peer.replay is not None:
                self._replay(peer)
            elif peer.is_live and role not in flights and mailboxes[role].depth:
                if role is Role.SECURITY_ARCHITECT and can_wait(mailboxes[role], self._clock.now()):
                    self._is_holding = True
                else:
                    self._depart(role, peer)

    def _depart(self, role: Role, peer: Peer) -> None:
        if peer.batches_since_snapshot >= self._snapshot_every and peer.snapshot_of is None:
            peer.batches_since_snapshot = 0
            peer.snapshot_of = self._journal.last_n_of(role)
            self._send(peer, frames.TakeSnapshot())
        flight = self.heart.depart(role, self._clock.now()) if self._hats.get(role) is peer else None
        if flight is None:
            return
        if role in ACTING:  # whatever happens now, of its batches at most this one is done and not written down
            self._journal.sync() if self._journal.has_durable_pending else self._journal.commit()
        letters = tuple(frames.Delivered(x.seq, x.origin_ns, frames.raw(x.payload)) for x in flight.letters)
        self._send(peer, frames.Batch(0, flight.now, False, letters))

    def _replay(self, peer: Peer) -> None:
        """Some more of its past, as far as it takes it: a Hat that is slow or stands still must hold up nobody."""
        assert peer.replay is not None
        for _ in range(REPLAY_FRAMES_PER_TURN):
            if not peer.connection.can_send:
                return
            peer.fed_ns = self._clock.now()
            frame = next(peer.replay, None)
            if frame is None:
                peer.replay = None
                return
            self._send(peer, frame)

    def _send(self, peer: Peer, frame: frames.ToHat) -> None:
        try:
            peer.send(frame)
        except BusError as error:
            self._drop(peer, str(error))

    # life and death

    def _watch(self, now: Ns) -> None:
        if now >= self._next_beat_ns:
            self._next_beat_ns = now + SECOND
            self._checkpoint_if_due(now)
            self._journal.sync()  # a power failure takes at most so much of what nobody acts on
            self._on_beat(self.heart, now, {role: peer.heard_ns for role, peer in self._hats.items()})
        for peer in [peer for peer in self._peers.values() if peer.role is None and now - peer.heard_ns > HELLO_NS_MAX]:
            self._drop(peer, f"no Hello within {HELLO_NS_MAX // SECOND} s")
        for peer in list(self._hats.values()):
            if not peer.is_live and now - peer.fed_ns > RESTORE_NS_MAX:
                self._drop(peer, f"not restored for {(now - peer.fed_ns) // MS} ms", hung_pid=peer.pid)
            elif peer.pinged_ns and peer.heard_ns < peer.pinged_ns and now - peer.pinged_ns > SILENCE_NS_MAX:
                self._drop(peer, f"silent for {(now - peer.heard_ns) // MS} ms", hung_pid=peer.pid)
            elif peer.heard_ns >= peer.pinged_ns and now - peer.pinged_ns >= PING_NS and peer.is_live:
                peer.pinged_ns = now
                self._send(peer, frames.Ping(now))

    def _checkpoint_if_due(self, now: Ns) -> None:
        if now - self._last_checkpoint_ns >= CHECKPOINT_NS:
            self._last_checkpoint_ns = now
            self._journal.put_snapshot(Role.ORCHESTRATOR, self._journal.last_n, checkpoint(self.heart, now))

    def _drop(self, peer: Peer, reason: str, hung_pid: int = 0) -> None:
        if self._peers.pop(peer.connection, None) is None:
            return
        if peer.is_read:
            self._selector.unregister(peer.connection)
        if peer.role is None:
            logger.warning("a stranger was turned away: {reason}", reason=reason)
            self.accesses.turned_away(reason, peer.who, self._clock.now())
            peer.connection.close()
            return
        peer.connection.close()
        if self._hats.get(peer.role) is not peer:
            return
        del self._hats[peer.role]
        now = self._clock.now()
        logger.warning("{role} is gone: {reason}", role=peer.role, reason=reason)
        for other in [p for p in self._peers.values() if p.role is peer.role]:
            self._drop(other, reason)
        self._on_lost(peer.role, self.heart.lose(peer.role, reason, now), hung_pid)
