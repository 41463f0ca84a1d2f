"""EDGE: reads segments: their records, what is damaged, and whether a whole directory is what its writers wrote."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DataError
from shared.warehouse.capture.records import AnyRecord
from shared.warehouse.capture.scan import Bytes, Damage
from shared.warehouse.capture.segment import OPEN, SEALED
from shared.warehouse.capture.verdict import LogReport, LogVerdict, Report, assess, contents


def segments(directory: Path) -> list[Path]:
    """All segments in their order, the one that is being written last; DataError if the directory can't be read."""
    try:
        found = [path for path in directory.iterdir() if path.name.endswith((SEALED, OPEN))]
    except OSError as error:
        raise DataError(f"can't read {directory}: {error}") from error
    return sorted(found)


@contextmanager
def mapped(path: Path) -> Iterator[Bytes]:
    """The file's bytes without reading them all at once; DataError if it can't be read."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"can't read {path}: {error}") from error
    try:
        if not os.fstat(file).st_size:
            yield b""
            return
        with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as data:
            yield data
    finally:
        os.close(file)


def read(path: Path) -> Iterator[AnyRecord | Damage]:
    """The records of a segment in order, and between them what is damaged, so that nobody reads past it unknowing."""
    with mapped(path) as data:
        yield from contents(data)


def read_log(directory: Path) -> Iterator[AnyRecord | Damage]:
    """The records of all segments in order, damage between them; DataError if there is no segment."""
    found = segments(directory)
    if not found:
        raise DataError(f"there is no capture log in {directory}")
    for path in found:
        yield from read(path)


def verify(path: Path) -> Report:
    """What a segment holds, what it lost, and whether it is what its footer says."""
    with mapped(path) as data:
        return assess(path.name, data)


def verify_log(directory: Path, on_segment: Callable[[Report], None] = lambda _: None) -> LogReport:
    """Every segment's report, whether one is missing, and the account of every connection.

    `on_segment` hears each report as it is made, for a progress bar.
    """
    verdict = LogVerdict()
    for path in segments(directory):
        with mapped(path) as data:
            on_segment(verdict.take(path.name, data))
    return verdict.report()
