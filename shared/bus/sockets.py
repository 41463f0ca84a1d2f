"""EDGE: the three buses. All carry the same frames over a stream socket; only how peers meet differs.

Addresses: `inproc:NAME` (threads of one process), `unix:/PATH` (one host), `tcp:HOST:PORT` (several hosts).
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import ClassVar, Final, Protocol

from shared.bus.framing import FrameBuffer, framed
from shared.errors import BusError

_BUFFER_BYTES: Final = 4 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024


class Connection:
    """One peer. `send` may be called from any thread; `receive*` from one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = FrameBuffer()
        self._ready: list[bytes] = []
        self._send_lock = threading.Lock()
        self.is_open = True
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """For selectors."""
        return self._sock.fileno()

    def send(self, frame: bytes) -> None:
        """Hand a frame to the peer, waiting while its buffer is full; BusError if the peer is gone."""
        try:
            with self._send_lock:
                self._sock.sendall(framed(frame))
        except OSError as error:
            self.is_open = False
            raise BusError(f"peer is gone: {error}") from error

    def receive(self, timeout_s: float | None = None) -> bytes | None:
        """The next frame; None if the stream ended. TimeoutError if `timeout_s` passes first."""
        while not self._ready:
            if timeout_s is not None:
                self._sock.settimeout(timeout_s)
            try:
                data = self._sock.recv(_CHUNK_BYTES)
            except TimeoutError:
                raise
            except OSError:
                data = b""
            finally:
                if timeout_s is not None and self.is_open:
                    self._sock.settimeout(None)
            if not data:
                self.is_open = False
                return None
            self._ready += self._buffer.feed(data)
        return self._ready.pop(0)

    def receive_ready(self) -> list[bytes]:
        """All frames that are here already, without waiting; `is_open` is False afterwards if the stream ended."""
        try:
            data = self._sock.recv(_CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.is_open = False
            return []
        return self._buffer.feed(data)

    def close(self) -> None:
        """End the stream; a peer or thread that waits on it sees its end."""
        self.is_open = False
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._sock.close()  # the peer was faster
            return
        self._sock.close()


class Listener(Protocol):
    """Where peers arrive."""

    address: str

    def fileno(self) -> int:
        """For selectors: readable when somebody waits."""
        ...

    def accept(self) -> Connection:
        """The next peer; waits for one."""
        ...

    def close(self) -> None:
        """Take no more peers."""
        ...


class _SocketListener:
    def __init__(self, sock: socket.socket, address: str, path: str | None = None) -> None:
        self._sock = sock
        self._path = path
        self.address = address

    def fileno(self) -> int:
        return self._sock.fileno()

    def accept(self) -> Connection:
        return Connection(self._sock.accept()[0])

    def close(self) -> None:
        self._sock.close()
        if self._path is not None:
            Path(self._path).unlink(missing_ok=True)


class _InProcessListener:
    """Peers of one process: each connect makes a socket pair and leaves one end here."""

    by_name: ClassVar[dict[str, _InProcessListener]] = {}
    lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, name: str) -> None:
        self._doorbell, self._rung = socket.socketpair()
        self._waiting: list[socket.socket] = []
        self._name = name
        self.address = f"inproc:{name}"
        with self.lock:
            if name in self.by_name:
                raise BusError(f"expected a free name, {self.address} is taken")
            self.by_name[name] = self

    def fileno(self) -> int:
        return self._rung.fileno()

    def join(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with self.lock:
            self._waiting.append(ours)
        self._doorbell.send(b"!")
        return theirs

    def accept(self) -> Connection:
        self._rung.recv(1)
        with self.lock:
            return Connection(self._waiting.pop(0))

    def close(self) -> None:
        with self.lock:
            self.by_name.pop(self._name, None)
        self._doorbell.close()
        self._rung.close()


def listen(address: str) -> Listener:
    """A listener at `address`; a Unix socket is 0600 and replaces a dead one. BusError if it can't be had."""
    kind, _, rest = address.partition(":")
    try:
        if kind == "inproc":
            return _InProcessListener(rest)
        if kind == "unix":
            return _listen_unix(rest)
        if kind == "tcp":
            host, _, port = rest.rpartition(":")
            sock = socket.create_server((host, int(port)))
            return _SocketListener(sock, f"tcp:{host}:{sock.getsockname()[1]}")
    except (OSError, ValueError) as error:
        raise BusError(f"cannot listen at {address}: {error}") from error
    raise BusError(f"expected inproc:NAME, unix:/PATH or tcp:HOST:PORT, got {address!r}")


def _listen_unix(path: str) -> Listener:
    if Path(path).exists():
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                raise BusError(f"somebody already listens at unix:{path}")
        Path(path).unlink()
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    Path(path).chmod(0o600)
    sock.listen(64)
    return _SocketListener(sock, f"unix:{path}", path)


def connect(address: str, timeout_s: float = 5.0) -> Connection:
    """A connection to the listener at `address`; BusError if nobody takes it within `timeout_s`."""
    kind, _, rest = address.partition(":")
    try:
        if kind == "inproc":
            return Connection(_InProcessListener.by_name[rest].join())
        if kind == "unix":
            return Connection(_connect_unix(rest, timeout_s))
        if kind == "tcp":
            host, _, port = rest.rpartition(":")
            sock = socket.create_connection((host, int(port)), timeout_s)
            sock.settimeout(None)
            return Connection(sock)
    except (OSError, ValueError, KeyError) as error:
        raise BusError(f"cannot connect to {address}: {error}") from error
    raise BusError(f"expected inproc:NAME, unix:/PATH or tcp:HOST:PORT, got {address!r}")


def _connect_unix(path: str, timeout_s: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout_s)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    sock.settimeout(None)
    return sock
