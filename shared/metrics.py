"""EDGE: the metrics that one process offers to Prometheus, as typed handles in a registry of its own, on loopback.

Base units, one prefix, bounded labels: a hat, a coin of the universe, a reason from a fixed list; never an order id or
an address. What is not known yet is NaN, not 0.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, make_wsgi_app

from shared.errors import ConfigError
from shared.hosts import is_loopback, names_loopback

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX: Final = "hats"
LATENCY_BUCKETS_S: Final = (
    10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1.0, 5.0,
)  # fmt: skip
SLIPPAGE_BUCKETS_BPS: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""The first bucket holds fills better than arrival; OpenMetrics knows no sum where a bucket lies below 0."""
UNKNOWN: Final = float("nan")
UNKNOWN_UID: Final = -1
PATH: Final = "/metrics"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
REQUEST_S_MAX: Final = 5.0
"""Time that one request for the metrics may take, however slowly it is sent or read."""
REQUESTS_AT_ONCE: Final = 8


class Request(NamedTuple):
    """One request, the status it was answered with, and the user who made it (-1: not told)."""

    what: str
    status: str
    uid: int


OnRequest = Callable[[Request], None]


class Total:
    """A counter whose running total is kept elsewhere; a total that fell (a restart) counts from 0 again."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._seen: dict[tuple[str, ...], float] = {}

    def raise_to(self, total: float, *labels: str) -> None:
        """Count what came since the last call."""
        seen = self._seen.get(labels, 0.0)
        child = self._counter.labels(*labels) if labels else self._counter
        child.inc(total - seen if total >= seen else total)
        self._seen[labels] = total


class Metrics:
    """Every metric of the house, in a registry that belongs to this object."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        gauge, counter, total, histogram = self._gauge, self._counter, self._total, self._histogram

        self.hat_up = gauge("hat_up", "1 if the Hat's process is connected and answers, else 0.", "hat")
        self.hat_state = gauge("hat_state", "1 for the state that the Hat is in, 0 for the others.", "hat", "state")
        self.heartbeat_age = gauge("hat_heartbeat_age_seconds", "Time since the Hat was last heard.", "hat")
        self.restarts = total("hat_restarts", "Restarts of the Hat in this run.", "hat")

        self.mailbox_depth = gauge("mailbox_depth", "Letters waiting in one lane.", "hat", "lane")
        self.mailbox_age = gauge("mailbox_age_seconds", "How long the oldest letter has waited.", "hat")
        self.mailbox_conflated = total("mailbox_conflated", "Books replaced by newer ones of their coin.", "hat")
        self.latency = histogram(
            "message_latency_seconds", "Sequenced until handled, by Hat.", LATENCY_BUCKETS_S, "hat"
        )
        self.tick_to_wire = histogram(
            "tick_to_wire_seconds", "Book received until signed bytes on the socket.", LATENCY_BUCKETS_S
        )
        self.loop_lag = gauge("hub_loop_lag_seconds", "How late the hub's loop was at its last turn.")

        self.decisions = counter("decision", "What a Hat decided.", "hat", "outcome")
        self.orders = counter("order", "Orders that reached a state, and why.", "state", "reason")
        self.order_ack = histogram("order_ack_seconds", "Sent until definitely answered.", LATENCY_BUCKETS_S)
        self.slippage = histogram(
            "slippage_bps", "A parent's fills against its arrival mid; positive is worse.", SLIPPAGE_BUCKETS_BPS
        )

        self.equity = gauge("equity_usd", "Account value by our ledger.")
        self.drawdown = gauge("drawdown_ratio", "Fall of equity from its peak.")
        self.exposure = gauge("exposure_ratio", "Worst-case gross exposure over its limit.")
        self.kill_state = gauge("kill_state", "0 active, 1 reducing, 2 halted.")
        self.armed = gauge("armed", "1 if orders may be made.")

        self.feed_up = gauge("feed_up", "1 if the venue's feed can be relied on, else 0.")
        self.stale_coins = gauge("feed_stale_coins", "Coins that can't be relied on while the feed as a whole can.")
        self.staleness = gauge("data_staleness_seconds", "Age of the newest sound book.", "coin")
        self.feed_share = gauge(
            "feed_share",
            "Of frames bad, trades heard or doubled, books out of order, reads suspended; last report.",
            "what",
        )
        self.feed_recovery = gauge("feed_recovery_seconds", "How long the feed last took to come up again.")
        self.venue_clock_offset = gauge("venue_clock_offset_seconds", "The venue's clock minus ours.")
        self.decode = histogram("frame_decode_seconds", "From a frame's bytes to messages.", LATENCY_BUCKETS_S)
        self.bad_data = counter("bad_data", "What was set aside, by kind.", "kind")
        self.reconnects = total("ws_reconnects", "Connections to the venue after the first of each socket.")
        self.capture_state = gauge("capture_state", "1 for the state of the log of frames, 0 for the others.", "state")
        self.capture_frames = total("capture_frames", "Frames that the capture log was given.")
        self.capture_lost = total("capture_lost_frames", "Frames that are not in the capture log, as it declares.")
        self.capture_free = gauge("capture_free_bytes", "Disk space that the capture log has left.")

        self.score = gauge("score", "Score 0 to 10; NaN where the evidence is insufficient.", "hat", "dimension")
        self.jobs_failing = gauge("jobs_failing", "Jobs of the run that failed at every attempt, until they succeed.")
        self.journal_seq = gauge("journal_seq", "Newest message in the journal.")
        self.audit_seq = gauge("audit_seq", "Newest record in the audit chain.")
        self.build = Info("build", "What is running.", namespace=PREFIX, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        gauge = Gauge(name, meaning, labels, namespace=PREFIX, registry=self.registry)
        if not labels:
            gauge.set(UNKNOWN)
        return gauge

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, namespace=PREFIX, registry=self.registry)

    def _total(self, name: str, meaning: str, *labels: str) -> Total:
        return Total(self._counter(name, meaning, *labels))

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, meaning, labels, namespace=PREFIX, registry=self.registry, buckets=buckets)


