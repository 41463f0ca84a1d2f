"""EDGE: brings a home folder back from a backup, whole or not at all, and fences whatever wrote the one before.

Everything is written beside the folder, checked against its hashes and synced; only then it takes the folder's name.
Before that the restored state is made one that nobody can mistake for the old: every journal gets a new epoch, the
signer's files spend no nonce up to now, and each account begins halted, for what happened since the backup is unknown.
A process that still writes the old folder finds its files taken away and stops (`shared/fence.py`).
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Final

import msgspec

from hats.security_architect.signer.nonce_store import raise_floor
from orchestrator.accounts.latch import LatchFile
from orchestrator.machine.runfiles import RunFiles, record_of
from orchestrator.safekeeping.backup import JOURNAL
from orchestrator.safekeeping.sealed_store import KeptFile, Manifest, OnFile, SealedStore
from shared import durable
from shared.errors import DataError, NotAllowedError
from shared.journal import Journal
from shared.private_files import write_private
from shared.units import MS

NOTE: Final = "restored.json"


class Restored(msgspec.Struct, frozen=True):
    """What was brought back: the backup's name and time, when it was restored, and where the old folder went."""

    backup: str
    made_ns: int
    restored_ns: int
    before: str


def restore(
    store: SealedStore,
    name: str,
    home: Path,
    key_file: Path,
    *,
    replace: bool = False,
    on_file: OnFile = lambda _: None,
) -> Restored:
    """The backup `name` is at `home`. NotAllowedError if something is there and `replace` does not move it aside.

    DataError if a bit of the backup changed; then nothing is at `home` that was not there before.
    """
    is_there = home.exists() and any(home.iterdir())
    if is_there and not replace:
        raise NotAllowedError(f"{home} is not empty: move it away, or have it moved aside with --replace")
    ns = time.time_ns()
    manifest = store.manifest(name)
    beside = home.with_name(f"{home.name}.restoring-{ns}")
    before = home.with_name(f"{home.name}.before-{ns}") if is_there else None
    try:
        beside.mkdir(parents=True, mode=0o700)
        unpack(store, manifest, beside, on_file)
        _fence(beside, manifest, ns)
        if key_file.is_relative_to(home):
            write_private(_made(beside / key_file.relative_to(home)), key_file.read_bytes())
        done = Restored(manifest.name, manifest.made_ns, ns, str(before or ""))
        write_private(beside / NOTE, msgspec.json.encode(done))
        if before is not None:
            home.rename(before)
        elif home.exists():
            home.rmdir()
        beside.rename(home)
        durable.sync_folder(home.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return done


def check(store: SealedStore, name: str, on_file: OnFile = lambda _: None) -> Manifest:
    """Every piece of the backup, read and hashed; DataError at the first that is not as it was."""
    manifest = store.manifest(name)
    for file in manifest.files:
        for _ in store.read(file):
            pass
        on_file(file)
    return manifest


def unpack(store: SealedStore, manifest: Manifest, folder: Path, on_file: OnFile = lambda _: None) -> None:
    """Write every file below `folder`, synced; DataError at the first that is not as it was."""
    for file in manifest.files:
        _write(store, file, folder)
        on_file(file)
    for each in sorted({folder, *((folder / file.path).parent for file in manifest.files)}):
        durable.sync_folder(each)


def _write(store: SealedStore, file: KeptFile, folder: Path) -> None:
    target = folder / file.path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"a backup may not write outside its folder: {file.path}")
    _made(target)
    durable.place(target, store.read(file), target.with_name(f"{target.name}.part"), file.mode)
    os.utime(target, ns=(file.mtime_ns, file.mtime_ns))


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _fence(home: Path, manifest: Manifest, ns: int) -> None:
    for path in sorted(home.glob(f"runs/*/{JOURNAL}")):
        age_ns = path.stat().st_mtime_ns
        Journal(path, now_ns=ns).close()  # the next epoch
        os.utime(path, ns=(age_ns, age_ns))  # the run did not end now
    for path in sorted(home.rglob("*.nonces.sqlite")):
        raise_floor(path, ns // MS)
    why = f"restored from the backup {manifest.name}; what happened since it was made is unknown"
    for run in sorted(home.glob("runs/*/run.json")):
        record = record_of(RunFiles(run.parent))
        settings = msgspec.json.decode(record.settings, type=_Settings)
        account = settings.hats.exchange_architect.user_address
        if account:
            LatchFile(home, account, settings.venue.network, record.run).halt(why)


class _Hat(msgspec.Struct):
    user_address: str | None = None


class _Hats(msgspec.Struct):
    exchange_architect: _Hat = msgspec.field(default_factory=_Hat)


class _Venue(msgspec.Struct):
    network: str


class _Settings(msgspec.Struct):
    venue: _Venue
    hats: _Hats = msgspec.field(default_factory=_Hats)
