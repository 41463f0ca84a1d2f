"""EDGE: `hats replay`: do the Hats of a run say again, byte for byte, what its journal has?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json, hat_named
from orchestrator.cli.terminal import emit, progress, say
from shared.ids import HATS, Role

if TYPE_CHECKING:
    from orchestrator.build import Build
    from orchestrator.reproduction import HatReplay
    from orchestrator.runfiles import RunFiles

Run = Annotated[
    Path | None,
    typer.Argument(metavar="[RUN]", help="A run's folder, or its name below the home folder. Else the last run."),
]
OnlyHats = Annotated[list[str] | None, typer.Option("--hat", metavar="HAT", help="Only this Hat; may be repeated.")]


def replay(run: Run = None, hats: OnlyHats = None, config: Config = None, as_json: Json = False) -> None:
    """Give each Hat again what it handled in a run, outside Ray, and compare every byte that it says with the journal.

    Names the first difference of each Hat; exit code 6 if there is one, or if the journal is damaged.
    """
    from orchestrator.cli.runs import last_run

    roles = tuple(hat_named(name, "--hat") for name in hats or ()) or HATS
    found = _replayed(last_run(run, config), roles)
    if as_json:
        emit(found)
    else:
        _tell(found)
    if not found["equal"]:
        raise typer.Exit(Exit.PROBLEMS)


def _replayed(files: RunFiles, roles: tuple[Role, ...]) -> dict[str, Any]:
    from orchestrator.build import this_build
    from orchestrator.compose import settings_from_json
    from orchestrator.reproduction import replay_run
    from orchestrator.runfiles import record_of
    from shared.journal import JournalReader

    record = record_of(files)
    settings = settings_from_json(bytes(record.settings))
    reader = JournalReader.open(settings.journal.path or files.journal)
    try:
        fault = reader.fault()
        batches = reader.batches()
        began = time.perf_counter()
        with progress("replaying", sum(batches.get(role, 0) for role in roles)) as advance:
            done = () if fault is not None else replay_run(reader, settings, roles, lambda: advance(1))
        seconds = time.perf_counter() - began
    finally:
        reader.close()
    handled = sum(hat.handled for hat in done)
    return {
        "equal": fault is None and all(hat.difference is None for hat in done),
        "hats": done,
        "journal_fault": fault,
        "handled": handled,
        "seconds": seconds,
        "messages_per_s": handled / seconds if seconds else None,
        "written_by": record.build,
        "this_build": this_build(),
        "run_dir": str(files.dir),
    }


def _tell(found: dict[str, Any]) -> None:
    for hat in found["hats"]:
        say(("" if hat.difference is None else "DIFFERENT  ") + hat.in_words)
    if found["journal_fault"] is not None:
        say(f"DAMAGED  the journal: {found['journal_fault']}; nothing was replayed")
    for line in about_builds(found["written_by"], found["this_build"], found["hats"]):
        say(line)
    rate = f"{found['handled']:,} messages in {found['seconds']:.1f} s, {found['messages_per_s'] or 0:,.0f} a second"
    say(f"{'equal' if found['equal'] else 'NOT EQUAL'}: {rate}; {found['run_dir']}")


def about_builds(writer: Build, ours: Build, hats: tuple[HatReplay, ...]) -> list[str]:
    """Whether another build wrote the journal, and of each Hat that differs whether its code is another."""
    if writer.id == ours.id:
        return []
    lines = [f"another build wrote it: {writer.id} (version {writer.version}); this is {ours.id} ({ours.version})"]
    for hat in hats:
        is_other = writer.logic.get(hat.role) != ours.logic.get(hat.role)
        if hat.difference is not None:
            verb = "changed since, which may be why" if is_other else "is the same: the difference is not the code's"
            lines.append(f"{hat.role}: its code {verb}")
    return lines
