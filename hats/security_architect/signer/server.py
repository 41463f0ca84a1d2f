"""EDGE: the signer's loop: one thread, and Unix sockets that one user may open, for questions and for the feeder.

Whatever a peer sends, it gets a signature that the policy allows, a refusal, or the end of its connection.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import socket
import time
from pathlib import Path
from typing import Final, NamedTuple

from hats.security_architect.merkle import HASH_BYTES
from hats.security_architect.signer import frames, oracle
from hats.security_architect.signer.checkpoint_store import Checkpoints
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.doors import Peer, listen
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.oracle import OracleKey
from hats.security_architect.signer.process import Log
from shared.bus.framing import HEADER_BYTES, FrameBuffer, framed
from shared.clock import WallClock
from shared.errors import BusError
from shared.units import MS

_PEERS_MAX: Final = 8
_CHUNK_BYTES: Final = 16 * 1024


class FeederDoor(NamedTuple):
    """Where the oracle's feeder comes in, and what its readings are sealed with."""

    path: Path
    key: OracleKey


class _Peer:
    def __init__(self, sock: socket.socket, name: str, *, is_feeder: bool) -> None:
        self.sock = sock
        self.name = name
        self.is_feeder = is_feeder
        self.frame_bytes_max = oracle.FRAME_BYTES_MAX if is_feeder else frames.FRAME_BYTES_MAX
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
    ) -> None:
        self._listener = listen(path)  # first, for it may fail and nothing else would be closed
        self._feeder = feeder
        self._feeder_listener = listen(feeder.path) if feeder is not None else None
        self._signer = signer
        self._store = store
        self._checkpoints = checkpoints
        self._greeting = frames.encode(frames.Greeting(frames.VERSION, signer.address, network))
        self._path = path
        self._client_uid = client_uid
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
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._ring, selectors.EVENT_READ)
        if self._feeder_listener is not None:
            self._selector.register(self._feeder_listener, selectors.EVENT_READ)
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
            if isinstance(key.fileobj, socket.socket) and key.fileobj in (self._listener, self._feeder_listener):
                self._welcome(key.fileobj)
            elif (peer := self._peers.get(key.fd)) is not None:
                self._serve(peer)
        return True

    def _welcome(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as error:
            self._log("peer_lost", {"reason": str(error)})  # it left before we came to the door
            return
        who, is_feeder = Peer.of(sock), listener is self._feeder_listener
        if who.uid != self._client_uid or sum(one.is_feeder is is_feeder for one in self._peers.values()) >= _PEERS_MAX:
            self._log("peer_refused", {"peer": str(who), "peers": len(self._peers)})
            sock.close()
            return
        sock.setblocking(False)
        peer = _Peer(sock, str(who), is_feeder=is_feeder)
        self._peers[sock.fileno()] = peer
        self._selector.register(sock, selectors.EVENT_READ)
        self._log("peer_connected", {"peer": peer.name, "is_feeder": is_feeder})
        if not is_feeder:
            self._send(peer, self._greeting)

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
                if peer.is_feeder:
                    self._take_prices(frame)
                    continue
                question = frames.decode_question(frame)
                if isinstance(question, frames.Notarize):
                    self._notarize(peer, question)
                else:
                    self._answer(peer, question)
        except BusError as error:
            self._drop(peer, str(error))

    def _answer(self, peer: _Peer, ask: frames.Ask) -> None:
        started_ns = time.perf_counter_ns()
        decision = self._signer.decide(ask, self._clock.now() // MS)
        if decision.spent is not None:
            self._store.keep(decision.spent, self._signer.approval_key_name, decision.approval_ids, decision.added)
        self._send(peer, frames.encode(decision.answer))
        fields: dict[str, object] = {
            "peer": peer.name,
            "ask_id": ask.ask_id,
            "nonce": ask.nonce,
            "expires_after_ms": ask.expires_after_ms,
            "action_sha256": hashlib.sha256(ask.action).hexdigest(),
            "took_us": (time.perf_counter_ns() - started_ns) // 1_000,
        }
        if isinstance(decision.answer, frames.Refused):
            self._log("refused", {**fields, "reason": decision.answer.reason, "action_bytes": len(ask.action)})
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
        self._listener.close()
        self._path.unlink(missing_ok=True)
        if self._feeder is not None and self._feeder_listener is not None:
            self._feeder_listener.close()
            self._feeder.path.unlink(missing_ok=True)
        self._ring.close()
        self._doorbell.close()
        self._log("stopped", {"pid": os.getpid()})
