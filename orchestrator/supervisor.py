"""Who lives, who is restarted, and when orders may be made: desired against actual state, pure policy.

NEW -> RESTORING -> SYNCING -> READY (disarmed) -> ARMED -> DRAINING -> STOPPED, or QUARANTINED after too many restarts.
Every Hat that comes back comes back disarmed; arming needs all nine READY.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import Final

import msgspec

from shared.ids import HATS, Role
from shared.messages import AnyMessage, Envelope
from shared.messages.account import Reconciled
from shared.messages.control import (
    Armed,
    Disarmed,
    Drained,
    DrainOrdered,
    HatState,
    HatStateChanged,
    KillLevel,
    KillOrdered,
    ResumeOrdered,
    Started,
)
from shared.messages.market import FeedState, FeedStatus
from shared.units import SECOND, Ns

WORKING: Final = frozenset({HatState.READY, HatState.ARMED})
PROVERS: Final = frozenset({Role.EXCHANGE_ARCHITECT, Role.EXECUTION_MANAGER})
"""Hats that are ready only with proof: the feed is up, the books agree with the venue's."""


class Verdict(Enum):
    """What to do about a Hat that was lost."""

    RESTART = "restart"
    LEAVE = "leave"


class Standing(msgspec.Struct, frozen=True):
    """What was ordered of the run and outlives the orchestrator's process: may it trade, does it end, did it?"""

    wants_armed: bool
    is_draining: bool = False
    drained: Drained | None = None


