"""EDGE: files that are there whole or not at all: written aside, synced, given their name, the folder synced."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


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
    aside.chmod(0o400)
    file = os.open(aside, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    make_folder(final.parent)
    aside.replace(final)
    sync_folder(final.parent)


def write(final: Path, data: bytes, aside: Path) -> None:
    """The file `final` holds `data`; never a part of it. `aside` is where it is written first, on the same disk."""
    make_folder(aside.parent)
    with aside.open("wb") as file:
        file.write(data)
    publish(aside, final)


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
