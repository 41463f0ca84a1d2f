"""EDGE: runs that have ended, sealed at rest: a run's folder becomes sealed pieces, and comes back when asked for.

HOME/sealed is a store like that of the backups (`sealed_store.py`), with one manifest a run. A run is removed from
`runs` only once every byte of it was read back from there. One that still runs is refused: its journal is locked.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.safekeeping.backup import JOURNAL, keep_run
from orchestrator.safekeeping.restoring import check, unpack
from orchestrator.safekeeping.sealed_store import KEPT, Manifest, OnFile, SealedStore
from shared.errors import NotAllowedError, NotRunning
from shared.private_files import make_secret
from shared.seal_file import read_seal_key
from shared.units import DAY

FOLDER: Final = "sealed"


class KnownRun(msgspec.Struct, frozen=True):
    """A run: when it was last written or sealed, whether it lies open, is sealed, and its size if it lies open."""

    name: str
    ended_ns: int
    is_open: bool
    is_sealed: bool
    bytes: int | None


def store_of(home: Path, key_file: Path) -> SealedStore:
    """The home folder's sealed runs; the key is made if there is none yet."""
    make_secret(key_file)
    return SealedStore(home / FOLDER, read_seal_key(key_file))


def is_sealed_run(home: Path, run: str) -> bool:
    """Is there a sealed run of this name? Needs no key."""
    return (home / FOLDER / KEPT / f"{run}.sealed").exists()


def seal_run(home: Path, run: str, key_file: Path, on_file: OnFile = lambda _: None) -> Manifest:
    """The run is sealed and nothing of it lies open. NotRunning if it is not there, NotAllowedError if it still runs.

    Passwords of throw-away agents are not kept: nobody signs for a run that has ended.
    """
    folder = home / "runs" / run
    if not folder.is_dir():
        raise NotRunning(f"there is no run at {folder}")
    store = store_of(home, key_file)
    with ended(folder):
        if run in store.names():  # it was unsealed to be looked at, or its sealing died before the folder was removed
            with store.writing():
                store.forget(run)
        journal = folder / JOURNAL
        age_ns = (journal if journal.exists() else folder).stat().st_mtime_ns
        manifest = keep_run(home, run, store, key_file, on_file).manifest
        check(store, run)
        os.utime(home / FOLDER / KEPT / f"{run}.sealed", ns=(age_ns, age_ns))  # it ended then, not now
        shutil.rmtree(folder)
    (home / "checkpoints" / f"{run}.jsonl").unlink(missing_ok=True)
    with store.writing():
        store.clear()
    return manifest


def unseal_run(home: Path, run: str, key_file: Path, on_file: OnFile = lambda _: None) -> Path:
    """The run's folder as it was, to be looked at; it stays sealed too. NotAllowedError if a folder is there."""
    folder = home / "runs" / run
    if folder.exists():
        raise NotAllowedError(f"{folder} is there already")
    store = store_of(home, key_file)
    manifest = store.manifest(run)
    check(store, run)  # all of it or nothing
    unpack(store, manifest, home, on_file)
    return folder


def seal_ended(home: Path, key_file: Path, now_ns: int) -> list[str]:
    """Seal every run that has ended; their names. A folder without a journal may be one that begins: it waits a day."""
    done = []
    for folder in sorted(path for path in (home / "runs").glob("*") if path.is_dir()):
        if not (folder / JOURNAL).exists() and now_ns - folder.stat().st_mtime_ns < DAY:
            continue
        try:
            seal_run(home, folder.name, key_file)
        except NotAllowedError:
            continue  # somebody else's, still running
        done.append(folder.name)
    return done


@contextmanager
def ended(folder: Path) -> Iterator[None]:
    """Inside, nobody writes the run's journal; NotAllowedError if somebody does."""
    lock = folder / f"{JOURNAL}.lock"
    if not lock.exists():
        yield
        return
    with lock.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotAllowedError(f"{folder.name} still runs: its journal is being written") from None
        yield


def runs_at(home: Path) -> list[KnownRun]:
    """Every run, the oldest first, by name alone: sealed ones are not opened."""
    lying = {path.name: path for path in (home / "runs").glob("*") if path.is_dir()}
    sealed = {path.stem: path for path in (home / FOLDER / KEPT).glob("*.sealed")}

    def since_ns(name: str) -> int:
        folder = lying.get(name)
        last = sealed[name] if folder is None else folder / JOURNAL
        return (last if last.exists() else folder or last).stat().st_mtime_ns

    return [
        KnownRun(name, since_ns(name), name in lying, name in sealed, _size(lying[name]) if name in lying else None)
        for name in sorted(lying.keys() | sealed.keys(), key=lambda name: (since_ns(name), name))
    ]


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
