"""EDGE: the jobs that a run does by itself besides trading: what each looks after, how often, and how it is done.

Each is a function of the run's place and says in one line what it did; a HatsError is its failure. They run in
processes of their own, may be run twice, and never touch an order.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from hats.security_architect import key_rules, keystore
from hats.security_architect.audit_log import verify_file
from hats.security_architect.key_rules import Found, Severity
from hats.security_architect.signer.rotation import remembered_at
from orchestrator.accounts.agents import agents_at
from orchestrator.control import Control
from orchestrator.machine.runfiles import RunFiles, current_run
from orchestrator.safekeeping.backup import back_up, thin_out
from orchestrator.safekeeping.retention import RetentionClass
from orchestrator.safekeeping.run_scan import look_for_exposure, look_for_secrets, processes_of_run
from orchestrator.safekeeping.sealed_store import SealedStore
from orchestrator.scheduler import Job
from orchestrator.settings import Settings
from orchestrator.telling.cards import scorecards_html
from orchestrator.telling.summary import summarise
from shared.codec import decode
from shared.errors import ConfigError, DataError, JournalError, NotRunning
from shared.journal import JournalReader
from shared.messages.control import Check, Checked
from shared.messages.market import CandlesTold
from shared.messages.risk import VarianceFitted
from shared.private_files import write_private
from shared.rules.intervals import INTERVALS_NS
from shared.seal_file import read_seal_key
from shared.units import DAY, MINUTE, MS, SECOND, Ns

BACKUP: Final = "backup"
RETIRE: Final = "retire_runs"
FIT: Final = "fit_variance"
FAULTS_SHOWN_MAX: Final = 5
SCORED_EVERY: Final = 9 * MINUTE
"""A score's window is ten minutes: so the newest finding is always in it."""
DISK_FREE_SHARE_MIN: Final = 0.10
DISK_FREE_BYTES_MIN: Final = 1 << 30


class Place(msgspec.Struct, frozen=True):
    """What a job is told: the home folder, the run's folder, the keystores in use, and where backups go ("": nowhere).

    `seal_key` is the key's file, `is_sealing` tells whether tables are encrypted, `backup_keep` how many backups stay.
    `var_every_ms` is the length of a return that variances are fitted to.
    `account` at the exchange `base_url` is whose agents the keys are ("": they are not looked up).
    """

    home: str
    run_dir: str
    keystores: tuple[str, ...] = ()
    backup_dir: str = ""
    backup_keep: int = 2
    seal_key: str = ""
    base_url: str = ""
    account: str = ""
    is_sealing: bool = False
    retention_days: dict[RetentionClass, float] = {}
    var_every_ms: int = 0

    @property
    def files(self) -> RunFiles:
        """The run's files."""
        return RunFiles(Path(self.run_dir))


def check_audit(place: Place) -> str:
    """Every audit record against its chain and both copies of the signed checkpoints."""
    files = place.files
    found = verify_file(files.audit, [files.signer_checkpoints], is_live=True)
    _tell(place, Checked(Check.AUDIT, found.records, int(not found.is_sound)))
    if not found.is_sound:
        raise DataError(f"{files.audit}, line {found.fault_line}: {found.fault}")
    return f"{found.records} records intact, {found.signed} of them signed"


def scan_run(place: Place) -> str:
    """The run's own secrets outside their files, files that others can read, and sockets that other machines reach."""
    pids = processes_of_run(current_run(Path(place.home)).launcher_pid)
    secrets, exposure = look_for_secrets(place.files, pids), look_for_exposure(place.files, pids)
    _tell(place, Checked(Check.SECRETS, secrets.places, len(secrets.faults)))
    _tell(place, Checked(Check.EXPOSURE, exposure.places, len(exposure.faults)))
    faults = (*secrets.faults, *exposure.faults)
    if faults:
        more = f" and {len(faults) - FAULTS_SHOWN_MAX} more" if len(faults) > FAULTS_SHOWN_MAX else ""
        raise DataError("; ".join(faults[:FAULTS_SHOWN_MAX]) + more)
    return f"no secret in {secrets.places} places, {exposure.places} files and sockets of {len(pids)} processes closed"


def _tell(place: Place, finding: Checked | VarianceFitted) -> None:
    """Tell the hub. Between two hubs nobody hears it; the schedule has it."""
    with contextlib.suppress(NotRunning), Control(place.files) as line:
        line.say(finding)


