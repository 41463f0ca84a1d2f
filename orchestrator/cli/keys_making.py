"""EDGE: `hats keys new | import`: how an agent's key comes into the folder."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.keys_options import (
    Account,
    Directory,
    Network,
    PasswordFd,
    PasswordFile,
    folder_of,
    network_of,
    provider_of,
)
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import emit, say
from shared.errors import ConfigError
from shared.units import DAY, Ns

_FILE_BYTES_MAX = 16 * 1024


def new(
    name: Annotated[str, typer.Argument(help="Name of the agent: a-z, 0-9, _ and -.")],
    network: Network = "testnet",
    password_file: PasswordFile = None,
    password_fd: PasswordFd = None,
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a fresh agent key and print its address, which your account must approve before it can trade."""
    provider = provider_of(directory, config, password_file, password_fd)
    info = provider.put(name, secrets.token_bytes(32), network_of(network), Ns(time.time_ns()))
    _tell(info.name, info.network, info.address, folder_of(directory, config), as_json=as_json)


def import_(
    name: Annotated[str, typer.Argument(help="Name of the agent: a-z, 0-9, _ and -.")],
    key_file: Annotated[
        Path, typer.Option("--key-file", metavar="FILE", help="File (0600): 64 hex digits, or a Web3 keystore.")
    ],
    key_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File (0600) with the password of a Web3 keystore to import.")
    ] = None,
    age_days: Annotated[int, typer.Option(min=0, help="How old the key is already; its age counts on.")] = 0,
    network: Network = "testnet",
    account: Account = None,
    password_file: PasswordFile = None,
    password_fd: PasswordFd = None,
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take in an agent's key that was made elsewhere, encrypted anew; a master key is refused."""
    from hats.security_architect.keystore import password_from_file, secret_in
    from orchestrator.accounts.onboarding import address_of
    from orchestrator.cli.launching import config_file, loaded
    from shared.private_files import read_private

    other = password_from_file(key_password_file) if key_password_file is not None else None
    secret = secret_in(read_private(key_file, _FILE_BYTES_MAX), other)
    known = account or loaded(config_file(config, None)).settings.hats.exchange_architect.user_address
    if known is not None and any(secret) and address_of(secret) == known.lower():
        raise ConfigError(["this is the key of the account itself: a master key has no place on this machine"])
    provider = provider_of(directory, config, password_file, password_fd)
    made_ns = Ns(time.time_ns() - age_days * DAY)
    info = provider.put(name, secret, network_of(network), made_ns)
    _tell(info.name, info.network, info.address, folder_of(directory, config), as_json=as_json)
    if not as_json:
        say(f"and        destroy {key_file}; it is not needed any more")


def _tell(name: str, network: str, address: str, folder: Path, *, as_json: bool) -> None:
    from hats.security_architect.keystore import keystore_path

    path = keystore_path(folder, name)
    if as_json:
        emit({"name": name, "network": network, "address": address, "keystore": str(path)})
        return
    say(f"agent    {address} ({network})")
    say(f"keystore {path}")
    say(f"next     have your account approve this address, on its site or by `hats keys approve {name}`; then set")
    say("         hats.security_architect.keystore and hats.exchange_architect.user_address in the configuration")
