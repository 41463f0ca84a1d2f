"""Proves from the tables alone that frames captured and frames in declared gaps are all frames of a connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.warehouse.capture.ranges import Ranges
from shared.warehouse.manifest import Covered

_COLUMNS = ("session", "socket", "epoch")


class Connection(NamedTuple):
    """Which connection of which log."""

    source: str
    session: int
    socket: int
    epoch: int


class _Tally:
    """What is known of one connection."""

    def __init__(self) -> None:
        self.seen = Ranges()
        self.doubled = 0
        self.first = 0
        self.last: int | None = None
        self.is_closed = False
        self.is_tail_declared = False


class Accounts:
    """A fold over the row groups of `frames`, `gaps` and `connections`, in any order."""

    def __init__(self) -> None:
        self._tallies: dict[Connection, _Tally] = {}

    @property
    def connections(self) -> int:
        """How many connections were seen."""
        return len(self._tallies)

    def retired(self, source: str, covered: tuple[Covered, ...]) -> None:
        """Take in what a batch that retention removed had or declared."""
        for one in covered:
            tally = self._tally(source, one.session, one.socket, one.epoch)
            tally.doubled += tally.seen.add(one.first_seq, one.last_seq)

    def add(self, table: str, rows: Any) -> None:
        """Take in rows of one of the three tables."""
        match table:
            case "frames":
                self._frames(rows)
            case "gaps":
                self._gaps(rows.to_pylist())
            case "connections":
                self._connections(rows.to_pylist())

    def _frames(self, rows: Any) -> None:
        """Frames come in runs of consecutive numbers; only the runs are walked over in Python."""
        sources = rows["source"].cast(pa.string())
        for source in sources.unique().to_pylist():
            mine = rows.filter(pc.equal(sources, source))
            columns = [mine[name].to_numpy() for name in (*_COLUMNS, "seq")]
            order = np.lexsort(columns[::-1])
            session, socket, epoch, seq = (column[order] for column in columns)
            is_break = (np.diff(session) != 0) | (np.diff(socket) != 0) | (np.diff(epoch) != 0) | (np.diff(seq) != 1)
            starts = np.concatenate([[0], np.flatnonzero(is_break) + 1])
            ends = np.concatenate([starts[1:] - 1, [len(seq) - 1]])
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                tally = self._tally(source, int(session[start]), int(socket[start]), int(epoch[start]))
                tally.doubled += tally.seen.add(int(seq[start]), int(seq[end]))

    def _gaps(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["epoch"] == 0:
                continue  # of the log; what it cost each connection is declared beside it
            tally = self._tally(row["source"], row["session"], row["socket"], row["epoch"])
            if row["last_seq"]:
                tally.doubled += tally.seen.add(row["first_seq"], row["last_seq"])
            elif row["first_seq"]:
                tally.is_tail_declared = True

    def _connections(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["event"] == "writer_died":
                continue
            tally = self._tally(row["source"], row["session"], row["socket"], row["epoch"])
            if row["event"] == "closed":
                tally.is_closed, tally.last = True, row["last_seq"]

    def _tally(self, source: str, session: int, socket: int, epoch: int) -> _Tally:
        return self._tallies.setdefault(Connection(source, session, socket, epoch), _Tally())

    def faults(self) -> Iterator[tuple[str, str]]:
        """(connection, what is wrong) of every account that does not add up.

        A connection that is open, in a log that goes on, is judged up to its last frame.
        """
        for connection, tally in sorted(self._tallies.items()):
            name = "{}/session {}/socket {}/epoch {}".format(*connection)
            end = max(tally.seen.last, tally.last or 0)
            missing = tally.seen.missing(1, end) if end else []
            if missing:
                shown = ", ".join(f"{first} to {last}" for first, last in missing[:5])
                frames = sum(last - first + 1 for first, last in missing)
                yield name, f"{frames} frames are neither here nor declared: {shown}"
            if tally.doubled:
                yield name, f"{tally.doubled} frames are here or declared twice"
            if tally.last is not None and tally.seen.last > tally.last:
                yield name, f"it was closed after {tally.last} frames, and there are {tally.seen.last}"
            if tally.is_closed and tally.last is None and not tally.is_tail_declared:
                yield name, "it was closed after nobody knows how many frames, and no gap says so"
