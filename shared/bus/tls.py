"""EDGE: mutual TLS 1.3 for the bus across hosts: both sides show a certificate of one private authority, or hang up."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import stat
import threading
import time
from pathlib import Path
from typing import Final

import msgspec

from shared.errors import ConfigError

_CHUNK_BYTES: Final = 256 * 1024
_RECORDS_MAX: Final = 16
"""Records read at one go: OpenSSL gives one at a time."""


class TlsFiles(msgspec.Struct, frozen=True):
    """Where this host's certificate, its key, and the authority's certificate lie (PEM). Paths only, no secret."""

    ca: str
    cert: str
    key: str


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """For listening: whoever calls must show a certificate of our authority. ConfigError for files that won't do."""
    return _context(ssl.PROTOCOL_TLS_SERVER, files)


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """For calling: the listener must show one that names the host we called. ConfigError for files that won't do."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, files)


def check_private(key: Path) -> None:
    """Nothing if only its owner may read the file; ConfigError if others may, or if it is not there."""
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError as error:
        raise ConfigError([f"expected a private key at {key}: {error.strerror}"]) from error
    if mode & 0o077:
        raise ConfigError([f"expected {key} to be readable by its owner only (0600), it is {mode:04o}"])


def _context(protocol: int, files: TlsFiles) -> ssl.SSLContext:
    check_private(Path(files.key))
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(files.ca)
        context.load_cert_chain(files.cert, files.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"cannot use {files.cert} with {files.key} and {files.ca}: {error}"]) from error
    return context


class TlsStream:
    """A stream socket under TLS. One thread may read while others write: OpenSSL is called under a lock that is never
    held while waiting. The server's handshake is made by its first read, so that a silent caller holds nobody up."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._lock = threading.Lock()
        self._send_lock = threading.Lock()

    def fileno(self) -> int:
        """For selectors."""
        return self._sock.fileno()

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """As of any socket."""
        self._sock.setsockopt(level, option, value)

    def send_all(self, data: bytes) -> None:
        """All of it, waiting while the peer's buffer is full; OSError if the peer is gone."""
        rest = memoryview(data)
        with self._send_lock:
            while rest:
                try:
                    with self._lock:
                        rest = rest[self._sock.send(rest) :]
                except ssl.SSLWantWriteError:
                    self._wait(select.POLLOUT, None)
                except ssl.SSLWantReadError:
                    self._wait(select.POLLIN, None)

    def receive(self, timeout_s: float | None) -> bytes:
        """Some bytes, or none at the end of the stream; TimeoutError if `timeout_s` passes first."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            try:
                with self._lock:
                    return self._sock.recv(_CHUNK_BYTES)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT, deadline)

    def receive_now(self) -> bytes | None:
        """What is here already; None if nothing is, no bytes at the end of the stream. OSError if it broke."""
        data = bytearray()
        for _ in range(_RECORDS_MAX):
            try:
                with self._lock:
                    part = self._sock.recv(_CHUNK_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return bytes(data) if data else None
            if not part:
                break  # what came before the end is given first; the next read finds the end again
            data += part
        return bytes(data)

    def close(self) -> None:
        """End the stream; a thread that waits on it sees its end."""
        with self._lock:
            with contextlib.suppress(OSError):  # the peer was faster
                self._sock.shutdown(socket.SHUT_RDWR)
            self._sock.close()

    def _wait(self, event: int, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(self._sock.fileno(), event)
        left_ms = None if deadline is None else max(deadline - time.monotonic(), 0) * 1_000
        if not poll.poll(left_ms):
            raise TimeoutError("timed out")
