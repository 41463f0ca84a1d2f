"""EDGE: the control port: faults, money and time for those who test against the exchange; off unless asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from shared.errors import ConfigError, HatsError
from shared.hosts import names_loopback
from shared.units import MS, Ns, usd_from_str
from shared.venue.core.commands import Deposit
from shared.venue.door.host import VenueHost
from shared.venue.door.openapi import Operation, Problem, describe
from shared.venue.door.overview import ArmedView, armed_faults
from shared.venue.door.sent import SentFrames, SentLedger, SentLine
from shared.venue.door.signatures import address_from_text
from shared.venue.faults.catalogue import AnyFault, Script
from shared.venue.faults.engine import Strike
from shared.venue.faults.script import read_fault, read_script

MAX_BODY_BYTES: Final = 256 * 1024
LONGEST_STEP_MS: Final = 24 * 3_600_000


class Numbered(msgspec.Struct, frozen=True):
    """The numbers of the faults that were armed."""

    numbers: tuple[int, ...]


class Cleared(msgspec.Struct, frozen=True):
    """How many faults were disarmed."""

    cleared: int


class Funding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money from nowhere: `usd` is decimal text."""

    user: str
    usd: str


class Spent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests that count for a user although nobody sent them."""

    user: str
    count: int


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let so much time pass."""

    span_ms: int


class Moment(msgspec.Struct, frozen=True):
    """The exchange's time."""

    time_ms: int


OPERATIONS: Final = (
    Operation("GET", "/faults", "listFaults", "Every armed fault.", gives=tuple[ArmedView, ...]),
    Operation("POST", "/faults", "armFault", "Arm one fault now.", takes=AnyFault, gives=Numbered),
    Operation("DELETE", "/faults", "clearFaults", "Disarm all faults.", gives=Cleared),
    Operation("DELETE", "/faults/{number}", "clearFault", "Disarm one fault.", gives=Cleared),
    Operation("POST", "/script", "armScript", "Arm a script: JSON, or TOML as text/toml.", Script, Numbered),
    Operation("GET", "/strikes", "listStrikes", "What faults did so far, oldest first.", gives=tuple[Strike, ...]),
    Operation("GET", "/sent", "listSent", "What was sent on each connection so far.", gives=tuple[SentLine, ...]),
    Operation("GET", "/sent/{number}", "sentFrames", "A checksum of each frame of one connection.", gives=SentFrames),
    Operation("POST", "/deposit", "deposit", "Give a user collateral.", takes=Funding, gives=Moment),
    Operation("POST", "/requests", "spendRequests", "Use up requests of a user's budget.", takes=Spent, gives=Moment),
    Operation("GET", "/time", "time", "The exchange's time.", gives=Moment),
    Operation("POST", "/time", "step", "Let time pass (only with a stepped clock).", takes=Step, gives=Moment),
)


class Control:
    """The service beside one host. It answers only requests that name this machine (so that no foreign name leads here)
    and that come from no web page, which may send to loopback too, though it can't read the answer."""

    def __init__(self, host: VenueHost) -> None:
        self._host = host
        self._sent = host.sent = host.sent or SentLedger()

    def app(self) -> Starlette:
        """The ASGI application."""
        handlers: dict[str, Callable[[Request], Any]] = {
            "listFaults": lambda _: armed_faults(self._host.faults),
            "armFault": lambda request: self._armed(read_fault(request.state.body)),
            "clearFaults": lambda _: Cleared(self._host.faults.clear()),
            "clearFault": lambda request: Cleared(self._host.faults.clear(request.path_params["number"])),
            "armScript": self._script,
            "listStrikes": lambda _: tuple(self._host.faults.strikes),
            "listSent": lambda _: self._sent.lines(),
            "sentFrames": lambda request: self._sent.frames_of(request.path_params["number"]),
            "deposit": lambda request: self._deposit(_read(request, Funding)),
            "spendRequests": lambda request: self._spend(_read(request, Spent)),
            "time": lambda _: Moment(self._host.now() // MS),
            "step": lambda request: self._step(_read(request, Step)),
        }
        routes = [
            Route(one.path.replace("{number}", "{number:int}"), _json(handlers[one.name]), methods=[one.method])
            for one in OPERATIONS
        ]
        document = msgspec.json.encode(describe("hats venue, control port", "1", OPERATIONS))
        described = Response(document, media_type="application/json")
        routes.append(Route("/openapi.json", _json(lambda _: described)))
        return Starlette(routes=routes, exception_handlers={ClientDisconnect: lambda *_: Response(status_code=400)})

    def _armed(self, *faults: AnyFault) -> Numbered:
        now = self._host.now()
        numbers = tuple(self._host.faults.arm(fault, now) for fault in faults)
        self._host.wake()
        return Numbered(numbers)

    def _script(self, request: Request) -> Numbered:
        if "toml" in request.headers.get("content-type", ""):
            script = read_script(request.state.body.decode())
        else:
            script = _read(request, Script)
        return self._armed(*script.faults)

    def _deposit(self, asked: Funding) -> Moment:
        user = address_from_text(asked.user)
        if user is None:
            raise ConfigError([f"expected an address, got {asked.user!r}"])
        usd, now = usd_from_str(asked.usd), self._host.now()
        if usd <= 0:
            raise ConfigError([f"expected a positive amount, got {asked.usd}"])
        self._host.apply(Deposit(user, usd), now)
        return Moment(now // MS)

    def _spend(self, asked: Spent) -> Moment:
        user = address_from_text(asked.user)
        if user is None:
            raise ConfigError([f"expected an address, got {asked.user!r}"])
        if asked.count <= 0:
            raise ConfigError([f"expected a positive number of requests, got {asked.count}"])
        self._host.owe_requests(user, asked.count)
        return Moment(self._host.now() // MS)

    async def _step(self, asked: Step) -> Moment:
        if not 0 <= asked.span_ms <= LONGEST_STEP_MS:
            raise ConfigError([f"expected 0 to {LONGEST_STEP_MS} ms, got {asked.span_ms}"])
        return Moment(await self._host.step(Ns(asked.span_ms * MS)) // MS)


def _read(request: Request, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(request.state.body, type=kind)
    except msgspec.DecodeError as error:
        raise ConfigError([str(error)]) from error


def _json(handle: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    """The handler as an endpoint: local callers only, a body of bounded size, JSON out, and 400 for what is wrong."""

    async def endpoint(request: Request) -> Response:
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not names_loopback(hosts[0]):
            return _answer(Problem("this port answers local names only"), 421)
        if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
            return _answer(Problem("this port answers no web pages"), 403)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return _answer(Problem(f"expected at most {MAX_BODY_BYTES} bytes"), 413)
        request.state.body = bytes(body)
        try:
            given = handle(request)
            if isinstance(given, Response):
                return given
            return _answer(await given if isinstance(given, Awaitable) else given)
        except (HatsError, UnicodeDecodeError) as error:
            return _answer(Problem(str(error)), 400)

    return endpoint


def _answer(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
