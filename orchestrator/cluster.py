"""EDGE: the cluster runtime: the orchestrator as a Ray actor that starts, keeps and stops the nine.

Ray places, names and restarts processes; at most a few calls a second go through it. Messages travel on the bus.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import ray
from loguru import logger
from ray.exceptions import RayError

from orchestrator import compose
from orchestrator.access import OK, UNKNOWN, Access
from orchestrator.accounts.latch import LatchFile
from orchestrator.accounts.marks import MarksFile
from orchestrator.gauges import Gauges
from orchestrator.heart import Heart
from orchestrator.hub import Hub
from orchestrator.kill_note import KillNotes
from orchestrator.machine.build import this_build
from orchestrator.machine.processes import is_running
from orchestrator.machine.runfiles import HubDoor, RunFiles
from orchestrator.recovery import recover
from orchestrator.safekeeping.backup import seal_key_path
from orchestrator.services import services_of
from orchestrator.supervisor import Supervisor, Verdict
from orchestrator.watchdog.companion import Companion
from orchestrator.watchdog.guard import Beat
from orchestrator.watchdog.line import Heartbeats
from shared import log
from shared.bus.frames import pass_of
from shared.bus.sockets import Listener, listen
from shared.clock import Clock, WallClock, anchor_variables
from shared.errors import HatsError
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.mailbox import Mailbox
from shared.messages import AnyMessage
from shared.messages.control import KillOrdered
from shared.metrics import Metrics, Request, Served, serve
from shared.private_files import write_private
from shared.seal_file import read_seal_key
from shared.sealing import SealKey
from shared.shell import LaunchSpec, quicken
from shared.units import MS, SECOND, Ns

ORCHESTRATOR_NAME: Final = "orchestrator"
START_TIMEOUT_S: Final = 60.0
THERE_TIMEOUT_S: Final = 5.0
"""A call to a process that Ray does not know dead yet waits until Ray looks, and its timers follow the system clock:
set back by an hour, it looks in an hour. The next call finds the new process."""
RETRY_S: Final = 0.2
EXIT_BUG: Final = 70


class LaunchOrder(msgspec.Struct, frozen=True):
    """What the orchestrator's process needs to begin; it travels through Ray, so it names no secret."""

    settings: bytes
    run: int
    run_dir: str
    build: str


