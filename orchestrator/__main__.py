"""`python -m orchestrator --config FILE`: a run in the foreground, on a Ray cluster that exists already."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.options import Config, Json, Replay, Set
from orchestrator.cli.running import run_and_exit

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def launch(
    config: Config = None,
    own_ray: Annotated[bool, typer.Option("--own-ray", help="Start a Ray of our own, and stop it at the end.")] = False,
    replay: Replay = None,
    no_view: Annotated[bool, typer.Option("--no-view", help="Plain lines instead of the live screen.")] = False,
    assignments: Set = None,
    as_json: Json = False,
) -> None:
    """Run the desk until its time is up or a signal comes; default file: configs/paper.toml.

    Needs a running cluster (`ray start --head`): ray.address "auto" finds this machine's. It is never stopped by us.
    An address where nobody answers is refused within three seconds, exit code 4.
    """
    from orchestrator.cli.launching import config_file, loaded, recordings, run_desk, tell  # noqa: PLC0415 - for `--help`

    recorded = recordings(replay)
    path = config_file(config, "paper.toml")
    settings = loaded(path, assignments).settings
    verdict = run_desk(
        settings, title="hats", own_ray=own_ray, replay=recorded, config=path, wants_view=not no_view, as_json=as_json
    )
    tell(verdict, as_json=as_json)


if __name__ == "__main__":
    run_and_exit(app, "python -m orchestrator")
