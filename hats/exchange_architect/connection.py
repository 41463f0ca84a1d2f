"""EDGE: one keep-alive connection to the venue's HTTP door, with a hard deadline on everything."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from hats.exchange_architect.http1 import Response, ResponseParser
from shared.errors import VenueUnreachable
from shared.units import MS

_CHUNK: Final = 65_536
_CROWD_LOOK_S: Final = 0.05
"""How often somebody who waits for an answer looks whether others wait for the connection."""


class Lost(NamedTuple):
    """No answer came. `is_cut`: the peer (or the way to it) dropped the connection; otherwise time ran out."""

    reason: str
    is_cut: bool


class Crowd(NamedTuple):
    """Others who may wait for the connection: once they do, an answer is given up after `patience_ms`."""

    patience_ms: int
    is_there: Callable[[], bool]


class Connection:
    """A TCP (or TLS) connection. One thread uses it at a time; `close` may come from any.

    A deadline holds for the whole step, however slowly bytes trickle in.
    """

    def __init__(self, base_url: str, connect_ms: int) -> None:
        parts = urlsplit(base_url)
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._connect_s = connect_ms * MS / 1e9
        self._socket: socket.socket | None = None
        self._poll = select.poll()
        self.host = parts.netloc

    def open(self) -> None:
        """Connected, within the deadline; VenueUnreachable otherwise."""
        self.close()
        until = time.monotonic() + self._connect_s
        try:
            raw = socket.create_connection((self._name, self._port), timeout=self._connect_s)
        except OSError as error:
            raise VenueUnreachable(f"{self.host}: can't connect", str(error)) from error
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                raw.settimeout(max(until - time.monotonic(), 0.001))
                raw = self._tls.wrap_socket(raw, server_hostname=self._name)
        except OSError as error:
            raw.close()
            raise VenueUnreachable(f"{self.host}: can't connect", str(error)) from error
        self._poll = select.poll()
        self._poll.register(raw, select.POLLIN)
        self._socket = raw

    def is_usable(self) -> bool:
        """Open and silent: an idle connection with something to read was closed (or broken) by the peer."""
        sock = self._socket
        if sock is None:
            return False
        try:
            if not self._poll.poll(0):
                return True
            if not isinstance(sock, ssl.SSLSocket):
                return False
            # over TLS the peer's session tickets are something to read, too; they are not data
            sock.settimeout(0)
            sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False

    def send(self, data: bytes) -> None:
        """The bytes were handed to the kernel; VenueUnreachable if not (then none, some or all may have gone out)."""
        sock = self._socket
        if sock is None:
            raise VenueUnreachable(f"{self.host}: not connected")
        try:
            sock.settimeout(self._connect_s)
            sock.sendall(data)
        except OSError as error:
            self.close()
            raise VenueUnreachable(f"{self.host}: connection lost while sending", str(error)) from error

    def receive(self, deadline_ms: int, crowd: Crowd | None = None) -> Response | Lost:
        """The whole answer within the deadline, or how it was lost. VenueProtocolError if it is not HTTP.

        Afterwards the connection is open only if it may be used again.
        """
        outcome: Response | Lost | None = None
        try:
            outcome = self._receive(ResponseParser(), time.monotonic(), deadline_ms, crowd)
        finally:
            if not isinstance(outcome, Response) or not outcome.keeps_open:
                self.close()
        return outcome

    def _receive(self, parser: ResponseParser, began: float, deadline_ms: int, crowd: Crowd | None) -> Response | Lost:
        while True:
            sock = self._socket
            waited_s = time.monotonic() - began
            left_s = deadline_ms / 1e3 - waited_s
            if sock is None:
                return Lost(f"{self.host}: closed by us before the answer", is_cut=False)
            if left_s <= 0:
                return Lost(f"{self.host}: no answer within {deadline_ms} ms", is_cut=False)
            if crowd is not None:
                if waited_s >= crowd.patience_ms / 1e3 and crowd.is_there():
                    return Lost(f"{self.host}: no answer within {crowd.patience_ms} ms, and others wait", is_cut=False)
                left_s = min(left_s, max(crowd.patience_ms / 1e3 - waited_s, _CROWD_LOOK_S))
            try:
                sock.settimeout(left_s)
                data = sock.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError as error:
                return Lost(f"{self.host}: connection lost before the answer: {error}", is_cut=self._socket is not None)
            response = parser.feed(data) if data else parser.end()
            if response is not None:
                return response
            if not data:
                return Lost(f"{self.host}: connection closed before the answer", is_cut=self._socket is not None)

    def close(self) -> None:
        """Closed; a thread that waits on it fails at once."""
        sock, self._socket = self._socket, None
        if sock is None:
            return
        with contextlib.suppress(OSError):  # the peer was faster; closing is all that is left to do
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
