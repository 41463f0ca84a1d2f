"""EDGE: from a command line to a running desk: which configuration holds, and the launch of `orchestrator.launch`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from orchestrator.launch import Verdict
    from orchestrator.settings import Settings
    from shared.config_sources import Loaded

LOCAL_MODES: Final = ("demo", "paper")
"""Modes that trade on the local exchange."""
ROOT: Final = Path(__file__).resolve().parents[2]
"""The project's folder, beside which the shipped configurations lie."""


def config_file(named: Path | None, shipped: str | None) -> Path | None:
    """The file that holds: the one named, else HATS_CONFIG, else the shipped one here or in the project's folder."""
    if named is not None:
        return named
    if os.environ.get("HATS_CONFIG"):
        return Path(os.environ["HATS_CONFIG"])
    if shipped is None:
        return None
    places = (Path.cwd() / "configs" / shipped, ROOT / "configs" / shipped)
    return next((path for path in places if path.is_file()), places[0])


def loaded(
    path: Path | None, assignments: Sequence[str] | None = None, extra: Mapping[str, object] | None = None
) -> Loaded[Settings]:
    """The checked settings with their origins; `extra` are keys that other options of the command line set."""
    from orchestrator.settings import Settings
    from shared.config_sources import load, override_from

    return load(Settings, path, dict(map(override_from, assignments or ())) | dict(extra or {}))


def home(config: Path | None) -> Path:
    """The folder of runs and keys; the whole configuration is read only where it could say so."""
    from shared.config_sources import state_home

    path = config_file(config, None)
    if path is not None or "HATS_RUN__HOME_DIR" in os.environ:
        return loaded(path).settings.run.home
    named = os.environ.get("HATS_HOME")
    return Path(named) if named else state_home(os.environ)


def recordings(replay: str | None) -> Path | None:
    """The recording(s) as the launcher takes them; a usage error if one is not there."""
    if replay is None:
        return None
    names = replay.split(",")
    missing = [name for name in names if not (Path(name).is_file() or (Path(name).is_dir() and len(names) == 1))]
    if missing:
        raise typer.BadParameter(f"no such recording: {', '.join(missing)}", param_hint="--replay")
    return Path(",".join(str(Path(name).resolve()) for name in replay.split(",")))


def run_desk(
    settings: Settings,
    *,
    title: str,
    own_ray: bool,
    replay: Path | None,
    config: Path | None,
    wants_view: bool,
    as_json: bool,
) -> Verdict:
    """The verdict on a whole run in this process. A second desk, or a Ray address where nobody answers, is refused."""
    from orchestrator.accounts.claim import refuse_second
    from orchestrator.cli.watching import watcher
    from orchestrator.machine import raylink

    if not own_ray:  # first, for it leaves no folder behind
        raylink.probe(raylink.resolve(settings.ray.address), settings.ray.probe_s)
    refuse_second(settings.run.home, settings.hats.exchange_architect.user_address, settings.venue.network)
    from orchestrator.launch import Launch

    with watcher(title, settings.run.duration_s, wants_view=wants_view, as_json=as_json) as looking:
        return Launch(settings, looking, own_ray=own_ray, replay=replay, config=str(config or "")).run()


def tell(verdict: Verdict, *, as_json: bool) -> None:
    """Write what the run came to; exit code 6 if a proof failed."""
    from orchestrator.cli.exits import Exit
    from orchestrator.cli.report import report_of
    from orchestrator.cli.terminal import console, emit

    report = report_of(verdict)
    if as_json:
        emit(report)
    else:
        from orchestrator.cli.closing import closing_lines
        from orchestrator.telling.cards import scorecard_table

        out = console()
        out.print(scorecard_table(verdict.cards, out.width))
        for line in closing_lines(report):
            out.print(line, markup=False, soft_wrap=True)
    if report.problems:
        raise typer.Exit(Exit.PROBLEMS)
