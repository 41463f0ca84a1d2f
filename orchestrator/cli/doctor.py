"""EDGE: `hats doctor`: is this machine fit for a run, and is the current run well?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import typer

from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit
from shared.errors import ConfigError, HatsError, NotRunning

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.cli.findings import Finding
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.settings import Settings

_COLOURS: Final = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(config: Config = None, as_json: Json = False) -> None:
    """Check Python, Ray, ports, folders, keys, space, clock and the current run; exit code 6 with problems."""
    from orchestrator.cli.findings import has_problems

    findings = list(_findings(config))
    is_healthy = not has_problems(findings)
    if as_json:
        emit({"healthy": is_healthy, "findings": findings})
    else:
        _print(findings)
    if not is_healthy:
        raise typer.Exit(Exit.PROBLEMS)


def _findings(config: Path | None) -> Iterator[Finding]:
    from orchestrator.cli import machine, openings
    from orchestrator.cli.findings import ok, problem
    from orchestrator.cli.launching import config_file, home, loaded

    yield from machine.python()
    yield from machine.packages()
    yield from machine.ray_itself()
    try:
        settings = loaded(config_file(config, None)).settings
    except ConfigError as error:
        yield problem("configuration", "; ".join(error.problems), "mend what is listed")
    else:
        yield ok("configuration", "sound")
        yield _real_money(settings)
        run = list(_current_run(config, is_watched=settings.watchdog.enabled))
        is_run_alive = any(finding.name == "launcher" and not finding.remedy for finding in run)
        yield from machine.ports(_ports(settings), is_run_alive=is_run_alive)
        yield from run
        yield from _last_run(config)
        yield from machine.folders(home(config))
        yield from openings.certificates(settings.tls.files)
    yield from openings.ray_exposure()
    yield from machine.memory()
    yield from machine.clock()


def _real_money(settings: Settings) -> Finding:
    from orchestrator.accounts.real_money import refusals
    from orchestrator.cli.findings import ok, problem
    from shared.config import Mode

    refused = refusals(settings)
    if refused:
        return problem("real money", "; ".join(refused), "set these, as docs/real-money.md says")
    return ok("real money", "may be lost" if settings.run.mode is Mode.LIVE else "none in this configuration")


def _ports(settings: Settings) -> list[tuple[str, str, int]]:
    named = [("local exchange", settings.local_venue.host, settings.local_venue.port)]
    if settings.ray.dashboard:
        named.append(("Ray's dashboard", "127.0.0.1", settings.ray.dashboard_port))
    if settings.metrics.enabled:
        named.append(("metrics", settings.metrics.host, settings.metrics.port))
    if settings.bus.kind == "tcp":
        named.append(("bus", settings.bus.host, settings.bus.port))
    return named


def _current_run(config: Path | None, *, is_watched: bool) -> Iterator[Finding]:
    from pathlib import Path

    from orchestrator.cli import runs
    from orchestrator.cli.findings import ok, problem
    from orchestrator.cli.launching import home
    from orchestrator.machine.processes import is_running
    from orchestrator.machine.runfiles import RunFiles, current_run

    try:
        note = current_run(home(config))
    except NotRunning:
        yield ok("current run", "none")
        return
    files = RunFiles(Path(note.run_dir))
    if is_running(note.launcher_pid):
        yield ok("launcher", f"process {note.launcher_pid}, run in {note.run_dir}")
    else:
        left = runs.processes_of(files)
        detail = f"process {note.launcher_pid} is gone" + (f"; it left {left}" if left else "")
        yield problem("launcher", detail, "`hats down` puts it in order")
    yield from _hub(files)
    yield from _guards(files, is_watched=is_watched)


def _guards(files: RunFiles, *, is_watched: bool) -> Iterator[Finding]:
    """The watchdog, if the run should have one, and the run's own jobs."""
    from orchestrator.cli.findings import ok, problem
    from orchestrator.cli.watchdog import line_of
    from orchestrator.upkeep.caretaker import is_well, read_state
    from orchestrator.watchdog.line import tell
    from orchestrator.watchdog.words import Look

    if is_watched:
        try:
            view = tell(files.watchdog, Look())
        except HatsError as error:
            yield problem(
                "watchdog", str(error), "nobody acts if this desk dies; see logs/watchdog.log in the run's folder"
            )
        else:
            remedy = "look at what it did; then `hats resume`, which lets it watch again"
            yield problem("watchdog", line_of(view), remedy) if view.reason else ok("watchdog", line_of(view))
    state = read_state(files.schedule)
    if state is not None:
        failed = [f"{name}: {each.detail}" for name, each in state.jobs.items() if each.is_well is False]
        detail = "; ".join(failed) or "one is being tried again"
        yield ok("jobs", "well") if is_well(state) else problem("jobs", detail, "`hats jobs` tells more")


def _last_run(config: Path | None) -> Iterator[Finding]:
    """What the verdict on the run that began last said of its replay; nothing if there is no verdict."""
    import msgspec

    from orchestrator.cli import runs
    from orchestrator.cli.findings import ok, problem, worth_knowing
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.telling.reproduction import Replayed

    newest = runs.newest_run(config)
    if newest is None or not RunFiles(newest).summary.exists():
        return
    replay = msgspec.json.decode(RunFiles(newest).summary.read_bytes(), type=Replayed).replay
    if replay is None:
        yield worth_knowing("last run", f"{newest.name} was not replayed", f"`hats replay {newest.name}`")
        return
    different = [hat.in_words for hat in replay if hat.difference is not None]
    if different:
        yield problem("last run", "; ".join(different), f"`hats replay {newest.name}`; report it: this is a bug")
    else:
        yield ok("last run", f"{newest.name}: every Hat's words replayed equal")


def _hub(files: RunFiles) -> Iterator[Finding]:
    from orchestrator.cli.findings import ok, problem, worth_knowing
    from orchestrator.control import Control

    try:
        with Control(files) as line:
            status = line.status()
    except HatsError as error:
        yield problem("hub", str(error), "see the logs in the run's folder; `hats down` ends the run")
        return
    yield ok("hub", f"answers, seq {status.seq}, trading {status.trading_state or 'unknown'}")
    ill = [f"{hat.role} {hat.state}" for hat in status.hats if hat.state not in ("ready", "armed", "draining")]
    if ill:
        yield problem("hats", ", ".join(ill), "see their logs in the run's folder")
    else:
        yield ok("hats", "all nine work")
    if status.books_agree is False:
        yield problem("books", "; ".join(status.differences), "`hats kill`, then look into the journal")
    if status.feed is not None and status.feed != "up":
        yield worth_knowing("feed", status.feed)
    if status.capture is not None and status.capture.state in ("low", "full", "dead"):
        remedy = "no entry is made until it is right: make room, or restart the Exchange Architect"
        yield problem("capture log", f"{status.capture.state}: {status.capture.reason}", remedy)


def _print(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        text = Text(finding.detail)
        if finding.remedy:
            text.append(f"  -> {finding.remedy}", "bold")
        table.add_row(Text(finding.verdict, _COLOURS[finding.verdict]), finding.name, text)
    console().print(table)
