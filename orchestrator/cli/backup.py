"""EDGE: `hats backup` and `hats restore`: the home folder into sealed pieces on another disk, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import console, emit, progress, say
from shared.errors import NotRunning

if TYPE_CHECKING:
    from orchestrator.safekeeping.sealed_store import Manifest, SealedStore
    from orchestrator.settings import Settings

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", metavar="FILE", help="File (0600) of the key of files at rest. Default: at_rest.key_file."
    ),
]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Which backup, as --list shows it.")]
NEWEST = "newest"


def backup(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Folder of the backups. Default: backup.dir.")
    ] = None,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Back up the home folder, also while its desk runs: sealed, hashed, and only what is not there yet is written.

    Keep a copy of the key elsewhere: it is made when it is first needed, and no backup holds it, nor any password.
    """
    from orchestrator.safekeeping.backup import back_up
    from shared.private_files import make_secret

    settings = _settings(config)
    key = _key_path(settings, key_file)
    make_secret(key)
    store = _store(to, settings, key)
    began = time.monotonic()
    with progress("backing up", None) as advance:
        done = back_up(settings.run.home, store, key, lambda file: advance(file.bytes))
    took_s = time.monotonic() - began
    if as_json:
        emit(_told(done.manifest) | {"new_bytes": done.new_bytes, "took_s": took_s, "dir": str(store.root)})
        return
    files, mb = len(done.manifest.files), done.manifest.bytes / 1e6
    say(
        f"{done.manifest.name}: {files} files, {mb:,.1f} MB, {done.new_bytes / 1e6:,.1f} MB of them new, {took_s:.1f} s"
    )
    say(f"in {store.root}; the key is {key}: keep a copy of it elsewhere")


def restore(
    source: Annotated[Path | None, typer.Argument(help="Folder of the backups. Default: backup.dir.")] = None,
    name: Name = NEWEST,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a home folder that is not empty aside, beside the restored one.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read and check every byte; write nothing.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Only list the backups.")] = False,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Bring the home folder back from a backup, whole or not at all; `hats resume` lets the next run trade.

    Whatever still writes the old folder stops: its journal, audit log, captures and spent nonces are another's now.
    On another machine it goes on until the venue refuses its agent: approve another agent of that name first.
    Every account begins halted, for what happened since the backup is unknown.
    """
    from orchestrator.safekeeping import restoring

    settings = _settings(config)
    key = _key_path(settings, key_file)
    store = _store(source, settings, key)
    if listing:
        _list(store, as_json=as_json)
        return
    wanted = _newest(store) if name == NEWEST else name
    began = time.monotonic()
    total = store.manifest(wanted).bytes
    with progress("checking" if check else "restoring", total) as advance:
        if check:
            manifest = restoring.check(store, wanted, lambda file: advance(file.bytes))
            before = ""
        else:
            home = settings.run.home
            done = restoring.restore(
                store, wanted, home, key, replace=replace, on_file=lambda file: advance(file.bytes)
            )
            manifest, before = store.manifest(wanted), done.before
    took_s = time.monotonic() - began
    if as_json:
        emit(_told(manifest) | {"written": not check, "took_s": took_s, "moved_aside": before or None})
        return
    files, mb = len(manifest.files), manifest.bytes / 1e6
    say(f"{manifest.name}: {files} files, {mb:,.1f} MB {'are whole' if check else 'restored'}, {took_s:.1f} s")
    if not check:
        say(f"in {settings.run.home}; every account is halted until `hats resume`")
    if before:
        say(f"what was there is in {before}")


def _list(store: SealedStore, *, as_json: bool) -> None:
    from rich.table import Table

    found = [store.manifest(name) for name in store.names()]
    if as_json:
        emit({"backups": [_told(manifest) for manifest in found], "dir": str(store.root)})
        return
    table = Table("Backup", "Files", "MB", "Runs", "Build", header_style="bold", border_style="dim")
    for each in found:
        row = each.name, str(len(each.files)), f"{each.bytes / 1e6:,.1f}", str(len(each.runs)), each.build
        table.add_row(*row)
    console().print(table)


def _told(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "made_ns": manifest.made_ns,
        "build": manifest.build,
        "files": len(manifest.files),
        "bytes": manifest.bytes,
        "runs": manifest.runs,
    }


def _newest(store: SealedStore) -> str:
    names = store.names()
    if not names:
        raise NotRunning(f"there is no backup in {store.root}")
    return names[-1]


def _settings(config: Path | None) -> Settings:
    from orchestrator.cli.launching import config_file, loaded

    return loaded(config_file(config, None)).settings


def _key_path(settings: Settings, named: Path | None) -> Path:
    from orchestrator.safekeeping.backup import seal_key_path

    return seal_key_path(settings.run.home, named or settings.at_rest.key_file)


def _store(named: Path | None, settings: Settings, key: Path) -> SealedStore:
    from orchestrator.safekeeping.sealed_store import SealedStore
    from shared.seal_file import read_seal_key

    root = named or settings.backup.dir
    if root is None:
        raise typer.BadParameter("name a folder, or set backup.dir", param_hint="DIR")
    return SealedStore(root, read_seal_key(key))
