"""EDGE: finds running desks by what the kernel tells of their processes and by their own notes, without configuration.

A desk's processes write their output into the run's folder, and its launcher holds the lock of its home folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.cli.terminal import note
from orchestrator.machine.runfiles import RunFiles, RunNote, current_run, newest_in
from shared.errors import HatsError, NotRunning

PROC = Path("/proc")
NAMING = ("HATS_CONFIG", "HATS_HOME", "HATS_RUN__HOME_DIR")
"""Variables that say which desk is meant."""


def desks_meant(home: Path | None, config: Path | None) -> list[RunFiles]:
    """The desks that a kill is for; NotRunning, with those that run elsewhere, if there is none.

    Those of the home folder that was named or configured. If the configuration can't be read, those that were started
    with it, else every one that runs: it may be the one meant. If nothing was named and none runs in the usual place,
    the one that runs elsewhere, if it is one.
    """
    living = running()
    try:
        meant = _home_of(config) if home is None else home
    except (HatsError, OSError, ValueError) as error:
        note(f"the configuration can't be read: {error}")
        return _despite(config, living)
    found = _in(meant, living)
    if found:
        return found
    is_named = home is not None or config is not None or any(name in os.environ for name in NAMING)
    if not is_named and len(living) == 1:
        note(f"no desk runs in {meant}, but one in {_home(living[0])}: that is meant")
        return living
    raise _none_in(meant, living)


def is_living(files: RunFiles) -> bool:
    """Is there a process of this run?"""
    return any(one.dir == files.dir.resolve() for one in running())


def running() -> list[RunFiles]:
    """The runs that have a living process, by what those have open."""
    found = {folder for link, is_output in _open_files() if (folder := _run_of(link, is_output)) is not None}
    return [RunFiles(folder) for folder in sorted(found)]


def _open_files() -> Iterator[tuple[Path, bool]]:
    """What all processes that we may look at have open, and whether it is their output."""
    for process in PROC.iterdir():
        if not process.name.isdigit() or process.name == str(os.getpid()):
            continue
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:
            continue  # ended meanwhile, or somebody else's
        for descriptor in descriptors:
            try:
                yield descriptor.readlink(), descriptor.name in {"1", "2"}
            except OSError:
                continue  # closed meanwhile


def _run_of(link: Path, is_output: bool) -> Path | None:
    """The run's folder that an open file tells of."""
    if is_output and link.parent.name == "logs" and link.parent.parent.parent.name == "runs":
        return link.parents[1]
    if link.name != "desk.lock":
        return None
    return newest_in(link.parent)


def _home_of(config: Path | None) -> Path:
    from orchestrator.cli.launching import home

    return home(config)


def _home(files: RunFiles) -> Path:
    return files.dir.parent.parent


def _in(home: Path, living: list[RunFiles]) -> list[RunFiles]:
    """The desk of this home folder: by its processes, else by its note, as long as anything of it may answer."""
    found = [files for files in living if _home(files) == home.resolve()]
    noted = _noted(home)
    if found or noted is None:
        return found
    files = RunFiles(Path(noted.run_dir))
    is_there = files.door.exists() or files.watchdog.exists() or (PROC / str(noted.launcher_pid)).exists()
    return [files] if is_there else []


def _noted(home: Path) -> RunNote | None:
    try:
        return current_run(home)
    except (NotRunning, OSError, msgspec.MsgspecError):
        return None


def _despite(config: Path | None, living: list[RunFiles]) -> list[RunFiles]:
    """Without a configuration: the desks that note that they run with it, else all that run."""
    from orchestrator.cli.launching import config_file

    named = config_file(config, None)
    notes = [(files, _noted(_home(files))) for files in living]
    with_it = [files for files, one in notes if named and one and one.config and _same(Path(one.config), named)]
    found = with_it or living
    if not found:
        raise NotRunning("no desk of this user runs on this machine")
    note(f"meant is what runs{' with it' if with_it else ''}: {', '.join(str(files.dir) for files in found)}")
    return found


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _none_in(home: Path, living: list[RunFiles]) -> NotRunning:
    try:
        current_run(home)
        said = f"no process of the run that {home} notes lives: `hats down` puts it in order"
    except (NotRunning, OSError, msgspec.MsgspecError) as error:
        said = str(error)
    newest = newest_in(home)
    hint = f"; the last run is in {newest} (--run {newest.name})" if newest else ""
    elsewhere = "".join(f"; a desk runs in {_home(files)}: `hats kill --home {_home(files)}`" for files in living)
    return NotRunning(f"{said}{hint}{elsewhere}")
