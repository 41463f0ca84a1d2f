"""EDGE: `hats keys check | retire`: how old keys are, what the venue says of them, and how one ends."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from orchestrator.cli.exits import Exit
from orchestrator.cli.keys_options import Account, BaseUrl, Directory, folder_of, provider_of, venue_of
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit, say
from shared.errors import ConfigError
from shared.units import Ns


def check(
    is_online: Annotated[
        bool, typer.Option("--venue/--no-venue", help="Ask the exchange too: is each approved, and how long still?")
    ] = False,
    base_url: BaseUrl = None,
    account: Account = None,
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check every key: private, strongly encrypted, not retired, young enough, approved. Exit code 6 with problems."""
    import msgspec

    from hats.security_architect import key_rules, keystore
    from hats.security_architect.key_rules import Found, Severity
    from orchestrator.agents import agents_at

    folder, now = folder_of(directory, config), Ns(time.time_ns())
    listed = agents_at(*venue_of(base_url, account, config)) if is_online else None
    found = []
    for path in keystore.keystores_in(folder):
        name = path.name.partition(".")[0]
        try:
            info = keystore.checked_info(path)
        except ConfigError as error:
            found += [Found(name, Severity.PROBLEM, problem) for problem in error.problems]
            continue
        found += key_rules.found_of(info, now)
        if listed is not None:
            found += key_rules.found_at_venue(info, listed.get(info.address), now)
    if as_json:
        emit({"worst": key_rules.worst(found), "found": msgspec.to_builtins(found)})
    elif not found:
        say(f"no keys in {folder}")
    else:
        _show(found)
    if key_rules.worst(found) is Severity.PROBLEM:
        raise typer.Exit(Exit.PROBLEMS)


def retire(
    name: Annotated[str, typer.Argument(help="The key to end.")],
    reason: Annotated[str, typer.Option(help="Why, for the list.")] = "retired by the operator",
    is_sure: Annotated[bool, typer.Option("--yes", help="Yes, destroy it.")] = False,
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Destroy a key that nobody signs with; its address goes on the never-reuse list, and no command takes it again."""
    if not is_sure:
        raise typer.BadParameter("the key is gone for good: say --yes", param_hint="--yes")
    entry = provider_of(directory, config, None, None).retire(name, Ns(time.time_ns()), reason)
    if as_json:
        emit({"name": entry.name, "address": entry.address, "reason": entry.reason})
        return
    say(f"{entry.address} ({name}) is destroyed and never to be used again; remove the agent on the venue's site too")


def _show(found: list) -> None:  # type: ignore[type-arg]
    from rich.table import Table

    table = Table("Key", "", "Finding", header_style="bold", border_style="dim")
    for one in found:
        table.add_row(one.key, one.severity.value, one.text)
    console().print(table)
