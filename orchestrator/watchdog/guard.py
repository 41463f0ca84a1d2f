"""When the watchdog acts: heartbeats in, the one thing to do now out. Pure; times are monotonic nanoseconds.

It watches from the first heartbeat on. Silence, or the operator's word, makes it act; once it has begun it does not
stop by itself: whatever is found open again later (a dead desk's last order may still arrive) is cancelled and closed
too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.units import MS, SECOND

_RETRY_NS: Final = 250 * MS
"""Pause after the first look at the account that found something open; it doubles with each further one."""
_RETRY_MOST_NS: Final = 3 * SECOND
_LOOK_AGAIN_NS: Final = 4 * SECOND
"""Pause when nothing was found open. Looks cost weight at the venue, and one that has none left can't even look."""
_GATE_NS: Final = 3_600 * SECOND
"""How long the venue's refusal of a scheduled cancel is taken for its answer."""


class Phase(StrEnum):
    """Where the watchdog stands."""

    WAITING = "waiting"
    WATCHING = "watching"
    ACTING = "acting"
    SAFE = "safe"
    DISMISSED = "dismissed"


class Aim(StrEnum):
    """What it does with positions: nothing; closes those without a stop of their own; closes all."""

    CANCEL = "cancel"
    PROTECT = "protect"
    FLATTEN = "flatten"


class Work(StrEnum):
    """What is to be done now."""

    NOTHING = "nothing"
    ENFORCE = "enforce"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"


class Kept(msgspec.Struct, frozen=True):
    """What a new process must know of the one before: why it acted (empty: it watched a desk), its aim, and the run."""

    reason: str
    aim: Aim
    run: int = 0


class Beat(msgspec.Struct, frozen=True, array_like=True, tag="beat"):
    """The orchestrator lives. `has_orders`: may something of ours rest that a scheduled cancel may take?"""

    run: int
    has_orders: bool


class DeadMan(StrEnum):
    """Whether the venue would cancel for us if this machine went away."""

    OFF = "off"
    IDLE = "idle"
    ARMED = "armed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


_MAY_HOLD: Final = frozenset({DeadMan.ARMED, DeadMan.UNKNOWN})


