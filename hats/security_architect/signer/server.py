"""EDGE: the signer's door: a Unix socket that one user may open, one loop, no threads.

Whatever a peer sends, it gets a signature that the policy allows, a refusal, or the end of its connection.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import socket
import stat
import struct
import time
from pathlib import Path
from typing import Final

from hats.security_architect.merkle import HASH_BYTES
from hats.security_architect.signer import frames
from hats.security_architect.signer.checkpoint_store import Checkpoints
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.process import Log
from shared.bus.framing import HEADER_BYTES, FrameBuffer, framed
from shared.errors import BusError, ConfigError
from shared.units import MS

_PEERS_MAX: Final = 8
_CHUNK_BYTES: Final = 16 * 1024
_CREDENTIALS: Final = struct.Struct("iII")


class _Peer:
    def __init__(self, sock: socket.socket, name: str) -> None:
        self.sock = sock
        self.name = name
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
    ) -> None:
        self._listener = _listen(path)  # first, for it may fail and nothing else would be closed
        self._signer = signer
        self._store = store
        self._checkpoints = checkpoints
        self._greeting = frames.encode(frames.Greeting(frames.VERSION, signer.address, network))
        self._path = path
        self._client_uid = client_uid
        self._log = log
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
            if key.fileobj is self._listener:
                self._welcome()
            elif (peer := self._peers.get(key.fd)) is not None:
                self._serve(peer)
        return True

    def _welcome(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError as error:
            self._log("peer_lost", {"reason": str(error)})  # it left before we came to the door
            return
        pid, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        name = f"pid {pid} uid {uid}"
        if uid != self._client_uid or len(self._peers) >= _PEERS_MAX:
            self._log("peer_refused", {"peer": name, "peers": len(self._peers)})
            sock.close()
            return
        sock.setblocking(False)
        peer = _Peer(sock, name)
        self._peers[sock.fileno()] = peer
        self._selector.register(sock, selectors.EVENT_READ)
        self._log("peer_connected", {"peer": name})
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
            if max(map(len, asked), default=peer.buffer.pending_bytes - HEADER_BYTES) > frames.FRAME_BYTES_MAX:
                raise BusError(f"expected frames of at most {frames.FRAME_BYTES_MAX} bytes")
            for frame in asked:
                question = frames.decode_question(frame)
                if isinstance(question, frames.Notarize):
                    self._notarize(peer, question)
                else:
                    self._answer(peer, question)
        except BusError as error:
            self._drop(peer, str(error))

    def _answer(self, peer: _Peer, ask: frames.Ask) -> None:
        started_ns = time.perf_counter_ns()
        decision = self._signer.decide(ask, time.time_ns() // MS)
        if decision.spent is not None:
            self._store.keep(decision.spent, self._signer.approval_key_name, decision.approval_ids)
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

    def _notarize(self, peer: _Peer, asked: frames.Notarize) -> None:
        if self._checkpoints is None:
            answer: frames.Answer = frames.Refused(asked.ask_id, "this signer keeps no checkpoints")
        else:
            answer = self._checkpoints.answer(asked, time.time_ns())
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
        self._ring.close()
        self._doorbell.close()
        self._log("stopped", {"pid": os.getpid()})


def _listen(path: Path) -> socket.socket:
    """A 0600 socket in a 0700 directory. ConfigError if the directory is open to others or somebody serves there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = path.parent.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigError([f"{path.parent} must be ours and 0700, it is {stat.S_IMODE(status.st_mode):04o}"])
    if path.exists():
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise ConfigError([f"a signer already serves {path}"])
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_PEERS_MAX)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError([f"cannot listen at {path}: {error}"]) from error
    return listener
