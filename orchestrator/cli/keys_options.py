"""EDGE: what the commands on keys share: the folder, the password, and which network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.terminal import is_interactive
from shared.errors import ConfigError

if TYPE_CHECKING:
    from hats.security_architect.providers import LocalKeystores

NETWORKS = ("testnet", "mainnet")
Directory = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="Folder of the keystores. Default: keys in the home folder.")
]
Network = Annotated[str, typer.Option("--network", metavar="testnet|mainnet", help="Where the key may sign.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="File (0600) with the password. Else HATS_PASSWORD_FILE, else asked on a terminal.",
    ),
]
PasswordFd = Annotated[
    int | None, typer.Option("--password-fd", metavar="N", help="Open descriptor to read the password from.")
]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help="The exchange. Else the configuration's venue.base_url.")
]
Account = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="ADDRESS", help="The account. Else hats.exchange_architect.user_address as configured."
    ),
]


def network_of(name: str) -> str:
    """The network of that name; BadParameter if there is none."""
    if name not in NETWORKS:
        raise typer.BadParameter(f"expected {' or '.join(NETWORKS)}, got {name!r}", param_hint="--network")
    return name


def folder_of(directory: Path | None, config: Path | None) -> Path:
    """Where the keystores lie."""
    from orchestrator.cli.launching import home

    return directory if directory is not None else home(config) / "keys"


def provider_of(
    directory: Path | None, config: Path | None, file: Path | None, descriptor: int | None
) -> LocalKeystores:
    """The local keystores; a password is asked for only when one is needed."""
    from hats.security_architect.providers import LocalKeystores

    return LocalKeystores(folder_of(directory, config), lambda: password(file, descriptor))


def password(file: Path | None, descriptor: int | None = None) -> str:
    """The password from what is named, or asked for twice on a terminal; never from the command line."""
    from hats.security_architect.keystore import password_from_descriptor, password_from_file

    if file is not None and descriptor is not None:
        raise typer.BadParameter("expected one of --password-file and --password-fd", param_hint="--password-fd")
    if descriptor is not None:
        return password_from_descriptor(descriptor)
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


def venue_of(base_url: str | None, account: str | None, config: Path | None) -> tuple[str, str]:
    """(the exchange, the account) as named or configured; ConfigError if no account is known."""
    from orchestrator.cli.launching import config_file, loaded

    if base_url is None or account is None:
        settings = loaded(config_file(config, None)).settings
        base_url = base_url or settings.venue.base_url
        account = account or settings.hats.exchange_architect.user_address
    if account is None:
        raise ConfigError(["no account: name it by --account or set hats.exchange_architect.user_address"])
    return base_url.rstrip("/"), account.lower()