class Served:
    """A running endpoint; `port` is the one it got."""

    def __init__(self, server: WSGIServer, thread: threading.Thread) -> None:
        self._server = server
        self._thread = thread
        self.port = int(server.server_port)

    def stop(self) -> None:
        """Close it; nothing of it runs when this returns, but what a client still reads."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(
    metrics: Metrics, host: str = "127.0.0.1", port: int = 9464, on_request: OnRequest = lambda _: None
) -> Served:
    """The endpoint /metrics on loopback, in a thread of its own; port 0 takes a free one. `on_request` hears who asks.

    Speaks OpenMetrics to those who accept it. A request must name this machine and come from no web page. ConfigError
    if `host` is not loopback (equity is nobody else's business) or if the port is taken.
    """
    if not is_loopback(host):
        raise ConfigError([f"metrics.host: expected a loopback address, got {host!r}: there is no login"])
    app = _watched(_local_only(make_wsgi_app(metrics.registry)), on_request)
    try:
        server = make_server(host, port, app, _server_for(host), _Request)
    except OSError as error:
        raise ConfigError([f"metrics.port: can't listen on {host}:{port}: {error.strerror}"]) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    return Served(server, thread)


def _local_only(app: WSGIApplication) -> WSGIApplication:
    """The application behind a gate: one path, no foreign name in Host (DNS rebinding), no web page (Origin)."""

    def gate(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not names_loopback(environ.get("HTTP_HOST", "")):
            return _refuse(start_response, "421 Misdirected Request")
        if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
            return _refuse(start_response, "403 Forbidden")
        if environ.get("PATH_INFO") != PATH:
            return _refuse(start_response, "404 Not Found")
        return app(environ, start_response)

    return gate


def _refuse(start_response: StartResponse, status: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain")])
    return (f"{status}\n".encode(),)


def _watched(app: WSGIApplication, on_request: OnRequest) -> WSGIApplication:
    """The application, whose every request is told with its status; of the path only whether it is ours."""

    def watched(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            path = PATH if environ.get("PATH_INFO") == PATH else "another path"
            method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "another method"
            uid = uid_of_peer(environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"]))
            on_request(Request(f"{method} {path}", status, uid))
            return start_response(status, headers, *rest)

        return app(environ, started)

    return watched


def uid_of_peer(address: str, port: int) -> int:
    """The user whose socket on this machine has this IPv4 address and port; -1 if the system does not tell."""
    try:
        own = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X}"
        lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    except OSError:
        return UNKNOWN_UID
    return next((int(line.split()[7]) for line in lines[1:] if line.split()[1] == own), UNKNOWN_UID)


class _Request(WSGIRequestHandler):
    timeout = REQUEST_S_MAX

    def get_environ(self) -> dict[str, Any]:
        """With the peer's port, which tells whose socket it is."""
        return super().get_environ() | {"REMOTE_PORT": str(self.client_address[1])}

    def log_message(self, *_: object) -> None:
        """Nothing: who scrapes is no news, and what strangers send is not written down."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each request, a few at a time; whoever drips its request is cut off."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        self._room = threading.BoundedSemaphore(REQUESTS_AT_ONCE)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Without the look-up of our own name, which may wait for a name server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, if there is room; else hang up."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The request, which ends after its time however it comes."""
        cut = threading.Timer(REQUEST_S_MAX, self.shutdown_request, (request,))
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - its base's parameters
        """A client that hung up or was cut off; whatever else went wrong is in the log."""
        logger.debug("a request for metrics ended early: {error}", error=sys.exception())


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_for(host: str) -> type[_Server]:
    return _Server6 if ":" in host else _Server
