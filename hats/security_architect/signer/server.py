"""EDGE: the signer's loop: one thread, and Unix sockets that one user may open, for questions and for the feeder.

Whatever a peer sends, it gets a signature that the policy allows, a refusal, or the end of its connection.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import selectors
import socket
import time
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from hats.security_architect.merkle import HASH_BYTES
from hats.security_architect.signer import admin_words, frames, oracle
from hats.security_architect.signer.checkpoint_store import Checkpoints
from hats.security_architect.signer.core import Signer, in_time
from hats.security_architect.signer.doors import listen
from hats.security_architect.signer.key_changes import KeyChanges
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.oracle import OracleKey
from hats.security_architect.signer.process import Log
from hats.security_architect.signer.rotation import Keys
from shared.bus.credentials import credentials_of
from shared.bus.framing import HEADER_BYTES, FrameBuffer, framed
from shared.clock import WallClock
from shared.errors import BusError, ConfigError
from shared.units import MS

_PEERS_MAX: Final = 8
_CHUNK_BYTES: Final = 16 * 1024


class Kind(Enum):
    """Who is at the other end: somebody who asks for signatures, the oracle's feeder, or the operator."""

    ASKS = "asks"
    FEEDS = "feeds"
    RULES = "rules"


_FRAME_BYTES_MAX: Final = {
    Kind.ASKS: frames.FRAME_BYTES_MAX,
    Kind.FEEDS: oracle.FRAME_BYTES_MAX,
    Kind.RULES: admin_words.FRAME_BYTES_MAX,
}


class FeederDoor(NamedTuple):
    """Where the oracle's feeder comes in, and what its readings are sealed with."""

    path: Path
    key: OracleKey


class AdminDoor(NamedTuple):
    """Where the operator comes in, and the keys that they may change."""

    path: Path
    keys: Keys


class _Peer:
    def __init__(self, sock: socket.socket, name: str, kind: Kind) -> None:
        self.sock = sock
        self.name = name
        self.kind = kind
        self.frame_bytes_max = _FRAME_BYTES_MAX[kind]
        self.buffer = FrameBuffer()


