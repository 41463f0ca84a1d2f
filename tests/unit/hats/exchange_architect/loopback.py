"""A scripted HTTP server on loopback that can cut, stall, trickle and talk nonsense, and a collector of messages."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from shared.edge import Context
from shared.messages import Message

Script = Callable[[socket.socket, bytes], bool]
"""Answers one request on a connection; False ends the connection."""


def answer(body: bytes, status: int = 200) -> bytes:
    """A plain HTTP answer."""
    return b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status, len(body), body,
    )  # fmt: skip


def reset(connection: socket.socket) -> bool:
    """End the connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


class Server:
    """Answers the n-th request (over all connections) with the n-th script, the last one for ever."""

    def __init__(self, *scripts: Script) -> None:
        self.bodies: list[bytes] = []
        self.connections = 0
        self._scripts = list(scripts)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Nothing of it runs any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _shut(connection)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        goes_on = True
        while goes_on:
            body = _read_request(connection)
            if body is None:
                break
            with self._lock:
                script = self._scripts[min(len(self.bodies), len(self._scripts) - 1)]
                self.bodies.append(body)
            goes_on = script(connection, body)
        with self._lock:
            self._open.discard(connection)
        connection.close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()


def _read_request(connection: socket.socket) -> bytes | None:
    data = b""
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        if end:
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                return body
        try:
            more = connection.recv(65_536)
        except OSError:
            return None
        if not more:
            return None
        data += more


class Collector:
    """Takes what an edge publishes, from any thread, and lets a test wait for it."""

    def __init__(self) -> None:
        self.said: list[tuple[Message, Context]] = []
        self._news = threading.Condition()

    def __call__(self, message: Message, context: Context = Context()) -> None:
        """Take one message."""
        with self._news:
            self.said.append((message, context))
            self._news.notify_all()

    def of(self, kind: type[Any]) -> list[Any]:
        """The messages of one type so far."""
        with self._news:
            return [message for message, _ in self.said if isinstance(message, kind)]

    def wait(self, kind: type[Any], count: int = 1, timeout_s: float = 10.0) -> list[Any]:
        """The messages of one type, once there are `count`."""
        with self._news:
            assert self._news.wait_for(
                lambda: sum(isinstance(message, kind) for message, _ in self.said) >= count, timeout_s
            ), f"{count} {kind.__name__} expected, got {[type(message).__name__ for message, _ in self.said]}"
        return self.of(kind)

    def wait_until(self, holds: Callable[[list[Message]], bool], timeout_s: float = 10.0) -> None:
        """Return once `holds` of everything said so far."""
        with self._news:
            assert self._news.wait_for(lambda: holds([message for message, _ in self.said]), timeout_s), (
                f"never held; said {[message for message, _ in self.said][-5:]}"
            )
