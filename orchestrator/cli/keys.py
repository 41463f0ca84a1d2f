"""EDGE: `hats keys`: encrypted agent keys, which can trade and cannot move money."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit, is_interactive, note, say
from shared.errors import ConfigError
from shared.units import Ns

app = typer.Typer(
    help="Make and list encrypted agent keys. They can trade; they cannot move money.", no_args_is_help=True
)

Directory = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="Folder of the keystores. Default: keys in the home folder.")
]
NETWORKS = ("testnet", "mainnet")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the agent: a-z, 0-9, _ and -.")],
    network: Annotated[str, typer.Option(metavar="testnet|mainnet", help="Where the key may sign.")] = "testnet",
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File (0600) with the password. Else HATS_PASSWORD_FILE, else asked on a terminal."
        ),
    ] = None,
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a fresh agent key and print its address, which your account must approve before it can trade."""
    from hats.security_architect import keystore

    if network not in NETWORKS:
        raise typer.BadParameter(f"expected {' or '.join(NETWORKS)}, got {network!r}", param_hint="--network")
    folder = _folder(directory, config)
    info = keystore.new_agent(folder, name, _password(password_file), network, Ns(time.time_ns()))
    path = keystore.keystore_path(folder, name)
    if as_json:
        emit({"name": info.name, "network": info.network, "address": info.address, "keystore": str(path)})
        return
    say(f"agent    {info.address} ({info.network})")
    say(f"keystore {path}")
    say("next     approve this address as an API wallet of your account, on the venue's site; then set")
    say("         hats.security_architect.keystore and hats.exchange_architect.user_address in the configuration")


@app.command()
def operator(
    file: Annotated[Path, typer.Argument(help="New file (0600) for the secret; keep it off the desk's machine.")],
    as_json: Json = False,
) -> None:
    """Make the operator's key, whose signature `hats resume --operator-key` carries, and print its public half."""
    from orchestrator.operator_key import make

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

    folder = _folder(directory, config)
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


def _folder(directory: Path | None, config: Path | None) -> Path:
    from orchestrator.cli.launching import home

    return directory if directory is not None else home(config) / "keys"


def _password(file: Path | None) -> str:
    """The password from the file named, or asked for twice on a terminal; never from the command line."""
    from hats.security_architect.keystore import password_from_file

    named = file or (Path(os.environ["HATS_PASSWORD_FILE"]) if os.environ.get("HATS_PASSWORD_FILE") else None)
    if named is not None:
        return password_from_file(named)
    if not is_interactive():
        raise ConfigError(
            ["no password: name a file by --password-file or HATS_PASSWORD_FILE; there is no terminal to ask on"]
        )
    import getpass

    first = getpass.getpass("Password for the new key: ", stream=sys.stderr)
    if first != getpass.getpass("Once more: ", stream=sys.stderr):
        raise ConfigError(["the two passwords differ; no key was made"])
    return first
