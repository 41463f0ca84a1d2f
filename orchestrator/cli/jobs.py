"""EDGE: `hats jobs`: what a run does by itself besides trading, and how that went."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from orchestrator.cli.options import Config, Json, RunDir
from orchestrator.cli.terminal import console, emit

if TYPE_CHECKING:
    from orchestrator.scheduler import State


def jobs(run: RunDir = None, config: Config = None, as_json: Json = False) -> None:
    """List a run's own jobs: when each is due, how its last run went. Exit code 6: one failed; 4: there are none."""
    from orchestrator.cli.exits import Exit
    from orchestrator.cli.runs import last_run
    from orchestrator.upkeep.caretaker import is_well, read_state
    from shared.errors import NotRunning

    files = last_run(run, config)
    state = read_state(files.schedule)
    if state is None:
        raise NotRunning(f"no job was due yet in {files.dir}")
    if as_json:
        emit({"jobs": state.jobs})
    else:
        _print(state)
    if not is_well(state):
        raise typer.Exit(Exit.PROBLEMS)


def _print(state: State) -> None:
    from rich.table import Table

    table = Table("Job", "Stage", "Due in", "Ok", "Failed", "Missed", "Last", header_style="bold", border_style="dim")
    now = time.time_ns()
    for name, each in sorted(state.jobs.items()):
        due = f"{max(each.due_ns - now, 0) / 1e9:,.0f} s"
        mark = "" if each.is_well is not False else "FAILED: "
        table.add_row(
            name, each.stage, due, str(each.succeeded), str(each.failed), str(each.missed), mark + each.detail
        )
    console().print(table)
