"""EDGE: the headers that let web pages of any origin read the answers, as the venue sends them; and preflights."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPEN: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"vary", b"origin, access-control-request-method, access-control-request-headers"),
)
EXPOSED: Final = (*_OPEN, (b"access-control-expose-headers", b"*"))
_PREFLIGHT: Final = (
    *_OPEN,
    (b"access-control-allow-methods", b"*"),
    (b"access-control-allow-headers", b"*"),
    (b"content-length", b"0"),
)


class OpenToAll:
    """Adds the recorded headers to every response and answers every OPTIONS itself, with 200 and nothing.

    Source: headers of the recorded replies; they are those of tower-http's permissive layer, whose preflight this is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 200, "headers": list(_PREFLIGHT)})
            await send({"type": "http.response.body", "body": b""})
            return

        async def open_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *EXPOSED]
            await send(message)

        await self._app(scope, receive, open_send)
