"""The `hats` command: every command and the panel that its help stands in."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from orchestrator.cli import (
    audit,
    backup,
    books,
    capture,
    certs,
    configuration,
    control,
    data,
    demo,
    doctor,
    executing,
    jobs,
    keys,
    killing,
    replay,
    runs_kept,
    scorecard,
    status,
    topology,
    updown,
    venue,
    watchdog,
)
from orchestrator.cli.running import run_and_exit

RUN = "Run"
WATCH = "Watch"
COMMAND = "Command"
DATA = "Data"
CHECK = "Set up and check"

app = typer.Typer(
    name="hats",
    help="Nine specialists on Ray run a Hyperliquid trading desk. `hats demo` shows it; no key or account is needed.",
    epilog="Exit codes and every command: docs/cli.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"hats {version('hyperhats')}")
        raise typer.Exit


@app.callback()
def _hats(
    _: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """Nine specialists on Ray run a Hyperliquid trading desk."""


app.command("demo", rich_help_panel=RUN)(demo.demo)
app.command("up", rich_help_panel=RUN)(updown.up)
app.command("down", rich_help_panel=RUN)(updown.down)
app.command("venue", rich_help_panel=RUN)(venue.venue)
app.add_typer(capture.app, name="capture", rich_help_panel=RUN)
app.command("status", rich_help_panel=WATCH)(status.status)
app.command("scorecard", rich_help_panel=WATCH)(scorecard.scorecard)
app.command("orders", rich_help_panel=WATCH)(books.orders)
app.command("fills", rich_help_panel=WATCH)(books.fills)
app.command("positions", rich_help_panel=WATCH)(books.positions)
app.command("jobs", rich_help_panel=WATCH)(jobs.jobs)
app.command("kill", rich_help_panel=COMMAND)(killing.kill)
app.command("resume", rich_help_panel=COMMAND)(control.resume)
app.command("ack", rich_help_panel=COMMAND)(control.ack)
app.add_typer(watchdog.app, name="watchdog", rich_help_panel=COMMAND)
app.command("execute", rich_help_panel=COMMAND)(executing.execute)
app.command("withdraw", rich_help_panel=COMMAND)(executing.withdraw)
app.command("topology", rich_help_panel=CHECK)(topology.topology)
app.add_typer(data.app, name="data", rich_help_panel=DATA)
app.add_typer(configuration.app, name="config", rich_help_panel=CHECK)
app.add_typer(keys.app, name="keys", rich_help_panel=CHECK)
app.add_typer(certs.app, name="certs", rich_help_panel=CHECK)
app.add_typer(audit.app, name="audit", rich_help_panel=CHECK)
app.add_typer(runs_kept.app, name="runs", rich_help_panel=CHECK)
app.command("backup", rich_help_panel=CHECK)(backup.backup)
app.command("restore", rich_help_panel=CHECK)(backup.restore)
app.command("replay", rich_help_panel=CHECK)(replay.replay)
app.command("doctor", rich_help_panel=CHECK)(doctor.doctor)


def main() -> NoReturn:
    """Ends this process as the command line asks."""
    run_and_exit(app, "hats")
