"""The Low-Latency Engineer: histograms of every hop, budgets, and the throttle that protects the desk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

import msgspec

from hats.low_latency_engineer import throttle
from hats.low_latency_engineer.histogram import Window
from hats.low_latency_engineer.settings import Settings
from shared.ids import HATS, Role
from shared.messages import AnyMessage, Message
from shared.messages.control import (
    HatState,
    HatStateChanged,
    HopTimings,
    LatencyLine,
    LatencyReport,
    Started,
    Throttle,
    WakeAt,
    Woke,
)
from shared.scorecard import Samples
from shared.units import MS, US, Ns

WORKING: Final = frozenset({HatState.READY, HatState.ARMED, HatState.DRAINING})
TICK_TO_WIRE: Final = "tick_to_wire"
SEEN_WITHIN: Final = 3
"""Reports within which a Hat must have been seen; a quiet one handles little more than its timer once a second."""


class State(msgspec.Struct):
    """All that the engineer remembers."""

    hops: dict[Role, Window]
    tick_to_wire: Window
    throttle: throttle.ThrottleState = msgspec.field(default_factory=throttle.ThrottleState)
    samples: Samples = msgspec.field(default_factory=Samples)
    states: dict[Role, HatState] = {}


class LowLatencyEngineer:
    """Turns the hub's timings into percentiles, holds them against budgets, and throttles when they stay broken."""

    role: ClassVar[Role] = Role.LOW_LATENCY_ENGINEER
    hears: ClassVar[tuple[type[Message], ...]] = (HopTimings, HatStateChanged, Woke, Started)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        slots = settings.window_reports
        self.state = State({role: Window(slots) for role in HATS}, Window(slots))

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """Reports, throttles, timers and measures that follow from `message`."""
        match message:
            case HopTimings():
                self._take(message)
            case Woke():
                yield from self._wake(message, now)
            case HatStateChanged():
                self._note_state(message)
            case Started():
                yield from self._start(now)

    def _start(self, now: Ns) -> Iterator[AnyMessage]:
        """Set the timers, and repeat a throttle that is in force: whoever came back may not know of it."""
        yield WakeAt(Ns(now + self.settings.report_every_ms * MS), "report")
        yield WakeAt(Ns(now + self.settings.measures_every_ms * MS), "measures")
        if self.state.throttle.min_interval_ns:
            yield self._throttle("still in force")

    def _take(self, timings: HopTimings) -> None:
        state = self.state
        for hop in timings.hops:
            if hop.role in state.hops:
                state.hops[hop.role].add(hop.waited_ns + hop.handled_ns)
        for span_ns in timings.tick_to_wire_ns:
            state.tick_to_wire.add(span_ns)
            state.samples.add("tick_to_wire_p99_us", span_ns / US)
        state.samples.add("loop_lag_ms", timings.loop_lag_ns / MS)
        state.samples.add("clock_offset_ms", abs(timings.clock_offset_ns) / MS)

    def _note_state(self, changed: HatStateChanged) -> None:
        """Remember who works. What a Hat took before it was rebuilt says nothing about it afterwards."""
        self.state.states[changed.role] = changed.state
        if changed.state is HatState.RESTORING and changed.role in self.state.hops:
            self.state.hops[changed.role] = Window(self.settings.window_reports)

    def _wake(self, woke: Woke, now: Ns) -> Iterator[AnyMessage]:
        match woke.timer:
            case "report":
                yield WakeAt(Ns(now + self.settings.report_every_ms * MS), "report")
                yield from self._report()
            case "measures":
                yield WakeAt(Ns(now + self.settings.measures_every_ms * MS), "measures")
                yield from self.state.samples.report(self.role)

    def _report(self) -> Iterator[AnyMessage]:
        """The percentiles of the window, what is over budget, and the throttle if the report changed it."""
        state, settings = self.state, self.settings
        lines = tuple(line for role in HATS if (line := self._line(role)) is not None)
        over = [
            self._judge(line.role, line.p99_us, settings.hop_budgets_us.get(line.role))
            for line in lines
            if line.n >= settings.min_samples
        ]
        path = state.tick_to_wire.whole()
        p50, p99 = (path.percentile(share) / US if path.n else 0.0 for share in (0.5, 0.99))
        judged = p99 if path.n >= settings.min_samples else None
        if judged is not None:
            over.append(self._judge(TICK_TO_WIRE, judged, settings.tick_to_wire_budget_us))
        self._measure_coverage()
        yield LatencyReport(lines, p50, p99, path.n, tuple(name for name in over if name is not None))
        if throttle.judge(state.throttle, judged, settings):
            yield self._throttle(f"tick-to-wire p99 {p99:.0f} us, budget {settings.tick_to_wire_budget_us:.0f} us")
        for window in (*state.hops.values(), state.tick_to_wire):
            window.turn()

    def _line(self, role: Role) -> LatencyLine | None:
        """The role's percentiles; None while nothing of it was seen."""
        whole = self.state.hops[role].whole()
        if not whole.n:
            return None
        return LatencyLine(role, whole.percentile(0.5) / US, whole.percentile(0.99) / US, whole.n)

    def _judge(self, name: str, p99_us: float, budget_us: float | None) -> str | None:
        """The name if it broke its budget; every verdict counts toward compliance."""
        if budget_us is None:
            return None
        self.state.samples.add("budget_compliance", float(p99_us <= budget_us))
        return name if p99_us > budget_us else None

    def _measure_coverage(self) -> None:
        """Share of working Hats that were seen lately; all nine count until states are known."""
        state = self.state
        working = [role for role in HATS if state.states.get(role, HatState.READY) in WORKING]
        if working:
            seen = sum(any(turn.n for turn in state.hops[role].turns[-SEEN_WITHIN:]) for role in working)
            state.samples.add("sample_coverage", seen / len(working))

    def _throttle(self, reason: str) -> Throttle:
        return Throttle(self.state.throttle.min_interval_ns, reason)
