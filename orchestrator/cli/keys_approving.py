"""EDGE: `hats keys approve | submit`: an agent is approved by a master key that never comes to this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.keys_options import Account, BaseUrl, Directory, folder_of, venue_of
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import emit, say
from shared.errors import ConfigError, VenueError

_FILE_BYTES_MAX = 64 * 1024


def approve(
    name: Annotated[str, typer.Argument(help="The key whose address is to be approved.")],
    file: Annotated[Path, typer.Argument(help="New file for the request. It holds no secret.")],
    agent_name: Annotated[
        str | None, typer.Option(help="Name at the venue, at most 16 characters. Another agent of it is replaced.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=180, help="How long it is good for. Else the venue's 90.")
    ] = None,
    account: Account = None,
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the approval of an agent as text (EIP-712) to be signed by the master's wallet, on another machine."""
    import msgspec

    from hats.security_architect import agent_approval, keystore
    from hats.security_architect.signer.typed_data import Network

    _, master = venue_of("", account, config) if account is not None else venue_of(None, None, config)
    info = keystore.read_info(keystore.keystore_path(folder_of(directory, config), name))
    nonce_ms = time.time_ns() // 1_000_000
    asked = agent_approval.request(master, Network(info.network), info.address, agent_name or name, nonce_ms, days)
    try:
        with file.open("xb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(asked), indent=2) + b"\n")
    except OSError as error:
        raise ConfigError([f"cannot write {file}: {error.strerror}"]) from error
    if as_json:
        emit({"file": str(file), "request": msgspec.to_builtins(asked)})
        return
    say(f"agent   {info.address}, as {asked.action['agentName']!r}, for {master} ({info.network})")
    say(f"request {file}; its `typed_data` is what eth_signTypedData_v4 takes. Where the master key is, e.g.:")
    say(f"        jq .typed_data {file.name} > text.json && cast wallet sign --data --from-file text.json")
    say(f"next    hats keys submit {file} --signature 0x...   (the venue takes it for a day)")


def submit(
    file: Annotated[Path, typer.Argument(help="The request that was signed.")],
    signature: Annotated[str, typer.Option(metavar="HEX", help="The master's signature: 0x and 130 hex digits.")],
    base_url: BaseUrl = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send a signed approval to the exchange, once it was proven to be the account's; then see that it is listed."""
    import msgspec

    from hats.security_architect import agent_approval
    from orchestrator.accounts.agents import agents_at, submit_approval

    try:
        asked = msgspec.json.decode(file.read_bytes()[:_FILE_BYTES_MAX], type=agent_approval.Request)
    except OSError as error:
        raise ConfigError([f"cannot read {file}: {error.strerror}"]) from error
    except msgspec.MsgspecError as error:
        raise ConfigError([f"{file} is no request: {error}"]) from error
    body = agent_approval.signed_body(asked, signature)
    url, _ = venue_of(base_url, asked.account, config)
    submit_approval(url, body)
    address = str(asked.action["agentAddress"])
    listed = agents_at(url, asked.account).get(address)
    if listed is None:
        raise VenueError(f"{url} took the approval but does not list {address}")
    if as_json:
        emit({"address": address, "name": listed.name, "valid_until_ms": listed.valid_until_ms})
        return
    say(f"{address} is approved as {listed.name}")
