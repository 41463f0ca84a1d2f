"""EDGE: a desk as its launcher sees it: actors made by Ray, watched and commanded over the operator's line."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import ray

from orchestrator.cluster import ORCHESTRATOR_NAME, LaunchOrder, orchestrator_actor
from orchestrator.control import Control
from orchestrator.machine.runfiles import RunFiles
from orchestrator.status import CardView, Status
from shared.errors import AlreadyRunning, HatsError, NotRunning, Unanswered
from shared.ids import HATS
from shared.messages.control import DrainOrdered, HatState

CALL_TIMEOUT_S: Final = 10.0
READY_TIMEOUT_S: Final = 120.0
DRAIN_TIMEOUT_S: Final = 45.0
POLL_S: Final = 0.25

Watch = Callable[[Status | None], None]
"""Shown each status while something long goes on; None while there is none."""


class Desk:
    """Our handle on ten actors. Launching and stopping go through Ray, everything else does not need it."""

    def __init__(self, actor: Any, namespace: str, files: RunFiles) -> None:
        self._actor = actor
        self._namespace = namespace
        self._files = files
        self._line: Control | None = None

    @classmethod
    def launch(cls, order: LaunchOrder, namespace: str, files: RunFiles) -> Desk:
        """A new desk; AlreadyRunning if one runs in this namespace. What is left of a dead one is cleared away."""
        old = _existing(namespace)
        if old is not None:
            if _is_alive(old):
                raise AlreadyRunning(
                    f"a desk already runs in namespace {namespace!r}: `hats status`, or `hats down` first"
                )
            _remove(old, namespace)
        return cls(orchestrator_actor(namespace, order), namespace, files)

    @classmethod
    def existing(cls, namespace: str, files: RunFiles) -> Desk | None:
        """The desk that is in this namespace, alive or not; None if there is none."""
        actor = _existing(namespace)
        return None if actor is None else cls(actor, namespace, files)

    def status(self) -> Status:
        """The state of the run now; Unanswered while the hub is away."""
        try:
            if self._line is None:
                self._line = Control(self._files)
            return self._line.status()
        except (NotRunning, Unanswered) as error:
            self._hang_up()
            raise Unanswered(str(error)) from error

    def scorecards(self) -> tuple[CardView, ...]:
        """The nine scorecards now."""
        with Control(self._files) as line:
            return line.scorecards()

    def health(self, timeout_s: float = CALL_TIMEOUT_S) -> dict[str, Any]:
        """See `Orchestrator.health`, asked through Ray; Unanswered while it is away."""
        try:
            return dict(_health(self._actor, timeout_s))
        except ray.exceptions.RayError as error:
            raise Unanswered(f"the orchestrator is away: {type(error).__name__}") from error

    def problem(self, timeout_s: float = CALL_TIMEOUT_S) -> str | None:
        """What stopped the orchestrator for good; None while it lives or is being restarted."""
        try:
            problem: str | None = self.health(timeout_s)["problem"]
        except Unanswered:
            return None
        return problem

    def wait_until(self, is_so: Callable[[Status], bool], what: str, timeout_s: float, watch: Watch) -> Status:
        """The first status for which `is_so`; Unanswered if `timeout_s` passes first, HatsError if the desk failed."""
        deadline = time.monotonic() + timeout_s
        last: Status | None = None
        while True:
            try:
                last = self.status()
                if is_so(last):
                    return last
            except Unanswered:
                last = None
                problem = self.problem()
                if problem is not None:
                    raise HatsError(f"the orchestrator stopped: {problem}") from None
            watch(last)
            if time.monotonic() > deadline:
                states = ", ".join(f"{h.role} {h.state}" for h in last.hats) if last else "no status at all"
                raise Unanswered(f"{what} did not come within {timeout_s:.0f} s ({states})")
            time.sleep(POLL_S)

    def wait_ready(self, watch: Watch, timeout_s: float = READY_TIMEOUT_S) -> Status:
        """The first status in which all nine are READY or ARMED."""
        working = {HatState.READY, HatState.ARMED}
        return self.wait_until(lambda s: all(h.state in working for h in s.hats), "READY", timeout_s, watch)

    def drain(self, *, flatten: bool, watch: Watch, timeout_s: float = DRAIN_TIMEOUT_S) -> Status:
        """Disarm, cancel everything, flatten if asked; the status when that is done."""
        with Control(self._files) as line:
            line.say(DrainOrdered(flatten))
        return self.wait_until(lambda s: s.drained is not None, "the end of the drain", timeout_s, watch)

    def stop(self) -> None:
        """End the desk: Hats stopped, journal closed, every actor gone. What was open stays open: drain first."""
        self._hang_up()
        try:
            ray.get(self._actor.stop.remote(), timeout=3 * CALL_TIMEOUT_S)
        except ray.exceptions.RayError as error:
            raise HatsError(f"the orchestrator did not stop in order: {type(error).__name__}") from error
        finally:
            _remove(self._actor, self._namespace)
            self._files.door.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Leave what can't be ended any more, for the cluster that it lived in is gone; Ray is not asked."""
        self._hang_up()
        self._files.door.unlink(missing_ok=True)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _existing(namespace: str) -> Any | None:
    try:
        return ray.get_actor(ORCHESTRATOR_NAME, namespace=namespace)
    except ValueError:
        return None


def _is_alive(actor: Any) -> bool:
    try:
        return bool(_health(actor)["is_alive"])
    except ray.exceptions.RayError:
        return False


def _health(actor: Any, timeout_s: float = CALL_TIMEOUT_S) -> Any:
    return ray.get(actor.health.options(concurrency_group="ctl").remote(), timeout=timeout_s)


def _remove(orchestrator: Any, namespace: str) -> None:
    ray.kill(orchestrator, no_restart=True)
    for role in HATS:
        try:
            ray.kill(ray.get_actor(str(role), namespace=namespace), no_restart=True)
        except ValueError:
            continue  # that one never came up
