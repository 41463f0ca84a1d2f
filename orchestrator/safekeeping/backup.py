"""EDGE: backs up a home folder while its desk runs: what is taken, in which order, and how it stays consistent.

What a later file refers to was taken before it: heads and checkpoints, then the logs that they are about, then the
journals, so that every record in a restored audit log is in the restored journal too. A journal is taken by SQLite's
backup, which is one moment of it. What a lock keeps from us (the signer's nonces) is copied beside its writer.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from orchestrator.machine.build import this_build
from orchestrator.safekeeping.database_copy import copy_sqlite
from orchestrator.safekeeping.sealed_store import KeptFile, KeptRun, Manifest, OnFile, Put, SealedStore
from shared.errors import ConfigError, JournalError, NotRunning, Unanswered

SEAL_KEY: Final = "at-rest.key"
"""Name of the key's file; it is in no backup, for whoever had the backup would have the key."""
JOURNAL: Final = "journal.sqlite"
ATTEMPTS: Final = 5

_LEFT_OUT: Final = (
    "*.lock", ".lock", "*-wal", "*-shm", "*.part", "*.tmp", "*.hlog.open", "*.password", SEAL_KEY, "hub.json",
    "ray_token", "current.json", "reserve",
)  # fmt: skip
_LEFT_OUT_OF_RUNS: Final = tuple(name for name in _LEFT_OUT if name != "*.hlog.open")
"""Of a run that has ended, the segment that it was writing is what is left of it."""
_ASIDE: Final = ".backup-"
_FOLDERS_LEFT_OUT: Final = frozenset({"aside", "sockets", "backups", "ray"})
_FIRST: Final = ("*.head.json", "*.checkpoints.jsonl", "checkpoints/*.jsonl", "warehouse/batches/*")
_LAST: Final = ("*.sqlite",)


class Copied(NamedTuple):
    """What a backup came to."""

    manifest: Manifest
    new_bytes: int


def seal_key_path(home: Path, named: Path | None) -> Path:
    """Where the key of files at rest is: the file named in the settings, else in the home folder's keys."""
    return named or home / "keys" / SEAL_KEY


