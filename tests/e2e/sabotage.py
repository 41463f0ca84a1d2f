"""Ways to break one Hat: what it hears, what it says, what it remembers, its code, its speed, its process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from orchestrator import compose
from orchestrator.rehearsal import MakeHat, Rehearsal
from orchestrator.settings import Settings
from shared.approval import ApprovalKey
from shared.hat import Hat, settled
from shared.ids import Role
from shared.messages import AnyMessage, Message
from shared.units import MS, SECOND, Ns

Hear = Callable[[AnyMessage], Iterable[AnyMessage]]
Say = Callable[[AnyMessage], Iterable[AnyMessage]]
Meddle = Callable[[Any, Ns], None]
Throw = Callable[[Rehearsal], None]


class Desk(Enum):
    """What the desk is like, healthy or not."""

    PLAIN = "plain"
    TIGHT = "with a position limit that its strategies run into"
    PAUSED = "paused by the operator twice, so that many orders have to be cancelled"


class Sabotage(NamedTuple):
    """One fault in one Hat, and the dimension that must tell. `make` gives the broken Hat, `throw` breaks its run."""

    role: Role
    name: str
    tells: str
    make: Callable[[], MakeHat] | None = None
    throw: Throw | None = None
    desk: Desk = Desk.PLAIN


class Broken:
    """A real Hat behind three faults: `hear` alters what reaches it, `meddle` its state after, `say` what leaves it."""

    role: ClassVar[Role]
    hears: ClassVar[tuple[type[Message], ...]]

    def __init__(self, hat: Hat, hear: Hear, meddle: Meddle, say: Say) -> None:
        self._hat, self._hear, self._meddle, self._say = hat, hear, meddle, say
        self._heard = 0
        self._places: list[int] = []

    @property
    def state(self) -> Any:
        """The real Hat's."""
        return self._hat.state

    @state.setter
    def state(self, state: Any) -> None:
        self._hat.state = state

    def handle(self, message: AnyMessage, now: Ns) -> Iterator[AnyMessage]:
        """What the Hat says of what is left of the message, as far as that is left."""
        self._heard += 1
        for heard in self._hear(message):
            self._places.append(self._heard - 1)
            said = list(self._hat.handle(heard, now))
            self._meddle(self._hat, now)
            for each in said:
                yield from self._say(each)

    def settle(self, now: Ns) -> Iterator[tuple[int, AnyMessage]]:
        """The same of the batch as a whole; the real Hat counts only what is left of it."""
        places, self._places, self._heard = self._places, [], 0
        for index, said in settled(self._hat, now):
            for each in self._say(said):
                yield places[index], each


def _as_it_is(message: AnyMessage) -> tuple[AnyMessage, ...]:
    return (message,)


def _hands_off(_: Any, __: Ns) -> None:
    """Nothing is changed."""


def broken(role: Role, *, hear: Hear = _as_it_is, meddle: Meddle = _hands_off, say: Say = _as_it_is) -> MakeHat:
    """Makes the Hat of `role` with these faults."""

    def make(settings: Settings, approval_key: ApprovalKey) -> Hat:
        hat = compose.make_hat(settings, role, approval_key)
        kind: type[Broken] = type("Broken", (Broken,), {"role": hat.role, "hears": hat.hears})
        return kind(hat, hear, meddle, say)

    return make


def subclassed(role: Role, kind: Callable[..., Hat]) -> MakeHat:
    """Makes `kind`, a Hat with a fault in its own code, from the settings of `role`."""

    def make(settings: Settings, approval_key: ApprovalKey) -> Hat:
        section = getattr(settings.hats, role)
        return kind(section, approval_key) if role is Role.RISK_OVERSIGHT_OFFICER else kind(section)

    return make


def without(is_lost: Callable[[Any], bool], *kinds: type[Message]) -> Hear:
    """Messages of these kinds that `is_lost` are lost."""
    return lambda message: () if isinstance(message, kinds) and is_lost(message) else (message,)


def instead(kind: type[Message], other: Callable[[Any], AnyMessage]) -> Say:
    """Another message instead of each of this kind."""
    return lambda message: (other(message) if isinstance(message, kind) else message,)


def every(n: int) -> Callable[[Any], bool]:
    """True for every n-th that is asked about."""
    count = itertools.count(1)
    return lambda _: next(count) % n == 0


def number_of(cloid: str | None) -> int:
    """The id as a number, to choose some by; 1 without one."""
    return int(cloid, 16) if cloid is not None else 1


def slow(role: Role, ms: int) -> Throw:
    """Each message takes the Hat so long."""

    def throw(rehearsal: Rehearsal) -> None:
        rehearsal.stage.handling_ns[role] = ms * MS

    return throw


def crashing(role: Role) -> Throw:
    """The Hat's process dies three times and is gone for three seconds each time."""

    def throw(rehearsal: Rehearsal) -> None:
        for after_s in (2, 14, 26):
            at_ns = rehearsal.stage.clock.now() + after_s * SECOND
            rehearsal.stage.at(at_ns, lambda _: rehearsal.stage.kill_hat(role, "sabotage", 3 * SECOND))

    return throw