class Supervisor:
    """Knows what should be and what is; answers with messages that close the gap."""

    def __init__(
        self,
        run: int,
        *,
        wants_armed: bool,
        restarts_max: int = 5,
        window_ns: int = 60 * SECOND,
        build: str = "",
        config_sha256: str = "",
    ) -> None:
        self.run = run
        self._build, self._config_sha256 = build, config_sha256
        self.states: dict[Role, HatState] = dict.fromkeys(HATS, HatState.NEW)
        self.is_armed = False
        self.standing = Standing(wants_armed)
        self.restarts: dict[Role, int] = dict.fromkeys(HATS, 0)
        self._proofs: set[Role] = set()
        self._restarts_max = restarts_max
        self._window_ns = window_ns
        self._recent: dict[Role, deque[int]] = {role: deque() for role in HATS}

    @property
    def is_draining(self) -> bool:
        """Was the run told to end?"""
        return self.standing.is_draining

    @property
    def drained(self) -> Drained | None:
        """What the last drain or kill came to; None while there was none, or while one is under way."""
        return self.standing.drained

    def recall(self, message: AnyMessage) -> None:
        """What `message` orders of the run from now on, live and when the journal is read again after a restart."""
        replace = msgspec.structs.replace
        match message:
            case KillOrdered(level=level) if level is not KillLevel.REDUCE:  # what reduces needs an armed desk
                self.standing = replace(self.standing, wants_armed=False)
            case ResumeOrdered():
                self.standing = replace(self.standing, wants_armed=True, drained=None)
            case DrainOrdered():  # an earlier kill's end is not this one's
                self.standing = replace(self.standing, is_draining=True, drained=None)
            case Drained():
                self.standing = replace(self.standing, drained=message)

    def connected(self, role: Role) -> list[AnyMessage]:
        """A Hat's process is there; it is being restored."""
        return self._move(role, HatState.RESTORING, "connected")

    def restored(self, role: Role, now: Ns) -> list[AnyMessage]:
        """A Hat has its state back: it is told that it started and asks for what it needs."""
        started = Started(role, self.run, now, self._build, self._config_sha256)
        return [*self._move(role, HatState.SYNCING, "restored"), started]

    def settled_start(self, role: Role) -> list[AnyMessage]:
        """A Hat has handled its Started; that makes it ready unless it has to prove more first."""
        if role not in PROVERS:
            self._proofs.add(role)
        return self._ready_if_proven(role)

    def hear(self, envelope: Envelope) -> list[AnyMessage]:
        """What follows from a message to the orchestrator."""
        self.recall(envelope.message)
        match envelope.message:
            case FeedStatus(state=FeedState.UP):
                self._proofs.add(Role.EXCHANGE_ARCHITECT)
                return self._ready_if_proven(Role.EXCHANGE_ARCHITECT)
            case FeedStatus(state=FeedState.DOWN, reason=reason):
                return self._distrust(PROVERS, f"feed is down: {reason}")
            case Reconciled(is_clean=True):
                self._proofs.add(Role.EXECUTION_MANAGER)
                return self._ready_if_proven(Role.EXECUTION_MANAGER)
            case Reconciled(is_clean=False, differences=differences):
                return self._distrust({Role.EXECUTION_MANAGER}, f"books differ: {'; '.join(differences)}")
            case KillOrdered(level=level, reason=reason) if level is not KillLevel.REDUCE:
                return self._disarm(f"kill: {reason}")
            case ResumeOrdered():
                return self._arm_if_all_ready()
            case DrainOrdered():
                return self._drain()
        return []

    def lost(self, role: Role, reason: str, now: Ns) -> tuple[list[AnyMessage], Verdict]:
        """A Hat is gone. It is restarted unless it was meant to stop or has died too often lately."""
        if self.states[role] in (HatState.STOPPED, HatState.QUARANTINED):
            return [], Verdict.LEAVE
        said = self._disarm(f"{role} is gone: {reason}")
        self._proofs.discard(role)
        recent = self._recent[role]
        recent.append(now)
        while recent[0] < now - self._window_ns:
            recent.popleft()
        self.restarts[role] += 1
        if len(recent) > self._restarts_max:
            said += self._move(role, HatState.QUARANTINED, f"{len(recent)} losses in {self._window_ns // SECOND} s")
            return said, Verdict.LEAVE
        return [*said, *self._move(role, HatState.NEW, reason)], Verdict.RESTART

    def stopped(self, roles: Iterable[Role]) -> list[AnyMessage]:
        """These Hats were told to stop and did."""
        return [said for role in roles for said in self._move(role, HatState.STOPPED, "run ended")]

    def _ready_if_proven(self, role: Role) -> list[AnyMessage]:
        if self.states[role] is not HatState.SYNCING or role not in self._proofs:
            return []
        return [*self._move(role, HatState.READY, "in step"), *self._arm_if_all_ready()]

    def _distrust(self, roles: Iterable[Role], reason: str) -> list[AnyMessage]:
        said = self._disarm(reason)
        for role in sorted(roles):
            self._proofs.discard(role)
            if self.states[role] in WORKING:
                said += self._move(role, HatState.SYNCING, reason)
        return said

    def _arm_if_all_ready(self) -> list[AnyMessage]:
        ready = all(self.states[role] is HatState.READY for role in HATS)
        if not (ready and self.standing.wants_armed and not self.is_draining):
            return []
        self.is_armed = True
        armed: list[AnyMessage] = [Armed("all nine are ready and the books agree")]
        return armed + [said for role in HATS for said in self._move(role, HatState.ARMED, "armed")]

    def _disarm(self, reason: str) -> list[AnyMessage]:
        if not self.is_armed:
            return []
        self.is_armed = False
        said: list[AnyMessage] = [Disarmed(reason)]
        for role in HATS:
            if self.states[role] is HatState.ARMED:
                said += self._move(role, HatState.READY, "disarmed")
        return said

    def _drain(self) -> list[AnyMessage]:
        said = self._disarm("the run is ending")
        for role in HATS:
            if self.states[role] in WORKING:
                said += self._move(role, HatState.DRAINING, "the run is ending")
        return said

    def _move(self, role: Role, state: HatState, reason: str) -> list[AnyMessage]:
        if self.states[role] is state:
            return []
        self.states[role] = state
        return [HatStateChanged(role, state, reason)]
