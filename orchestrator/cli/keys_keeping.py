"""EDGE: `hats keys check | rotate | retire`: how old keys are, how another takes over, and how one ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.exits import Exit
from orchestrator.cli.keys_options import Account, BaseUrl, Directory, folder_of, provider_of, venue_of
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit, note, say
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
    from orchestrator.accounts.agents import agents_at

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


def rotate(
    name: Annotated[
        str, typer.Argument(help="The key that is to sign from here on; approved at the exchange already.")
    ],
    password_file: Annotated[Path, typer.Option(metavar="FILE", help="File (0600) with its password; it stays there.")],
    directory: Directory = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Change the running desk's key without a pause: take over, drain, retire the former one for good."""
    import msgspec

    from hats.security_architect import keystore
    from orchestrator.accounts.key_rotation import rotate as change
    from orchestrator.cli.runs import current
    from orchestrator.compose import settings_from_json
    from orchestrator.machine.runfiles import RunFiles, record_of

    files = RunFiles(Path(current(config).run_dir))
    settings = settings_from_json(bytes(record_of(files).settings))
    account = settings.hats.exchange_architect.user_address
    assert account is not None, "a run has an account"
    path = keystore.keystore_path(folder_of(directory, config), name)
    step = note if as_json else say
    done = change(files, settings.venue.base_url, account, path, password_file, settings.run.home / "keys", step)
    if as_json:
        emit(msgspec.to_builtins(done))
        return
    say(f"next    set hats.security_architect.keystore to {path} before the next launch")


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