class Guard:
    """One account's watchdog, without sockets and clock."""

    def __init__(self, aim: Aim, silence_ns: int, dead_man_ns: int, left: Kept | None = None, now: int = 0) -> None:
        """`dead_man_ns` 0: no scheduled cancels. `left` by a former process: its act, or its watch, goes on."""
        self.aim = aim if left is None else left.aim
        self.phase = Phase.WAITING if left is None else Phase.ACTING if left.reason else Phase.WATCHING
        self.reason = "" if left is None else left.reason
        """Why it acts; empty while it does not."""
        self.acts = int(self.is_latched)
        """How often it began to act, as far as this process knows."""
        self.dead_man = DeadMan.IDLE if dead_man_ns else DeadMan.OFF
        self.dead_man_said = ""
        self.open_orders: int | None = None
        self.positions: int | None = None
        self.fault = ""
        """What went wrong at the last look; empty if nothing did."""
        self._configured_aim = aim
        self._silence_ns = silence_ns
        self._dead_man_ns = dead_man_ns
        self._beat_ns = now
        self._retries = 0
        self._has_orders = False
        self.run = 0 if left is None else left.run
        """Which run it heard last; 0: none yet."""
        self._next_look_ns = 0
        self._next_schedule_ns = 0

    @property
    def is_latched(self) -> bool:
        """Has it acted, and was not told that it is over?"""
        return self.phase in {Phase.ACTING, Phase.SAFE}

    @property
    def kept(self) -> Kept | None:
        """What a process that takes over must know; None if it may begin as if nothing had been."""
        return Kept(self.reason, self.aim, self.run) if self.is_latched or self.phase is Phase.WATCHING else None

    def beat(self, beat: Beat, now: int) -> None:
        """A heartbeat came. One that comes too late changes nothing, nor does one of a run that said goodbye."""
        is_over = self.phase is Phase.DISMISSED and beat.run == self.run
        self._beat_ns, self._has_orders, self.run = now, beat.has_orders, beat.run
        if self.phase in {Phase.WAITING, Phase.DISMISSED} and not is_over:
            self.phase = Phase.WATCHING

    def stood_still(self, span_ns: int) -> None:
        """The watchdog itself did not run for so long: what it did not hear meanwhile is no silence."""
        self._beat_ns += span_ns

    def order(self, reason: str, now: int) -> None:
        """The operator's word: act now, and close everything."""
        self.aim = Aim.FLATTEN
        self._retries = 0
        self._act(reason, now)

    def dismiss(self) -> None:
        """The desk ends in order; silence from here on means nothing. Not while it acts."""
        if not self.is_latched:
            self.phase = Phase.DISMISSED

    def rearm(self, now: int) -> None:
        """The operator has looked: watch again."""
        self.phase, self.reason, self.fault = Phase.WAITING, "", ""
        self.aim = self._configured_aim
        self._beat_ns, self._retries = now, 0

    def due(self, now: int) -> Work:
        """The one thing to do now."""
        if self.phase is Phase.WATCHING and now - self._beat_ns > self._silence_ns:
            self._act(f"no heartbeat for {(now - self._beat_ns) / SECOND:.1f} s", now)
        if not self.is_latched:
            return self._schedule_due(now)
        if now >= self._next_look_ns:
            return Work.ENFORCE
        is_threat = self.aim is Aim.PROTECT and self.dead_man in _MAY_HOLD and now >= self._next_schedule_ns
        return Work.UNSCHEDULE if is_threat else Work.NOTHING  # it would take the stops that are left to protect

    def _schedule_due(self, now: int) -> Work:
        """A cancel that nobody renews would still come: over stops that an ordered end keeps, or the next order."""
        if self.phase is Phase.WATCHING and self._has_orders and self._dead_man_ns:
            return Work.SCHEDULE if now >= self._next_schedule_ns else Work.NOTHING
        is_idle = self.phase not in {Phase.WATCHING, Phase.DISMISSED} or self.dead_man not in _MAY_HOLD
        is_early = self.phase is Phase.WATCHING and now < self._next_schedule_ns
        return Work.NOTHING if is_idle or is_early else Work.UNSCHEDULE

    def looked(self, open_orders: int, positions: int, now: int, fault: str = "") -> None:
        """What was found open at a look, before anything was done about it; `fault`: why the venue refused that."""
        self.open_orders, self.positions, self.fault = open_orders, positions, fault
        if open_orders or (positions and self.aim is not Aim.CANCEL):
            self._look_soon(now)
            return
        self.phase, self._retries = Phase.SAFE, 0
        self._next_look_ns = now + _LOOK_AGAIN_NS

    def failed(self, fault: str, now: int) -> None:
        """A look, or what followed it, could not be made; it is tried again."""
        self.fault = fault
        self._look_soon(now)

    def scheduled(self, refusal: str | None, now: int) -> None:
        """The venue's answer to a scheduled cancel: None if it took it, else its text. It is renewed thrice in time."""
        self.dead_man = DeadMan.ARMED if refusal is None else DeadMan.REFUSED
        self.dead_man_said = refusal or ""
        self._next_schedule_ns = now + (self._dead_man_ns // 3 if refusal is None else _GATE_NS)

    def unscheduled(self, now: int) -> None:
        """The venue heard that no cancel is wanted any more; the next order's may be asked for at once."""
        self.dead_man, self.dead_man_said, self._next_schedule_ns = DeadMan.IDLE, "", now

    def not_scheduled(self, fault: str, now: int) -> None:
        """No answer: nobody knows whether it holds; it is asked for again soon."""
        self.dead_man, self.dead_man_said = DeadMan.UNKNOWN, fault
        self._next_schedule_ns = now + _RETRY_NS

    def _look_soon(self, now: int) -> None:
        self.phase = Phase.ACTING
        pause_ns = min(_RETRY_NS << self._retries, _RETRY_MOST_NS)
        self._retries += pause_ns < _RETRY_MOST_NS
        self._next_look_ns = now + pause_ns

    def _act(self, reason: str, now: int) -> None:
        if not self.is_latched:
            self.reason = reason
        self.phase = Phase.ACTING
        self.acts += 1
        self._next_look_ns = self._next_schedule_ns = now
