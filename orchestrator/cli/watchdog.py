"""EDGE: `hats watchdog`, the process that acts when the desk can't: run it by itself, look at it, rearm it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import Config, Json, OperatorKey, RunDir
from orchestrator.cli.terminal import emit, say

if TYPE_CHECKING:
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.watchdog.words import View

app = typer.Typer(help="Stand guard outside Ray, with an agent of its own.", no_args_is_help=True)

Socket = Annotated[
    Path | None,
    typer.Option("--socket", metavar="FILE", help="Its socket, if it runs by itself. Else the run's."),
]


@app.callback()
def _watchdog() -> None:
    """Stand guard outside Ray, with an agent of its own."""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context) -> None:
    """Stand guard in the foreground, for a service manager; a run starts its own.

    Its options are those that `python -m orchestrator.watchdog --help` lists; its log is JSON lines.

    Exit codes: 0 stopped as told, 1 something is configured wrongly, 2 wrong usage.
    """
    from orchestrator.watchdog.__main__ import main

    raise typer.Exit(main(context.args))


@app.command()
def status(socket: Socket = None, run: RunDir = None, config: Config = None, as_json: Json = False) -> None:
    """Tell where it stands. Exit code 6 if it has acted, 4 if there is none."""
    from orchestrator.watchdog.line import tell
    from orchestrator.watchdog.words import Look

    view = tell(_socket(socket, run, config), Look())
    _show(view, as_json)
    if view.reason:
        from orchestrator.cli.exits import Exit

        raise typer.Exit(Exit.PROBLEMS)


@app.command()
def rearm(
    reason: Annotated[str, typer.Option(help="Why it is safe to go on; it goes into the watchdog's log.")],
    operator_key: OperatorKey = None,
    socket: Socket = None,
    run: RunDir = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a watchdog that has acted watch again; `hats resume` does it too. The account stays halted until that."""
    _show(rearmed(_socket(socket, run, config), reason, operator_key), as_json)


def rearmed(socket: Path, reason: str, operator_key: Path | None) -> View:
    """How it stands once it watches again; NotAllowedError if it asks for a signature and this is none."""
    from orchestrator.watchdog.line import tell
    from orchestrator.watchdog.words import REASON_CHARACTERS_MAX, Look, Rearm

    reason = reason[:REASON_CHARACTERS_MAX]
    if operator_key is None:
        return tell(socket, Rearm(reason))
    from orchestrator.accounts.operator_key import sign
    from shared.operator_word import rearm_words

    now, agent = time.time_ns(), tell(socket, Look()).address
    return tell(socket, Rearm(reason, now, sign(operator_key, rearm_words(agent, reason, now))))


def _socket(named: Path | None, run: Path | None, config: Path | None) -> Path:
    return named if named is not None else _files(run, config).watchdog


def _files(run: Path | None, config: Path | None) -> RunFiles:
    from orchestrator.cli.runs import files_of

    return files_of(run, config)


def _show(view: View, as_json: bool) -> None:
    if as_json:
        emit(view)
    else:
        say(line_of(view))


def line_of(view: View) -> str:
    """How it stands, in one line."""
    why = f" ({view.reason})" if view.reason else ""
    known = f", {view.open_orders} orders and {view.positions} positions at its last look"
    seen = "" if view.open_orders is None else known
    fault = f", last look failed: {view.fault}" if view.fault else ""
    dead_man = f"{view.dead_man}: {view.dead_man_said}" if view.dead_man_said else view.dead_man
    return f"watchdog {view.phase}{why}{seen}{fault}; scheduled cancel {dead_man}"
