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
"""Pause between two looks at the account while something is open."""
_LOOK_AGAIN_NS: Final = 2 * SECOND
"""Pause when nothing was found open."""
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


class Beat(msgspec.Struct, frozen=True, array_like=True, tag="beat"):
    """The orchestrator lives. `has_orders`: may something of ours rest at the venue?"""

    run: int
    has_orders: bool


class DeadMan(StrEnum):
    """Whether the venue would cancel for us if this machine went away."""

    OFF = "off"
    IDLE = "idle"
    ARMED = "armed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Guard:
    """One account's watchdog, without sockets and clock."""

    def __init__(self, aim: Aim, silence_ns: int, dead_man_ns: int, latched: str = "") -> None:
        """`dead_man_ns` 0: no scheduled cancels. `latched`: why a former process acted; it is taken up again."""
        self.aim = aim
        self.phase = Phase.ACTING if latched else Phase.WAITING
        self.reason = latched
        """Why it acts; empty while it does not."""
        self.dead_man = DeadMan.IDLE if dead_man_ns else DeadMan.OFF
        self.dead_man_said = ""
        self.open_orders: int | None = None
        self.positions: int | None = None
        self.fault = ""
        """What went wrong at the last look; empty if nothing did."""
        self._silence_ns = silence_ns
        self._dead_man_ns = dead_man_ns
        self._beat_ns = 0
        self._has_orders = False
        self._next_look_ns = 0
        self._next_schedule_ns = 0

    @property
    def is_latched(self) -> bool:
        """Has it acted, and was not told that it is over?"""
        return self.phase in {Phase.ACTING, Phase.SAFE}

    def beat(self, beat: Beat, now: int) -> None:
        """A heartbeat came; one that comes too late changes nothing."""
        self._beat_ns, self._has_orders = now, beat.has_orders
        if self.phase in {Phase.WAITING, Phase.DISMISSED}:
            self.phase = Phase.WATCHING

    def stood_still(self, span_ns: int) -> None:
        """The watchdog itself did not run for so long: what it did not hear meanwhile is no silence."""
        self._beat_ns += span_ns

    def order(self, reason: str, now: int) -> None:
        """The operator's word: act now, and close everything."""
        self.aim = Aim.FLATTEN
        self._act(reason, now)

    def dismiss(self) -> None:
        """The desk ends in order; silence from here on means nothing. Not while it acts."""
        if not self.is_latched:
            self.phase = Phase.DISMISSED

    def rearm(self, now: int) -> None:
        """The operator has looked: watch again."""
        self.phase, self.reason, self.fault = Phase.WAITING, "", ""
        self._beat_ns = now

    def due(self, now: int) -> Work:
        """The one thing to do now."""
        if self.phase is Phase.WATCHING and now - self._beat_ns > self._silence_ns:
            self._act(f"no heartbeat for {(now - self._beat_ns) / SECOND:.1f} s", now)
        if self.is_latched:
            return Work.ENFORCE if now >= self._next_look_ns else Work.NOTHING
        is_wanted = self._dead_man_ns and self._has_orders and self.phase is Phase.WATCHING
        return Work.SCHEDULE if is_wanted and now >= self._next_schedule_ns else Work.NOTHING

    def looked(self, open_orders: int, positions: int, now: int) -> None:
        """What was found open at a look, before anything was done about it."""
        self.open_orders, self.positions, self.fault = open_orders, positions, ""
        is_safe = not open_orders and (not positions or self.aim is Aim.CANCEL)
        self.phase = Phase.SAFE if is_safe else Phase.ACTING
        self._next_look_ns = now + (_LOOK_AGAIN_NS if is_safe else _RETRY_NS)

    def failed(self, fault: str, now: int) -> None:
        """A look, or what followed it, could not be made; it is tried again."""
        self.fault = fault
        self.phase = Phase.ACTING
        self._next_look_ns = now + _RETRY_NS

    def scheduled(self, refusal: str | None, now: int) -> None:
        """The venue's answer to a scheduled cancel: None if it took it, else its text. It is renewed thrice in time."""
        self.dead_man = DeadMan.ARMED if refusal is None else DeadMan.REFUSED
        self.dead_man_said = refusal or ""
        self._next_schedule_ns = now + (self._dead_man_ns // 3 if refusal is None else _GATE_NS)

    def unscheduled(self, fault: str, now: int) -> None:
        """No answer: nobody knows whether it holds; it is asked for again soon."""
        self.dead_man, self.dead_man_said = DeadMan.UNKNOWN, fault
        self._next_schedule_ns = now + _RETRY_NS

    def _act(self, reason: str, now: int) -> None:
        if not self.is_latched:
            self.reason = reason
        self.phase = Phase.ACTING
        self._next_look_ns = now