def check_journal(place: Place) -> str:
    """The journal's file and order, by SQLite's own check."""
    reader = JournalReader.open(place.files.journal)
    try:
        fault = reader.fault()
    finally:
        reader.close()
    if fault is not None:
        raise JournalError(fault)
    return "whole"


def compact_capture(place: Place) -> str:
    """What was captured and sealed goes into the warehouse's tables."""
    from orchestrator.history.warehouse import compact_log, listed_in  # noqa: PLC0415 - loads pyarrow
    from shared.warehouse.store import Store  # noqa: PLC0415

    log = Path(place.run_dir) / "capture"
    if not log.is_dir():
        return "nothing was captured"
    key = read_seal_key(Path(place.seal_key)) if place.is_sealing else None
    done = compact_log(log, Store(Path(place.home) / "warehouse", key), listed_in(log), lambda _: None)
    return f"{len(done.published)} segments compacted, {done.known} were already"


def fit_variance(place: Place) -> str:
    """GARCH weights of each coin by `arch`, told to the Risk Officer; a fit that is none is refused and said."""
    from orchestrator.upkeep import variance_fit  # noqa: PLC0415 - loads numpy and pyarrow
    from shared.warehouse.reading import Warehouse  # noqa: PLC0415

    every_ns = place.var_every_ms * MS
    interval = next((name for name, span_ns in INTERVALS_NS.items() if span_ns == every_ns), None)
    if interval is None:
        raise ConfigError([f"no candle is as long as var_every_ms, {place.var_every_ms}"])
    reader = JournalReader.open(place.files.journal)
    try:
        told = [decode(entry.body) for entry in reader.messages(kind=CandlesTold.__name__)]
    finally:
        reader.close()
    closes = variance_fit.told_closes((one for one in told if isinstance(one, CandlesTold)), interval)
    folder = Path(place.home) / "warehouse"
    if folder.is_dir():
        key = read_seal_key(Path(place.seal_key)) if place.is_sealing else None
        for coin, more in variance_fit.captured_closes(Warehouse(folder, key=key), interval).items():
            closes.setdefault(coin, {}).update(more)
    said = []
    for coin, of_coin in sorted(closes.items()):
        try:
            fit = variance_fit.fitted(variance_fit.returns_of(of_coin, every_ns))
        except DataError as error:
            said.append(f"{coin} refused: {error}")
            continue
        _tell(place, VarianceFitted(coin, fit.alpha, fit.beta, fit.returns, place.var_every_ms))
        said.append(f"{coin} alpha {fit.alpha:.4f} beta {fit.beta:.4f} of {fit.returns}")
    return "; ".join(said) or "no candles to fit to"


def write_report(place: Place) -> str:
    """The scorecards as a page in the run's folder, as they stand now."""
    files = place.files
    with Control(files) as line:
        cards = line.scorecards()
    reader = JournalReader.open(files.journal)
    try:
        summary = summarise(reader)
    finally:
        reader.close()
    write_private(files.scorecards_html, scorecards_html(cards, summary).encode())
    return f"{len(cards)} scorecards in {files.scorecards_html.name}"


def check_keys(place: Place) -> str:
    """The keystores in use: private, strong, not retired, young enough, and approved for a while yet."""
    now = Ns(time.time_ns())
    infos = [keystore.checked_info(path) for path in _keystores(place)]
    found = [one for info in infos for one in key_rules.found_of(info, now)]
    _refuse_problems(found)
    if place.account:
        listed = agents_at(place.base_url, place.account)
        found += [one for info in infos for one in key_rules.found_at_venue(info, listed.get(info.address), now)]
        _refuse_problems(found)
    warned = [f"; {one.key}: {one.text}" for one in found if one.severity is Severity.WARNING]
    oldest = max((key_rules.age_days(info.created_ns, now) for info in infos), default=0)
    asked = "approved" if place.account else "not looked up at the exchange"
    return f"{len(infos)} keys private and {asked}, the oldest {oldest} days old{''.join(warned)}"


def _keystores(place: Place) -> list[Path]:
    """The keystores in use; the desk's, which comes first, may have been followed by others while the run lived."""
    named = [Path(name) for name in place.keystores]
    rotated = remembered_at(place.files.keyring) if place.run_dir else None
    return named if rotated is None else [*(Path(key.keystore) for key in rotated.keys), *named[1:]]


