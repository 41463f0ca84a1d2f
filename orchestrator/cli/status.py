"""EDGE: `hats status`: the state of the current run, once or continually."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit
from shared.errors import NotRunning, Unanswered

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.cli.watching import LiveView, PlainLines
    from orchestrator.status import Status

POLL_S: Final = 1.0
ONCE_WIDTH: Final = 140
ONCE_HEIGHT: Final = 80
"""Rows that the single picture may have: it goes into the scroll-back, not onto one screen."""


def status(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it continually until Ctrl-C or the run's end.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show state, money, positions, orders, the nine Hats and latency of the current run."""
    from orchestrator.cli.runs import line_to

    if watch and as_json:
        raise typer.BadParameter("--watch and --json exclude each other: --json writes one object")
    if watch:
        _watch(config)
        return
    with line_to(config) as line:
        now = line.status()
    if as_json:
        emit(now)
        return
    from orchestrator.cli.view import Frame, screen

    out = console()
    elapsed_s = now.ts_ns / 1e9 - now.run
    width = min(out.width, ONCE_WIDTH)
    out.print(screen(now, Frame("hats", "", elapsed_s, None, False, width, ONCE_HEIGHT)), width=width)


def _watch(config: Path | None) -> None:
    from orchestrator.cli.runs import current
    from orchestrator.cli.terminal import say
    from orchestrator.cli.watching import LiveView, PlainLines

    current(config)
    if not sys.stdout.isatty():
        _follow(PlainLines(say), config)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), screen=True, auto_refresh=False) as live:
        _follow(LiveView(live, "hats", None), config)


def _follow(view: LiveView | PlainLines, config: Path | None) -> None:
    """Show each status until the run is over; a hub that is being restarted is shown as away."""
    from orchestrator.cli.runs import current

    while True:
        view.show(_status_or_none(config))
        time.sleep(POLL_S)
        try:
            current(config)
        except NotRunning:
            return


def _status_or_none(config: Path | None) -> Status | None:
    from orchestrator.cli.runs import line_to

    try:
        with line_to(config) as line:
            return line.status()
    except (NotRunning, Unanswered):
        return None
