"""EDGE: the three buses. All carry the same frames over a stream socket; only how peers meet differs.

Addresses: `inproc:NAME` (threads of one process), `unix:/PATH` (one host), `tcp:HOST:PORT` (several hosts, under TLS).
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path
from typing import ClassVar, Final, Protocol

from shared.bus.framing import FrameBuffer, framed
from shared.bus.tls import TlsFiles, TlsStream, client_context, server_context
from shared.errors import BusError, ConfigError, NotRunning, Unanswered
from shared.hosts import is_loopback

_BUFFER_BYTES: Final = 4 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024


class Stream(Protocol):
    """What a connection needs of its socket; `TlsStream` is the other one."""

    def fileno(self) -> int:
        """For selectors."""
        ...

    def send_all(self, data: bytes) -> None:
        """All of it, waiting while the peer's buffer is full; OSError if the peer is gone."""
        ...

    def receive(self, timeout_s: float | None) -> bytes:
        """Some bytes, or none at the end of the stream; TimeoutError if `timeout_s` passes first."""
        ...

    def receive_now(self) -> bytes | None:
        """What is here already; None if nothing is, no bytes at the end of the stream."""
        ...

    def close(self) -> None:
        """End the stream; a thread that waits on it sees its end."""
        ...


class PlainStream:
    """A stream socket as it is."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._send_lock = threading.Lock()

    def fileno(self) -> int:
        """For selectors."""
        return self._sock.fileno()

    def send_all(self, data: bytes) -> None:
        """All of it, waiting while the peer's buffer is full; OSError if the peer is gone."""
        with self._send_lock:
            self._sock.sendall(data)

    def receive(self, timeout_s: float | None) -> bytes:
        """Some bytes, or none at the end of the stream; TimeoutError if `timeout_s` passes first."""
        if timeout_s is None:
            return self._sock.recv(_CHUNK_BYTES)
        self._sock.settimeout(timeout_s)
        try:
            return self._sock.recv(_CHUNK_BYTES)
        finally:
            if self._sock.fileno() >= 0:  # another thread may have closed it
                self._sock.settimeout(None)

    def receive_now(self) -> bytes | None:
        """What is here already; None if nothing is, no bytes at the end of the stream."""
        try:
            return self._sock.recv(_CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """End the stream; a thread that waits on it sees its end."""
        with contextlib.suppress(OSError):  # the peer was faster
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


class Connection:
    """One peer. `send` may be called from any thread; `receive*` from one."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = FrameBuffer()
        self._ready: list[bytes] = []
        self.is_open = True

    def fileno(self) -> int:
        """For selectors."""
        return self._stream.fileno()

    @property
    def pending_bytes(self) -> int:
        """How many bytes wait for the rest of their frame."""
        return self._buffer.pending_bytes

    @property
    def can_send(self) -> bool:
        """Has the peer's buffer so much room that a frame of some hundred kilobytes would go without waiting?

        False once it is known to be gone.
        """
        if not self.is_open:
            return False
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        return bool(poll.poll(0))

    def send(self, frame: bytes) -> None:
        """Hand a frame to the peer, waiting while its buffer is full; BusError if the peer is gone."""
        try:
            self._stream.send_all(framed(frame))
        except OSError as error:
            self.is_open = False
            raise BusError(f"peer is gone: {error}") from error

    def receive(self, timeout_s: float | None = None) -> bytes | None:
        """The next frame; None if the stream ended. TimeoutError if `timeout_s` passes first."""
        while not self._ready:
            try:
                data = self._stream.receive(timeout_s)
            except TimeoutError:
                raise
            except OSError:
                data = b""
            if not data:
                self.is_open = False
                return None
            self._ready += self._buffer.feed(data)
        return self._ready.pop(0)

    def receive_ready(self) -> list[bytes]:
        """All frames that are here already, without waiting; `is_open` is False afterwards if the stream ended."""
        try:
            data = self._stream.receive_now()
        except OSError:
            data = b""
        if data is None:
            return []
        if not data:
            self.is_open = False
            return []
        return self._buffer.feed(data)

    def close(self) -> None:
        """End the stream; a peer or thread that waits on it sees its end."""
        self.is_open = False
        self._stream.close()


class Listener(Protocol):
    """Where peers arrive."""

    address: str

    def fileno(self) -> int:
        """For selectors: readable when somebody waits."""
        ...

    def accept(self) -> Connection:
        """The next peer; waits for one. BusError if it was gone again already."""
        ...

    def close(self) -> None:
        """Take no more peers."""
        ...


class _SocketListener:
    def __init__(
        self, sock: socket.socket, address: str, path: str | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self._sock = sock
        self._path = path
        self._context = context
        self.address = address

    def fileno(self) -> int:
        return self._sock.fileno()

    def accept(self) -> Connection:
        try:
            sock = _sized(self._sock.accept()[0])
            if self._context is None:
                return Connection(PlainStream(sock))
            sealed = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError as error:
            raise BusError(f"a peer was gone before it was let in: {error}") from error
        return Connection(TlsStream(sealed))

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
            return Connection(PlainStream(_sized(self._waiting.pop(0))))

    def close(self) -> None:
        with self.lock:
            self.by_name.pop(self._name, None)
        self._doorbell.close()
        self._rung.close()


def listen(address: str, tls: TlsFiles | None = None) -> Listener:
    """A listener at `address`; a Unix socket is 0600 and replaces a dead one. BusError if it can't be had.

    `tls` is for tcp. Beyond loopback it is needed: ConfigError without it.
    """
    kind, _, rest = address.partition(":")
    try:
        if kind == "inproc":
            return _InProcessListener(rest)
        if kind == "unix":
            return _listen_unix(rest)
        if kind == "tcp":
            host, port = _host_and_port(rest, tls)
            context = None if tls is None else server_context(tls)
            sock = socket.create_server((host, port), family=_family(host))
            return _SocketListener(sock, f"tcp:{rest.rpartition(':')[0]}:{sock.getsockname()[1]}", context=context)
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


def connect(address: str, timeout_s: float = 5.0, tls: TlsFiles | None = None) -> Connection:
    """A connection to the listener at `address`; BusError if nobody takes it within `timeout_s`.

    `tls` is for tcp; a listener whose certificate is not of our authority or names another host is a BusError.
    """
    kind, _, rest = address.partition(":")
    try:
        if kind == "inproc":
            return Connection(PlainStream(_sized(_InProcessListener.by_name[rest].join())))
        if kind == "unix":
            return Connection(PlainStream(_sized(_connect_unix(rest, timeout_s))))
        if kind == "tcp":
            host, port = _host_and_port(rest, tls)
            sock = _sized(socket.create_connection((host, port), timeout_s))
            return Connection(_plain(sock) if tls is None else _sealed(sock, host, tls))
    except (OSError, ValueError, KeyError) as error:
        raise BusError(f"cannot connect to {address}: {error}") from error
    raise BusError(f"expected inproc:NAME, unix:/PATH or tcp:HOST:PORT, got {address!r}")


def _plain(sock: socket.socket) -> PlainStream:
    sock.settimeout(None)
    return PlainStream(sock)


def _sealed(sock: socket.socket, host: str, tls: TlsFiles) -> TlsStream:
    """Shakes hands within the timeout that the socket was made with."""
    with contextlib.ExitStack() as unless_sealed:
        unless_sealed.callback(sock.close)
        sealed = client_context(tls).wrap_socket(sock, server_hostname=host)
        unless_sealed.pop_all()
    return TlsStream(sealed)


def _host_and_port(rest: str, tls: TlsFiles | None) -> tuple[str, int]:
    host, _, port = rest.rpartition(":")
    host = host.strip("[]")
    if tls is None and not is_loopback(host):
        raise ConfigError(
            [f"expected TLS for the bus at {rest}: what travels there trades, and {host} is not loopback"]
        )
    return host, int(port)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _sized(sock: socket.socket) -> socket.socket:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


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


def ask(address: str, frame: bytes, who: str, *, connect_s: float, answer_s: float) -> bytes:
    """The answer to one question, on a connection of its own. NotRunning if nobody listens, Unanswered if none came."""
    try:
        connection = connect(address, connect_s)
    except BusError as error:
        raise NotRunning(f"no {who} answers at {address}: {error}") from error
    try:
        connection.send(frame)
        answer = connection.receive(answer_s)
    except TimeoutError:
        raise Unanswered(f"the {who} did not answer within {answer_s:g} s") from None
    except BusError as error:
        raise Unanswered(f"the {who} is gone: {error}") from error
    finally:
        connection.close()
    if answer is None:
        raise Unanswered(f"the {who} hung up")
    return answer
