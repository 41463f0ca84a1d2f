"""EDGE: `hats config`: what holds and where it comes from, whether it is sound, and its JSON schema."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.options import Config, Json, Set
from orchestrator.cli.terminal import emit, say

if TYPE_CHECKING:
    from orchestrator.settings import Settings
    from shared.config_sources import Loaded

app = typer.Typer(help="Show, check and explain the configuration.", no_args_is_help=True)


@app.command()
def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Every key with its value and where that comes from.")
    ] = False,
    config: Config = None,
    assignments: Set = None,
    as_json: Json = False,
) -> None:
    """Print the settings that hold, as TOML with every key explained; default file: configs/demo.toml."""
    from shared.config_keys import as_toml, leaves, toml_value

    found = _loaded(config, assignments)
    if as_json:
        emit({"settings": found.settings.model_dump(mode="json"), "origins": dict(found.origins)})
    elif origin:
        values = leaves(found.settings)
        for key, where in found.origins.items():
            value = "unset" if values[key] is None else toml_value(values[key])
            say(f"{key} = {value}  # {where}")
    else:
        say(as_toml(found.settings).strip())


@app.command()
def check(config: Config = None, assignments: Set = None, as_json: Json = False) -> None:
    """Check files, variables and wiring; exit code 3 lists every fault. Default file: configs/demo.toml."""
    from orchestrator.compose import check_wiring
    from orchestrator.settings import Settings
    from shared.config import fingerprint
    from shared.config_keys import leaves, toml_value
    from shared.config_sources import environment

    found = _loaded(config, assignments)
    check_wiring(found.settings)
    defaults, values = leaves(Settings()), leaves(found.settings)
    changed = {key: where for key, where in found.origins.items() if values[key] != defaults[key]}
    facts: dict[str, Any] = {
        "ok": True,
        "keys": len(found.origins),
        "changed": changed,
        "variables": environment(os.environ),
        "fingerprint": fingerprint(found.settings),
    }
    if as_json:
        emit(facts)
        return
    say(f"sound: {facts['keys']} keys, {len(changed)} of them not at their defaults")
    for key, where in changed.items():
        say(f"  {key} = {toml_value(values[key])}  # {where}")
    say(f"variables: {', '.join(facts['variables']) or 'none'}")
    say(f"fingerprint: {facts['fingerprint']}")


@app.command()
def schema() -> None:
    """Print the JSON schema of a configuration file, for editors and CI; always JSON."""
    from orchestrator.settings import schema_json

    say(schema_json().rstrip())


def _loaded(config: Config, assignments: Set) -> Loaded[Settings]:
    from orchestrator.cli.launching import config_file, loaded

    return loaded(config_file(config, "demo.toml"), assignments)
