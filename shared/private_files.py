"""EDGE: files that only their owner may read: read if they are, written whole or not at all, and destroyed."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from shared import durable
from shared.errors import ConfigError

SECRET_BYTES: Final = 32


def read_private(path: Path, bytes_max: int, what: str = "") -> bytes:
    """The content of a file that only its owner (we) can read; ConfigError if it is not, or larger.

    `what` it holds is said if it can't be read.
    """
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise ConfigError([f"{path} must be ours and 0600, it is {stat.S_IMODE(status.st_mode):04o}"])
            data = stream.read(bytes_max + 1)
    except OSError as error:
        raise ConfigError([f"cannot read {what}{' in ' if what else ''}{path}: {error.strerror}"]) from error
    if len(data) > bytes_max:
        raise ConfigError([f"expected at most {bytes_max} bytes in {path}"])
    return data


def write_private(path: Path, data: bytes) -> None:
    """The file holds `data`, whole or not at all, 0600 from its first moment, on the disk when this returns."""
    try:
        # two processes may write the same file: each writes its own aside
        durable.write(path, data, path.with_name(f"{path.name}.{os.getpid()}.part"), 0o600)
    except OSError as error:
        raise ConfigError([f"cannot write {path}: {error.strerror}"]) from error


def make_private(path: Path, data: bytes) -> None:
    """The same in a file that is not there yet; ConfigError if it is."""
    _write(path, data, os.O_EXCL)


def make_secret(path: Path) -> None:
    """A fresh secret lies in the file, readable by its owner only, from its first moment; an existing one stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        _add(path, secrets.token_bytes(SECRET_BYTES), os.O_EXCL)


def make_private_folders(*folders: Path) -> None:
    """The folders are there and only their owner may look; ConfigError where a link or somebody else's is."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except FileExistsError as error:
            raise ConfigError([f"expected a folder of ours at {folder}, there is something else"]) from error
        found = folder.lstat()
        # one of them lies in the system's temporary folder, where others can make what we would find there
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid():
            raise ConfigError(
                [f"expected a folder of ours at {folder}, it is a link or belongs to user {found.st_uid}"]
            )
        folder.chmod(0o700)


def append_private(path: Path, data: bytes) -> None:
    """Add to the file's end, 0600, on the disk when this returns."""
    _write(path, data, os.O_APPEND)


def destroy(path: Path) -> None:
    """The file is gone, and its blocks were overwritten once, where the file system writes in place."""
    try:
        with path.open("r+b") as stream:
            stream.write(bytes(os.fstat(stream.fileno()).st_size))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()
        durable.sync_folder(path.parent)
    except OSError as error:
        raise ConfigError([f"cannot destroy {path}: {error.strerror}"]) from error


def _write(path: Path, data: bytes, flags: int) -> None:
    try:
        _add(path, data, flags)
    except OSError as error:
        raise ConfigError([f"cannot write {path}: {error.strerror}"]) from error


def _add(path: Path, data: bytes, flags: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        if os.write(file, data) != len(data):
            raise ConfigError([f"cannot write {path}: the disk is full"])
        os.fsync(file)
    finally:
        os.close(file)
    durable.sync_folder(path.parent)
