"""A day of normal work under a scheduled cancel, by the guard and the venue's own core: armed, renewed, never fired."""

from __future__ import annotations

import random

from orchestrator.watchdog.guard import Aim, Beat, DeadMan, Guard, Work
from shared.units import MS, SECOND
from shared.venue.core.commands import PassTime
from shared.venue.core.timed_commands import ScheduleCancel
from tests.unit.shared.venue.core.floor import Floor
from tests.unit.shared.venue.core.test_scheduling import free_floor

DAY_S = 86_400
STEP_NS = SECOND // 2
LEAD_NS = 15 * SECOND
ANSWER_LATEST_NS = 2 * SECOND


class Day:
    """The watchdog's loop in virtual time: heartbeats a little late, answers a little later, some of them lost."""

    def __init__(self, seed: int) -> None:
        self.floor: Floor = free_floor()
        self.floor.buy("a", "99", "1")
        self.guard = Guard(Aim.FLATTEN, 3 * SECOND, LEAD_NS)
        self.fired: list[tuple[int, str]] = []
        self.commands = 0
        self.lead_ns: int | None = None
        self._draw = random.Random(seed)
        self._beat_due_ns = 0
        self._answer: tuple[int, Work, str | None] | None = None

    def step(self, now: int, *, has_orders: bool) -> None:
        """Half a second."""
        self.floor.do(PassTime(), STEP_NS)
        self.fired += self.floor.changes()
        if now >= self._beat_due_ns:
            self.guard.beat(Beat(1, has_orders), now)
            self._beat_due_ns = now + SECOND + self._draw.randrange(SECOND)
        if self._answer is not None:
            self._hear(now)
        elif (work := self.guard.due(now)) in (Work.SCHEDULE, Work.UNSCHEDULE):
            self._send(work, now)
        else:
            assert work is Work.NOTHING, "nobody fell silent"

    def _send(self, work: Work, now: int) -> None:
        self.commands += 1
        time_ms = (self.floor.now + LEAD_NS) // MS if work is Work.SCHEDULE else None
        refusal = self.floor.do(ScheduleCancel("a", time_ms)).error
        self.lead_ns = LEAD_NS if work is Work.SCHEDULE else None
        self._answer = (now + self._draw.randrange(ANSWER_LATEST_NS), work, refusal)

    def _hear(self, now: int) -> None:
        assert self._answer is not None
        due_ns, work, refusal = self._answer
        if now < due_ns:
            return
        self._answer = None
        if self._draw.random() < 0.02:
            self.guard.not_scheduled("no answer", now)
        elif work is Work.SCHEDULE:
            self.guard.scheduled(refusal, now)
        else:
            self.guard.unscheduled(now)


def test_it_never_fires_in_a_day_of_normal_work() -> None:
    """Armed whenever something rests, renewed each third of its lead at the latest (and the answer's way), and no order
    is ever cancelled by it, through lulls, lost answers and late heartbeats."""
    day, draw = Day(1), random.Random(2)
    has_orders, change_ns, since_ns, last_ns, longest_ns, armed, resting = True, 0, 0, 0, 0, 0, 0
    for tick in range(DAY_S * SECOND // STEP_NS):
        now = tick * STEP_NS
        if now >= change_ns:
            has_orders, since_ns = not has_orders, now
            change_ns = now + draw.choice((1, 5, 60, 1_200)) * SECOND
        before = day.commands
        day.step(now, has_orders=has_orders)
        if day.commands > before:
            longest_ns = max(longest_ns, now - last_ns if day.guard.dead_man is DeadMan.ARMED and has_orders else 0)
            last_ns = now
        is_settled = has_orders and now - since_ns > 5 * SECOND
        resting += is_settled
        armed += is_settled and day.guard.dead_man in (DeadMan.ARMED, DeadMan.UNKNOWN)
    assert day.fired == []
    assert day.floor.left("a") == {1: "1"}
    assert resting > 10_000
    assert armed == resting
    assert longest_ns <= LEAD_NS // 3 + ANSWER_LATEST_NS + 2 * STEP_NS
    assert day.commands > DAY_S // 20


def test_it_would_have_fired() -> None:
    """The same day, but its loop stands still for longer than the lead: then the venue cancels."""
    day = Day(1)
    for tick in range(20):
        day.step(tick * STEP_NS, has_orders=True)
    assert day.guard.dead_man is DeadMan.ARMED
    day.floor.do(PassTime(), LEAD_NS)
    assert day.floor.changes() == [(1, "scheduledCancel")]
