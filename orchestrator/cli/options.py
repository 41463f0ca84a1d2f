"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[
    bool, typer.Option("--json", help="Write exactly one JSON object on stdout; errors as JSON on stderr.")
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Configuration file (TOML). Else HATS_CONFIG, else as told above."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", "-s", metavar="KEY=VALUE", help="One setting, e.g. run.seed=3; may be repeated; wins over all."
    ),
]
RunDir = Annotated[
    Path | None,
    typer.Option(
        "--run", metavar="DIR", help="A run's folder, or its name below the home folder. Else the current run."
    ),
]
Replay = Annotated[
    str | None,
    typer.Option("--replay", metavar="FILE[,FILE]", help="Drive the local exchange by recorded books and trades."),
]