class Orchestrator:
    """The tenth actor. Restarting it resumes the run: the journal is the state, and everybody comes up disarmed.

    The constructor only starts a thread, so that it cannot fail; `health` tells what became of it.
    """

    def __init__(self, order: bytes) -> None:
        self._order = msgspec.msgpack.decode(order, type=LaunchOrder)
        self._settings = compose.settings_from_json(self._order.settings)
        self._files = RunFiles(Path(self._order.run_dir))
        self._problem: str | None = None
        self._hub: Hub | None = None
        self._served: Served | None = None
        self._pids: dict[Role, int] = {}
        self._started_ns = time.monotonic_ns()
        self._keeper = ThreadPoolExecutor(len(HATS), thread_name_prefix="keeper")
        self._ending = threading.Event()
        self._secret = secrets.token_hex(32)
        self._thread = threading.Thread(target=self._live, name="hub", daemon=True)
        self._thread.start()

    # control plane

    def health(self) -> dict[str, Any]:
        """Process id, epoch, whether the hub turns, and the problem that stopped it, if any."""
        return {
            "pid": os.getpid(),
            "is_alive": self._thread.is_alive() and self._problem is None,
            "problem": self._problem,
            "hats": {str(role): pid for role, pid in self._pids.items()},
            "uptime_s": (time.monotonic_ns() - self._started_ns) / SECOND,
        }

    def stop(self) -> None:
        """End everything: Hats are stopped, the journal is closed. Ray removes the actors afterwards."""
        self._ending.set()
        if self._hub is not None:
            self._hub.stop()
            self._thread.join(timeout=15)
        self._keeper.shutdown(wait=False, cancel_futures=True)
        if self._served is not None:
            self._served.stop()

    def __repr__(self) -> str:
        return "Orchestrator"

    # life

    def _live(self) -> None:
        log.configure(Role.ORCHESTRATOR, self._files.dir, self._settings.log.level)
        if not quicken():
            logger.warning("actors run at Ray's low priority; start Ray with RAY_worker_niceness=0")
        try:
            hub = self._raise_hub()
            # the operator's commands find the hub, and prove that they may speak, by this file
            door = HubDoor(
                hub.address, pass_of(Role.OPERATOR, self._secret), self._order.build, self._settings.tls.files
            )
            write_private(self._files.door, msgspec.json.encode(door))
            for role in HATS:
                self._keeper.submit(self._ensure, role, hub.address)
            hub.run()
        except (HatsError, OSError) as error:
            logger.critical("the hub stopped: {error}", error=error)
            self._problem = f"{type(error).__name__}: {error}"
        except Exception:  # noqa: BLE001 - see the allow-list in tests/house/test_errors.py
            # our own bug: a fresh process folds the journal again, which is the one recovery there is
            logger.exception("the hub met a bug; this process ends and Ray starts it anew")
            os._exit(EXIT_BUG)

    def _raise_hub(self) -> Hub:
        settings, clock = self._settings, WallClock()
        journal = Journal(settings.journal.path or self._files.journal, now_ns=clock.now())
        bounds = settings.supervisor
        recent = journal.reader.epochs_since(clock.now() - int(bounds.restart_window_s * SECOND))
        if recent > bounds.restart_intensity:
            journal.close()
            raise HatsError(f"{recent} starts within {bounds.restart_window_s:g} s: staying down; the log says why")
        supervisor = Supervisor(
            self._order.run,
            wants_armed=settings.run.arm_at_start,
            restarts_max=bounds.restart_intensity,
            window_ns=int(bounds.restart_window_s * SECOND),
            build=self._order.build,
            config_sha256=hashlib.sha256(self._order.settings).hexdigest(),
        )
        mailboxes = {role: Mailbox(role, settings.mailbox.capacity) for role in HATS}
        heart = Heart(journal, compose.CATALOGUE, supervisor, mailboxes)
        folded = recover(heart, journal.reader)
        gauges = self._gauges()
        account, network = settings.hats.exchange_architect.user_address, settings.venue.network
        home, key = settings.run.home, self._seal_key()
        stood = heart.situation.trading_state
        latch = LatchFile(home, account, network, self._order.run, key, None if stood is None else stood.state)
        marks = None if settings.run.mode.is_local else MarksFile(home, account, network, key)
        begins_with = [] if folded else [latch.order(), None if marks is None else marks.begin()]
        heart.sequencer.on_said = _noting(gauges, latch, marks, clock)
        for word in begins_with:
            if isinstance(word, KillOrdered):
                logger.warning("{reason}", reason=word.reason)
            if word is not None:
                heart.publish(Role.ORCHESTRATOR, word, clock.now())
        logger.info("epoch {epoch}, {folded} messages folded", epoch=journal.epoch, folded=folded)
        hub = Hub(
            heart,
            journal,
            self._listen(),
            clock,
            secret=self._secret,
            build=self._order.build,
            commit_interval_ns=settings.journal.commit_interval_ms * MS,
            snapshot_every=settings.journal.snapshot_every,
            services=services_of(settings.hats.risk_oversight_officer.operator_public_key),
            on_lost=self._lost,
            on_beat=self._beats(gauges),
        )
        self._hub = hub
        return hub

    def _beats(self, gauges: Gauges) -> Callable[[Heart, Ns, Mapping[Role, int]], None]:
        """What is done each second: figures for the metrics, a kill in writing, a sign of life for the watchdog."""
        notes = KillNotes(self._files)
        heartbeats, companion = Heartbeats(self._files.watchdog), Companion()

        def beat(heart: Heart, now: Ns, heard: Mapping[Role, int]) -> None:
            gauges.beat(heart, now, heard)
            order = notes.take()
            if order is not None:
                heart.publish(Role.ORCHESTRATOR, order, now)
            if not self._settings.watchdog.enabled:
                return
            order = companion.hear(heartbeats.beat(Beat(self._order.run, heart.situation.wants_scheduled_cancel)))
            if order is not None:
                heart.publish(Role.ORCHESTRATOR, order, now)

        return beat

    def _gauges(self) -> Gauges:
        metrics, wanted, build = Metrics(), self._settings.metrics, this_build()
        metrics.build.info({"id": build.id, "version": build.version})
        if wanted.enabled:
            try:
                self._served = serve(metrics, wanted.host, wanted.port, self._visited)
            except OSError as error:  # trading does not depend on being watched
                logger.error("no metrics at {host}:{port}: {error}", host=wanted.host, port=wanted.port, error=error)
        return Gauges(metrics)

    def _seal_key(self) -> SealKey | None:
        """The key of files at rest, if they are to be sealed."""
        at_rest, home = self._settings.at_rest, self._settings.run.home
        return read_seal_key(seal_key_path(home, at_rest.key_file)) if at_rest.mode == "sealed" else None

    def _visited(self, request: Request) -> None:
        """Somebody read the metrics; called by their thread."""
        if self._hub is not None:
            result = OK if request.status.startswith("200") else request.status
            self._hub.accesses.visited(Access("metrics", request.what, request.uid, UNKNOWN, result))

    def _listen(self) -> Listener:
        bus = self._settings.bus
        if bus.kind == "tcp":
            return listen(f"tcp:{bus.host}:{bus.port}", self._settings.tls.files)
        return listen(f"unix:{bus.path}" if bus.path else self._files.bus)

    # the nine

    def _lost(self, role: Role, verdict: Verdict, hung_pid: int) -> None:
        if hung_pid and is_running(hung_pid, "ray::"):
            logger.warning("{role} (pid {pid}) hangs and is killed", role=role, pid=hung_pid)
            os.kill(hung_pid, signal.SIGKILL)
        if verdict is Verdict.RESTART and not self._ending.is_set() and self._hub is not None:
            self._keeper.submit(self._ensure, role, self._hub.address)

    def _ensure(self, role: Role, address: str) -> None:
        """Have the Hat's process started, however often Ray has to bring it back first."""
        settings = compose.hat_settings(self._settings, role)
        order = self._order
        token, tls = pass_of(role, self._secret), self._settings.tls.files
        spec = LaunchSpec(role, address, token, order.build, settings, order.run_dir, order.run, tls)
        data = msgspec.msgpack.encode(spec)
        while not self._ending.is_set():
            try:
                actor = hat_actor(self._settings.ray.namespace, role)
                ray.get(actor.health.options(concurrency_group="ctl").remote(), timeout=THERE_TIMEOUT_S)
                self._pids[role] = ray.get(actor.start.remote(data), timeout=START_TIMEOUT_S)
            except RayError as error:
                logger.info("{role} is not there yet: {kind}", role=role, kind=type(error).__name__)
                time.sleep(RETRY_S)
            else:
                return


