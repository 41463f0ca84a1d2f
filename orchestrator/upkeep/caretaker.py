"""EDGE: drives the schedule of a run's own jobs: each on Ray, one file that remembers, never in the way of trading."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from loguru import logger

from orchestrator.scheduler import LATE, Scheduler, Stage, Start, State
from orchestrator.upkeep.jobs import TASKS, WORK, Place, Task
from shared.clock import WallClock
from shared.errors import ConfigError, HatsError, JournalError
from shared.messages.control import JobEnded
from shared.private_files import write_private

AT_ONCE: Final = 1
"""Jobs at a time: they share the machine with the desk."""
UNSAID_MAX: Final = 100
"""Ends that are kept for a hub that is away; the schedule's file has each job's last."""


class Outcome(NamedTuple):
    """How a job's process ended: a fault in words (None: none) and what it said."""

    fault: str | None
    detail: str


class Dispatch(Protocol):
    """Runs a job elsewhere. Nothing here raises for a job's sake: what goes wrong with one is its Outcome."""

    def start(self, name: str, place: Place) -> Any:
        """Begin; what comes back names the run."""
        ...

    def poll(self, handle: Any) -> Outcome | None:
        """How it ended; None while it has not."""
        ...

    def end(self, handle: Any) -> None:
        """End it, done or not."""
        ...


class RayDispatch:
    """On the cluster that the desk runs on, wherever there is room."""

    def start(self, name: str, place: Place) -> Any:
        """A task without a retry of Ray's own: the schedule decides about those. One that Ray refuses has ended."""
        import ray  # noqa: PLC0415 - imported where it is used, so that a schedule can be read without it

        try:
            task = ray.remote(num_cpus=0, max_retries=0)(run_job).options(name=name)
            return task.remote(name, msgspec.json.encode(place))
        except ray.exceptions.RayError as error:
            return Outcome(_in_words(error), "")

    def poll(self, handle: Any) -> Outcome | None:
        """Without waiting."""
        import ray  # noqa: PLC0415

        if isinstance(handle, Outcome):
            return handle
        try:
            done, _ = ray.wait([handle], timeout=0)
            return Outcome(*ray.get(handle)) if done else None
        except ray.exceptions.RayTaskError as error:
            return Outcome(_in_words(error.cause), "")
        except ray.exceptions.RayError as error:
            return Outcome(_in_words(error), "")

    def end(self, handle: Any) -> None:
        """By force: a job may be ended at any moment."""
        import ray  # noqa: PLC0415

        if isinstance(handle, Outcome):
            return
        try:
            ray.cancel(handle, force=True)
        except ray.exceptions.RayError as error:
            logger.warning("a job could not be ended: {fault}", fault=_in_words(error))


def run_job(name: str, place: bytes) -> Outcome:
    """The body of the task. Its HatsError is told in words, for not every error of ours survives Ray's pickling."""
    try:
        return Outcome(None, WORK[name](msgspec.json.decode(place, type=Place)))
    except HatsError as error:
        return Outcome(_in_words(error), "")


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


class Caretaker:
    """One run's schedule. `turn` waits for no job; `say` tells the hub how each attempt ended."""

    def __init__(
        self,
        place: Place,
        dispatch: Dispatch,
        say: Callable[[JobEnded], object],
        tasks: Mapping[str, Task] = TASKS,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._place = place
        self._dispatch = dispatch
        self._say = say
        self._unsaid: deque[JobEnded] = deque(maxlen=UNSAID_MAX)
        self._clock = clock or WallClock().now
        self._file = place.files.schedule
        self._running: dict[Start, Any] = {}
        self._is_kept = True
        jobs = (task.job for task in tasks.values())
        self._scheduler = Scheduler(jobs, AT_ONCE, self._clock(), read_state(self._file))

    def turn(self) -> None:
        """Take in what ended, end what is late, start what is due; write down what changed."""
        now = self._clock()
        ended = [
            (start, outcome) for start, handle in self._running.items() if (outcome := self._dispatch.poll(handle))
        ]
        for start, outcome in ended:
            del self._running[start]
            self._scheduler.ended(start, outcome.fault, outcome.detail, now)
            self._note(start, outcome.fault)
        late = self._scheduler.overdue(now)
        for start in late:
            self._dispatch.end(self._running.pop(start))
            self._note(start, LATE)
        started = self._scheduler.due(now)
        for start in started:
            self._running[start] = self._dispatch.start(start.name, self._place)
        if ended or late or started or not self._is_kept:
            self._keep()
        self._tell()

    def _note(self, start: Start, fault: str | None) -> None:
        """Have the hub told how an attempt ended."""
        if fault is not None:
            logger.warning("job {name} failed: {fault}", name=start.name, fault=fault)
        is_final = self._scheduler.state.jobs[start.name].stage is not Stage.READY
        self._unsaid.append(JobEnded(start.name, start.run, start.attempt, fault or "", is_final))

    def _tell(self) -> None:
        """Say what is unsaid; between two hubs nobody hears it, so the next turn tries again."""
        while self._unsaid:
            try:
                self._say(self._unsaid[0])
            except HatsError as error:
                logger.debug("nobody hears how a job ended: {error}", error=error)
                return
            self._unsaid.popleft()

    def _keep(self) -> None:
        """Write it down, if the disk takes it: else the next turn tries again, and the desk goes on."""
        was_kept = self._is_kept
        try:
            write_private(self._file, msgspec.json.encode(self._scheduler.state))
            self._is_kept = True
        except ConfigError as error:
            self._is_kept = False
            if was_kept:
                logger.error("the schedule is not kept: {error}", error=error)

    def close(self) -> None:
        """End what runs; the file says that it ran, so a later process tries it again."""
        for handle in self._running.values():
            self._dispatch.end(handle)
        self._running.clear()


def read_state(file: Path) -> State | None:
    """What a schedule remembers; None if there is none yet. JournalError if the file is damaged."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise JournalError(f"cannot read the schedule {file}: {error}") from error


def is_well(state: State) -> bool:
    """Did no job's last run fail, and is none waiting to be tried again after a failure?"""
    return all(
        each.is_well is not False and not (each.stage is Stage.READY and each.attempt) for each in state.jobs.values()
    )
