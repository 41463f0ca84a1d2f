"""Every HTTP door of ours under attack: names, origins, paths, heads, lengths, slowness. Nobody else is hurt."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import metrics
from shared.clock import WallClock
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door import lines
from shared.venue.door.door import Door as VenueDoor
from shared.venue.door.mischief import Mischief
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings
from shared.venue.faults.engine import Faults
from tests.security.http_attacks import CANARY, CLOSED, CONTROL, DOORS, METRICS, VENUE, Door, attacks, said, statuses
from tests.unit.shared.venue.door.door_fixture import BTC

FAULTS = Faults()


@contextlib.contextmanager
def _venue() -> Iterator[dict[str, Door]]:
    """The local exchange and its control port, served in a thread of their own."""
    now, stop, ports = WallClock().now(), asyncio.Event(), dict[str, int]()
    limits = DoorSettings(max_connections=10_000, max_new_connections_per_minute=100_000, ip_weight_per_minute=None)
    door = VenueDoor(Exchange([list_perp(BTC)], start_ns=now), limits, now)
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    def listening(port: int) -> None:
        ports[VENUE] = port
        ready.set()

    async def run() -> None:
        await serve(
            door, clock=WallClock(), mischief=Mischief(FAULTS), control_port=0, stop=stop, ready=listening,
            control_ready=lambda port: ports.__setitem__(CONTROL, port),
        )  # fmt: skip

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(10)
    yield {
        VENUE: Door(VENUE, ports[VENUE], "POST", "/info", b'{"type":"meta"}'),
        CONTROL: Door(CONTROL, ports[CONTROL], "GET", "/faults", b""),
    }
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def doors() -> Iterator[dict[str, Door]]:
    """All three."""
    served = metrics.serve(metrics.Metrics(), port=0)
    with _venue() as found:
        yield found | {METRICS: Door(METRICS, served.port, "GET", "/metrics", b"")}
    served.stop()


def _is_served(door: Door) -> bool:
    """Is an honest client served, and soon?"""
    began = time.monotonic()
    return statuses(said(door.port, door.request("Connection: close"), 5)) == [200] and time.monotonic() - began < 3


@pytest.mark.parametrize("name", DOORS)
def test_attacks_are_refused(doors: dict[str, Door], name: str) -> None:
    """What must be refused is answered with 4xx or not at all; nothing is answered with 5xx, twice, or by injection."""
    door, wrong, tried = doors[name], [], list(attacks(doors[name]))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda attack: said(door.port, attack.sent), tried))
    for attack, heard in zip(tried, answers, strict=True):
        found = statuses(heard)
        if len(found) > 1 or any(status >= 500 for status in found) or f"\n{CANARY}".encode() in heard.lower():
            wrong.append(f"{attack.name}: {heard[:300]!r}")
        elif attack.is_refused and any(status < 400 for status in found):
            wrong.append(f"{attack.name}: served, {heard[:80]!r}")
        elif b"root:" in heard:
            wrong.append(f"{attack.name}: a file came out")
    assert not wrong, "\n".join(wrong)
    assert len(tried) > 50
    assert _is_served(door)


def test_a_web_page_can_not_give_money_away(doors: dict[str, Door]) -> None:
    """A page's simple request, which a browser sends without asking, arms no fault on the control port."""
    door = doors[CONTROL]
    fault = b'{"kind":"drop_before","share":1.0}'
    for header in ("Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"):
        sent = door.request(header, method="POST", path="/faults", body=fault).replace(
            b"application/json", b"text/plain"
        )
        assert statuses(said(door.port, sent)) == [403]
    assert not list(FAULTS.armed)


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_names_of_this_machine_are_served(doors: dict[str, Door], name: str) -> None:
    """Every way to call loopback is."""
    door = doors[name]
    for host in ("127.0.0.1", f"127.0.0.1:{door.port}", "localhost", "localhost:9464", "[::1]:9464"):
        assert statuses(said(door.port, door.request("Connection: close", host=host))) == [200], host


@pytest.mark.parametrize("name", DOORS)
def test_slow_and_silent_clients_are_cut_and_hurt_nobody(
    doors: dict[str, Door], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that drip or never come end after their time, as many as there are; the door has room again."""
    monkeypatch.setattr(lines, "SLOWEST_REQUEST_SECONDS", 1.0)
    monkeypatch.setattr(metrics, "REQUEST_S_MAX", 1.0)
    monkeypatch.setattr(metrics._Request, "timeout", 1.0)
    door = doors[name]
    socks = [socket.create_connection(("127.0.0.1", door.port), 5) for _ in range(60)]
    began = time.monotonic()
    starts = (
        b"",
        b"GET /m",
        b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /info HTTP/1.1\r\nContent-Length: 9\r\n\r\n{",
    )
    for number, sock in enumerate(socks):
        with contextlib.suppress(ConnectionError):
            sock.sendall(starts[number % len(starts)])
    left = list(socks)
    while left and time.monotonic() - began < 10:
        for sock in list(left):
            try:
                sock.settimeout(0.005)
                if not sock.recv(65_536):
                    left.remove(sock)
            except TimeoutError:
                with contextlib.suppress(ConnectionError):
                    sock.sendall(b"x")
            except ConnectionError:
                left.remove(sock)
    took = time.monotonic() - began
    for sock in socks:
        sock.close()
    assert not left
    assert took < 8
    assert _is_served(door)


@pytest.mark.parametrize("name", DOORS)
def test_a_large_body_is_not_taken(doors: dict[str, Door], name: str) -> None:
    """Two megabytes are refused or left unread, announced or in chunks."""
    door, body = doors[name], b" " * 2_000_000
    announced = door.request(method="POST", path=door.path if door.name == VENUE else "/script", body=body)
    chunks = b"".join(b"10000\r\n" + b" " * 65_536 + b"\r\n" for _ in range(30)) + b"0\r\n\r\n"
    chunked = door.request("Transfer-Encoding: chunked", "Content-Type: application/json", method="POST", path="/info")
    for sent in (announced, chunked.split(b"\r\n\r\n")[0] + b"\r\n\r\n" + chunks):
        assert all(400 <= status < 500 for status in statuses(said(door.port, sent, 5)))
    assert _is_served(door)
