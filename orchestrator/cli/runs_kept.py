"""EDGE: `hats runs`: which runs there are, sealed or not; sealing them, and bringing them back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit, progress, say

if TYPE_CHECKING:
    from orchestrator.settings import Settings

app = typer.Typer(help="List runs that have ended, seal them at rest and bring them back.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="RUN", help="The run's name, as `hats runs ls` shows it.")]


@app.callback()
def _runs() -> None:
    """List runs that have ended, seal them at rest and bring them back."""


@app.command("ls")
def listing(config: Config = None, as_json: Json = False) -> None:
    """List all runs, the oldest first: how large they are, and whether they lie open or sealed."""
    from rich.table import Table

    from orchestrator.safekeeping.resting import runs_at

    found = runs_at(_settings(config).run.home)
    if as_json:
        emit({"runs": found})
        return
    table = Table("Run", "MB", "Open", "Sealed", header_style="bold", border_style="dim")
    for each in found:
        size = "-" if each.bytes is None else f"{each.bytes / 1e6:,.1f}"
        table.add_row(each.name, size, "yes" if each.is_open else "", "yes" if each.is_sealed else "")
    console().print(table)


@app.command()
def seal(run: Name, config: Config = None, as_json: Json = False) -> None:
    """Seal a run that has ended; its folder goes once every byte was read back. Exit code 7 if it still runs."""
    from orchestrator.safekeeping.resting import seal_run

    settings = _settings(config)
    with progress("sealing", None) as advance:
        done = seal_run(settings.run.home, run, _key(settings), lambda file: advance(file.bytes))
    if as_json:
        emit({"run": run, "files": len(done.files), "bytes": done.bytes})
    else:
        say(f"{run}: {len(done.files)} files, {done.bytes / 1e6:,.1f} MB sealed")


@app.command()
def unseal(run: Name, config: Config = None, as_json: Json = False) -> None:
    """Bring a sealed run's folder back, to be looked at by any other command; seal it again afterwards."""
    from orchestrator.safekeeping.resting import unseal_run

    settings = _settings(config)
    with progress("unsealing", None) as advance:
        folder = unseal_run(settings.run.home, run, _key(settings), lambda file: advance(file.bytes))
    if as_json:
        emit({"run": run, "dir": str(folder)})
    else:
        say(f"{run} lies open in {folder}")


@app.command()
def gc(
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without, only say what would go.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Remove what the settings under [retention] let go of runs that have ended, open or sealed; never of the newest.

    Each removal is written into the chain in `retention` of the home folder before the first file of it is gone.
    """
    import time

    from orchestrator.safekeeping.retiring import retire, told

    settings = _settings(config)
    gone = retire(settings.run.home, _key(settings), settings.retention.days, time.time_ns(), apply=apply)
    if as_json:
        emit({"applied": apply, "removals": gone})
        return
    for each in gone:
        say(f"{each.run}: {each.kind}, {each.files} files, {each.bytes / 1e6:,.1f} MB, kept {each.days:g} days")
    say(f"{'removed' if apply else 'would remove (nothing was; --apply does it)'}: {told(gone)}")


def _settings(config: Path | None) -> Settings:
    from orchestrator.cli.launching import config_file, loaded

    return loaded(config_file(config, None)).settings


def _key(settings: Settings) -> Path:
    from orchestrator.safekeeping.backup import seal_key_path

    return seal_key_path(settings.run.home, settings.at_rest.key_file)
