"""EDGE: files that are there whole or not at all: written aside, synced, given their name, the folder synced."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

READ_ONLY: Final = 0o400
"""Of what is published: nobody writes to it any more."""


def sync_folder(folder: Path) -> None:
    """Names made, changed or removed in `folder` survive a power cut when this returns."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def make_folder(folder: Path) -> None:
    """The folder is there, and so will it be after a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def publish(aside: Path, final: Path) -> None:
    """The file written aside gets its final name, once its bytes are on the disk; from then on nobody writes to it."""
    aside.chmod(READ_ONLY)
    file = os.open(aside, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    make_folder(final.parent)
    aside.replace(final)
    sync_folder(final.parent)


def place(final: Path, chunks: Iterable[bytes], aside: Path, mode: int = READ_ONLY) -> None:
    """The file `final` holds the chunks, on the disk, never a part of them; its name waits for its folder to be synced.

    `aside` is where it is written first, on the same disk, for its owner alone; what lies there of a writer that died
    is removed.
    """
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        aside.replace(final)
    finally:
        aside.unlink(missing_ok=True)


def write(final: Path, data: bytes, aside: Path, mode: int = READ_ONLY) -> None:
    """The file `final` holds `data`, under its name, whatever happens from here on."""
    make_folder(aside.parent)
    make_folder(final.parent)
    place(final, [data], aside, mode)
    sync_folder(final.parent)


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