def _refuse_problems(found: Sequence[Found]) -> None:
    problems = [f"{one.key}: {one.text}" for one in found if one.severity is Severity.PROBLEM]
    if problems:
        raise ConfigError(problems)


def back_up_home(place: Place) -> str:
    """The whole home folder into the backups, and the oldest of those out."""
    store = SealedStore(Path(place.backup_dir), read_seal_key(Path(place.seal_key)))
    done = back_up(Path(place.home), store, Path(place.seal_key))
    gone = thin_out(store, place.backup_keep)
    files, mib = len(done.manifest.files), done.manifest.bytes >> 20
    return (
        f"{done.manifest.name}: {files} files, {mib} MiB, {done.new_bytes >> 20} of them new; {gone} older ones removed"
    )


def retire_runs(place: Place) -> str:
    """What retention lets go of runs that have ended."""
    from orchestrator.safekeeping.retiring import retire, told  # noqa: PLC0415 - loads pyarrow

    gone = retire(Path(place.home), Path(place.seal_key), place.retention_days, time.time_ns(), apply=True)
    return f"{told(gone)} removed"


def check_disk(place: Place) -> str:
    """Room for what a run writes."""
    usage = shutil.disk_usage(place.run_dir)
    free = f"{usage.free >> 20} MiB of {usage.total >> 20} MiB free"
    if usage.free < DISK_FREE_BYTES_MIN or usage.free < DISK_FREE_SHARE_MIN * usage.total:
        raise DataError(f"the disk is nearly full: {free}")
    return free


class Task(NamedTuple):
    """A job and the function that does it."""

    job: Job
    work: Callable[[Place], str]


def _job(
    name: str,
    every_ns: int,
    deadline_ns: int,
    priority: int = 0,
    after: tuple[str, ...] = (),
    attempts: int = 3,
    first_ns: int | None = None,
) -> Job:
    return Job(
        name=name, every_ns=every_ns, offset_ns=every_ns if first_ns is None else first_ns,
        priority=priority, after=after, deadline_ns=deadline_ns,
        attempts=attempts, retry_ns=10 * SECOND,
    )  # fmt: skip


TASKS: Final[Mapping[str, Task]] = {
    task.job.name: task
    for task in (
        Task(_job("check_disk", MINUTE, 30 * SECOND, priority=9, attempts=1), check_disk),
        Task(_job("check_audit", SCORED_EVERY, 5 * MINUTE, priority=8, first_ns=80 * SECOND), check_audit),
        Task(_job("scan_run", SCORED_EVERY, 2 * MINUTE, priority=4, first_ns=70 * SECOND), scan_run),
        Task(_job("check_journal", 30 * MINUTE, 10 * MINUTE, priority=7), check_journal),
        Task(_job("check_keys", DAY, MINUTE, priority=6, attempts=1), check_keys),
        Task(_job("write_report", 5 * MINUTE, MINUTE, priority=2), write_report),
        Task(_job("compact_capture", 15 * MINUTE, 15 * MINUTE, priority=1, after=("check_disk",)), compact_capture),
    )
}


def tasks_for(settings: Settings) -> Mapping[str, Task]:
    """The jobs of a run with these settings: backups, removals and fits where they are asked for.

    ExtraMissing if fits are and can't be made here.
    """
    tasks, backup, fit_every_s = dict(TASKS), settings.backup, settings.hats.risk_oversight_officer.var_fit_every_s
    if backup.dir is not None:
        every_ns = int(backup.every_s * SECOND)
        tasks[BACKUP] = Task(_job(BACKUP, every_ns, max(every_ns, 10 * MINUTE), priority=5), back_up_home)
    if settings.retention.days:
        tasks[RETIRE] = Task(_job(RETIRE, DAY // 4, 30 * MINUTE, priority=3), retire_runs)
    if fit_every_s:
        from orchestrator.upkeep.variance_fit import check_installed  # noqa: PLC0415 - loads numpy and pyarrow

        check_installed()
        every_ns = fit_every_s * SECOND
        tasks[FIT] = Task(
            _job(FIT, every_ns, max(every_ns, 10 * MINUTE), attempts=1, first_ns=min(every_ns, 2 * MINUTE)),
            fit_variance,
        )
    return tasks


WORK: Final[Mapping[str, Callable[[Place], str]]] = {name: task.work for name, task in TASKS.items()} | {
    BACKUP: back_up_home,
    RETIRE: retire_runs,
    FIT: fit_variance,
}
"""What each job does, by name, whether or not this run's schedule has it."""
