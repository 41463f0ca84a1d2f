"""A venue that says what it is told to: for what a real one does seldom, such as failing at one question only."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOT_FOUND = 404


class ScriptedVenue:
    """`answers` by the type of the question ("exchange" for any action): JSON, or a number for an HTTP status."""

    def __init__(self) -> None:
        self.obeys = False
        """Is what is cancelled gone, and what is closed?"""
        self.answers: dict[str, Any] = {
            "meta": {"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40}]},
            "frontendOpenOrders": [{"coin": "BTC", "oid": 7, "side": "B", "sz": "0.1"}],
            "clearinghouseState": {"assetPositions": [{"position": {"coin": "BTC", "szi": "0.25"}}]},
            "twapHistory": [],
            "allMids": {"BTC": "100000"},
            "exchange": {"status": "ok", "response": {"type": "default"}},
        }
        self.asked: list[str] = []
        self.actions: list[dict[str, Any]] = []
        self.url = ""

    def answer(self, path: str, body: bytes) -> Any:
        """What it says to one request."""
        said = json.loads(body)
        if path == "/exchange":
            self.actions.append(said["action"])
            if self.obeys and said["action"]["type"] == "cancel":
                self.answers["frontendOpenOrders"] = []
            elif self.obeys:
                self.answers["clearinghouseState"] = {"assetPositions": []}
            return self.answers["exchange"]
        self.asked.append(said["type"])
        return self.answers.get(said["type"], NOT_FOUND)

    def kinds(self) -> list[str]:
        """The types of the actions that came."""
        return [action["type"] for action in self.actions]


@contextlib.contextmanager
def scripted_venue() -> Iterator[ScriptedVenue]:
    """One that answers while inside: a resting order and a position in BTC."""
    venue = ScriptedVenue()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer

        def do_POST(self) -> None:
            answer = venue.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            data = json.dumps(answer).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    venue.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield venue
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
