"""Options that several commands share, spelled once."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from shared.ids import HATS, Role

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
OperatorKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Sign with this key (0600), where the desk asks for the operator's signature."),
]
Replay = Annotated[
    str | None,
    typer.Option(
        "--replay", metavar="FILE[,FILE]", help="Drive the local exchange by recordings, or by a capture's folder."
    ),
]


def hat_named(name: str, hint: str = "HAT") -> Role:
    """The Hat of this name, or of the only name that begins so; a usage fault names the nearest."""
    known = [str(role) for role in HATS]
    matches = [role for role in known if role == name or role.startswith(name)]
    if len(matches) == 1:
        return Role(matches[0])
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    nearest = f"; did you mean {close[0]}?" if close else ""
    raise typer.BadParameter(f"expected one of {', '.join(known)}, got {name!r}{nearest}", param_hint=hint)
