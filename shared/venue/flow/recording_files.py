"""EDGE: recordings on disk, read line by line, gzipped or plain."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from shared.errors import DataError
from shared.venue.flow.recorded import merged
from shared.venue.flow.recording import Record, records


def open_recordings(*paths: Path) -> Callable[[], Iterable[Record]]:
    """A source for `RecordedMarket` that reads the files anew each time; DataError if one is not there."""
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        raise DataError(f"no such recording: {', '.join(missing) or 'none was named'}")
    return merged(*(_source(path) for path in paths))


def recorded_frames(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line's receive time (ns) and frame as received; DataError for a line that is none."""
    for number, line in enumerate(_lines(path), start=1):
        stamp, _, frame = line.strip().partition(b" ")
        if not stamp.isdigit() or not frame:
            raise DataError(f"line {number} of {path}: expected a receive time and a frame, got {line[:80]!r}")
        yield int(stamp), frame


def _source(path: Path) -> Callable[[], Iterable[Record]]:
    return lambda: records(_lines(path))


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        yield from file