WORKER_ENV: Final[Mapping[str, str]] = {"OMP_NUM_THREADS": "1", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


def _noting(gauges: Gauges, latch: LatchFile, marks: MarksFile | None, clock: Clock) -> Callable[[AnyMessage], None]:
    """Look on for the metrics, and keep trading state and marks for the run after this one."""

    def said(message: AnyMessage) -> None:
        latch.hear(message)
        if marks is not None:
            marks.hear(message, clock.now())
        gauges.said(message)

    return said


def hat_actor(namespace: str, role: Role) -> Any:
    """The Hat's actor, made if there is none."""
    return _actor(compose.actor_class(role), str(role), namespace, get_if_exists=True).remote()


def orchestrator_actor(namespace: str, order: LaunchOrder) -> Any:
    """A new orchestrator actor; ValueError from Ray if one of that name lives."""
    actor = _actor(Orchestrator, ORCHESTRATOR_NAME, namespace, get_if_exists=False)
    return actor.remote(msgspec.msgpack.encode(order))


def _actor(kind: type, name: str, namespace: str, *, get_if_exists: bool) -> Any:
    """Named, detached, without a CPU of its own, restarted without limit; a call is never repeated by Ray."""
    remote: Any = ray.remote  # its stubs do not know concurrency groups
    wrap = remote(num_cpus=0, max_restarts=-1, max_task_retries=0, concurrency_groups={"ctl": 1})
    return wrap(kind).options(
        name=name,
        namespace=namespace,
        lifetime="detached",
        get_if_exists=get_if_exists,
        enable_task_events=False,
        runtime_env={"env_vars": {**WORKER_ENV, **anchor_variables()}},
    )
