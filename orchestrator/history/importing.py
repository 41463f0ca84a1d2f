"""EDGE: brings files of history into the warehouse: one file, one batch, once; lz4 frames, gzip or plain, line by line.

What can't be read is counted by its reason and kept with its line's number in `bad_frames`; it stops nothing. A file
that is itself cut or damaged is refused whole, so that its whole copy can be imported later without doubling a row.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from hats.exchange_architect import public_archive
from hats.exchange_architect.archive import ArchiveReader
from hats.exchange_architect.public_archive import LineReader, Said
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import UNREADABLE
from orchestrator.history.binance_lines import BinanceLines
from shared import durable
from shared.errors import DataError
from shared.instrument import Instrument
from shared.messages.market import UniverseUpdate
from shared.units import Ns
from shared.warehouse.manifest import Batch, Input, Lineage
from shared.warehouse.store import Publication, Writing
from shared.warehouse.tables import BadFrameRow, Origin, Row

PROBLEMS_NAMED: Final = 20
"""So many unreadable things are named in a batch's manifest; all are rows of `bad_frames`."""
LINE_BYTES_MAX: Final = 16 << 20
_CHUNK: Final = 1 << 20


class Kind(StrEnum):
    """What a file holds, line by line."""

    FRAMES = "frames"
    L2BOOK = "l2book"
    FILLS = "fills"
    TRADES = "trades"
    CONTEXTS = "contexts"
    BINANCE = "binance"


def line_reader(kind: Kind, instruments: tuple[Instrument, ...]) -> LineReader:
    """How the lines of one file are read, in the units of these instruments."""
    universe = Universe()
    universe.learn(UniverseUpdate(instruments, 0, 0, Ns(0)))
    reader = ArchiveReader()
    reader.learn(instruments)

    def frame(data: bytes, recv_ns: Ns) -> tuple[list[Row], list[str]]:
        reading = reader.read(data, recv_ns)
        return list(reading.rows), [one.reason for one in reading.unread]

    match kind:
        case Kind.FRAMES:
            return public_archive.frames(frame)
        case Kind.L2BOOK:
            return public_archive.l2book(frame)
        case Kind.FILLS:
            return public_archive.fills(universe)
        case Kind.TRADES:
            return public_archive.trades(universe)
        case Kind.CONTEXTS:
            return public_archive.contexts(universe)
        case Kind.BINANCE:
            return BinanceLines({instrument.coin: instrument for instrument in instruments})


def import_file(
    kind: Kind,
    path: Path,
    instruments: tuple[Instrument, ...],
    writing: Writing,
    code: str,
    advance: Callable[[float], None] = lambda _: None,
) -> Batch | None:
    """The batch that the file became; None if the very same file was imported before.

    DataError if the file is cut or damaged: nothing of it is published then. `advance` is told bytes of the file.
    """
    digest = durable.file_sha256(path)
    name = f"import-{kind}-{digest[:16]}"
    if name in writing.store.known():
        return None
    lineage = Lineage((Input(path.name, digest, path.stat().st_size, kind),), code, {"kind": kind})
    with writing.publication(name, "import", lineage) as publication:
        fold = _Fold(kind, line_reader(kind, instruments), publication)
        try:
            with _opened(path) as (raw, stream):
                at = 0
                for line in _lines(stream):
                    fold.take(line)
                    advance(raw.tell() - at)
                    at = raw.tell()
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is cut or damaged; nothing of it was imported: {error}") from error
        return publication.publish(*fold.finish())


class _Fold:
    """The lines of one file into one publication."""

    def __init__(self, kind: Kind, read: LineReader, publication: Publication) -> None:
        self._kind = kind
        self._read = read
        self._publication = publication
        self._origin = Origin(f"import:{kind}")
        self._counts: Counter[str] = Counter()
        self._strangers: Counter[str] = Counter()
        self._problems: list[str] = []
        self._number = 0
        self._ns = 0

    def take(self, line: bytes | None) -> None:
        """One line; None: it is longer than any that we take."""
        self._number += 1
        self._counts["lines"] += 1
        if line is None:
            self._bad(f"a line of more than {LINE_BYTES_MAX} bytes", b"", 0)
            return
        if not line.strip():
            self._counts["empty"] += 1
            return
        try:
            said = self._read(line.rstrip(b"\r\n"))
        except UNREADABLE as error:
            self._bad(str(error), line, 0)
            return
        self._put(said)

    def finish(self) -> tuple[dict[str, int], tuple[str, ...]]:
        """What became of everything, and what was wrong."""
        for coin, count in sorted(self._strangers.items()):
            self._problems.append(f"{coin[:40]} is not listed: {count} entries left out")
        return dict(self._counts), tuple(self._problems)

    def _put(self, said: Said) -> None:
        self._ns = said.ns or self._ns
        entry = 0
        for row in said.rows:
            self._publication.add(row, self._origin._replace(seq=self._number, entry=entry))
            entry += 1
        for one in said.unread:
            self._bad(one.reason, one.data, entry)
            entry += 1
        self._strangers.update(said.strangers)
        self._counts["rows"] += len(said.rows)
        self._counts["passed"] += said.passed
        self._counts["not_listed"] += len(said.strangers)

    def _bad(self, reason: str, data: bytes, entry: int) -> None:
        self._counts["unread"] += 1
        if self._counts["unread"] <= PROBLEMS_NAMED:
            self._problems.append(f"line {self._number}: {reason}")
        row = BadFrameRow(self._ns, self._kind, None, reason, data)
        self._publication.add(row, self._origin._replace(seq=self._number, entry=entry))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], Any]]:
    """The file as it is, and what is in it. LZ4 frames are read by pyarrow, which has the codec."""
    with path.open("rb") as raw:
        match path.suffix:
            case ".lz4":
                with pa.CompressedInputStream(raw, "lz4") as stream:
                    yield raw, stream
            case ".gz":
                with gzip.open(raw, "rb") as stream:
                    yield raw, stream
            case _:
                yield raw, raw


def _lines(stream: Any) -> Iterator[bytes | None]:
    """Every line; None in the place of one that is too long to be held."""
    held, is_too_long = io.BytesIO(), False
    while chunk := stream.read(_CHUNK):
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            line = held.getvalue() + piece
            yield None if is_too_long or len(line) > LINE_BYTES_MAX else line
            held, is_too_long = io.BytesIO(), False
        if held.tell() + len(rest) > LINE_BYTES_MAX:
            held, is_too_long = io.BytesIO(), True
        else:
            held.write(rest)
    if is_too_long:
        yield None
    elif held.tell():
        yield held.getvalue()
