"""EDGE: `hats up` and `hats down`: a desk in the background, from READY to its ordered end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from orchestrator.cli.options import Config, Json, Replay, Set
from orchestrator.cli.terminal import emit, note, say
from shared.errors import HatsError, NotRunning, Unanswered

if TYPE_CHECKING:
    from orchestrator.machine.runfiles import RunFiles, RunNote
    from orchestrator.settings import Settings
    from orchestrator.status import Status

POLL_S: Final = 0.25
START_TIMEOUT_S: Final = 240.0
STOP_TIMEOUT_S: Final = 150.0
ORPHAN_TIMEOUT_S: Final = 10.0
TAIL_BYTES: Final = 3_000


def up(
    foreground: Annotated[
        bool, typer.Option("--foreground", "-f", help="Stay here until the run ends, with the live view.")
    ] = False,
    replay: Replay = None,
    config: Config = None,
    assignments: Set = None,
    as_json: Json = False,
) -> None:
    """Start Ray and the desk in the background and return when all nine are ready; default file: configs/paper.toml."""
    from orchestrator.accounts.claim import refuse_second
    from orchestrator.cli.launching import config_file, loaded, recordings, run_desk, tell

    recorded = recordings(replay)
    path = config_file(config, "paper.toml")
    settings = loaded(path, assignments).settings
    refuse_second(settings.run.home, settings.hats.exchange_architect.user_address, settings.venue.network)
    if foreground:
        verdict = run_desk(
            settings, title="hats", own_ray=True, replay=recorded, config=path, wants_view=True, as_json=as_json
        )
        tell(verdict, as_json=as_json)
        return
    run = _start(settings.run.home, _arguments(path, recorded, assignments))
    facts = _facts(settings, run)
    if as_json:
        emit(facts)
        return
    say("ready: nine Hats work")
    for name, value in facts.items():
        say(f"{name.replace('_', ' '):12} {value if value is not None else 'off'}")
    if facts["dashboard"]:
        say("The dashboard asks for Ray's token: paste the content of the token file.")
    say("`hats status --watch` looks on, `hats kill` stops trading, `hats down` ends the run.")


def down(
    no_flatten: Annotated[
        bool, typer.Option("--no-flatten", help="Cancel orders but leave positions as they are.")
    ] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", min=1.0, metavar="S", help="Wait so long for the end.")
    ] = STOP_TIMEOUT_S,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """End the current run in order: disarm, cancel, flatten, stop; returns when nothing of it is left."""
    from orchestrator.cli import runs
    from orchestrator.cli.launching import home
    from orchestrator.machine import processes
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.safekeeping.resting import is_sealed_run

    run = runs.current(config)
    files = RunFiles(Path(run.run_dir))
    if processes.is_running(run.launcher_pid):
        os.kill(run.launcher_pid, signal.SIGUSR1 if no_flatten else signal.SIGTERM)
        _wait_gone(run.launcher_pid, wait_s)
    else:
        note(f"the launcher (process {run.launcher_pid}) is gone; putting its run in order")
        _clear_away(run, flatten=not no_flatten, config=config)
    is_sealed = not files.dir.exists() and is_sealed_run(home(config), files.dir.name)
    facts: dict[str, Any] = {
        "run_dir": run.run_dir,
        "left_running": runs.processes_of(files),
        "judged": is_sealed or files.summary.exists(),
        "is_sealed": is_sealed,
    }
    if as_json:
        emit(facts)
    elif is_sealed:
        say(f"ended and sealed; `hats runs unseal {files.dir.name}` shows it")
    else:
        say(f"ended; its files are in {run.run_dir}")
    if facts["left_running"]:
        raise HatsError(f"still running: processes {facts['left_running']}")


def _arguments(path: Path | None, recorded: Path | None, assignments: list[str] | None) -> list[str]:
    arguments = ["--own-ray", "--no-view"]
    if path is not None:
        arguments += ["--config", str(path.resolve())]
    if recorded is not None:
        arguments += ["--replay", str(recorded)]
    return [*arguments, *(part for each in assignments or () for part in ("--set", each))]


def _start(home: Path, arguments: list[str]) -> RunNote:
    """The note of the run once all nine are ready; HatsError with the end of its log if the launcher ended before."""
    from orchestrator.machine.environment import scrubbed

    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    older = _runs_in(home)
    log = home / f"launch-{os.getpid()}.log"
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        launcher = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "orchestrator", *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            env=scrubbed(os.environ),
        )  # fmt: skip
    with contextlib.ExitStack() as unless_ready:
        unless_ready.callback(_end, launcher, home, older)
        run = _wait_ready(launcher, home, log)
        unless_ready.pop_all()
    return run


def _wait_ready(launcher: subprocess.Popen[bytes], home: Path, log: Path) -> RunNote:
    deadline = time.monotonic() + START_TIMEOUT_S
    run = None
    while run is None or not _is_ready(run):
        if launcher.poll() is not None:
            raise HatsError(f"the launcher ended with {launcher.returncode}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise Unanswered(f"the desk was not ready within {START_TIMEOUT_S:.0f} s; see {log}")
        time.sleep(POLL_S)
        if run is None and (run := _noted(home, launcher.pid)) is not None:
            # from here on its log lies with the run's others; the launcher's open file moves along
            log = log.replace(Path(run.run_dir) / "logs" / "launch.log")
    return run


def _end(launcher: subprocess.Popen[bytes], home: Path, older: frozenset[Path]) -> None:
    """The launcher is gone, and with it what it started: Ray may end a process before it can clear away itself."""
    from orchestrator.cli.runs import processes_of
    from orchestrator.machine import processes
    from orchestrator.machine.runfiles import RunFiles

    processes.stop(launcher.pid, STOP_TIMEOUT_S)
    for folder in _runs_in(home) - older:
        for pid in processes_of(RunFiles(folder)):
            processes.stop(pid, ORPHAN_TIMEOUT_S)


def _runs_in(home: Path) -> frozenset[Path]:
    folder = home / "runs"
    return frozenset(folder.iterdir()) if folder.is_dir() else frozenset()


def _noted(home: Path, launcher_pid: int) -> RunNote | None:
    from orchestrator.machine.runfiles import current_run

    try:
        run = current_run(home)
    except NotRunning:
        return None
    return run if run.launcher_pid == launcher_pid else None


def _is_ready(run: RunNote) -> bool:
    status = _status_or_none(run)
    return status is not None and all(hat.state in ("ready", "armed") for hat in status.hats)


def _status_or_none(run: RunNote) -> Status | None:
    from orchestrator.control import Control
    from orchestrator.machine.runfiles import RunFiles

    try:
        with Control(RunFiles(Path(run.run_dir))) as line:
            return line.status()
    except (NotRunning, Unanswered):
        return None


def _facts(settings: Settings, run: RunNote) -> dict[str, Any]:
    from orchestrator.machine.raylink import AUTH_TOKEN

    ray = settings.ray
    return {
        "run_dir": run.run_dir,
        "launcher_pid": run.launcher_pid,
        "ray": run.address,
        "dashboard": f"http://127.0.0.1:{ray.dashboard_port}" if ray.dashboard else None,
        "token_file": str(Path(os.environ.get("RAY_AUTH_TOKEN_PATH", AUTH_TOKEN)).expanduser()),
        "log": str(Path(run.run_dir) / "logs" / "launch.log"),
    }


def _wait_gone(pid: int, wait_s: float) -> None:
    from orchestrator.machine.processes import is_running

    deadline = time.monotonic() + wait_s
    while is_running(pid):
        if time.monotonic() > deadline:
            raise Unanswered(f"process {pid} is still ending after {wait_s:.0f} s; `hats status` shows how far it is")
        time.sleep(POLL_S)


def _clear_away(run: RunNote, *, flatten: bool, config: Path | None) -> None:
    """End what a launcher that died left behind: drain if the hub still answers, then stop each process of the run."""
    from orchestrator.cli import runs
    from orchestrator.cli.launching import home
    from orchestrator.control import Control
    from orchestrator.machine import processes, raylink, short_folder
    from orchestrator.machine.runfiles import RunFiles, forget_run
    from orchestrator.watchdog.line import tell
    from orchestrator.watchdog.words import Dismiss
    from shared.messages.control import DrainOrdered

    files = RunFiles(Path(run.run_dir))
    status = _status_or_none(run)
    if status is not None:
        with Control(files) as line:
            line.say(DrainOrdered(flatten))
        if _wait_drained(run).is_flat or not flatten:
            with contextlib.suppress(NotRunning, Unanswered):  # one that is away acts on no silence
                tell(files.watchdog, Dismiss())
        else:
            _leave_nothing_open(files)
    elif flatten:
        _leave_nothing_open(files)
    else:
        note("its hub does not answer: open orders and positions, if any, stay on the exchange")
    if run.ray_pid is not None and processes.is_running(run.ray_pid):
        processes.stop(run.ray_pid, raylink.STOP_TIMEOUT_S)
    if run.ray_pid is None:
        _stop_actors(run, files)
    else:
        raylink.kill_cluster(run.ray_pid)
    for pid in runs.processes_of(files):
        processes.stop(pid, ORPHAN_TIMEOUT_S)
    short_folder.remove_left(files.short)
    files.door.unlink(missing_ok=True)
    forget_run(home(config))


def _leave_nothing_open(files: RunFiles) -> None:
    """What is left open is closed by the watchdog first, or it would be ended at its work; Unanswered if it can't."""
    from orchestrator.ground import leave_nothing_open

    try:
        leave_nothing_open(files, note)
    except NotRunning as error:
        note(f"no watchdog answers ({error}): open orders and positions, if any, stay on the exchange")
    except Unanswered as error:
        raise Unanswered(f"{error}; it goes on, nothing was stopped. `--no-flatten` ends it as it is") from error


def _wait_drained(run: RunNote) -> Status:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while (status := _status_or_none(run)) is None or status.drained is None:
        if time.monotonic() > deadline:
            raise Unanswered("the drain did not end; nothing was stopped. `hats status` shows what is open")
        time.sleep(POLL_S)
    return status


def _stop_actors(run: RunNote, files: Any) -> None:
    """Stop the desk in a cluster that is not ours, which goes on."""
    from orchestrator.machine import raylink

    raylink.prepare(run.address)
    with raylink.connected(run.address, run.namespace, probe_s=1.0):
        from orchestrator.desk import Desk

        desk = Desk.existing(run.namespace, files)
        if desk is not None:
            desk.stop()


def _tail(log: Path) -> str:
    return log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").strip()
