"""`hats demo`: local exchange, own Ray, nine Hats, two minutes of trading, nine scorecards; nothing is left running."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.options import Config, Json, Replay, Set
from shared.errors import ConfigError


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1.0, help="Trade for so long. Default: HATS_DEMO_S, else the file's 120.")
    ] = None,
    replay: Replay = None,
    no_view: Annotated[bool, typer.Option("--no-view", help="Plain lines instead of the live screen.")] = False,
    config: Config = None,
    assignments: Set = None,
    as_json: Json = False,
) -> None:
    """Trade on the local exchange with throw-away keys and show everything; default file: configs/demo.toml.

    Ends with nine scorecards, the proofs and where the run's files are; exit code 6 if a proof fails.
    """
    from orchestrator.cli.launching import LOCAL_MODES, config_file, loaded, recordings, run_desk, tell

    recorded = recordings(replay)
    path = config_file(config, "demo.toml")
    settings = loaded(path, assignments, {"run.duration_s": seconds} if seconds is not None else {}).settings
    if settings.run.mode not in LOCAL_MODES:
        raise ConfigError([f"{path}: run.mode is {settings.run.mode}; the demo trades on the local exchange only"])
    verdict = run_desk(
        settings, title="hats demo", own_ray=True, replay=recorded, config=path, wants_view=not no_view, as_json=as_json
    )
    tell(verdict, as_json=as_json)
