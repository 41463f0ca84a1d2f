"""What becomes of one request: done or not, how often, when it is answered, and with what."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from shared.units import MS, Ns
from shared.venue.faults.catalogue import (
    BadGateway,
    DelayAnswer,
    DropRequest,
    Duplicate,
    Garbage,
    LoseAnswer,
    RequestFault,
    TooManyRequests,
)
from shared.venue.faults.engine import Faults

GARBAGE: Final = b'{"status":"ok","response":{"type":"ord\xff\x00'
GATEWAY: Final = (
    b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
)


class Fate(Struct, frozen=True):
    """`times` 0 means that the exchange never hears of it. `answer` replaces the true one: (status, type, body).

    `ending`: the answer is sent, withheld while the connection stays open ("hang"), or the connection is cut.
    """

    times: int = 1
    delay_ns: int = 0
    ending: Literal["answer", "hang", "cut"] = "answer"
    answer: tuple[int, str, bytes] | None = None


UNTOUCHED: Final = Fate()


def fate_of(faults: Faults, transport: str, path: str, asked: str, now: Ns) -> Fate:
    """The fate of a request that says `asked` (type of its action or question) to `path` over `transport`."""
    if not faults.armed:
        return UNTOUCHED
    fault = faults.striking(RequestFault, now, f"{transport} {path} {asked}", matches=(transport, path, asked))
    match fault:
        case LoseAnswer():
            return Fate(ending=fault.ending)
        case DropRequest():
            return Fate(times=0, ending=fault.ending)
        case BadGateway():
            return Fate(times=int(fault.is_done), answer=(fault.status, "text/html", GATEWAY))
        case Garbage():
            return Fate(answer=(200, "application/json", GARBAGE))
        case DelayAnswer():
            return Fate(delay_ns=(fault.delay_ms + faults.between(0, fault.jitter_ms)) * MS)
        case Duplicate():
            return Fate(times=2)
        case TooManyRequests():
            return Fate(times=0, answer=(429, "application/json", b"null"))
        case _:
            return UNTOUCHED
