"""EDGE: a running desk as its driver sees it: launch, watch, command, drain, stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from orchestrator.cluster import ORCHESTRATOR_NAME, LaunchOrder, orchestrator_actor
from orchestrator.status import CardView, Status
from shared.codec import encode
from shared.errors import HatsError, NotRunning, Unanswered
from shared.ids import HATS
from shared.messages import Message
from shared.messages.control import HatState

CALL_TIMEOUT_S: Final = 10.0
READY_TIMEOUT_S: Final = 120.0
DRAIN_TIMEOUT_S: Final = 45.0
POLL_S: Final = 0.25

Watch = Callable[[Status | None], None]
"""Shown each status while something long goes on; None while there is none yet."""


class Desk:
    """Our handle on the orchestrator actor. Every call has a deadline; a call that failed may be repeated."""

    def __init__(self, actor: Any, namespace: str) -> None:
        self._actor = actor
        self._namespace = namespace

    @classmethod
    def launch(cls, order: LaunchOrder, namespace: str) -> Desk:
        """A new desk; HatsError if one runs in this namespace. What is left of a dead one is cleared away first."""
        import ray  # noqa: PLC0415 - orchestrator.raylink sets its environment first

        try:
            old = cls.attach(namespace)
        except NotRunning:
            old = None
        if old is not None:
            if old.is_alive():
                raise HatsError(f"a desk already runs in namespace {namespace!r}: `hats status`, or `hats down` first")
            old.clear()
        actor = orchestrator_actor(namespace, order)
        desk = cls(actor, namespace)
        try:
            ray.get(actor.health.remote(), timeout=READY_TIMEOUT_S)
        except ray.exceptions.RayError as error:
            raise HatsError(f"the orchestrator did not come up: {error}") from error
        return desk

    @classmethod
    def attach(cls, namespace: str) -> Desk:
        """The desk that runs in this namespace; NotRunning if there is none."""
        import ray  # noqa: PLC0415

        try:
            return cls(ray.get_actor(ORCHESTRATOR_NAME, namespace=namespace), namespace)
        except ValueError:
            raise NotRunning(f"no desk runs in namespace {namespace!r}: `hats up` starts one") from None

    def health(self) -> dict[str, Any]:
        """See `Orchestrator.health`; Unanswered if it does not answer."""
        return dict(self._call("health"))

    def is_alive(self) -> bool:
        """Does its hub turn?"""
        try:
            return bool(self.health()["is_alive"])
        except Unanswered:
            return False

    def status(self) -> Status:
        """The state of the run now."""
        return msgspec.json.decode(self._call("status"), type=Status)

    def scorecards(self) -> tuple[CardView, ...]:
        """The nine scorecards now."""
        return msgspec.json.decode(self._call("scorecards"), type=tuple[CardView, ...])

    def command(self, message: Message) -> int:
        """The operator says `message`; its place in the journal."""
        return int(self._call("command", encode(message)))

    def wait_until(self, is_so: Callable[[Status], bool], what: str, timeout_s: float, watch: Watch) -> Status:
        """The first status for which `is_so`; Unanswered if `timeout_s` passes first, HatsError if the desk failed."""
        deadline = time.monotonic() + timeout_s
        last: Status | None = None
        while True:
            health = self._health_or_none()
            if health is not None and health["problem"]:
                raise HatsError(f"the orchestrator stopped: {health['problem']}")
            try:
                last = self.status()
                if is_so(last):
                    return last
            except (Unanswered, RuntimeError):
                last = None
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
        self._call("drain", flatten)
        return self.wait_until(lambda s: s.drained is not None, "the end of the drain", timeout_s, watch)

    def stop(self) -> None:
        """End the desk: journal closed, every actor gone. What was open stays open: drain first."""
        try:
            self._call("stop")
        finally:
            self.clear()

    def clear(self) -> None:
        """Remove the ten actors, whatever state they are in."""
        import ray  # noqa: PLC0415

        ray.kill(self._actor, no_restart=True)
        for role in HATS:
            try:
                ray.kill(ray.get_actor(str(role), namespace=self._namespace), no_restart=True)
            except ValueError:
                continue  # that one never came up

    def _health_or_none(self) -> dict[str, Any] | None:
        try:
            return self.health()
        except Unanswered:
            return None

    def _call(self, method: str, *args: Any) -> Any:
        import ray  # noqa: PLC0415

        try:
            return ray.get(getattr(self._actor, method).remote(*args), timeout=CALL_TIMEOUT_S)
        except ray.exceptions.RayTaskError as error:
            raise RuntimeError(str(error.cause)) from error
        except (ray.exceptions.GetTimeoutError, ray.exceptions.RayError) as error:
            raise Unanswered(f"the orchestrator did not answer {method}: {type(error).__name__}") from error
