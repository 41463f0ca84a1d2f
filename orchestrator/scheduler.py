"""What the house does by itself, and when: jobs with priorities, dependencies, deadlines and retries. Pure.

Whoever drives it tells the time, starts what `due` says, and brings back how it ended. All that it remembers is
`State`, so a schedule goes on after a restart. A job may run again although its first run was done (the process died
before it said so): jobs must bear that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Final, NamedTuple

import msgspec

from shared.errors import ConfigError

DIED: Final = "the process that ran it died"
LATE: Final = "not done by its deadline"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is done how often. Times in nanoseconds.

    It is due every `every_ns`, first `offset_ns` after the schedule begins, and starts once every job in `after` has
    succeeded since its own last success began. A run that takes longer than `deadline_ns` has failed. A failed run is
    tried `attempts` times in all, the pauses between them growing from `retry_ns` by doubling. Higher `priority` first.
    """

    name: str
    every_ns: int
    offset_ns: int = 0
    priority: int = 0
    after: tuple[str, ...] = ()
    deadline_ns: int
    attempts: int = 1
    retry_ns: int = 0


class Stage(StrEnum):
    """Where a job stands."""

    IDLE = "idle"
    READY = "ready"
    RUNNING = "running"


class Progress(msgspec.Struct):
    """What is remembered of one job. `run` counts what was due, `attempt` the tries of this run from 1."""

    due_ns: int
    stage: Stage = Stage.IDLE
    run: int = 0
    attempt: int = 0
    not_before_ns: int = 0
    started_ns: int = 0
    succeeded_ns: int | None = None
    """When its last success began; None: never yet."""
    ended_ns: int | None = None
    detail: str = ""
    """What its last end said."""
    is_well: bool | None = None
    """Did its last run succeed?"""
    succeeded: int = 0
    failed: int = 0
    """Runs that failed at every attempt."""
    missed: int = 0
    """Times it was due while an earlier run was not over; they are not made up for."""


class State(msgspec.Struct):
    """All that a schedule remembers."""

    jobs: dict[str, Progress] = {}


class Start(NamedTuple):
    """Run this job now. The pair of `run` and `attempt` names the attempt when it ends."""

    name: str
    run: int
    attempt: int