class SignerServer:
    """Answers peers of one user until told to stop."""

    def __init__(
        self,
        signer: Signer,
        store: NonceStore,
        network: str,
        path: Path,
        client_uid: int,
        log: Log,
        checkpoints: Checkpoints | None = None,
        feeder: FeederDoor | None = None,
        admin: AdminDoor | None = None,
    ) -> None:
        self._client_uid = client_uid
        self._doors: dict[socket.socket, tuple[Kind, Path]] = {}
        self._open(path, Kind.ASKS)  # first, for it may fail and nothing else would be closed
        if feeder is not None:
            self._open(feeder.path, Kind.FEEDS)
        if admin is not None:
            self._open(admin.path, Kind.RULES)
        self._feeder, self._admin = feeder, admin
        self._changes = None if admin is None else KeyChanges(admin.keys, signer, log)
        self._signer = signer
        self._store = store
        self._checkpoints = checkpoints
        self._network = network
        self._path = path
        self._log = log
        self._clock = WallClock()  # the run's: a step of the system's must not make every order look expired
        self._selector = selectors.DefaultSelector()
        self._peers: dict[int, _Peer] = {}
        self._ring, self._doorbell = socket.socketpair()
        self._ring.setblocking(False)
        self._doorbell.setblocking(False)

    @property
    def doorbell(self) -> int:
        """A descriptor; a byte written to it ends `run` (made for signal.set_wakeup_fd)."""
        return self._doorbell.fileno()

    def run(self) -> None:
        """Serve until the doorbell rings, then close everything."""
        for door in self._doors:
            self._selector.register(door, selectors.EVENT_READ)
        self._selector.register(self._ring, selectors.EVENT_READ)
        if self._changes is not None:
            self._selector.register(self._changes.ring, selectors.EVENT_READ)
        self._log("ready", {"address": self._signer.address, "socket": str(self._path), "pid": os.getpid()})
        try:
            while self._serve_ready():
                pass
        finally:
            self._close()

    def _serve_ready(self) -> bool:
        for key, _ in self._selector.select():
            if key.fileobj is self._ring:
                return False
            if isinstance(key.fileobj, socket.socket) and key.fileobj in self._doors:
                self._welcome(key.fileobj)
            elif self._changes is not None and key.fileobj is self._changes.ring:
                self._taken_over(self._changes)
            elif (peer := self._peers.get(key.fd)) is not None:
                self._serve(peer)
        return True

    def _open(self, path: Path, kind: Kind) -> None:
        try:
            self._doors[listen(path, self._client_uid)] = (kind, path)
        except ConfigError:
            for door in self._doors:
                door.close()
            raise

    def _welcome(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as error:
            self._log("peer_lost", {"reason": str(error)})  # it left before we came to the door
            return
        who, kind = credentials_of(sock.fileno()), self._doors[listener][0]
        if (
            who is None
            or who.uid != self._client_uid
            or sum(one.kind is kind for one in self._peers.values()) >= _PEERS_MAX
        ):
            self._log("peer_refused", {"peer": str(who), "peers": len(self._peers)})
            sock.close()
            return
        sock.setblocking(False)
        peer = _Peer(sock, str(who), kind)
        self._peers[sock.fileno()] = peer
        self._selector.register(sock, selectors.EVENT_READ)
        self._log("peer_connected", {"peer": peer.name, "kind": kind.value})
        if kind is Kind.ASKS:
            signer = self._signer
            greeting = frames.Greeting(frames.VERSION, signer.address, self._network, signer.created_ns, signer.high)
            self._send(peer, frames.encode(greeting))

    def _serve(self, peer: _Peer) -> None:
        try:
            data = peer.sock.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._drop(peer, str(error))
            return
        if not data:
            self._drop(peer, "closed by the peer")
            return
        try:
            asked = peer.buffer.feed(data)
            if max(map(len, asked), default=peer.buffer.pending_bytes - HEADER_BYTES) > peer.frame_bytes_max:
                raise BusError(f"expected frames of at most {peer.frame_bytes_max} bytes")
            for frame in asked:
                self._hear(peer, frame)
        except BusError as error:
            self._drop(peer, str(error))

    def _hear(self, peer: _Peer, frame: bytes) -> None:
        if peer.kind is Kind.FEEDS:
            self._take_prices(frame)
        elif peer.kind is Kind.RULES:
            assert self._changes is not None
            reply = self._changes.hear(peer.sock.fileno(), admin_words.decode_word(frame))
            if reply is not None:
                self._send(peer, admin_words.encode(reply))
        else:
            question = frames.decode_question(frame)
            if isinstance(question, frames.Notarize):
                self._notarize(peer, question)
            else:
                self._answer(peer, question)

    def _taken_over(self, changes: KeyChanges) -> None:
        """An unlocked key is there, or the reason why not: act on it, and tell who asked, if they are still there."""
        asked_by, reply = changes.finish()
        if isinstance(reply, admin_words.Agents):
            for asking in [one for one in self._peers.values() if one.kind is Kind.ASKS]:
                self._drop(asking, "another agent signs: it is greeted anew")  # it calls again before it asks again
        peer = self._peers.get(asked_by)
        if peer is not None and peer.kind is Kind.RULES:
            self._send(peer, admin_words.encode(reply))

    def _answer(self, peer: _Peer, ask: frames.Ask) -> None:
        started_ns = time.perf_counter_ns()
        decision = self._signer.decide(ask, self._clock.now() // MS)
        if decision.spent is not None:  # durably, which takes a while, and in which this process may be stopped
            store = self._store if self._admin is None else self._admin.keys.store
            store.keep(decision.spent, self._signer.approval_key_name, decision.approval_ids, decision.added)
        answer = in_time(ask, decision, self._clock.now() // MS)
        self._send(peer, frames.encode(answer))
        fields: dict[str, object] = {
            "peer": peer.name,
            "ask_id": ask.ask_id,
            "nonce": ask.nonce,
            "expires_after_ms": ask.expires_after_ms,
            "agent": self._signer.address,
            "action_sha256": hashlib.sha256(ask.action).hexdigest(),
            "took_us": (time.perf_counter_ns() - started_ns) // 1_000,
        }
        if isinstance(answer, frames.Refused):
            self._log("refused", {**fields, "reason": answer.reason, "action_bytes": len(ask.action)})
        else:
            # an action that was signed obeys the schema, so its text can hold no secret
            self._log("signed", {**fields, "again": decision.spent is None, "action": ask.action.decode()})

    def _take_prices(self, frame: bytes) -> None:
        assert self._feeder is not None
        prices = self._feeder.key.read(frame)
        is_new = self._signer.oracle.take(prices)
        self._log("prices", {"ms": prices.ms, "assets": len(prices.pxs), "is_new": is_new})

    def _notarize(self, peer: _Peer, asked: frames.Notarize) -> None:
        if self._checkpoints is None:
            answer: frames.Answer = frames.Refused(asked.ask_id, "this signer keeps no checkpoints")
        else:
            answer = self._checkpoints.answer(asked, self._clock.now())
        self._send(peer, frames.encode(answer))
        fields: dict[str, object] = {"peer": peer.name, "ask_id": asked.ask_id, "first": asked.first}
        if isinstance(answer, frames.Refused):
            self._log("refused", {**fields, "reason": answer.reason})
        elif asked.leaves:
            self._log("checkpoint", {**fields, "leaves": len(asked.leaves) // HASH_BYTES})

    def _send(self, peer: _Peer, frame: bytes) -> None:
        try:
            peer.sock.sendall(framed(frame))
        except OSError as error:
            self._drop(peer, f"cannot be answered: {error}")  # gone, or it does not read

    def _drop(self, peer: _Peer, reason: str) -> None:
        if self._peers.pop(peer.sock.fileno(), None) is None:
            return
        self._selector.unregister(peer.sock)
        peer.sock.close()
        self._log("peer_dropped", {"peer": peer.name, "reason": reason})

    def _close(self) -> None:
        for peer in list(self._peers.values()):
            self._drop(peer, "the signer stops")
        self._selector.close()
        for door, (_, path) in self._doors.items():
            door.close()
            with contextlib.suppress(PermissionError):  # we became another user; whoever begins next removes it
                path.unlink(missing_ok=True)
        if self._changes is not None:
            self._changes.close()
        self._ring.close()
        self._doorbell.close()
        self._log("stopped", {"pid": os.getpid()})
