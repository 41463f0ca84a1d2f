"""EDGE: removes what retention lets go of runs that have ended, open or sealed; a tombstone is on the disk before.

The tombstones are an audit chain of their own in HOME/retention: which class of which run went, by which policy, how
many files and bytes, and one hash over them all, by which a copy can be known again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.history.warehouse import remember
from orchestrator.safekeeping.backup import JOURNAL
from orchestrator.safekeeping.resting import FOLDER, ended, runs_at, store_of
from orchestrator.safekeeping.retention import Aged, Days, Held, Removal, RetentionClass, class_of, due, removal
from orchestrator.safekeeping.sealed_store import KEPT, Manifest, SealedStore
from shared.durable import file_sha256
from shared.errors import NotAllowedError
from shared.units import Ns

TOMBSTONES: Final = "retention"
EVENT: Final = "run_files_removed"


def retire(home: Path, key_file: Path, days: Days, now_ns: int, *, apply: bool) -> list[Removal]:
    """What may go now, and with `apply` has gone. Runs that still run are passed over, and the newest always stays."""
    known = runs_at(home)
    store = store_of(home, key_file) if any(run.is_sealed for run in known) else None
    done = []
    for run, kind in due([Aged(run.name, run.ended_ns) for run in known], days, now_ns):
        with contextlib.suppress(NotAllowedError), _held(home, run.name):
            found = _retire(home, store, run, kind, days, now_ns, apply=apply)
            done += [] if found is None else [found]
    if store is not None and apply:
        with store.writing():
            store.clear()
    return done


def _retire(
    home: Path, store: SealedStore | None, run: Aged, kind: RetentionClass, days: Days, now_ns: int, *, apply: bool
) -> Removal | None:
    manifest = store.manifest(run.name) if store is not None and run.name in store.names() else None
    paths = [path for path, inside in _lying(home, run.name) if class_of(inside) is kind]
    files = {inside: _of(path, inside) for path, inside in _lying(home, run.name) if class_of(inside) is kind}
    if manifest is not None:
        files |= {
            inside: Held(inside, file.bytes, file.sha256)
            for file in manifest.files
            if class_of(inside := _inside(file.path, run.name)) is kind
        }
    if not files:
        return None
    gone = removal(run, kind, files.values(), days)
    if apply:
        remember(home / TOMBSTONES, Ns(now_ns), EVENT, msgspec.structs.asdict(gone))
        for path in paths:
            path.unlink()
        folder = home / "runs" / run.name
        if folder.is_dir() and not any(True for _ in _lying(home, run.name)):
            shutil.rmtree(folder)
        if manifest is not None and store is not None:
            _thin(home, store, manifest, kind, run)
    return gone


def _thin(home: Path, store: SealedStore, manifest: Manifest, kind: RetentionClass, run: Aged) -> None:
    """The sealed run without that class; its pieces go when nothing names them. It keeps its age."""
    left = tuple(file for file in manifest.files if class_of(_inside(file.path, run.name)) is not kind)
    path = home / FOLDER / KEPT / f"{run.name}.sealed"
    with store.writing():
        if not left:
            store.forget(run.name)
            return
        store.publish(msgspec.structs.replace(manifest, files=left), is_replacing=True)
        os.utime(path, ns=(run.ended_ns, run.ended_ns))


def _lying(home: Path, run: str) -> Iterator[tuple[Path, str]]:
    """The run's files that lie open, with their paths as classes know them."""
    folder = home / "runs" / run
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != f"{JOURNAL}.lock":
            yield path, path.relative_to(folder).as_posix()
    copy = home / "checkpoints" / f"{run}.jsonl"
    if copy.is_file():
        yield copy, f"checkpoints/{copy.name}"


def _inside(path: str, run: str) -> str:
    return path.removeprefix(f"runs/{run}/")


def _of(path: Path, inside: str) -> Held:
    return Held(inside, path.stat().st_size, file_sha256(path))


@contextlib.contextmanager
def _held(home: Path, run: str) -> Iterator[None]:
    """Inside, the run has ended; NotAllowedError if it has not."""
    folder = home / "runs" / run
    with ended(folder) if folder.is_dir() else contextlib.nullcontext():
        yield


def told(removals: Sequence[Removal]) -> str:
    """In a line."""
    size = sum(gone.bytes for gone in removals)
    return f"{len(removals)} classes of {len({gone.run for gone in removals})} runs, {size / 1e6:,.1f} MB"