class Scheduler:
    """Decides; starts nothing itself. At most `limit` jobs run at a time."""

    def __init__(self, jobs: Iterable[Job], limit: int, now: int, state: State | None = None) -> None:
        """A schedule that begins, or goes on from `state`; ConfigError with every fault of the jobs.

        What ran when the former process died has failed that attempt.
        """
        self.jobs: Mapping[str, Job] = _checked(list(jobs))
        self.state = state or State()
        self._limit = limit
        for name in [name for name in self.state.jobs if name not in self.jobs]:
            del self.state.jobs[name]
        for name, job in self.jobs.items():
            known = self.state.jobs.setdefault(name, Progress(due_ns=now + job.offset_ns))
            if known.stage is Stage.RUNNING:
                self._failed(job, known, DIED, now)

    def due(self, now: int) -> list[Start]:
        """The attempts to start now, the most urgent first; they count as running from here on."""
        for name, job in self.jobs.items():
            self._wake(job, self.state.jobs[name], now)
        free = self._limit - sum(each.stage is Stage.RUNNING for each in self.state.jobs.values())
        ready = [job for job in self.jobs.values() if self._may_start(job, now)]
        ready.sort(key=lambda job: (-job.priority, self.state.jobs[job.name].not_before_ns, job.name))
        return [self._start(job, now) for job in ready[: max(free, 0)]]

    def overdue(self, now: int) -> list[Start]:
        """Attempts beyond their deadline: they have failed from here on, and whoever runs them should end them."""
        late = []
        for name, job in self.jobs.items():
            each = self.state.jobs[name]
            if each.stage is Stage.RUNNING and now - each.started_ns > job.deadline_ns:
                late.append(Start(name, each.run, each.attempt))
                self._failed(job, each, LATE, now)
        return late

    def ended(self, attempt: Start, fault: str | None, detail: str, now: int) -> bool:
        """Take in how an attempt ended; False if nobody waits for it any more (it was late)."""
        job, each = self.jobs.get(attempt.name), self.state.jobs.get(attempt.name)
        if job is None or each is None or each.stage is not Stage.RUNNING:
            return False
        if (each.run, each.attempt) != (attempt.run, attempt.attempt):
            return False
        if fault is not None:
            self._failed(job, each, fault, now)
            return True
        each.succeeded += 1
        each.succeeded_ns = each.started_ns
        self._over(each, detail, is_well=True, now=now)
        return True

    def next_ns(self, now: int) -> int | None:
        """When something is due next, as far as time alone decides; None: only an end can bring something."""
        times = []
        for name, job in self.jobs.items():
            each = self.state.jobs[name]
            times.append(each.due_ns)
            times.append(each.started_ns + job.deadline_ns + 1 if each.stage is Stage.RUNNING else each.not_before_ns)
        return min((ns for ns in times if ns > now), default=None)

    def _wake(self, job: Job, each: Progress, now: int) -> None:
        """An idle job whose time has come is ready; times that came while it was busy are counted and let go."""
        if now < each.due_ns:
            return
        times = (now - each.due_ns) // job.every_ns + 1
        each.due_ns += times * job.every_ns
        if each.stage is not Stage.IDLE:
            each.missed += times
            return
        each.missed += times - 1
        each.stage, each.run, each.attempt, each.not_before_ns = Stage.READY, each.run + 1, 0, now

    def _may_start(self, job: Job, now: int) -> bool:
        each = self.state.jobs[job.name]
        if each.stage is not Stage.READY or now < each.not_before_ns:
            return False
        return all(_is_newer(self.state.jobs[name].succeeded_ns, each.succeeded_ns) for name in job.after)

    def _start(self, job: Job, now: int) -> Start:
        each = self.state.jobs[job.name]
        each.stage, each.started_ns = Stage.RUNNING, now
        each.attempt += 1
        return Start(job.name, each.run, each.attempt)

    def _failed(self, job: Job, each: Progress, fault: str, now: int) -> None:
        if each.attempt < job.attempts:
            each.stage = Stage.READY
            each.not_before_ns = now + job.retry_ns * 2 ** (each.attempt - 1)
            each.detail = fault
            return
        each.failed += 1
        self._over(each, fault, is_well=False, now=now)

    def _over(self, each: Progress, detail: str, *, is_well: bool, now: int) -> None:
        each.stage, each.ended_ns, each.detail, each.is_well = Stage.IDLE, now, detail, is_well


def _is_newer(theirs: int | None, ours: int | None) -> bool:
    """Did another job's last success begin after our own last one?"""
    return theirs is not None and (ours is None or theirs >= ours)


def _checked(jobs: Sequence[Job]) -> dict[str, Job]:
    """The jobs by name, each after those it depends on."""
    by_name = {job.name: job for job in jobs}
    problems = [f"{job.name}: expected positive times and attempts" for job in jobs if not _is_sane(job)]
    if len(by_name) != len(jobs):
        problems.append("expected every job's name once")
    unknown = [(job.name, other) for job in jobs for other in job.after if other not in by_name]
    problems += [f"{name}: after {other}, which is no job" for name, other in unknown]
    if problems:
        raise ConfigError(problems)
    try:
        order = list(TopologicalSorter({job.name: job.after for job in jobs}).static_order())
    except CycleError as error:
        raise ConfigError([f"jobs wait for each other: {' -> '.join(error.args[1])}"]) from error
    return {name: by_name[name] for name in order}


def _is_sane(job: Job) -> bool:
    return job.every_ns > 0 and job.deadline_ns > 0 and job.attempts > 0 and job.retry_ns >= 0 and job.offset_ns >= 0
