"""EDGE: faults carried out: connections cut or left hanging, requests lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from shared.units import Ns
from shared.venue.door.deeds import begin, end
from shared.venue.door.door import Door
from shared.venue.faults.catalogue import CutSockets
from shared.venue.faults.engine import Faults
from shared.venue.faults.fate import UNTOUCHED, Fate, fate_of
from shared.venue.faults.frames import Frame, FrameGate

_HALF_A_FRAME: Final = b'\x81\x7e\x04\x00{"channel":"l2Book","data":{"coin":"BTC","ti'
"""A text frame that promises 1,024 bytes and keeps less."""


class TransportInScope(AutoHTTPProtocol):  # type: ignore[valid-type,misc] # Uvicorn's choice: httptools
    """Uvicorn's protocol, with the connection's transport where a request or WebSocket can find and cut it."""

    app_state: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Remember it in the state that every scope of this connection carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Mischief:
    """The faults of one exchange, applied to its traffic."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._gate = FrameGate(faults)
        self._muted: set[tuple[int, int]] = set()

    def fate_of_body(self, path: str, body: bytes | bytearray, now: Ns) -> Fate:
        """What becomes of an HTTP request."""
        if not self.faults.armed:
            return UNTOUCHED
        return fate_of(self.faults, "http", path, _asked(path, _read(bytes(body))), now)

    def arrivals(self, connection: int, sent: str | bytes, now: Ns) -> int:
        """How often a WebSocket frame arrives. Of posts, whose answer is a frame: a lost answer is muted."""
        if not self.faults.armed:
            return 1
        message = _read(sent.encode() if isinstance(sent, str) else sent)
        match message:
            case {"method": "post", "id": int(number), "request": {"type": str(kind), "payload": payload}}:
                path = "/exchange" if kind == "action" else "/info"
                fate = fate_of(self.faults, "ws", path, _asked(path, payload), now)
                if fate.ending != "answer" or fate.answer is not None or fate.times == 0:
                    self._muted.add((connection, number))
                return fate.times
            case _:
                return 1

    def passed(self, frames: Iterable[Frame], now: Ns) -> list[Frame]:
        """The frames that leave now."""
        if self._muted:
            frames = [frame for frame in frames if not self._is_muted(frame)]
        return self._gate.passed(frames, now)

    def cuts(self, connections: Iterable[int], now: Ns) -> list[tuple[int, CutSockets]]:
        """Connections to end now."""
        return self.faults.cuts(now, list(connections)) if self.faults.armed else []

    def act(self, door: Door, now: Ns) -> None:
        """Do to coins and users what is due, and undo what is over."""
        if not self.faults.armed:
            return
        for armed in self.faults.due_deeds(now):
            self.faults.record(armed, now, begin(armed.fault, door, now))
        for armed in self.faults.ended_deeds(now):
            end(armed.fault, door, now)

    def due(self, now: Ns) -> Ns:
        """When faults want to be looked at again."""
        if not self.faults.armed:
            return self._gate.next_ns()
        return Ns(max(min(self.faults.next_ns(), self._gate.next_ns()), now))

    def forget(self, connection: int) -> None:
        """The connection is gone."""
        self._gate.forget(connection)
        self._muted = {entry for entry in self._muted if entry[0] != connection}

    def _is_muted(self, frame: Frame) -> bool:
        if not frame[1].startswith(b'{"channel":"post"'):
            return False
        key = (frame[0], msgspec.json.decode(frame[1])["data"]["id"])
        if key not in self._muted:
            return False
        self._muted.remove(key)
        return True


def cut_transport(connection: HTTPConnection, *, is_mid_frame: bool = False) -> None:
    """The connection is gone without a word, or in the middle of one."""
    transport: asyncio.Transport = connection.scope["state"]["transport"]
    if is_mid_frame:
        transport.write(_HALF_A_FRAME)
    transport.abort()


async def unanswered(request: Request, fate: Fate) -> Response:
    """No answer at all: cut at once, or when the client has given up."""
    if fate.ending != "cut":
        while (await request.receive())["type"] != "http.disconnect":
            pass
    cut_transport(request)
    return _Silence()


class _Silence(Response):
    """A response that is never sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing; the connection is gone."""


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _asked(path: str, value: Any) -> str:
    """The type of the action or of the question; empty when there is none."""
    inner = value.get("action") if path == "/exchange" and isinstance(value, dict) else value
    kind = inner.get("type") if isinstance(inner, dict) else None
    return kind if isinstance(kind, str) else ""