def back_up(home: Path, store: SealedStore, key_file: Path, on_file: OnFile = lambda _: None) -> Copied:
    """Take in everything below `home`. Unanswered if it never stood still for us, or if another backup is under way.

    The store must not lie where it would take in itself: below `home` only as `backups`. Files whose size and time are
    those of the newest backup are not read again.
    """
    with store.writing():
        names = store.names()
        known = {file.path: file for file in store.manifest(names[-1]).files} if names else {}
        ns = time.time_ns()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(ns // 1_000_000_000))
        return _tried(home, store, key_file, on_file, known, f"{stamp}.{ns // 1_000_000 % 1_000:03d}Z", ns)


def thin_out(store: SealedStore, keep: int) -> int:
    """Remove all backups but the newest `keep` (one at least) and the pieces that none names; how many backups went."""
    with store.writing():
        old = store.names()[: -max(keep, 1)]
        for name in old:
            store.forget(name)
        if old:
            store.clear()
    return len(old)


def keep_run(home: Path, run: str, store: SealedStore, key_file: Path, on_file: OnFile = lambda _: None) -> Copied:
    """Take in one run that has ended, under its own name; DataError if that is there already."""
    with store.writing():
        return _tried(home, store, key_file, on_file, {}, run, time.time_ns(), run)


def _tried(
    home: Path,
    store: SealedStore,
    key_file: Path,
    on_file: OnFile,
    known: Mapping[str, KeptFile],
    name: str,
    ns: int,
    only: str | None = None,
) -> Copied:
    if not home.is_dir():
        raise NotRunning(f"there is nothing to back up: {home} is no folder")
    for left in home.glob(f"{_ASIDE}*"):
        shutil.rmtree(left)  # a backup that was killed
    for _ in range(ATTEMPTS):
        try:
            with tempfile.TemporaryDirectory(prefix=_ASIDE, dir=home) as aside:
                taken = _Taking(home, store, Path(aside), known, key_file)
                for path in sources(home, only):
                    on_file(taken.take(path))
        except FileNotFoundError:
            continue  # removed by a retention or compaction meanwhile; what was taken is not taken twice
        manifest = Manifest(name, ns, this_build().id, tuple(taken.runs), tuple(taken.files))
        store.publish(manifest)
        return Copied(manifest, taken.new_bytes)
    raise Unanswered(f"{home} changed too fast: {ATTEMPTS} times a file was gone before it was taken")


class _Taking:
    """One pass over the files."""

    def __init__(
        self, home: Path, store: SealedStore, aside: Path, known: Mapping[str, KeptFile], key_file: Path
    ) -> None:
        self.files: list[KeptFile] = []
        self.runs: list[KeptRun] = []
        self.new_bytes = 0
        self._home, self._store, self._aside, self._known = home, store, aside, known
        self._key = key_file.stat()

    def take(self, path: Path) -> KeptFile:
        inside = path.relative_to(self._home).as_posix()
        if os.path.samestat(path.stat(), self._key):
            raise ConfigError([f"{path} is the key of files at rest: name it {SEAL_KEY}, or keep it elsewhere"])
        put = self._database(path, inside) if path.suffix == ".sqlite" else self._file(path, inside)
        self.files.append(put.file)
        self.new_bytes += put.new_bytes
        return put.file

    def _file(self, path: Path, inside: str) -> Put:
        status, known = path.stat(), self._known.get(inside)
        if known is not None and (known.bytes, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return Put(known, 0)
        return _put(self._store, path, inside)

    def _database(self, path: Path, inside: str) -> Put:
        copy = self._aside / "copy.sqlite"
        copy_sqlite(path, copy)
        if path.name == JOURNAL:
            self.runs.append(_run_of(path.parent.name, copy))
        return _put(self._store, copy, inside, path.stat())  # the original's age


def sources(home: Path, only: str | None = None) -> Iterator[Path]:
    """The files to take, in their order."""
    left_out = _LEFT_OUT if only is None else _LEFT_OUT_OF_RUNS
    found = sorted(path for path in _walk(home, home, only) if not any(path.match(name) for name in left_out))

    def rank(path: Path) -> int:
        inside = path.relative_to(home)
        return (
            0 if any(inside.match(each) for each in _FIRST) else 2 if any(inside.match(each) for each in _LAST) else 1
        )

    return iter(sorted(found, key=rank))


def _walk(home: Path, folder: Path, only: str | None) -> Iterator[Path]:
    for path in folder.iterdir():
        inside = path.relative_to(home)
        if only is not None and not _leads_to(inside, only):
            continue
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            if path.name not in _FOLDERS_LEFT_OUT and not path.name.startswith("."):
                yield from _walk(home, path, only)
        elif stat.S_ISREG(status.st_mode):
            yield path


def _leads_to(inside: Path, run: str) -> bool:
    """Is this path on the way to the run's folder, in it, or the signer's copy of its checkpoints?"""
    parts = inside.parts
    return (
        parts == ("runs",) or parts[:2] == ("runs", run) or parts in {("checkpoints",), ("checkpoints", f"{run}.jsonl")}
    )


def _put(store: SealedStore, path: Path, inside: str, status: os.stat_result | None = None) -> Put:
    with path.open("rb") as file:
        now = os.fstat(file.fileno())
        size = now.st_size if path.suffix != ".jsonl" else _whole_lines(path, now.st_size)
        return store.put(file, inside, status or now, size)


def _whole_lines(path: Path, size: int) -> int:
    """How many of the first `size` bytes are whole lines: somebody may be in the middle of one."""
    with path.open("rb") as file:
        end = size
        while end:
            start = max(end - 65_536, 0)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                return start + at + 1
            end = start
    return 0


def _run_of(name: str, journal: Path) -> KeptRun:
    db = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    try:
        asked = "SELECT (SELECT coalesce(max(seq), 0) FROM messages), (SELECT coalesce(max(n), 0) FROM handled), "
        asked += "(SELECT coalesce(max(epoch), 0) FROM epochs)"
        return KeptRun(name, *db.execute(asked).fetchone())
    except sqlite3.Error as error:
        raise JournalError(f"the journal of {name} can't be read: {error}") from error
    finally:
        db.close()
