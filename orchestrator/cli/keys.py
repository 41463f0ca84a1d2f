"""EDGE: `hats keys`: encrypted agent keys, which can trade and cannot move money."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli import keys_approving, keys_keeping, keys_making
from orchestrator.cli.keys_options import Directory, folder_of
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit, note, say

app = typer.Typer(
    help="Encrypted agent keys, from the first day to the last. They can trade; they cannot move money.",
    no_args_is_help=True,
)

app.command("new")(keys_making.new)
app.command("import")(keys_making.import_)
app.command("approve")(keys_approving.approve)
app.command("submit")(keys_approving.submit)
app.command("check")(keys_keeping.check)
app.command("rotate")(keys_keeping.rotate)
app.command("retire")(keys_keeping.retire)


@app.command()
def operator(
    file: Annotated[Path, typer.Argument(help="New file (0600) for the secret; keep it off the desk's machine.")],
    as_json: Json = False,
) -> None:
    """Make the operator's key, whose signature `hats resume --operator-key` carries, and print its public half."""
    from orchestrator.accounts.operator_key import make

    public = make(file)
    if as_json:
        emit({"public_key": public, "file": str(file)})
        return
    say(f"public key {public}")
    say("next       set hats.risk_oversight_officer.operator_public_key to it")


@app.command("list")
def list_keys(directory: Directory = None, config: Config = None, as_json: Json = False) -> None:
    """List the agent keys with address, network and age; no password is needed."""
    from hats.security_architect import keystore

    folder = folder_of(directory, config)
    keys: list[dict[str, Any]] = [
        {
            "name": info.name,
            "network": info.network,
            "address": info.address,
            "created_ns": info.created_ns,
            "keystore": str(keystore.keystore_path(folder, info.name)),
        }
        for info in keystore.list_keys(folder)
    ]
    if as_json:
        emit({"keys": keys})
        return
    if not keys:
        note(f"no keys in {folder}; `hats keys new NAME` makes one")
        return
    from rich.table import Table

    table = Table("Name", "Network", "Address", "Days old", title=str(folder), header_style="bold", border_style="dim")
    for key in keys:
        days = (time.time_ns() - key["created_ns"]) // (86_400 * 10**9)
        table.add_row(key["name"], key["network"], key["address"], str(days))
    console().print(table)
