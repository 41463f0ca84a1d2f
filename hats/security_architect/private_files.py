"""EDGE: files that only their owner may read: read if they are, written whole or not at all, and destroyed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from shared.errors import ConfigError


def read_private(path: Path, bytes_max: int) -> bytes:
    """The content of a file that only its owner (we) can read; ConfigError if it is not, or larger."""
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise ConfigError([f"{path} must be ours and 0600, it is {stat.S_IMODE(status.st_mode):04o}"])
            data = stream.read(bytes_max + 1)
    except OSError as error:
        raise ConfigError([f"cannot read {path}: {error.strerror}"]) from error
    if len(data) > bytes_max:
        raise ConfigError([f"expected at most {bytes_max} bytes in {path}"])
    return data


def write_private(path: Path, data: bytes) -> None:
    """Write the file whole or not at all, 0600, on the disk when this returns."""
    beside = path.with_name(path.name + ".tmp")
    beside.unlink(missing_ok=True)  # of a process that died at it
    _write(beside, data, os.O_EXCL)
    beside.replace(path)
    _sync_folder(path.parent)


def append_private(path: Path, data: bytes) -> None:
    """Add to the file's end, 0600, on the disk when this returns."""
    _write(path, data, os.O_APPEND)
    _sync_folder(path.parent)


def destroy(path: Path) -> None:
    """The file is gone, and its blocks were overwritten once, where the file system writes in place."""
    try:
        with path.open("r+b") as stream:
            stream.write(bytes(os.fstat(stream.fileno()).st_size))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise ConfigError([f"cannot destroy {path}: {error.strerror}"]) from error


def _write(path: Path, data: bytes, flags: int) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
        try:
            if os.write(file, data) != len(data):
                raise ConfigError([f"cannot write {path}: the disk is full"])
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise ConfigError([f"cannot write {path}: {error.strerror}"]) from error


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
