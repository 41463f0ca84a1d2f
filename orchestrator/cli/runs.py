"""EDGE: finds the run that a command is about: the current one, or a finished one by its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.launching import home
from orchestrator.machine import processes
from orchestrator.machine.runfiles import RunFiles, RunNote, current_run, newest_in
from shared.errors import NotRunning

if TYPE_CHECKING:
    from orchestrator.control import Control


def current(config: Path | None) -> RunNote:
    """The note of the current run; NotRunning says what else there is."""
    try:
        return current_run(home(config))
    except NotRunning as error:
        newest = newest_run(config)
        hint = f"; the last run is in {newest} (--run {newest.name})" if newest else ""
        raise NotRunning(f"{error}{hint}") from None


def line_to(config: Path | None) -> Control:
    """The operator's line to the current run; NotRunning if there is none."""
    from orchestrator.control import Control

    return Control(RunFiles(Path(current(config).run_dir)))


def files_of(run: Path | None, config: Path | None) -> RunFiles:
    """The files of the run named (a folder, or a name below the home folder), else of the current one."""
    if run is None:
        return RunFiles(Path(current(config).run_dir))
    from orchestrator.safekeeping.resting import is_sealed_run

    places = (run, home(config) / "runs" / run)
    for place in places:
        if place.is_dir():
            return RunFiles(place.resolve())
    if is_sealed_run(home(config), run.name):
        raise NotRunning(f"{run.name} is sealed: `hats runs unseal {run.name}` brings it back")
    raise NotRunning(f"there is no run at {' or '.join(str(place) for place in places)}")


def last_run(run: Path | None, config: Path | None) -> RunFiles:
    """The files of the run named, else of the current run, else of the one that began last."""
    try:
        return files_of(run, config)
    except NotRunning:
        newest = newest_run(config) if run is None else None
        if newest is None:
            raise
        return files_of(newest, config)


def newest_run(config: Path | None) -> Path | None:
    """The folder of the run that began last; None if there was none."""
    return newest_in(home(config))


def processes_of(files: RunFiles) -> list[int]:
    """Ids of the processes that write their output into the run's files: signer, local exchange and own Ray."""
    found, ours = [], {files.logs.resolve(), files.ray.resolve()}
    for pid in processes.every():
        try:
            target = Path(f"/proc/{pid}/fd/1").readlink()
        except OSError:
            continue  # ended meanwhile, or somebody else's
        if target.parent in ours and processes.is_running(pid):
            found.append(pid)
    return sorted(found)
