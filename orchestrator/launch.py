"""EDGE: one run of the desk from beginning to end: nine Hats are raised, trade, are drained, stopped and judged."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from loguru import logger

from hats.security_architect.audit_log import verify_file
from orchestrator.accounts.claim import claimed
from orchestrator.accounts.latch import LatchFile
from orchestrator.accounts.referee import differences, positions_at
from orchestrator.compose import check_wiring
from orchestrator.control import Control
from orchestrator.ground import Ground, ground
from orchestrator.machine.build import this_build
from orchestrator.machine.confinement import confine
from orchestrator.machine.raylink import kill_cluster
from orchestrator.machine.runfiles import RunNote, RunRecord, forget_run, new_run, note_run, write_record
from orchestrator.safekeeping.backup import seal_key_path
from orchestrator.safekeeping.resting import seal_ended
from orchestrator.settings import Settings
from orchestrator.status import CardView, Status
from orchestrator.telling.cards import scorecards_html
from orchestrator.telling.reproduction import HatReplay, replay_run
from orchestrator.telling.summary import Summary, summarise
from orchestrator.upkeep.caretaker import Caretaker, RayDispatch
from orchestrator.upkeep.jobs import Place, Task, tasks_for
from orchestrator.watchdog.line import tell, tell_patiently
from orchestrator.watchdog.words import Dismiss, Flatten
from shared.clock import anchored
from shared.errors import HatsError, NotRunning, Unanswered
from shared.journal import JournalReader
from shared.messages.control import JobEnded
from shared.private_files import make_secret, write_private
from shared.seal_file import read_seal_key
from shared.units import SECOND

if TYPE_CHECKING:
    from orchestrator.desk import Desk

POLL_S: Final = 0.5
BEREFT: Final = "The watchdog brings to an end what was open; the account's next run begins halted, until `hats resume`"
LAST_WORD_S: Final = 1.0
"""After a drain the ledger and the scores get so long to say their last word."""
DISMISS_S: Final = 10.0
"""Its watchdog gets so long to hear that a run ended in order."""
REPLAY_MESSAGES_MAX: Final = 100_000
"""A run of so many messages is replayed at its end, in seconds; a longer one only by `hats replay`."""


class Watcher(Protocol):
    """Somebody who looks on: a live view, plain lines, or nobody."""

    def step(self, what: str) -> None:
        """The run has come this far."""
        ...

    def show(self, status: Status | None) -> None:
        """The state now; None while there is none."""
        ...


class Verdict(msgspec.Struct, frozen=True):
    """What a finished run came to. Proofs are None when they could not be made; `replay` if it is too long.

    `end_faults` are what failed after trading: whatever else was to be stopped, proven and sealed was.
    """

    summary: Summary
    cards: tuple[CardView, ...]
    is_flat: bool | None
    journal_fault: str | None
    audit_ok: bool
    position_differences: tuple[str, ...]
    run_dir: str
    replay: tuple[HatReplay, ...] | None = None
    is_sealed: bool = False
    end_faults: tuple[str, ...] = ()


class Launch:
    """A run in the making. `run` does it all."""

    def __init__(
        self, settings: Settings, watcher: Watcher, *, own_ray: bool, replay: Path | None, config: str
    ) -> None:
        self._settings = settings
        self._watcher = watcher
        self._own_ray = own_ray
        self._replay = replay
        self._config = config
        self._run = time.time_ns() // SECOND
        self.files = new_run(settings.run.home, settings.run.name, self._run)
        self._key_file = seal_key_path(settings.run.home, settings.at_rest.key_file)
        if settings.at_rest.mode == "sealed" or settings.backup.dir is not None:
            make_secret(self._key_file)
        self._stop_asked = False
        self._flatten = True
        self._end_faults: list[str] = []

    def run(self) -> Verdict:
        """Trade until the time is up or a signal comes; the verdict. HatsError if it could not be done."""
        check_wiring(self._settings)
        tasks = tasks_for(self._settings)
        verdict = None
        try:
            with self._signals(), self.grounded() as under:
                with self.raised(under) as desk:
                    self._trade(desk, under, tasks)
                    status, cards = self.drained(desk)
                verdict = self.judge(under.settings, status, cards)
        except HatsError as error:
            if verdict is None:
                raise
            self._note_fault(error)  # of what the run stood on, which has no more to say about what it came to
            verdict = self._with_faults(verdict)
        return self._at_rest(verdict)

    def _at_rest(self, verdict: Verdict) -> Verdict:
        """The verdict, once this run, and what earlier ones left open, is sealed if the settings ask for it."""
        if self._settings.at_rest.mode != "sealed":
            return verdict
        self._watcher.step("sealing the run's files")
        with self._at_the_end():
            seal_ended(self._settings.run.home, self._key_file, time.time_ns())
            if self.files.dir.is_dir():
                raise HatsError(f"{self.files.dir} lies open: somebody still writes its journal")
        is_sealed = not self.files.dir.is_dir()
        return msgspec.structs.replace(verdict if is_sealed else self._with_faults(verdict), is_sealed=is_sealed)

    @contextlib.contextmanager
    def _at_the_end(self) -> Iterator[None]:
        """What fails inside is told by the verdict, and keeps nothing else from being done."""
        try:
            yield
        except HatsError as error:
            self._note_fault(error)

    def _note_fault(self, error: HatsError) -> None:
        logger.warning("the end of the run: {error}", error=error)
        self._end_faults.append(str(error))

    def _with_faults(self, verdict: Verdict) -> Verdict:
        """The verdict and its file, with what failed since."""
        verdict = msgspec.structs.replace(verdict, end_faults=tuple(self._end_faults))
        self._write(verdict)
        return verdict

    @contextlib.contextmanager
    def grounded(self) -> Iterator[Ground]:
        """What the run stands on, noted as the current run, while inside."""
        confine()
        settings, step = self._settings, self._watcher.step
        home, account = settings.run.home, settings.hats.exchange_architect.user_address
        with claimed(home, account, settings.venue.network), anchored():
            self.files.create()
            with ground(settings, self.files, step, own_ray=self._own_ray, replay=self._replay) as under:
                namespace, pid = settings.ray.namespace, os.getpid()
                run_dir = str(self.files.dir)
                note_run(home, RunNote(self._run, run_dir, under.address, namespace, pid, under.ray_pid, self._config))
                try:
                    yield under
                finally:
                    forget_run(home)

    @contextlib.contextmanager
    def raised(self, under: Ground) -> Iterator[Desk]:
        """Ten actors, all READY, while inside."""
        self._watcher.step("raising ten actors")
        desk = self.launched(under)
        try:
            desk.wait_ready(self._watcher.show)
            yield desk
        finally:
            self._watcher.step("stopping")
            with self._at_the_end():
                fault = under.pulse.fault()
                if fault is None:
                    desk.stop()
                else:
                    self._watcher.step(f"Ray is gone: {fault}")
                    self._bereft(desk, under)

    def launched(self, under: Ground) -> Desk:
        """Ten actors that begin."""
        from orchestrator.cluster import LaunchOrder  # noqa: PLC0415 - imports ray; its environment is set now
        from orchestrator.desk import Desk  # noqa: PLC0415

        settings = under.settings
        build, as_json = this_build(), settings.model_dump_json().encode()
        write_record(self.files, RunRecord(self._run, build, msgspec.Raw(as_json)))
        order = LaunchOrder(as_json, self._run, str(self.files.dir), build.id)
        return Desk.launch(order, settings.ray.namespace, self.files)

    def drained(self, desk: Desk) -> tuple[Status, tuple[CardView, ...]]:
        """The last status and scorecards, after everything was cancelled and, unless told otherwise, flattened."""
        self._watcher.step(f"draining: disarm, cancel{', flatten' if self._flatten else ''}")
        end = desk.drain(flatten=self._flatten, watch=self._watcher.show)
        time.sleep(LAST_WORD_S)
        # what follows is silence, and in order; but what was to be closed and is not is the watchdog's from here on
        if self._settings.watchdog.enabled and (end.is_flat or not self._flatten):
            with self._at_the_end():
                tell_patiently(self.files.watchdog, Dismiss(), time.monotonic() + DISMISS_S)
        return desk.status(), desk.scorecards()

    def _bereft(self, desk: Desk, under: Ground) -> None:
        """What can be done for a desk whose Ray is gone: what is open is closed, and the next run begins halted.

        Its actors live on for seconds and would trade, so they are ended too; of somebody else's Ray they are told of
        the watchdog's act by their hub.
        """
        settings = under.settings
        if settings.watchdog.enabled:
            with contextlib.suppress(NotRunning, Unanswered):  # it is asked again, with patience, before it is stopped
                tell(self.files.watchdog, Flatten("Ray is gone"))
        if under.ray_pid is not None:
            kill_cluster(under.ray_pid)
        desk.abandon()
        self._halt_next(settings, "its Ray was gone while the desk ran")

    def _halt_next(self, settings: Settings, why: str) -> None:
        """The account's next run begins halted, whether or not a watchdog sees to it."""
        key = read_seal_key(self._key_file) if settings.at_rest.mode == "sealed" else None
        account = settings.hats.exchange_architect.user_address
        latch = LatchFile(settings.run.home, account, settings.venue.network, self._run, key)
        latch.halt(why)

    def _trade(self, desk: Desk, under: Ground, tasks: Mapping[str, Task]) -> None:
        self._watcher.step("trading")
        settings = under.settings
        keystores = (settings.hats.security_architect.keystore, settings.watchdog.keystore)
        named = tuple(str(path) for path in keystores if path is not None)
        risk = settings.hats.risk_oversight_officer
        place = Place(
            str(settings.run.home), str(self.files.dir), named,
            str(settings.backup.dir or ""), settings.backup.keep, str(self._key_file),
            settings.venue.base_url, settings.hats.exchange_architect.user_address or "",
            settings.at_rest.mode == "sealed", dict(settings.retention.days), risk.var_every_ms,
        )  # fmt: skip
        caretaker = Caretaker(place, RayDispatch(), self._say, tasks)
        duration_s = settings.run.duration_s
        deadline = None if duration_s is None else time.monotonic() + duration_s
        while not self._stop_asked and (deadline is None or time.monotonic() < deadline):
            status = _status_or_none(desk.status)
            self._watcher.show(status)
            fault = under.pulse.fault()
            if fault is not None:
                raise HatsError(f"Ray is gone, and with it the nine: {fault}. {BEREFT}")
            problem = desk.problem(POLL_S) if status is None else None
            if problem is not None:
                self._halt_next(settings, "its orchestrator stopped while the desk ran")
                raise HatsError(f"the orchestrator stopped: {problem}. {BEREFT}")
            caretaker.turn()
            time.sleep(POLL_S)
        caretaker.close()

    def _say(self, ended: JobEnded) -> None:
        with Control(self.files) as line:
            line.say(ended)

    def judge(self, settings: Settings, status: Status, cards: tuple[CardView, ...]) -> Verdict:
        """The verdict on a run that has ended, written to its folder too."""
        self._watcher.step("checking journal, audit log and positions")
        reader = JournalReader.open(settings.journal.path or self.files.journal)
        try:
            summary, fault = summarise(reader), reader.fault()
            is_short = fault is None and sum(summary.messages.values()) <= REPLAY_MESSAGES_MAX
            if is_short:
                self._watcher.step("replaying the journal")
            replay = replay_run(reader, settings, approval_key=self.files.approval_key()) if is_short else None
        finally:
            reader.close()
        master = settings.hats.exchange_architect.user_address
        assert master is not None
        theirs = positions_at(settings.venue.base_url, master)
        verdict = Verdict(
            summary=summary,
            cards=cards,
            is_flat=status.is_flat,
            journal_fault=fault,
            audit_ok=verify_file(self.files.audit, [self.files.signer_checkpoints]).is_sound,
            position_differences=tuple(differences(summary.net_sz, theirs)),
            run_dir=str(self.files.dir),
            replay=replay,
            end_faults=tuple(self._end_faults),
        )
        self._write(verdict)
        write_private(self.files.scorecards_json, msgspec.json.format(msgspec.json.encode(cards), indent=2))
        write_private(self.files.scorecards_html, scorecards_html(cards, summary).encode())
        return verdict

    def _write(self, verdict: Verdict) -> None:
        write_private(self.files.summary, msgspec.json.format(msgspec.json.encode(verdict), indent=2))

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end trading in order; SIGUSR1 too, but positions stay. A second ends all at once."""

        def ask(number: int, _: object) -> None:
            if self._stop_asked:
                raise HatsError("stopped by a second signal; orders may be open: see `hats doctor`")
            self._stop_asked = True
            self._flatten = number != signal.SIGUSR1

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _status_or_none(ask: Callable[[], Status]) -> Status | None:
    try:
        return ask()
    except HatsError:
        return None  # the hub is being restarted; the view says so
