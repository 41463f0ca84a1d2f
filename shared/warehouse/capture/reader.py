"""EDGE: reads segments: their records, what is damaged, and whether a whole directory is what its writers wrote."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DataError
from shared.sealing import FILE_MARKER, SealKey, unseal_chunks
from shared.warehouse.capture.records import AnyRecord
from shared.warehouse.capture.scan import Bytes, Damage
from shared.warehouse.capture.segment import OPEN, PURPOSE, SEALED
from shared.warehouse.capture.verdict import LogReport, LogVerdict, Report, assess, contents


def segments(directory: Path) -> list[Path]:
    """All segments in their order, the one that is being written last; DataError if the directory can't be read."""
    try:
        found = [path for path in directory.iterdir() if path.name.endswith((SEALED, OPEN))]
    except OSError as error:
        raise DataError(f"can't read {directory}: {error}") from error
    return sorted(found)


def is_encrypted(path: Path) -> bool:
    """Does the segment lie encrypted?"""
    with path.open("rb") as file:
        return file.read(len(FILE_MARKER)) == FILE_MARKER


@contextmanager
def mapped(path: Path, key: SealKey | None = None) -> Iterator[Bytes]:
    """The segment's bytes, without reading them all at once unless they are encrypted with `key`.

    DataError if it can't be read, was encrypted with another key, or is not as it was encrypted.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"can't read {path}: {error}") from error
    try:
        if not os.fstat(file).st_size:
            yield b""
            return
        with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as data:
            yield data if data[: len(FILE_MARKER)] != FILE_MARKER else _plain(path, data, key)
    finally:
        os.close(file)


def _plain(path: Path, data: mmap.mmap, key: SealKey | None) -> bytes:
    if key is None:
        raise DataError(f"{path} is encrypted: set at_rest.mode, and have its key")
    return b"".join(unseal_chunks(key.derive(PURPOSE), path.name, data))


def read(path: Path, key: SealKey | None = None) -> Iterator[AnyRecord | Damage]:
    """The records of a segment in order, and between them what is damaged, so that nobody reads past it unknowing."""
    with mapped(path, key) as data:
        yield from contents(data)


def read_log(directory: Path, key: SealKey | None = None) -> Iterator[AnyRecord | Damage]:
    """The records of all segments in order, damage between them; DataError if there is no segment."""
    found = segments(directory)
    if not found:
        raise DataError(f"there is no capture log in {directory}")
    for path in found:
        yield from read(path, key)


def verify(path: Path, key: SealKey | None = None) -> Report:
    """What a segment holds, what it lost, and whether it is what its footer says."""
    with mapped(path, key) as data:
        return assess(path.name, data)


def verify_log(
    directory: Path, on_segment: Callable[[Report], None] = lambda _: None, key: SealKey | None = None
) -> LogReport:
    """Every segment's report, whether one is missing, and the account of every connection.

    `on_segment` hears each report as it is made, for a progress bar.
    """
    verdict = LogVerdict()
    for path in segments(directory):
        with mapped(path, key) as data:
            on_segment(verdict.take(path.name, data))
    return verdict.report()
