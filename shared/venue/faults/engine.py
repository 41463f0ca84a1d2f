"""Which fault strikes what, and when: the armed faults, their chance, and a record of every strike."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final, TypeVar

from msgspec import Struct

from shared.units import MS, Ns
from shared.venue.faults.catalogue import AnyFault, CutSockets, Fault, FrameFault, MarketFault, RequestFault, UserFault

NEVER: Final = Ns(2**63 - 1)
KEPT_STRIKES: Final = 50_000
"""So many of the last ones are recorded at least, and twice as many at most."""
_F = TypeVar("_F", bound=Fault)


class Armed(Struct):
    """One fault that waits or strikes. `strikes` counts; it is over at `until_ns` or after `fault.most` strikes."""

    number: int
    fault: AnyFault
    from_ns: int
    until_ns: int
    strikes: int = 0
    next_ns: int = 0

    def is_on(self, now: Ns) -> bool:
        """May it strike at `now`?"""
        return self.from_ns <= now < self.until_ns and (self.fault.most is None or self.strikes < self.fault.most)


class Strike(Struct, frozen=True):
    """A fault struck: what was recorded of it."""

    time_ms: int
    number: int
    kind: str
    target: str


class Faults:
    """Armed faults in order of arming; the first that strikes decides. Same calls, same seed: same strikes."""

    def __init__(self, seed: int = 0) -> None:
        self.armed: dict[int, Armed] = {}
        self.strikes: list[Strike] = []
        self._chance = Random(seed)
        self._next_number = 1

    def arm(self, fault: AnyFault, now: Ns) -> int:
        """The number by which it can be cleared."""
        number, self._next_number = self._next_number, self._next_number + 1
        start = now + fault.at_ms * MS
        until = int(NEVER) if fault.for_ms is None else start + fault.for_ms * MS
        self.armed[number] = Armed(number, fault, start, until, next_ns=start)
        return number

    def clear(self, number: int | None = None) -> int:
        """How many were disarmed: the numbered one, or all."""
        gone = [number] if number in self.armed else list(self.armed) if number is None else []
        for one in gone:
            del self.armed[one]
        return len(gone)

    def striking(self, kind: type[_F], now: Ns, target: str, *, matches: object = None) -> _F | None:
        """The first armed fault of `kind` that strikes this opportunity, recorded; None most of the time."""
        for armed in self.armed.values():
            fault = armed.fault
            if isinstance(fault, kind) and armed.is_on(now) and _fits(fault, matches) and self._hits(fault.share):
                self.record(armed, now, target)
                return fault
        return None

    def due_deeds(self, now: Ns) -> Iterable[Armed]:
        """Faults that happen once to a coin or a user and whose time has come; each is given once."""
        for armed in list(self.armed.values()):
            if isinstance(armed.fault, MarketFault | UserFault) and not armed.strikes and armed.from_ns <= now:
                yield armed

    def ended_deeds(self, now: Ns) -> Iterable[Armed]:
        """Faults of a coin that have happened and whose time is over; they are disarmed."""
        for armed in list(self.armed.values()):
            if isinstance(armed.fault, MarketFault) and armed.strikes and armed.until_ns <= now:
                del self.armed[armed.number]
                yield armed

    def cuts(self, now: Ns, connections: Iterable[int]) -> list[tuple[int, CutSockets]]:
        """Connections to end now, each with the fault that ends it."""
        cut: dict[int, CutSockets] = {}
        for armed in self.armed.values():
            fault = armed.fault
            if not isinstance(fault, CutSockets) or not armed.is_on(now) or armed.next_ns > now:
                continue
            armed.next_ns = now + fault.every_ms * MS
            for connection in connections:
                if connection not in cut and armed.is_on(now) and self._hits(fault.share):
                    cut[connection] = fault
                    self.record(armed, now, f"connection {connection}")
        return list(cut.items())

    def next_ns(self) -> Ns:
        """When a fault that keeps its own time is due."""
        times = [int(NEVER)]
        for armed in self.armed.values():
            if isinstance(armed.fault, CutSockets):
                times.append(armed.next_ns if armed.next_ns < armed.until_ns else int(NEVER))
            elif isinstance(armed.fault, MarketFault | UserFault):
                times.append(armed.until_ns if armed.strikes else armed.from_ns)
        return Ns(min(times))

    def record(self, armed: Armed, now: Ns, target: str) -> None:
        """Count and keep one strike."""
        armed.strikes += 1
        kind = type(armed.fault).__struct_config__.tag
        self.strikes.append(Strike(now // MS, armed.number, str(kind), target))
        if len(self.strikes) > 2 * KEPT_STRIKES:
            del self.strikes[:KEPT_STRIKES]

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included, from the faults' own chance."""
        return low if low >= high else self._chance.randint(low, high)

    def _hits(self, share: float) -> bool:
        """Chance is asked only where there is a choice, so that certain faults do not shift the others."""
        return share >= 1.0 or (share > 0.0 and self._chance.random() < share)


def _fits(fault: Fault, matches: object) -> bool:
    """Is this opportunity of the sort that the fault names?"""
    if isinstance(fault, RequestFault) and isinstance(matches, tuple):
        wanted = (fault.transport, fault.path, fault.asked)
        return all(want is None or want == is_ for want, is_ in zip(wanted, matches, strict=True))
    if isinstance(fault, FrameFault):
        return matches != "pong" if fault.channel is None else fault.channel == matches
    return True
