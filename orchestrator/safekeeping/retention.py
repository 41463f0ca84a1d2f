"""How long what a run leaves is kept, by class, and what may go now. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import msgspec

from shared.units import DAY


class RetentionClass(StrEnum):
    """What is kept alike: frames, the processes' words, the run's one truth with its reports, and its audit log."""

    CAPTURES = "captures"
    LOGS = "logs"
    JOURNAL = "journal"
    AUDIT = "audit"


Days = Mapping[RetentionClass, float]
"""How long each class is kept after its run ended; a class that is not in it is kept for ever."""

_FOLDERS: Final = {"capture": RetentionClass.CAPTURES, "logs": RetentionClass.LOGS}


class Aged(NamedTuple):
    """A run by name and when it ended."""

    name: str
    ended_ns: int


class Held(msgspec.Struct, frozen=True):
    """A file of a run: its path in the run's folder (checkpoints/RUN.jsonl for the signer's copy), size and hash."""

    path: str
    bytes: int
    sha256: str


class Removal(msgspec.Struct, frozen=True):
    """One class of one run that goes: how many files, how large, and one hash over all their paths and hashes."""

    run: str
    kind: RetentionClass
    ended_ns: int
    days: float
    files: int
    bytes: int
    sha256: str


def class_of(path: str) -> RetentionClass:
    """The class of a file by its path in the run's folder; what is not named otherwise belongs to the journal."""
    first = PurePosixPath(path).parts[0]
    if first.startswith("audit.") or first == "checkpoints":
        return RetentionClass.AUDIT
    return _FOLDERS.get(first, RetentionClass.JOURNAL)


def due(runs: Sequence[Aged], days: Days, now_ns: int) -> list[tuple[Aged, RetentionClass]]:
    """Which classes of which runs may go, the oldest run first. Nothing of the newest run ever goes."""
    newest = max(runs, key=lambda run: (run.ended_ns, run.name), default=None)
    return [
        (run, kind)
        for run in sorted(runs, key=lambda run: (run.ended_ns, run.name))
        for kind in RetentionClass
        if run is not newest and kind in days and now_ns - run.ended_ns > days[kind] * DAY
    ]


def removal(run: Aged, kind: RetentionClass, files: Iterable[Held], days: Days) -> Removal:
    """The tombstone of these files."""
    held = sorted(files, key=lambda file: file.path)
    total = hashlib.sha256()
    for file in held:
        total.update(f"{file.sha256} {file.path}\n".encode())
    size = sum(file.bytes for file in held)
    return Removal(run.name, kind, run.ended_ns, days[kind], len(held), size, total.hexdigest())
